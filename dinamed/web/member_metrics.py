"""The members of all pools as metrics, one sample at a time.

A server may have ten thousand members, and making all their lines at once would keep
answers waiting.  So the samples are made when they are asked for, from the views as
of the beginning of the scrape.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.samples import Sample

from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.protocol import Foresees

Value = Callable[[PoolView, Member], float | None]
Forecast = Callable[[Member, float], float | None]


def forecasts(view: PoolView) -> Forecast:
    """What foresees the load of the view's members.

    To be asked for once for all members: finding the stage that foresees takes time
    in proportion to their number.
    """
    route = None if view.down else view.route(0)
    prepared = None if route is None else route.ready(route.folded)
    return prepared.forecast if isinstance(prepared, Foresees) else _unforeseen


def _unforeseen(member: Member, now: float) -> float | None:
    return None


class LazyMetric(Metric):
    """A metric whose samples are made while they are read."""

    def __init__(
        self, name: str, about: str, kind: str, samples: Callable[[], Iterable[Sample]]
    ) -> None:
        self._make: Callable[[], Iterable[Sample]] | None = None
        super().__init__(name, about, kind)
        self._make = samples

    @property  # type: ignore[override]
    def samples(self) -> Iterable[Sample]:
        """All samples; another pass makes them anew."""
        return self._make() if self._make is not None else ()

    @samples.setter
    def samples(self, _: object) -> None:
        """The base class begins with an empty list."""


class MemberMetric(NamedTuple):
    """One figure of a member; None gives no sample."""

    name: str
    about: str
    kind: str
    value: Value


def member_metrics(views: Sequence[PoolView], now: float) -> Iterator[Metric]:
    """The metrics of all members, each over all of them."""
    for metric in _metrics(now):
        yield LazyMetric(
            metric.name, metric.about, metric.kind, _samples(metric, views)
        )
    yield LazyMetric(
        "dinamed_member_state",
        "1 for the state that the member is in: up, down or drain.",
        "gauge",
        _states(views),
    )


def _samples(
    metric: MemberMetric, views: Sequence[PoolView]
) -> Callable[[], Iterator[Sample]]:
    suffix = "_total" if metric.kind == "counter" else ""

    def samples() -> Iterator[Sample]:
        name = metric.name + suffix
        for view in views:
            for member in view.members:
                value = metric.value(view, member)
                if value is not None:
                    labels = {"pool": view.name, "member": member.name}
                    yield Sample(name, labels, value)

    return samples


def _states(views: Sequence[PoolView]) -> Callable[[], Iterator[Sample]]:
    def samples() -> Iterator[Sample]:
        for view in views:
            for member in view.members:
                labels = {
                    "pool": view.name,
                    "member": member.name,
                    "state": str(view.state(member)),
                }
                yield Sample("dinamed_member_state", labels, 1)

    return samples


def _metrics(now: float) -> tuple[MemberMetric, ...]:
    known: dict[str, Forecast] = {}

    def foreseen(view: PoolView) -> Forecast:
        if view.name not in known:
            known[view.name] = forecasts(view)
        return known[view.name]

    def age(view: PoolView, member: Member) -> float | None:
        posted = view.posted(member)
        if posted is None or posted.report is None:
            return None
        return max(0.0, now - posted.report.at)

    def failing(view: PoolView, member: Member) -> float | None:
        posted = view.posted(member)
        return None if posted is None else bool(posted.failure)

    return (
        MemberMetric(
            "dinamed_member_hand_outs",
            "Answers that sent a client to the member.",
            "counter",
            lambda view, member: view.ledger.account(member.name).total,
        ),
        MemberMetric(
            "dinamed_member_usable",
            "1 if the member may be handed out, else 0.",
            "gauge",
            lambda view, member: not view.why_out(member),
        ),
        MemberMetric(
            "dinamed_member_weight",
            "The member's share, as configured.",
            "gauge",
            lambda view, member: member.weight,
        ),
        MemberMetric(
            "dinamed_member_capacity",
            "What the member can carry, in the unit of its load.",
            "gauge",
            lambda view, member: member.capacity,
        ),
        MemberMetric(
            "dinamed_member_load",
            "The load that the member has reported; absent if no report counts.",
            "gauge",
            lambda view, member: view.load_of(member, now),
        ),
        MemberMetric(
            "dinamed_member_predicted_load",
            "The load that the picking stage foresees; absent if it foresees none.",
            "gauge",
            lambda view, member: foreseen(view)(member, now),
        ),
        MemberMetric(
            "dinamed_member_report_age_seconds",
            "Time since the moment for which the last report holds.",
            "gauge",
            age,
        ),
        MemberMetric(
            "dinamed_member_feed_failing",
            "1 if the member could not be asked for its load the last time, else 0.",
            "gauge",
            failing,
        ),
    )
