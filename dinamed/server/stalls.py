"""How long the reactor's turns take, and what ran in those that took too long.

In a turn the reactor does all that is due, one thing after another; whoever comes
meanwhile waits.  So what works long in one turn is a fault, and is named in the log.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.logger import Logger

LIMIT = 0.1
"""Seconds from which a turn is too long."""
REMEMBERED = 5
"""Minutes over which the longest turn is told."""
QUIET = 60.0
"""Seconds in which the same is not logged again."""
MOST_LINES = 20
"""Lines that are logged in so many seconds at all."""


class TurnMeter:
    """Takes the time of turns.  `clock` is a steady one."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.number = 0
        """Of the turn that goes on, or was the last."""
        self.began: float | None = None
        """When it began; None between two turns."""
        self.stalls = 0
        """Turns that were too long."""
        self._minutes: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)

    def begin(self) -> None:
        """A turn begins."""
        self.number += 1
        self.began = self._clock()

    def end(self) -> float:
        """The turn is over; how long it took."""
        began, self.began = self.began, None
        if began is None:
            return 0.0
        now = self._clock()
        took = now - began
        minute = int(now // 60)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, took))
        elif took > self._minutes[-1][1]:
            self._minutes[-1] = minute, took
        if took > LIMIT:
            self.stalls += 1
        return took

    @property
    def running(self) -> float:
        """How long the turn takes that goes on; 0 between two."""
        began = self.began
        return 0.0 if began is None else self._clock() - began

    @property
    def longest(self) -> float:
        """The longest turn of the last minutes, in seconds."""
        oldest = int(self._clock() // 60) - REMEMBERED
        took = (took for minute, took in self._minutes if minute > oldest)
        return max(took, default=0.0)


class TimedPoller:
    """In place of what a reactor waits with: what is not waiting is a turn."""

    def __init__(
        self, poller: Any, begin: Callable[[], object], end: Callable[[], object]
    ) -> None:
        self.poller = poller
        self._begin = begin
        self._end = end

    def poll(self, *arguments: Any) -> Any:
        """Wait as the other one does."""
        self._end()
        try:
            return self.poller.poll(*arguments)
        finally:
            self._begin()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.poller, name)


class StallService(Service):
    """Takes the time of a reactor's turns, and logs what ran in long ones.

    A thread looks now and then where the reactor is.  With a reactor that does not wait
    with a poller nothing is measured.
    """

    log = Logger()

    def __init__(self, reactor: Any, meter: TurnMeter) -> None:
        self._reactor = reactor
        self._meter = meter
        self._over = threading.Event()
        self._seen = (0, "")
        """The number of a turn, and what ran in it."""
        self._logged: dict[str, float] = {}

    def startService(self) -> None:
        """Begin to take the time."""
        super().startService()
        poller = getattr(self._reactor, "_poller", None)
        if not hasattr(poller, "poll"):
            return
        self._reactor._poller = TimedPoller(poller, self._meter.begin, self._end)
        self._over.clear()
        thread = threading.Thread(
            target=self._look,
            args=(threading.get_ident(),),
            name="dinamed-stalls",
            daemon=True,
        )
        thread.start()

    def stopService(self) -> None:
        """Leave the reactor as it was."""
        super().stopService()
        self._over.set()
        poller = getattr(self._reactor, "_poller", None)
        if isinstance(poller, TimedPoller):
            self._reactor._poller = poller.poller

    def _look(self, ident: int) -> None:
        """The life of the thread: see where long turns are."""
        while not self._over.wait(LIMIT / 2):
            meter = self._meter
            number = meter.number
            if meter.running > LIMIT and self._seen[0] != number:
                frame = sys._current_frames().get(ident)
                if meter.number == number and frame is not None:
                    self._seen = number, described(frame)

    def _end(self) -> None:
        took = self._meter.end()
        if took <= LIMIT:
            return
        number, what = self._seen
        if number != self._meter.number:
            what = "something that ended before anybody could look"
        if self._is_news(what):
            self.log.warn(
                "nothing else was done for {seconds:.2f} s: {what}",
                seconds=took,
                what=what,
            )

    def _is_news(self, what: str) -> bool:
        now = monotonic()
        self._logged = {
            told: at for told, at in self._logged.items() if now - at < QUIET
        }
        if what in self._logged or len(self._logged) >= MOST_LINES:
            return False
        self._logged[what] = now
        return True


def described(frame: FrameType | None) -> str:
    """What of ours runs, and for whom; `frame` is the innermost one."""
    ours: list[str] = []
    innermost = "" if frame is None else _place(frame)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("dinamed."):
            ours.append(_place(frame))
        frame = frame.f_back
    ours = [place for place in ours if not place.startswith(__name__)]
    if not ours:
        return innermost
    return ours[0] if len(ours) == 1 else f"{ours[0]}, for {ours[-1]}"


def _place(frame: FrameType) -> str:
    module = frame.f_globals.get("__name__", "?")
    return f"{module}.{frame.f_code.co_qualname} (line {frame.f_lineno})"
