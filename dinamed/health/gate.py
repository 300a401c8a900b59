"""A limit on how many probes run at once."""

from collections import deque
from collections.abc import Callable


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
