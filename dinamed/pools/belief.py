"""What load a member is believed to have: its reports, and what was foreseen.

At each report there is a surprise: what it says, less what was foreseen for that time
from what was believed before and from the arrivals since.  A part of it is believed,
as `surprises` says.

The believed load is kept as two sums, for the load f of a transfer is not known for
good: `load` comes from reports, and `clients` are those who came, as far as they stay;
load + f * clients is what is believed.
"""

from math import exp


class Belief:
    """The load that a member had at its last report, as it is believed.

    `surprise` is that of the last report, as `surprises` measures it.
    """

    __slots__ = ("clients", "known", "load", "surprise")

    def __init__(self) -> None:
        self.known = False
        self.load = 0.0
        self.clients = 0.0
        self.surprise = 0.0

    def begin(self, load: float | None) -> None:
        """A report says that load, whatever was believed; None: nothing is known."""
        self.known = load is not None
        self.load = 0.0 if load is None else load
        self.clients = self.surprise = 0.0

    def reported(self, load: float, clients: float, left: float, part: float) -> None:
        """A report says that load, and that part of the surprise is believed.

        `clients` are those who came since the last one and are there; `left` is the
        part of those before who are there still.
        """
        kept = 1.0 - part
        self.load = kept * left * self.load + part * load
        self.clients = kept * (left * self.clients + clients)

    def at_report(self, flow: float) -> float:
        """The load at the last report, with that load of a transfer."""
        return self.load + flow * self.clients


def kept_share(lapse: float, duration: float) -> float:
    """How many are there after a time, of those who came evenly spread over it."""
    lapse /= duration
    return (1.0 - exp(-lapse)) / lapse if lapse > 1e-6 else 1.0
