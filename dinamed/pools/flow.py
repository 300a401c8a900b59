"""Learns from reports how much load one transfer is.

Between two reports of a member, d seconds apart, its load falls by the transfers that
end and rises by those that begin: after = before * exp(-d/D) + f * arrivals * w, with
w = (1 - exp(-d/D)) / (d/D), for arrivals spread over the time.  The arrivals are the
hand-outs and what the leases have brought.  Over many such pairs

    f = sum of growths / sum of arrivals

where the sums forget.  A ratio of sums rather than a mean of ratios, so that pairs
without arrivals do no harm; growths far out of line are cut down, so that one member
that restarts, or is loaded by others, does not turn it around.
"""

from math import exp

MEMORY = 5000.0
"""Arrivals that are remembered."""

TRUSTED = 300.0
"""Arrivals after which a growth can be out of line."""

OUTLIER = 8.0
"""Times the expected growth beyond which one is cut down."""

PRIOR = 20.0
"""Arrivals that the first guess weighs."""

TRANSFERS = 2000.0
"""First guess: how many transfers fill the whole pool."""

LEAST = 1e-7
"""Least value, as a share of the pool's capacity."""

MOST = 0.25
"""Most, as a share of the pool's capacity, or of a member's load if that is more."""

LOAD_SMOOTHING = 0.05


class FlowMeter:
    """Learns the load of one transfer.

    `duration` is how long one lasts on average, in seconds.
    """

    __slots__ = ("_arrivals", "_growth", "_load", "duration")

    def __init__(self, duration: float = 300.0) -> None:
        self.duration = duration
        self._arrivals = 0.0
        self._growth = 0.0
        self._load = 0.0

    @property
    def sums(self) -> tuple[float, float, float]:
        """All that was learned: sums of arrivals and of growths, and the mean load."""
        return self._arrivals, self._growth, self._load

    @sums.setter
    def sums(self, sums: tuple[float, float, float]) -> None:
        self._arrivals, self._growth, self._load = sums

    def learn(
        self, before: float, after: float, arrivals: float, seconds: float
    ) -> None:
        """Learn from two reports of a member so many seconds apart."""
        lapse = seconds / self.duration
        left = exp(-lapse)
        arrivals *= (1.0 - left) / lapse if lapse > 1e-6 else 1.0
        growth = after - before * left
        self._load += LOAD_SMOOTHING * (after - self._load)
        if self._arrivals > TRUSTED:
            expected = self._growth / self._arrivals
            most = OUTLIER * abs(expected) * (arrivals + 5.0)
            growth = max(-most, min(most, growth))
        keep = max(0.0, 1.0 - arrivals / MEMORY)
        self._arrivals = self._arrivals * keep + arrivals
        self._growth = self._growth * keep + growth

    @property
    def learned(self) -> float | None:
        """What was learned, once that is from enough arrivals to be trusted."""
        if self._arrivals <= TRUSTED or self._growth <= 0.0:
            return None
        return self._growth / self._arrivals

    def value(self, capacity: float) -> float:
        """The load of one transfer, for a pool of that capacity in all."""
        guess = capacity / TRANSFERS
        learned = (self._growth + guess * PRIOR) / (self._arrivals + PRIOR)
        # Capacities need not be in the unit of load: then loads give the scale.
        most = MOST * max(capacity, self._load)
        return max(LEAST * capacity, min(most, learned))
