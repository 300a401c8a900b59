"""How many clients leases have brought to a member, and how many of them stay.

While leases are in force, clients come at the sum of their rates, and each stays for
`duration` seconds on average, the longer the less likely.  So of those that came at
one rate for d seconds, rate * D * (1 - exp(-d/D)) are there in the end.

A report says how many are there at the time for which it holds, which may be well
before the time at which it comes in.  So marks are kept of the past: as many as
`MOST_MARKS`, closer to each other the younger they are needed to be.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import exp
from typing import NamedTuple

MOST_MARKS = 16
"""Marks of the past that are kept; every other one goes when there are more."""

FIRST_STEP = 1.0
"""Seconds between two marks, to begin with."""

_Mark = tuple[float, float]  # time, clients that had come by then


class Came(NamedTuple):
    """Clients that came up to some time, and how many of them were there then."""

    number: float
    present: float


class Arrivals:
    """The clients that came since the last report.

    `count` is how many came, `present` how many of them are there, `time` up to when
    both hold on the steady clock.
    """

    __slots__ = ("_marks", "_step", "count", "present", "time")

    def __init__(self) -> None:
        self.count = 0.0
        self.present = 0.0
        self.time = 0.0
        self._marks: list[_Mark] = []
        self._step = FIRST_STEP

    def advance(self, rate: float, time: float, duration: float) -> None:
        """Clients have come at that rate per second up to that time."""
        lapse = time - self.time
        if lapse <= 0.0:
            return
        if not self._marks:
            self._marks.append((self.time, self.count))
        if self.present or rate:
            left = exp(-lapse / duration)
            self.present = self.present * left + rate * duration * (1.0 - left)
        self.count += rate * lapse
        self.time = time
        if time - self._marks[-1][0] >= self._step:
            self._mark(time)

    def add(self, came: float, present: float) -> None:
        """So many came in the past, of whom so many are not in the last report."""
        self.count += came
        self.present += present

    def reported(self, measured: float, duration: float) -> Came:
        """Begin anew at that time; returns what there was up to it.

        A time that lies ahead of all that was counted counts as now.
        """
        marks = [*self._marks]
        if not marks or marks[-1][0] < self.time:
            marks.append((self.time, self.count))
        measured = min(measured, self.time)
        before = [mark for mark in marks if mark[0] <= measured]
        after = marks[len(before) :]
        start = before[-1] if before else marks[0]
        came = _between(start, after[0], measured) if after else start[1]
        then = measured, came
        self.present = _present([then, *after], duration)
        self._marks = [(measured, 0.0), *((at, total - came) for at, total in after)]
        self.count -= came
        self._step = FIRST_STEP
        self._thin()
        return Came(came, _present([*before, then], duration))

    def _mark(self, time: float) -> None:
        self._marks.append((time, self.count))
        self._thin()

    def _thin(self) -> None:
        """Let every other mark go when there are too many."""
        while len(self._marks) > MOST_MARKS:
            self._marks = self._marks[::2]
            self._step *= 2.0


def _between(first: _Mark, second: _Mark, time: float) -> float:
    """How many had come by a time between two marks."""
    lapse = second[0] - first[0]
    if lapse <= 0.0 or time <= first[0]:
        return first[1]
    return first[1] + (second[1] - first[1]) * (time - first[0]) / lapse


def _present(marks: Sequence[_Mark], duration: float) -> float:
    """How many are there at the last mark of those who came since the first."""
    present = 0.0
    for first, second in pairwise(marks):
        lapse = second[0] - first[0]
        if lapse > 0.0:
            left = exp(-lapse / duration)
            rate = (second[1] - first[1]) / lapse
            present = present * left + rate * duration * (1.0 - left)
    return present
