"""How late probes begin, as a distribution of bounded size."""

from itertools import accumulate

from dinamed.histogram import Histogram

BOUNDS = tuple(0.001 * 2**step for step in range(15))
"""Upper bounds of the buckets in seconds, 1 ms to 16 s; one more is above them all."""


class SchedulingLag(Histogram):
    """Counts of probes by how long after their due time they began."""

    __slots__ = ("largest",)

    def __init__(self) -> None:
        super().__init__(BOUNDS)
        self.largest = 0.0

    def add(self, seconds: float) -> None:
        """Count one probe."""
        late = max(0.0, seconds)
        super().add(late)
        self.largest = max(self.largest, late)

    def quantile(self, share: float) -> float:
        """The upper bound of the bucket within which `share` (0 to 1) of all fall.

        Never more than the largest seen; 0 when nothing was counted.
        """
        wanted: float = share * sum(self.counts)
        for bound, seen in zip(BOUNDS, accumulate(self.counts), strict=False):
            if seen >= wanted:
                return bound if bound < self.largest else self.largest
        return self.largest
