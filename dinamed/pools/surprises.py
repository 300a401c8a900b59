"""How far reports of load can be believed, as the surprises of a pool's reports show.

The surprise of a report is what it says less what was foreseen from the report before
and the arrivals since.  It is measured in what chance makes of so many arrivals and
departures (the root of their number, for they are Poisson processes), over all members
and the last `MEMORY` reports of each.  Two figures tell what reports are like: their
mean square V, and C, the mean product of a surprise and the next one of that member.

* Where reports are exact V is about 1, C about 0: they are believed as they are.
* An error of each report comes in once with one sign, and then with the other: C is
  less than 0, and -C is the mean square of the errors.  What is left of V is that of
  changes, and with their ratio q the best part of a surprise to believe is the gain of
  Kalman's filter, (sqrt(q * q + 4 * q) - q) / 2.
* Reports that are late and do not say so are surprised by what was done long ago: V is
  far above 1, and surprises go on with one sign, so that C comes near to V.  Then

    1 - exp(-lapse / SETTLED)

  of a surprise is believed, `lapse` seconds after the last report: what was foreseen
  holds for so long, and no swing can build up.
"""

from math import exp, sqrt
from typing import NamedTuple

MEMORY = 50.0
"""Reports of each member that are remembered."""

FEWEST = 10.0
"""Reports of each member before which all are believed."""

LOUD = 3.0
"""Mean square of surprises from which on reports may be late."""

LIKELY, CERTAIN = 0.5, 0.7
"""Part of it that goes on to the next surprise if lateness is likely, or certain."""

LEAST = 0.03
"""The least part of a surprise that is believed."""

SETTLED = 30.0
"""Seconds in which late reports move what is believed by two thirds of a surprise."""

SETTLED_PART = 0.1
"""Durations of a transfer that these are at most: what is foreseen of short ones goes
wrong sooner."""


class Growth(NamedTuple):
    """What lies between two reports of a member, `lapse` seconds apart.

    `arrivals` are the clients who came meanwhile, and `there` how many of them are
    there in the end.
    """

    before: float
    after: float
    arrivals: float
    there: float
    lapse: float

    def surprise(self, flow: float, duration: float) -> float:
        """The surprise, as a multiple of what chance makes of such a time.

        `flow` is the load of a transfer, of `duration` seconds on average.
        """
        left = exp(-self.lapse / duration)
        foreseen = self.before * left + flow * self.there
        events = self.arrivals + self.before / flow * (1.0 - left) + 1.0
        return (self.after - foreseen) / (flow * sqrt(max(1.0, events)))


class Surprises:
    """The surprises of the reports of a pool."""

    __slots__ = ("_products", "_seen", "_squares")

    def __init__(self) -> None:
        self._squares = 0.0
        self._products = 0.0
        self._seen = 0.0

    def add(self, surprise: float, before: float, members: int) -> None:
        """A report surprises so much, the one before it did so; of so many members."""
        part = 1.0 / min(self._seen + 1.0, MEMORY * max(1, members))
        self._squares += part * (surprise * surprise - self._squares)
        self._products += part * (surprise * before - self._products)
        self._seen += 1.0

    def believed(self, lapse: float, duration: float, members: int) -> float:
        """Which part of the surprise of a report is believed.

        It comes so long after the one before; transfers last for `duration` seconds.
        """
        if self._seen < FEWEST * members:
            return 1.0
        return min(self._of_noisy(), self._of_late(lapse, duration))

    def _of_noisy(self) -> float:
        error = -self._products
        if error <= 0.0:
            return 1.0
        # Of changes there is what chance makes at least, which is 1 as it is measured.
        ratio = max(1.0, self._squares - 2.0 * error) / error
        return max(LEAST, (sqrt(ratio * ratio + 4.0 * ratio) - ratio) / 2.0)

    def _of_late(self, lapse: float, duration: float) -> float:
        if self._squares < LOUD:
            return 1.0
        lasting = self._products / self._squares
        late = (lasting - LIKELY) / (CERTAIN - LIKELY)
        settled = min(1.0, late) * min(SETTLED, SETTLED_PART * duration)
        return 1.0 - exp(-lapse / settled) if settled > 0.0 else 1.0
