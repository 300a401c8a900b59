"""The live figures of the dashboard, and those of the last minutes."""

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from dinamed import __version__
from dinamed.plans.context import unpacked
from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.web.families import addresses_out, families_down
from dinamed.web.member_metrics import Forecasts, forecasts, prices
from dinamed.web.messages import (
    History,
    LiveMember,
    LivePool,
    Tick,
)
from dinamed.web.overload import OverloadCounts
from dinamed.web.parts import WebParts
from dinamed.web.trouble import KINDS, kind_of
from dinamed.web.wrong import wrong_with
from dinamed.wire.constants import Rcode

STEP = 2.0
"""Seconds between ticks, and between the points of the history."""
POINTS = 150
"""Points of the history: five minutes."""
TOLD_RCODES = (Rcode.NXDOMAIN, Rcode.SERVFAIL)
"""Replies that have lines of their own in the graph."""
MOST_MEMBERS = 300
"""Members that a tick tells of in all; those that are out come first."""
MOST_OF_POOL = 100
"""Members of one pool that a tick tells of."""
MOST_COUNTRIES = 12
MOST_WRONG = 12

Shown = Sequence[tuple[PoolView, Sequence[Member]]]
MemberKey = tuple[str, str]


class Live:
    """Collects figures at every step, and sends them to open dashboards."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._overload = OverloadCounts()
        self._questions: deque[int] = deque(maxlen=POINTS)
        self._replies = {code: deque[int](maxlen=POINTS) for code in TOLD_RCODES}
        self._hand_outs: dict[MemberKey, deque[int]] = {}

    def step(self) -> None:
        """Record one point; its cost is bounded, however many members there are."""
        self._questions.append(self._parts.engine.questions)
        for code, points in self._replies.items():
            points.append(self._parts.engine.counts.with_rcode(code))
        before, self._hand_outs = self._hand_outs, {}
        for view, members in self._shown(self._parts.clock()):
            for member in members:
                key = (view.name, member.name)
                points = before.get(key) or deque(maxlen=POINTS)
                points.append(view.accounting.account(member.name).total)
                self._hand_outs[key] = points

    def history(self) -> bytes:
        """The last minutes as one event."""
        hand_outs: dict[str, dict[str, tuple[int, ...]]] = {}
        for (pool, member), points in self._hand_outs.items():
            hand_outs.setdefault(pool, {})[member] = tuple(points)
        replies = {code.name: tuple(points) for code, points in self._replies.items()}
        return _event(
            "history",
            History(STEP, POINTS, tuple(self._questions), replies, hand_outs),
        )

    def tick(self) -> bytes:
        """The figures of now as one event."""
        engine = self._parts.engine
        vitals = engine.vitals()
        self._overload.look(self._parts.pools.views, vitals.now)
        return _event(
            "tick",
            Tick(
                now=vitals.now,
                version=__version__,
                identity=engine.snapshot.identity,
                up=vitals.now - vitals.started,
                questions=vitals.questions,
                replies={c.name: engine.counts.with_rcode(c) for c in TOLD_RCODES},
                failures=self._parts.stack.resolver.failures,
                connections=self._parts.listening.streams.open_connections,
                zones=len(engine.snapshot.zones),
                countries=self._countries(),
                events=self._parts.happenings.events.last,
                wrong=wrong_with(self._parts, self._overload)[:MOST_WRONG],
                pools=tuple(
                    self._pool(view, members, vitals.now)
                    for view, members in self._shown(vitals.now)
                ),
            ),
        )

    def _countries(self) -> tuple[tuple[str, int], ...]:
        """The countries that ask the most, of the sampled questions."""
        known: Mapping[str, int] = self._parts.stack.samples.countries
        ordered = sorted(known.items(), key=lambda item: -item[1])
        rest = sum(count for _, count in ordered[MOST_COUNTRIES:])
        head = tuple(ordered[:MOST_COUNTRIES])
        return (*head, ("", rest)) if rest else head

    def _shown(self, now: float) -> Shown:
        views = self._parts.pools.views
        room = MOST_MEMBERS
        shown = []
        for name in sorted(views):
            view = views[name]
            members = first_members(view, min(room, MOST_OF_POOL), now) if room else []
            room -= len(members)
            shown.append((view, members))
        return shown

    def _pool(self, view: PoolView, members: Sequence[Member], now: float) -> LivePool:
        foreseen, priced = forecasts(view, now), prices(view, now)
        return LivePool(
            name=view.name,
            down=view.down,
            lacking=view.lacking,
            families_down=families_down(view),
            when_down=view.settings.when_down,
            select=tuple(stage.name for stage in view.settings.select),
            usable=len(view.usable),
            size=len(view.members),
            members=tuple(
                live_member(view, member, foreseen, priced, now) for member in members
            ),
        )


def first_members(view: PoolView, most: int, now: float) -> list[Member]:
    """Up to that many members, those with the worst trouble first.

    Of a larger pool only those that are out are looked for: all members would take too
    long.
    """
    members: Sequence[Member] = view.members
    if len(members) > most:
        usable = set(view.usable)
        out = [member for member in members if member not in usable][:most]
        members = [*out, *view.usable[: most - len(out)]]
    foreseen = forecasts(view, now)
    return sorted(members, key=lambda m: KINDS.index(kind_of(view, m, foreseen, now)))


def live_member(
    view: PoolView,
    member: Member,
    foreseen: Forecasts,
    priced: Forecasts,
    now: float,
) -> LiveMember:
    """One member in short, with the loads that are foreseen and the prices in ms."""
    member_state = view.member_states[member.name]
    posted = view.posted(member)
    return LiveMember(
        name=member.name,
        state=view.state(member),
        order=member_state.order,
        until=member_state.until,
        by=member_state.by,
        order_reason=member_state.order_reason,
        kind=kind_of(view, member, foreseen, now),
        reason=view.why_out(member),
        addresses=tuple(map(unpacked, member.addresses(0))),
        addresses_out=addresses_out(view, member),
        weight=member.weight,
        capacity=member.capacity,
        load=view.load_of(member, now),
        predicted=foreseen.get(member),
        price=priced.get(member),
        feed_failure="" if posted is None else posted.failure,
        hand_outs=view.accounting.account(member.name).total,
    )


def _event(name: str, data: msgspec.Struct) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
