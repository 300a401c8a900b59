"""The figures of a run, as the table shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from dinamed.simulator.model import STEP, Trace
from dinamed.simulator.scenario import Outage

BUSY = 0.9
BALANCED = 1.15
"""Times the mean of the pool up to which the busiest mirror counts as balanced."""

HOLD = 60.0
"""Seconds for which it must stay so."""

WATCH = 600.0
"""Seconds after a change in which the worst is looked for."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """How one outage went.

    `peak` is the highest utilisation of any mirror in the ten minutes after the
    mirror died.  `balanced` is how many seconds it took until, past the worst of these
    minutes, the busiest one was for a minute within 15 % of the mean of all in
    service; 0 if it never was beyond.  `rebalanced` is the same for the mirror's
    return, and `overshoot` by which share that mirror, at its peak in the ten minutes
    after, went above the mean of the pool.  All end at the next change of a mirror:
    None means that balance did not come sooner.
    """

    member: int
    peak: float
    balanced: float | None
    rebalanced: float | None
    overshoot: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The outcome of one policy, from the end of the warm-up.

    `under90` is the share of time in which the busiest mirror was under 90 % of its
    capacity, `mean` and `q98` the mean and the 98 % quantile of its utilisation,
    `qps` the queries per second to all name servers, `failed` the share of
    transfers that had to begin anew because their mirror was dead, or died.  In a world
    `rtt` is the mean round trip of all transfers, and `rtt_optimum` that of the linear
    programme, both in ms; the latter is None where it is not known.
    """

    policy: str
    under90: float
    mean: float
    q98: float
    qps: float
    failed: float
    outages: tuple[Aftermath, ...] = ()
    rtt: float | None = None
    rtt_optimum: float | None = None


def figures(trace: Trace, rtt_optimum: float | None = None) -> Figures:
    """Work out the figures of a run, whose optimum is known to be that."""
    scenario = trace.scenario
    top = busiest(trace)[ceil(scenario.warm_up / STEP) :]
    ordered = sorted(top)
    return Figures(
        policy=trace.policy.name,
        under90=sum(one < BUSY for one in top) / len(top),
        mean=sum(top) / len(top),
        q98=ordered[min(len(ordered) - 1, int(0.98 * len(ordered)))],
        qps=trace.queries / scenario.measure,
        failed=trace.failed / max(1, trace.transfers),
        outages=tuple(_aftermath(trace, outage) for outage in scenario.outages),
        rtt=trace.rtt,
        rtt_optimum=rtt_optimum,
    )


def busiest(trace: Trace) -> list[float]:
    """The utilisation of the busiest mirror, one value a second."""
    return list(map(max, zip(*trace.utilisation, strict=True)))


def pool_mean(trace: Trace) -> list[float]:
    """The load of all as a share of the capacity in service, one value a second."""
    capacities = trace.scenario.capacities
    return [
        sum(map(float.__mul__, here, capacities)) / alive if alive else 0.0
        for here, alive in zip(
            zip(*trace.utilisation, strict=True), trace.alive, strict=True
        )
    ]


def _aftermath(trace: Trace, outage: Outage) -> Aftermath:
    top, mean = busiest(trace), pool_mean(trace)
    own = trace.utilisation[outage.member - 1]
    died = _until_next_change(trace, outage.start)
    back = _until_next_change(trace, outage.end)
    watched = int(WATCH / STEP)
    over = _ratios(own[back], mean[back])[:watched]
    return Aftermath(
        member=outage.member,
        peak=max(top[died][:watched], default=0.0),
        balanced=_settled(_ratios(top[died], mean[died])),
        rebalanced=_settled(_ratios(top[back], mean[back])),
        overshoot=max(0.0, max(over, default=1.0) - 1.0),
    )


def _until_next_change(trace: Trace, since: float) -> slice:
    """The seconds from `since` until a mirror dies or comes back, or the end."""
    changes = [trace.scenario.end]
    for outage in trace.scenario.outages:
        changes += (outage.start, outage.end)
    until = min((at for at in changes if at > since), default=since)
    return slice(ceil(since / STEP), ceil(until / STEP))


def _ratios(values: Sequence[float], means: Sequence[float]) -> list[float]:
    """Each value as a multiple of the mean; 1 where there is no load at all."""
    return [
        one / mean if mean else 1.0 for one, mean in zip(values, means, strict=True)
    ]


def _settled(ratios: Sequence[float]) -> float | None:
    """After how many seconds, past the worst, the ratios stay low long enough."""
    start = ratios[: int(WATCH / STEP)]
    worst = max(start, default=0.0)
    if worst <= BALANCED:
        return 0.0
    held = 0
    for place in range(start.index(worst), len(ratios)):
        held = held + 1 if ratios[place] <= BALANCED else 0
        if held * STEP >= HOLD:
            return (place + 1 - held) * STEP
    return None
