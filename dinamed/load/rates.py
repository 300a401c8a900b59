"""From samples of counters to a rate, through resets and gaps."""

from collections import deque
from collections.abc import Mapping
from itertools import pairwise

from dinamed.config.feed_forms import MetricLabel

Series = tuple[MetricLabel, ...]

MAX_KEPT = 3601  # samples: one a second for the longest window


class CounterRate:
    """What some counters grow by in a second, all together, over a window of time.

    `window` is in seconds; 0 means from one sample to the next.  After more than
    `longest_gap` seconds without a sample it begins anew, for what was long ago says
    little of the present; so it does when the clock goes back.
    """

    def __init__(self, window: float, longest_gap: float) -> None:
        self._window = window
        self._longest_gap = longest_gap
        self._last: dict[Series, float] = {}
        self._grown: deque[tuple[float, float]] = deque(maxlen=MAX_KEPT)

    def add(self, at: float, values: Mapping[Series, float]) -> float | None:
        """Take a sample of each counter at that time; the rate, once there is one.

        There is none after the first sample, nor from a sample of the same time as
        the last one.  A counter that has fallen was reset and began at 0; one that is
        new says nothing yet.
        """
        if self._grown:
            gap = at - self._grown[-1][0]
            if gap == 0:
                return None
            known = any(series in self._last for series in values)
            if gap < 0 or gap > self._longest_gap or not known:
                self._grown.clear()
        if not self._grown:
            self._grown.append((at, 0.0))
        else:
            self._grown.append((at, self._growth(values)))
        self._last = dict(values)
        return self._rate()

    def _growth(self, values: Mapping[Series, float]) -> float:
        growth = 0.0
        for series, value in values.items():
            before = self._last.get(series)
            if before is not None:
                growth += value - before if value >= before else value
        return growth

    def _rate(self) -> float | None:
        """Growth between the newest sample and the oldest within the window."""
        newest = self._grown[-1][0]
        while len(self._grown) > 2 and newest - self._grown[1][0] >= self._window:
            self._grown.popleft()
        if len(self._grown) < 2:
            return None
        growth = sum(after[1] for _, after in pairwise(self._grown))
        return growth / (newest - self._grown[0][0])
