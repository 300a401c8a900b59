"""Replies of more than one message."""

from collections.abc import Iterator


class FirstOfMany(bytes):
    """The first message of a reply over a stream; `rest` makes the others.

    It goes as octets wherever one message is meant.
    """

    rest: Iterator[bytes]

    @classmethod
    def of(cls, messages: Iterator[bytes]) -> "FirstOfMany":
        """From all messages, of which there must be one."""
        first = cls(next(messages))
        first.rest = messages
        return first
