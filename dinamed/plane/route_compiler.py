"""The routes into pools: by which rule the plane draws members, among whom.

What the plane cannot do is marked as Python's: these rules decide what is native.
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from dinamed.plane.extension import native as native
from dinamed.plane.load_publisher import LevelSource, LoadPublisher
from dinamed.plane.native_rules import (
    FAMILIES,
    Outcomes,
    costs_count,
    is_nested,
    kind_of,
    lots,
    narrowed,
    picks_by_cost,
    reached,
    sheds_natively,
    split_stages,
)
from dinamed.plane.plan_install import region_of
from dinamed.plane.route_records import SPANS, RouteRecords, family_of, number_of
from dinamed.plane.shared_turns import SharedTurns
from dinamed.plans.draw import STABLE
from dinamed.plans.plan import PoolAnswer
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.chain import MOST_PREPARED, Route
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.manager import PoolManager
from dinamed.pools.members import Candidates, Family
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.best import Best
from dinamed.pools.stages.hashed import member_seed
from dinamed.pools.stages.predictive import Predictive
from dinamed.pools.stages.protocol import CLIENT, PLACE
from dinamed.pools.stages.shed import Shed
from dinamed.pools.stages.spill import Spill, Spilling
from dinamed.pools.stages.weighted import AliasTable

_OF_CLIENT = frozenset({CLIENT, PLACE})
_OF_PLACE = frozenset({PLACE})


class RouteCompiler:
    """Makes the routes into pools for planes with `rows` counting threads.

    What has not changed since the last snapshot is taken over from there.
    """

    def __init__(self, rows: int, rng: Random) -> None:
        self._rows = rows
        self._rng = rng
        self._serial = 0
        self._costs = 0
        self._classes: native.GeoTrees | None = None
        self._routes: dict[str, tuple[PoolView, list[native.Route]]] = {}
        self._turns: dict[str, SharedTurns] = {}
        self._records = RouteRecords()
        self.publisher = LoadPublisher(rows, rng)
        self.route_index: dict[str, int] = {}
        """Where the routes into each pool stand in the tables, by its name."""

    def compile_all(self, snapshot: Snapshot) -> "list[native.Route]":
        """The routes into all pools of a snapshot, by `route_index`."""
        before, self._routes = self._routes, {}
        index_before = self.route_index
        self.route_index = {
            name: number * len(FAMILIES) for number, name in enumerate(snapshot.pools)
        }
        # Pools in pools are known by where they stand.
        moved = self.route_index != index_before
        routes: list[native.Route] = []
        for name, view in snapshot.pools.items():
            known = before.get(name)
            if known is None or known[0] is not view or (moved and is_nested(view)):
                known = (view, self._compile(view))
            self._routes[name] = known
            routes += known[1]
        for gone in self._turns.keys() - snapshot.pools.keys():
            del self._turns[gone]
        self._records.keep(snapshot.pools)
        self.publisher.keep(frozenset(snapshot.pools))
        return routes

    def new_serial(self) -> int:
        """A number that nothing else in the plane has."""
        self._serial += 1
        return self._serial

    def offers_changed(
        self, names: Iterable[str], pools: Mapping[str, PoolView]
    ) -> bool:
        """Whether any of these pools has answers where it had none, or the reverse."""
        for name in names:
            view, known = pools.get(name), self._routes.get(name)
            if view is None or known is None:
                continue
            if any(view.offers(one) != known[0].offers(one) for one in (0, 4, 6)):
                return True
        return False

    @property
    def knows_places(self) -> bool:
        """Whether the plane has what tells the places of clients."""
        return self._classes is not None

    def sources_asked(self, client: Client, snapshot: Snapshot) -> int | None:
        """How many sources are asked for a client's place; None: it can't be said."""
        return snapshot.locator.sources_for(client.address, client.prefix)

    def changed(
        self, names: Iterable[str], pools: Mapping[str, PoolView]
    ) -> list[tuple[int, "native.Route"]]:
        """The routes that take the place of those into these pools.

        Pools that the present tables do not have, or that are gone, are passed over.
        """
        found = []
        for name in names:
            view, index = pools.get(name), self.route_index.get(name)
            if view is None or index is None or self._routes[name][0] is view:
                continue
            routes = self._compile(view)
            self._routes[name] = (view, routes)
            found += [(index + number, route) for number, route in enumerate(routes)]
        return found

    def _compile(self, view: PoolView) -> "list[native.Route]":
        return [self._route(view, family) for family in FAMILIES]

    def _route(self, view: PoolView, family: Family) -> "native.Route":
        if not view.offers(family):
            return native.Route(view.name, native.NOBODY, self._rows)
        fallback = view.fallback(family)
        if fallback is not None:
            return native.Route(
                view.name,
                native.FALLBACK,
                self._rows,
                ttl=view.ttl,
                fallback=self._index(fallback.name, family),
            )
        route = view.route(family)
        assert route is not None
        before, rest = split_stages(route)
        spills = picks_by_cost(route)
        drawn = lots(before)
        others = [stage for stage in before if stage not in drawn]
        if (
            any(stage.depends - _OF_CLIENT for stage in others)
            or not sheds_natively(rest)
            or len(drawn) > 1
            or (drawn and spills)
        ):
            return native.Route(view.name, native.ELSEWHERE, self._rows)
        if not any(stage.depends for stage in others) and not spills:
            nobody = DrawContext(Client(b"", 0), family, 0.0, self._rng, count=False)
            return self._drawn(view, family, route, narrowed(route, nobody))
        placed = not spills and all(stage.depends <= _OF_PLACE for stage in others)
        kind = native.BY_PLACE if placed else native.BY_CLIENT
        return native.Route(view.name, kind, self._rows, serial=self.new_serial())

    def _index(self, pool: str, family: Family) -> int:
        return self.route_index[pool] + FAMILIES.index(family)

    def _drawn(
        self, view: PoolView, family: Family, route: Route, outcomes: Outcomes
    ) -> "native.Route":
        """The picking stage of a route, for one of these sets of candidates."""
        first, *following = outcomes
        if not following:
            return self._picking(view, family, route, first)
        other = self._picking(view, family, route, following[0])
        (lot,) = lots(split_stages(route)[0])
        found = self._picking(view, family, route, first, other, lot.share)
        if native.ELSEWHERE in (other.kind, found.kind):
            return native.Route(view.name, native.ELSEWHERE, self._rows)
        return found

    def _picking(
        self,
        view: PoolView,
        family: Family,
        route: Route,
        members: Candidates,
        other: "native.Route | None" = None,
        share: float = 0.0,
    ) -> "native.Route":
        """The picking stage of a route for these candidates.

        So large a share of the draws is that of the `other` route.
        """
        elsewhere = native.Route(view.name, native.ELSEWHERE, self._rows)
        prepared = route.ready(members)
        name, stage = route.picking
        kind = kind_of(stage)
        best = stage.among if type(stage) is Best else 0
        foresees = isinstance(stage, Predictive | Spill)
        rest = split_stages(route)[1]
        answers = view.settings.answers
        if kind in (native.EVERYONE, native.EACH):
            answers = len(members)
        answers = min(answers, len(members))
        if (
            kind == native.ELSEWHERE
            or max(answers, best) > native.MOST_DRAWN
            or (foresees and answers > native.MOST_FORESEEN)
            or (rest and len(members) > native.MOST_SHED)
            # A look that books nothing.
            or (not family and (rest or kind in (native.LOWEST, native.IN_TURN)))
        ):
            return elsewhere
        cells = self._records.cells(view, members, family)
        weights = [member.weight for member in members]
        names = [member.name for member in members]
        loads = turns = None
        if rest or kind == native.LOWEST:
            loads = self.publisher.loads(view)
        if kind == native.IN_TURN:
            turns = self._turns.setdefault(view.name, SharedTurns(self._rng))
            turns.settle(view.members)
        source = None
        if loads is not None:
            shed = rest[0] if rest else None
            assert shed is None or isinstance(shed, Shed)
            source = LevelSource(view, route, members, shed, loads.names)
        return native.Route(
            view.name,
            kind,
            self._rows,
            tuple(names),
            answers,
            [cell.records for cell in cells],
            weights,
            *(
                self._records.columns(view.name, weights)
                if isinstance(prepared, AliasTable)
                else ([], [])
            ),
            [member_seed(member.name) for member in members]
            if kind == native.BY_HASH
            else [],
            loads=None if loads is None else loads.native,
            slots=[] if loads is None else loads.slots(names),
            ranks=[float(m.priority) for m in members] if len(rest) > 1 else [],
            sheds=bool(rest),
            foresees=foresees,
            best=best,
            number=number_of(view.name),
            ttl=view.ttl,
            more=view.settings.answers,
            rotates=name not in STABLE,
            quiet=not family,
            span=SPANS[family],
            identities=[cell.identity for cell in cells],
            inner=[
                native.NO_INNER
                if member.inner is None
                else self._index(member.inner, family)
                for member in members
            ]
            if is_nested(view)
            else [],
            turns=None if turns is None else turns.native,
            turn_slots=[] if turns is None else turns.slots(names),
            source=source,
            other=other,
            share=share,
        )

    def install_client(
        self,
        plane: "native.Plane",
        plan: PoolAnswer,
        client: Client,
        snapshot: Snapshot,
        now: float,
    ) -> None:
        """Have the plane know among which members a client's answers are drawn.

        This is for pools whose stages narrow by the client or its place, or pick by
        what it costs the client.  `now` is Unix time.
        """
        if plan.pool not in self.route_index:
            return
        for pool in reached(self._routes, plan.pool):
            self._install_client(plane, pool, plan, client, snapshot, now)

    def _install_client(
        self,
        plane: "native.Plane",
        pool: str,
        plan: PoolAnswer,
        client: Client,
        snapshot: Snapshot,
        now: float,
    ) -> None:
        family = family_of(plan)
        view, routes = self._routes[pool]
        above = routes[FAMILIES.index(family)]
        route = view.route(family)
        if route is None or not above.serial:
            return
        before = split_stages(route)[0]
        context = self._asking(client, family, snapshot, plan, now)
        kept = narrowed(route, context)
        sub = above.subs.get(kept)
        if sub is None:
            if len(above.subs) >= MOST_PREPARED:
                return
            sub = above.subs[kept] = self._drawn(view, family, route, kept)
        index = self._index(pool, family)
        costs: Sequence[float] = ()
        prepared = route.ready(kept[0])
        if isinstance(prepared, Spilling):
            costs = prepared.costs(context)
        if plan.place is not None:
            plane.install_region(index, region_of(plan.place), sub, costs)
            return
        placed = not picks_by_cost(route) and all(
            stage.depends <= _OF_PLACE for stage in before if stage not in lots(before)
        )
        if placed and client.prefix and self._classes is not None:
            sources = 0
            if context.located is not None:
                found = snapshot.locator.sources_for(client.address, client.prefix)
                if found is None:
                    return
                sources = found
            plane.install_class(index, client.address, client.prefix, sub, sources)
        else:
            plane.install_client(
                index, client.address, client.prefix, sub, context.scope, costs
            )

    def _asking(
        self,
        client: Client,
        family: Family,
        snapshot: Snapshot,
        plan: PoolAnswer,
        now: float,
    ) -> DrawContext:
        """A look at what the stages would do for a client."""
        return DrawContext(
            client,
            family,
            now,
            self._rng,
            False,
            locator=snapshot.locator,
            told_place=plan.place,
        )

    def publish(
        self,
        plane: "native.Plane",
        plan: PoolAnswer,
        client: Client,
        snapshot: Snapshot,
        now: float,
    ) -> None:
        """Have the plane know how full the members are that this client may get."""
        if plan.pool not in self.route_index:
            return
        family = family_of(plan)
        for pool in reached(self._routes, plan.pool):
            view, routes = self._routes[pool]
            made: native.Route | None = routes[FAMILIES.index(family)]
            route = view.route(family)
            if made is not None and made.source is None and route is not None:
                context = self._asking(client, family, snapshot, plan, now)
                made = made.subs.get(narrowed(route, context))
            self._publish(plane, made, now)

    def renew_costs(self, plane: "native.Plane", manager: PoolManager) -> None:
        """Have the plane ask anew about clients, if other round trips were measured."""
        edition = manager.round_trips.edition
        views = (view for view, _ in self._routes.values())
        if edition != self._costs and any(costs_count(view.chain) for view in views):
            self._costs = edition
            plane.forget_clients()

    def renew(self, plane: "native.Plane", name: str, now: float) -> None:
        """Publish at once for new routes into a pool whose old ones were in use."""
        if self.publisher.forget(name) and name in self.route_index:
            for route in self._routes[name][1]:
                self._publish(plane, route, now)

    def _publish(
        self, plane: "native.Plane", route: "native.Route | None", now: float
    ) -> None:
        """Publish the levels of a route, and of the other one that it may draw by."""
        while route is not None:
            if route.source is not None:
                self.publisher.publish(plane, route, now)
            route = route.other
