"""Counts of measurements by size, in buckets of fixed bounds."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate


class Histogram:
    """Counts how many values fall below each of `bounds`, which ascend.

    One more bucket is above them all.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        """The sum of all values."""

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each bound with the number of values up to it; the last bound is infinity."""
        bounds = (*self.bounds, float("inf"))
        return zip(bounds, accumulate(self.counts), strict=True)
