"""The question of a query (RFC 1035 section 4.1.2)."""

from typing import NamedTuple

from dinamed.wire.constants import HEADER_SIZE
from dinamed.wire.names import MAX_LABEL, MAX_NAME, WireName


class FormatError(ValueError):
    """The message breaks the format of RFC 1035 or RFC 6891."""


class Question(NamedTuple):
    """One question, its name both as sent and folded for look-ups."""

    name: WireName
    """As sent: replies echo it byte for byte (0x20)."""
    key: WireName
    """Lower case."""
    type: int
    class_: int

    @property
    def wire(self) -> bytes:
        """The question section."""
        return self.name + self.type.to_bytes(2, "big") + self.class_.to_bytes(2, "big")

    @property
    def end(self) -> int:
        """Offset in a message of the first octet after the question."""
        return HEADER_SIZE + len(self.name) + 4


def read_question(data: bytes) -> Question:
    """Read the question of a message whose QDCOUNT is 1.

    Compression has nothing to point to in a question, so a pointer is an error, as
    are the label types that RFC 6891 section 5 retired.  Raises `FormatError`.
    """
    end = skip_plain_name(data, HEADER_SIZE)
    if end + 4 > len(data):
        raise FormatError("question is cut off")
    name = data[HEADER_SIZE:end]
    return Question(
        name,
        name.lower(),
        int.from_bytes(data[end : end + 2], "big"),
        int.from_bytes(data[end + 2 : end + 4], "big"),
    )


def skip_plain_name(data: bytes, position: int) -> int:
    """The offset after an uncompressed name.  Raises `FormatError`."""
    start = position
    try:
        while length := data[position]:
            if length > MAX_LABEL:
                raise FormatError("label type other than a plain one")
            position += 1 + length
    except IndexError:
        raise FormatError("name is cut off") from None
    position += 1
    if position - start > MAX_NAME:
        raise FormatError("name longer than 255 octets")
    return position


def skip_name(data: bytes, position: int) -> int:
    """The offset after a name that may end in a compression pointer.

    The pointer is not followed, so a loop costs nothing.  Raises `FormatError`.
    """
    start = position
    try:
        while length := data[position]:
            if length >= 0xC0:
                data[position + 1]
                return position + 2
            if length > MAX_LABEL:
                raise FormatError("label type other than a plain one")
            position += 1 + length
            if position - start > MAX_NAME:
                raise FormatError("name longer than 255 octets")
    except IndexError:
        raise FormatError("name is cut off") from None
    return position + 1
