"""The account of a member: its hand-outs, and the clients that they still bring."""

from typing import Any

from dinamed.pools.arrivals import Arrivals
from dinamed.pools.belief import Belief

RUN = 1.0
"""Seconds of hand-outs that are counted together."""

MOST_RUNS = 64
"""Runs that are kept apart; of those before only the number is known."""


class MemberAccount:
    """Hand-outs to one member.

    `total` counts all that this server made, `pending` those that no report shows yet;
    `foreign` are those of other servers that no report shows yet, and `late` those of
    which it heard when a report showed them already.

    The rest is of leases, see `dinamed.pools.leases`: `live` are those in force,
    `rate` is the rate of arrivals behind them per second, `due` the sum of their rates
    times their ends, `discounted` that of their rates times a power of their ends, and
    `far` the rate of those that end beyond the horizon.  `arrivals` are the clients
    that came by leases since the last report.

    `load` and `measured` are those of the last report, and `belief` is what is made of
    it and of those before.  `forecast` is the predicted
    load as a picking stage has last worked it out.
    """

    __slots__ = (
        "_foreign",
        "_runs",
        "arrivals",
        "belief",
        "discounted",
        "due",
        "far",
        "forecast",
        "foreign",
        "late",
        "live",
        "load",
        "measured",
        "name",
        "pending",
        "rate",
        "total",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self.pending = 0
        self.live = 0
        self.rate = 0.0
        self.due = 0.0
        self.discounted = 0.0
        self.far = 0.0
        self.arrivals = Arrivals()
        self.belief = Belief()
        self.load: float | None = None
        self.measured = 0.0
        self.forecast = 0.0
        self.foreign = 0.0
        self.late = 0.0
        self._runs: list[list[Any]] = []
        self._foreign: list[tuple[float, float, float]] = []

    @property
    def unseen(self) -> float:
        """All hand-outs that no report shows yet, whoever made them."""
        return self.pending + self.foreign

    def add(self, count: int, time: float) -> None:
        """Count hand-outs at that time."""
        self.total += count
        self.pending += count
        runs = self._runs
        if runs:
            run = runs[-1]
            if time - run[0] < RUN:
                run[1] = time
                run[2] += count
                return
        runs.append([time, time, count])
        if len(runs) > MOST_RUNS:
            first = runs.pop(0)
            runs[0][0] = first[0]
            runs[0][2] += first[2]

    def add_foreign(self, count: float, first: float, last: float) -> None:
        """Count hand-outs that another server made between these times."""
        later = _later(first, last, count, self.measured)
        self.late += count - later
        if not later:
            return
        runs = self._foreign
        runs.append((max(first, self.measured), last, later))
        if len(runs) > MOST_RUNS:
            (begin, _, some), (_, end, more), *rest = sorted(runs)
            self._foreign = [(begin, end, some + more), *rest]
        self.foreign += later

    def reported(self, measured: float, load: float | None) -> None:
        """A report shows all hand-outs up to `measured`; the later ones are pending."""
        runs = self._runs
        while runs and runs[0][1] <= measured:
            del runs[0]
        if runs and runs[0][0] <= measured:
            first, last, count = runs[0]
            # Nobody knows which of them came when: as if evenly spread.
            later = round(count * (last - measured) / (last - first))
            runs[0] = [measured, last, max(1, later)]
        self.pending = sum(run[2] for run in runs)
        self.load = load
        self.measured = measured
        if self._foreign:
            self._foreign = [
                (max(first, measured), last, later)
                for first, last, count in self._foreign
                if (later := _later(first, last, count, measured))
            ]
            self.foreign = sum(run[2] for run in self._foreign)


def _later(first: float, last: float, count: float, measured: float) -> float:
    """How many of those spread evenly over a time came after `measured`."""
    if last <= measured:
        return 0.0
    if first >= measured:
        return count
    return count * (last - measured) / (last - first)
