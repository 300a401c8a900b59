"""The round trips that a server was told in the last minutes, for other servers.

What is heard of other servers is not among them: so nothing is told in circles.
"""

from collections import OrderedDict
from collections.abc import Iterator

from dinamed.steering.recent import when, with_sample

MOST_RECENT = 4096
"""Pairs of a network and a member that are kept; at about 20 octets each when told."""

RECENTLY = 600.0
"""Seconds for which a sample is kept."""

SAMPLES = 4
"""Samples of a pair, those of the most recent times."""

Pair = tuple[bytes, tuple[str, str]]
"""A network, and the pool and member."""


class RecentRoundTrips:
    """Cells as `recent` makes them, by pair; those that got no sample for long go."""

    def __init__(self) -> None:
        self._cells: OrderedDict[Pair, bytes] = OrderedDict()

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self._cells)

    def add(
        self, network: bytes, key: tuple[str, str], ms: float, times: int, at: float
    ) -> None:
        """Take a sample that counts so many times, of the Unix time `at`."""
        pair = network, key
        kept = self._cells.pop(pair, b"")
        if at - when(kept) > RECENTLY:
            kept = b""
        self._cells[pair] = with_sample(kept, ms, times, at, SAMPLES)
        if len(self._cells) > MOST_RECENT:
            self._cells.popitem(last=False)

    def fresh(self, now: float) -> Iterator[tuple[Pair, bytes]]:
        """The cells with a sample that is not too old; the others are forgotten."""
        for pair in [p for p, c in self._cells.items() if now - when(c) > RECENTLY]:
            del self._cells[pair]
        yield from tuple(self._cells.items())
