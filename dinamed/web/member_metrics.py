"""The members of all pools as metrics, one sample at a time.

A server may have ten thousand members, and making all their lines at once would keep
answers waiting.  So the samples are made when they are asked for, from the views as
of the beginning of the scrape.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.samples import Sample

from dinamed.plans.context import unpacked
from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.protocol import Foresees, Prepared, Prices
from dinamed.web.lazy_metric import PIECE, LazyMetric, Piece

MetricValue = Callable[[PoolView, Member], float | None]
Forecasts = Mapping[Member, float]


def forecasts(view: PoolView, now: float) -> Forecasts:
    """The loads that the view's picking stage foresees; empty if it foresees none.

    To be asked for once for all members: foreseeing takes time in proportion to their
    number.
    """
    prepared = _prepared(view)
    if not isinstance(prepared, Foresees):
        return {}
    foreseen = prepared.forecasts(now)
    return {view.whole(member): load for member, load in foreseen.items()}


def prices(view: PoolView, now: float) -> Forecasts:
    """What room costs at the members in ms; empty if the view's stage sets no price."""
    prepared = _prepared(view)
    if not isinstance(prepared, Prices):
        return {}
    found = prepared.prices(now)
    return {view.whole(member): price for member, price in found.items()}


def _prepared(view: PoolView) -> Prepared | None:
    """The picking stage for both families; None where nobody is to be picked."""
    route = None if view.down else view.route(0)
    return None if route is None else route.ready(route.folded)


class MemberMetric(NamedTuple):
    """One figure of a member; None gives no sample."""

    name: str
    about: str
    kind: str
    value: MetricValue


def member_metrics(
    views: Sequence[PoolView],
    now: float,
    check_took: Callable[[str, str], float | None],
) -> Iterator[Metric]:
    """The metrics of all members, each over all of them.

    `check_took` gives the seconds that a pool's member's last checks took.
    """
    for metric in (*_metrics(now), _check_duration(check_took)):
        yield LazyMetric(
            metric.name, metric.about, metric.kind, _samples(metric, views)
        )
    yield LazyMetric(
        "dinamed_member_state",
        "1 for the state that the member is in: up, down or drain.",
        "gauge",
        _states(views),
    )
    yield LazyMetric(
        "dinamed_address_usable",
        "1 if the member's address may be handed out, else 0.",
        "gauge",
        _addresses(views),
    )


def _check_duration(took: Callable[[str, str], float | None]) -> MemberMetric:
    return MemberMetric(
        "dinamed_member_check_duration_seconds",
        "Time that the member's last check took, the longest if it has several.",
        "gauge",
        lambda view, member: took(view.name, member.name),
    )


def _samples(
    metric: MemberMetric, views: Sequence[PoolView]
) -> Callable[[], Iterator[Piece]]:
    suffix = "_total" if metric.kind == "counter" else ""

    def pieces() -> Iterator[Piece]:
        name = metric.name + suffix
        for view, members in _together(views):
            piece = []
            for member in members:
                value = metric.value(view, member)
                if value is not None:
                    labels = {"pool": view.name, "member": member.name}
                    piece.append(Sample(name, labels, value))
            yield piece

    return pieces


def _states(views: Sequence[PoolView]) -> Callable[[], Iterator[Piece]]:
    def pieces() -> Iterator[Piece]:
        for view, members in _together(views):
            yield [
                Sample(
                    "dinamed_member_state",
                    {
                        "pool": view.name,
                        "member": member.name,
                        "state": str(view.state(member)),
                    },
                    1,
                )
                for member in members
            ]

    return pieces


def _addresses(views: Sequence[PoolView]) -> Callable[[], Iterator[Piece]]:
    def pieces() -> Iterator[Piece]:
        for view, members in _together(views):
            piece = []
            for member in members:
                out = view.addresses_out(member)
                usable = not view.why_out(member)
                for address in member.addresses(0):
                    labels = {
                        "pool": view.name,
                        "member": member.name,
                        "address": unpacked(address),
                    }
                    value = usable and address not in out
                    piece.append(Sample("dinamed_address_usable", labels, value))
            yield piece

    return pieces


def _together(
    views: Sequence[PoolView],
) -> Iterator[tuple[PoolView, Sequence[Member]]]:
    for view in views:
        for first in range(0, len(view.members), PIECE):
            yield view, view.members[first : first + PIECE]


def _metrics(now: float) -> tuple[MemberMetric, ...]:
    known: dict[str, Forecasts] = {}

    def foreseen(view: PoolView) -> Forecasts:
        if view.name not in known:
            known[view.name] = forecasts(view, now)
        return known[view.name]

    priced: dict[str, Forecasts] = {}

    def price(view: PoolView, member: Member) -> float | None:
        if view.name not in priced:
            priced[view.name] = prices(view, now)
        ms = priced[view.name].get(member)
        return None if ms is None else ms / 1000.0

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
            lambda view, member: view.accounting.account(member.name).total,
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
            lambda view, member: foreseen(view).get(member),
        ),
        MemberMetric(
            "dinamed_member_price_seconds",
            "The price of the member's room, where the picking stage sets one.",
            "gauge",
            price,
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
