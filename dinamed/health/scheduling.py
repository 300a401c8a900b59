"""The scheduling of probes: how many run at once, and how late they begin."""

from collections import deque
from collections.abc import Callable
from itertools import accumulate

from dinamed.histogram import Histogram

BOUNDS = tuple(0.001 * 2**step for step in range(15))
"""Upper bounds of the buckets in seconds, 1 ms to 16 s; one more is above them all."""


class ConcurrencyLimit:
    """Starts work in the order in which it came, at most `limit` at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Callable[[], None]] = deque()
        self._letting = False
        self.running = 0

    @property
    def waiting(self) -> int:
        """How much work waits for its turn."""
        return len(self._waiting)

    def enter(self, work: Callable[[], None]) -> None:
        """Call `work` when its turn comes; it must see to it that `leave` is called."""
        self._waiting.append(work)
        self._let()

    def leave(self) -> None:
        """Some work has ended."""
        self.running -= 1
        self._let()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def _let(self) -> None:
        # Work that ends at once calls back into here; a loop, lest it go deep.
        if self._letting:
            return
        self._letting = True
        try:
            while self._waiting and self.running < self._limit:
                self.running += 1
                self._waiting.popleft()()
        finally:
            self._letting = False


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
