"""What load a member is believed to have: its reports, and what was foreseen.

At each report there is a surprise: what it says, less what was foreseen for that time
from the report before and from the arrivals since.  Only a part of it is believed,

    1 - exp(-lapse / T),    T = the least of SETTLED and SETTLED_PART * D,

for a report that comes `lapse` seconds after the one before, where transfers last for
D seconds.  So reports that come
often are smoothed along what is foreseen, which bears noise and unsaid lateness, and
rare ones count almost as they are.

The believed load is kept as two sums, for the load f of a transfer is not known for
good: `load` comes from reports, and `clients` are those who came, as far as they stay;
load + f * clients is what is believed.
"""

from math import exp

SETTLED = 30.0
"""Seconds in which reports move the belief by two thirds of a lasting surprise."""

SETTLED_PART = 0.1
"""Durations of a transfer that these are at most: what is foreseen of short ones goes
wrong sooner."""


class Belief:
    """The load that a member had at its last report, as it is believed."""

    __slots__ = ("clients", "known", "load")

    def __init__(self) -> None:
        self.known = False
        self.load = 0.0
        self.clients = 0.0

    def reported(
        self, load: float | None, clients: float, lapse: float, duration: float
    ) -> None:
        """A report says that load, `lapse` seconds after the last one.

        `clients` are those who came since and are there, of transfers that last for
        `duration` seconds.  A load of None says nothing, and nothing is known then.
        """
        if load is None:
            self.known, self.load, self.clients = False, 0.0, 0.0
            return
        if not self.known or lapse <= 0.0:
            self.known, self.load, self.clients = True, load, 0.0
            return
        left = exp(-lapse / duration)
        kept = exp(-lapse / min(SETTLED, SETTLED_PART * duration))
        self.load = kept * left * self.load + (1.0 - kept) * load
        self.clients = kept * (left * self.clients + clients)

    def at_report(self, flow: float) -> float:
        """The load at the last report, with that load of a transfer."""
        return self.load + flow * self.clients


def kept_share(lapse: float, duration: float) -> float:
    """How many are there after a time, of those who came evenly spread over it."""
    lapse /= duration
    return (1.0 - exp(-lapse)) / lapse if lapse > 1e-6 else 1.0
