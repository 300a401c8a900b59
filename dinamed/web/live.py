"""The live figures of the dashboard, and those of the last minutes."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dinamed import __version__
from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.web.families import addresses_out, families_down
from dinamed.web.member_metrics import Forecasts, forecasts
from dinamed.web.messages import (
    History,
    LiveMember,
    LivePool,
    Tick,
)
from dinamed.web.parts import WebParts

STEP = 2.0
"""Seconds between ticks, and between the points of the history."""
POINTS = 150
"""Points of the history: five minutes."""
MOST_MEMBERS = 300
"""Members that a tick tells of in all; those that are out come first."""
MOST_OF_POOL = 100
"""Members of one pool that a tick tells of."""
MOST_COUNTRIES = 12

Shown = Sequence[tuple[PoolView, Sequence[Member]]]
MemberKey = tuple[str, str]


class Live:
    """Collects figures at every step, and sends them to open dashboards."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._questions: deque[int] = deque(maxlen=POINTS)
        self._hand_outs: dict[MemberKey, deque[int]] = {}

    def step(self) -> None:
        """Record one point; its cost is bounded, however many members there are."""
        self._questions.append(self._parts.engine.questions)
        before, self._hand_outs = self._hand_outs, {}
        for view, members in self._shown():
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
        return _event(
            "history", History(STEP, POINTS, tuple(self._questions), hand_outs)
        )

    def tick(self) -> bytes:
        """The figures of now as one event."""
        engine = self._parts.engine
        vitals = engine.vitals()
        return _event(
            "tick",
            Tick(
                now=vitals.now,
                version=__version__,
                identity=engine.snapshot.identity,
                up=vitals.now - vitals.started,
                questions=vitals.questions,
                failures=self._parts.stack.resolver.failures,
                connections=self._parts.listening.streams.open_connections,
                zones=len(engine.snapshot.zones),
                countries=self._countries(),
                pools=tuple(
                    self._pool(view, members, vitals.now)
                    for view, members in self._shown()
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

    def _shown(self) -> Shown:
        views = self._parts.pools.views
        room = MOST_MEMBERS
        shown = []
        for name in sorted(views):
            view = views[name]
            members = list(_first(view, min(room, MOST_OF_POOL))) if room else []
            room -= len(members)
            shown.append((view, members))
        return shown

    def _pool(self, view: PoolView, members: Sequence[Member], now: float) -> LivePool:
        foreseen = forecasts(view, now)
        return LivePool(
            name=view.name,
            down=view.down,
            lacking=view.lacking,
            families_down=families_down(view),
            when_down=view.settings.when_down,
            select=tuple(stage.name for stage in view.settings.select),
            usable=len(view.usable),
            size=len(view.members),
            members=tuple(_member(view, member, foreseen, now) for member in members),
        )


def _first(view: PoolView, most: int) -> Iterator[Member]:
    """Up to that many members: all if there is room, else those that are out first."""
    if len(view.members) <= most:
        yield from view.members
        return
    usable = set(view.usable)
    out = [member for member in view.members if member not in usable][:most]
    yield from out
    yield from view.usable[: most - len(out)]


def _member(
    view: PoolView, member: Member, foreseen: Forecasts, now: float
) -> LiveMember:
    member_state = view.member_states[member.name]
    posted = view.posted(member)
    return LiveMember(
        name=member.name,
        state=view.state(member),
        order=member_state.order,
        until=member_state.until,
        reason=view.why_out(member),
        addresses_out=addresses_out(view, member),
        weight=member.weight,
        capacity=member.capacity,
        load=view.load_of(member, now),
        predicted=foreseen.get(member),
        feed_failure="" if posted is None else posted.failure,
        hand_outs=view.accounting.account(member.name).total,
    )


def _event(name: str, data: msgspec.Struct) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
