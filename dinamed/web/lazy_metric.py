"""Metrics whose samples are made while they are read, some at a time.

There may be ten thousand members and a hundred thousand zones, and making all their
lines at once would keep answers waiting.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from prometheus_client import Metric
from prometheus_client.samples import Sample

Piece = list[Sample]

PIECE = 64
"""Members or zones that are looked at together."""


class LazyMetric(Metric):
    """A metric whose samples are made while they are read."""

    def __init__(
        self, name: str, about: str, kind: str, pieces: Callable[[], Iterator[Piece]]
    ) -> None:
        self._make: Callable[[], Iterator[Piece]] | None = None
        super().__init__(name, about, kind)
        self._make = pieces

    def pieces(self) -> Iterator[Piece]:
        """The samples of some members, then those of some more; a few may have none."""
        return self._make() if self._make is not None else iter(())

    @property  # type: ignore[override]
    def samples(self) -> Iterable[Sample]:
        """All samples; another pass makes them anew."""
        return chain.from_iterable(self.pieces())

    @samples.setter
    def samples(self, _: object) -> None:
        """The base class begins with an empty list."""


def in_pieces(samples: Callable[[], Iterator[Sample]]) -> Callable[[], Iterator[Piece]]:
    """The pieces of samples that come one after the other."""

    def pieces() -> Iterator[Piece]:
        rest = samples()
        while piece := list(islice(rest, PIECE)):
            yield piece

    return pieces
