"""Publishes to the threads how full members are, so that they can draw by load."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random

from dinamed.plane.extension import native
from dinamed.plane.shared_resolvers import PoolLoads, SharedResolvers
from dinamed.pools.chain import Route
from dinamed.pools.members import Candidates
from dinamed.pools.pool import PoolView
from dinamed.pools.resolvers import CAPACITY
from dinamed.pools.stages.levels import Leveled
from dinamed.pools.stages.prediction import reference_ttl
from dinamed.pools.stages.shed import Shed

VALID = 10.0
"""Seconds for which levels are good at most; then Python is asked."""
AGING = 1.0
"""Seconds after which levels are worked out again, though nothing was handed out."""
MOST_AT_ONCE = 64
"""Members of routes that are published with each report."""
BUDGET = 0.02
"""Seconds that working out levels may take at a stretch, five times a second."""


@dataclass(slots=True)
class LevelSource:
    """What the levels of a route are worked out from."""

    view: PoolView
    route: Route
    members: Candidates
    shed: Shed | None
    names: list[str]


@dataclass(slots=True)
class _Live:
    route: "native.Route"
    edition: int
    published: float


class LoadPublisher:
    """Keeps the published levels of the routes in use up to date."""

    def __init__(self, rows: int, rng: Random) -> None:
        self._rows = rows
        self._rng = rng
        self._loads: dict[str, PoolLoads] = {}
        self._live: dict[str, list[_Live]] = {}
        self._used: dict[str, float] = {}

    def loads(self, view: PoolView) -> PoolLoads:
        """Where threads take down what they hand out of a pool."""
        accounting, name = view.accounting, view.name
        loads = self._loads.get(name)
        if loads is None or loads.accounting is not accounting:
            loads = self._loads[name] = PoolLoads(accounting, self._rows, self._rng)
        ttl = view.settings.ttl
        loads.settle([member.name for member in view.members], ttl.low, ttl.high)
        if not isinstance(accounting.resolvers, SharedResolvers):
            accounting.keep_resolvers(SharedResolvers(loads, self._rng))
        return loads

    def forget(self, name: str) -> bool:
        """The routes into a pool have been replaced; whether they were in use."""
        return self._live.pop(name, None) is not None

    def keep(self, names: "frozenset[str]") -> None:
        """Forget all pools but these."""
        for known in (self._loads, self._live, self._used):
            for name in [name for name in known if name not in names]:
                del known[name]

    def publish(self, plane: "native.Plane", route: "native.Route", now: float) -> None:
        """Publish the present levels of a route to the threads."""
        live = self._live.setdefault(route.pool, [])
        found = next((one for one in live if one.route is route), None)
        if found is None:
            found = _Live(route, 0, 0.0)
            live.append(found)
            self._used[route.pool] = route.source.view.accounting.clock.read(now)
        self._publish(plane, found, now)

    def _publish(self, plane: "native.Plane", live: _Live, now: float) -> None:
        source: LevelSource = live.route.source
        accounting = source.view.accounting
        time = accounting.clock.read(now)
        plane.publish(live.route, levels(source, time))
        live.edition, live.published = accounting.edition, time

    def took(self, plane: "native.Plane", name: str, now: float) -> None:
        """Count the leases of hand-outs that were counted."""
        loads = self._loads.get(name)
        if loads is None:
            return
        loads.take(loads.native, now)
        self._used[name] = loads.accounting.clock.read(now)
        resolvers = loads.accounting.resolvers
        if isinstance(resolvers, SharedResolvers):
            plane.grow(loads.native, resolvers.capacity or CAPACITY)

    def left(self, route: "native.Route", now: float) -> None:
        """Count the last hand-outs of a route that is no longer in use."""
        loads = self._loads.get(route.pool)
        if loads is None or route.source is None or route.loads is None:
            return
        # After a change of members with no room the numbers are new ones.
        if route.source.names is loads.names:
            loads.take(route.loads, now)

    def reported(self, plane: "native.Plane", name: str, now: float) -> bool:
        """Publish at once what a report has changed; False: `refresh` has to.

        That is for pools of so many members that a report of each would take too long.
        """
        live = self._live.get(name, ())
        if sum(len(one.route.source.members) for one in live) > MOST_AT_ONCE:
            return False
        for one in live:
            self._publish(plane, one, now)
        return True

    def refresh(
        self, plane: "native.Plane", now: float, seconds: Callable[[], float]
    ) -> None:
        """Publish what has changed, the oldest first, as far as there is time."""
        begin = seconds()
        for name, live in tuple(self._live.items()):
            accounting = self._loads[name].accounting
            time = accounting.clock.read(now)
            if time - self._used.get(name, -inf) > VALID:
                del self._live[name]
                for one in live:
                    plane.withdraw(one.route)
                continue
            oldest = live[0]
            if (
                all(one.edition == accounting.edition for one in live)
                and time - oldest.published < AGING
            ):
                continue
            for one in live:
                self._publish(plane, one, now)
            self._live[name] = self._live.pop(name)
            if seconds() - begin > BUDGET:
                break


def levels(source: LevelSource, time: float) -> "native.LevelTable":
    """The levels of a route's members."""
    members = source.members
    nothing = [0.0] * len(members)
    reports, accounting = source.view.reports, source.view.accounting
    stage = source.shed
    chances = nothing
    if stage is not None:
        chances = [stage.chance(member, reports, time) for member in members]
    prepared = source.route.ready(members)
    if not isinstance(prepared, Leveled):
        ones = [1.0] * len(members)
        return native.LevelTable(time + VALID, nothing, nothing, nothing, ones, chances)
    found = prepared.levels(time)
    return native.LevelTable(
        time + VALID,
        [
            (1.0 - fresh) * member.weight
            for fresh, member in zip(found.fresh, members, strict=True)
        ],
        [
            base if fresh else inf
            for fresh, base in zip(found.fresh, found.bases, strict=True)
        ],
        list(found.steps),
        list(found.rooms),
        chances,
        mine=found.mine,
        horizon=accounting.leases.horizon,
        duration=accounting.leases.duration,
        trust=found.trust,
        price=found.price,
        start=found.start,
        reference=reference_ttl(source.view.settings.ttl),
    )
