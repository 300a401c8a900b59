"""The account of a member: what was handed out to it, and what that still brings."""

from typing import Any

RUN = 1.0
"""Seconds of hand-outs that are counted together."""

MOST_RUNS = 64
"""Runs that are kept apart; of those before only the number is known."""


class MemberAccount:
    """Hand-outs to one member.

    `total` counts all, `pending` those that no report shows yet.

    The rest is of leases, see `dinamed.pools.leases`: `live` are those in force,
    `rate` is the rate of arrivals behind them per second, `due` the sum of their rates
    times their ends, and `far` the rate of those that end beyond the horizon.
    `arrived` is how many clients came by the lease alone up to the time `since`.

    `load` and `measured` are those of the last report.  `forecast` is the predicted
    load as a picking stage has last worked it out.
    """

    __slots__ = (
        "_runs",
        "arrived",
        "due",
        "far",
        "forecast",
        "live",
        "load",
        "measured",
        "name",
        "pending",
        "rate",
        "since",
        "total",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self.pending = 0
        self.live = 0
        self.rate = 0.0
        self.due = 0.0
        self.far = 0.0
        self.arrived = 0.0
        self.since = 0.0
        self.load: float | None = None
        self.measured = 0.0
        self.forecast = 0.0
        self._runs: list[list[Any]] = []

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
