"""Replies that take a while, and nobody waits for."""

from collections.abc import Callable

Take = Callable[[bytes], object]


class Later(bytes):
    """Stands for a reply that is still being made.

    It is no octets itself: whoever sends replies looks whether it has got one of these,
    and sends what it turns into.
    """

    def __init__(self) -> None:
        self.reply: bytes | None = None
        """What it has turned into."""
        self._takers: list[Take] = []

    def then(self, take: Take) -> None:
        """Have `take` called with the reply: once it is made, or now."""
        if self.reply is None:
            self._takers.append(take)
        else:
            take(self.reply)

    def settle(self, reply: bytes) -> None:
        """The reply is made.  What is told of it first may raise, the others not."""
        self.reply = reply
        takers, self._takers = self._takers, []
        for take in takers:
            take(reply)

    def changed(self, change: Callable[[bytes], bytes]) -> bytes:
        """With `change` made to the reply: at once where it is there."""
        if self.reply is not None:
            return change(self.reply)
        other = Later()
        self.then(lambda reply: other.settle(change(reply)))
        return other


def changed(reply: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A reply with a change made, now or when it is there."""
    return reply.changed(change) if isinstance(reply, Later) else change(reply)
