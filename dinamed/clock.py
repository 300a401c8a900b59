"""Two clocks: one for how long something lasts, one for what time of day it is.

Timers, ages and time limits go by the first, which nobody can set.  The second is for
what people and other hosts are told: the ends of orders, logs, signatures.  It may be
set at any time, by an hour or by decades, and nothing else must depend on that.
"""

import time
from collections.abc import Callable
from typing import Any

from dinamed.signals import Signal

Clock = Callable[[], float]
"""Tells seconds: Unix time, or since some moment."""

STEP = 0.5
"""Seconds from which a change of the time of day is told; less is taken for drift."""


class WallClock:
    """Tells Unix time, and those who are subscribed to `stepped` when it was set.

    They are told by how many seconds, as soon as anybody asks for the time, and before
    that one gets it.
    """

    def __init__(
        self,
        failed: Callable[[Exception], object],
        wall: Clock = time.time,
        steady: Clock = time.monotonic,
    ) -> None:
        self.stepped: Signal[[float]] = Signal(failed)
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def __call__(self) -> float:
        """Unix time in seconds."""
        now = self._wall()
        ahead = now - self._steady()
        by = ahead - self._ahead
        self._ahead = ahead
        if not -STEP < by < STEP:
            self.stepped.emit(by)
        return now


def make_steady(reactor: Any, steady: Clock = time.monotonic) -> None:
    """Have all timers of a reactor go by a clock that is never set.

    Twisted's go by the time of day: set back by an hour, none is due for an hour.
    """
    if abs(reactor.seconds() - time.time()) > 60:
        return  # it has another clock already
    now = reactor.seconds()
    waiting = [(call, call.getTime() - now) for call in reactor.getDelayedCalls()]
    reactor.seconds = steady
    for call, left in waiting:
        call.seconds = steady
        call.reset(max(0.0, left))
