"""From a snapshot to the tables of the plane.

What the plane cannot do is marked as Python's; so these rules decide what is native,
and nothing that is not named here is.
"""

import os
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network
from random import Random

from dinamed.geo.locator import Locator
from dinamed.geo.unwrap import WAYS
from dinamed.limits.responses import BURST, ResponseLimiter
from dinamed.plane.extension import native as native
from dinamed.plane.load_publisher import LevelSource, LoadPublisher
from dinamed.plane.negatives import negative_template, special_labels
from dinamed.plane.plan_install import region_of
from dinamed.plans.counts import OTHER, TYPES
from dinamed.plans.defence import Defence
from dinamed.plans.plan import PoolAnswer, Wanted
from dinamed.plans.planner import Facts
from dinamed.plans.reply import NSID_MAX, address_record
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.chain import MOST_PREPARED, Route
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Candidates, Family
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.everyone import Everyone
from dinamed.pools.stages.hashed import Hashed, member_seed
from dinamed.pools.stages.least import Least
from dinamed.pools.stages.predictive import Predictive
from dinamed.pools.stages.priority import PriorityStage
from dinamed.pools.stages.protocol import CLIENT, PLACE, Narrowing, Picking
from dinamed.pools.stages.round_robin import RoundRobin
from dinamed.pools.stages.shed import Shed
from dinamed.pools.stages.weighted import AliasTable, Weighted
from dinamed.wire.names import labels, to_text
from dinamed.zones.layout import HEADER
from dinamed.zones.packed import PackedZone

FAMILIES: tuple[Family, Family] = (4, 6)
MAX_KEEPALIVE = 0xFFFF
"""Steps of 100 ms that a stream may be said to last (RFC 7828 section 3.1)."""
MOST_SKIPPED = 8
"""Turns that round robin may begin with, so that threads do not march in step."""
_OF_CLIENT = frozenset({CLIENT, PLACE})
_OF_PLACE = frozenset({PLACE})


class TableCompiler:
    """Makes tables for planes with `rows` counting threads.

    What has not changed since the last snapshot is taken over from there.
    """

    def __init__(self, rows: int, rng: Random) -> None:
        self._rows = rows
        self._rng = rng
        self._serial = 0
        self._secret = os.urandom(16)
        self._locator: Locator | None = None
        self._classes: native.GeoTrees | None = None
        self._routes: dict[str, tuple[PoolView, list[native.Route]]] = {}
        self.publisher = LoadPublisher(rows, rng)
        self.route_index: dict[str, int] = {}
        """Where the routes into each pool stand in the tables, by its name."""

    def tables(self, snapshot: Snapshot, defence: Defence) -> "native.Tables":
        """Everything that a snapshot holds.

        From now on a limit on replies has its buckets in the plane, for Python too.
        """
        cookies = defence.cookies
        before, self._routes = self._routes, {}
        self.route_index = {}
        routes: list[native.Route] = []
        for name, view in snapshot.pools.items():
            known = before.get(name)
            if known is None or known[0] is not view:
                known = (view, self._compile(view))
            self._routes[name] = known
            self.route_index[name] = len(routes)
            routes += known[1]
        self.publisher.keep(frozenset(snapshot.pools))
        facts = snapshot.facts()
        return native.Tables(
            [self._zone(zone, facts) for zone in snapshot.zones.values()],
            routes,
            native.ReplyCounters(OTHER, self._rows),
            list(TYPES),
            snapshot.identity.encode()[:NSID_MAX],
            subnets=snapshot.subnet_from is None,
            trusted=prefixes_of(snapshot.subnet_from or ()),
            managers=prefixes_of(snapshot.management),
            limits=self._limits(defence.limiter),
            trees=self._geo_trees(snapshot.locator),
            shut=cookies is not None and len(cookies.secrets) > native.MOST_KEYS,
            secrets=() if cookies is None else cookies.secrets[: native.MOST_KEYS],
            required=defence.required,
            keepalive=min(MAX_KEEPALIVE, int(defence.keepalive * 10)),
        )

    def _geo_trees(self, locator: Locator) -> "native.GeoTrees | None":
        """The trees of a locator; None where there are too many, or other sources."""
        if locator is not self._locator:
            self._locator = locator
            trees = [getattr(source, "tree", None) for source in locator.databases]
            known = [tree for tree in trees if tree is not None]
            self._classes = None
            if len(known) == len(trees) <= native.MOST_DATABASES:
                self._classes = native.GeoTrees(
                    native.Prefixes(
                        [
                            (network.network_address.packed, network.prefixlen, number)
                            for number, network in enumerate(
                                locator.networks.networks, 1
                            )
                        ]
                    ),
                    native.Prefixes(
                        [
                            (network.network_address.packed, network.prefixlen, how)
                            for network, how in _wraps()
                        ]
                    ),
                    known,
                )
        return self._classes

    def _limits(self, limiter: ResponseLimiter | None) -> "native.RateTable | None":
        if limiter is None:
            return None
        if not isinstance(limiter.shared, native.RateTable):
            limiter.shared = native.RateTable(
                limiter.rate,
                BURST,
                limiter.slip,
                prefixes_of(limiter.exempt),
                self._secret,
                self._rows,
            )
        return limiter.shared

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
        elsewhere = native.Route(view.name, native.ELSEWHERE, self._rows)
        if view.fallback is not None or any(member.inner for member in view.offered):
            return elsewhere
        route = view.route(family)
        if route is None:
            return native.Route(view.name, native.NOBODY, self._rows)
        before, rest = _parts(route)
        if any(stage.depends - _OF_CLIENT for stage in before) or not _after(rest):
            return elsewhere
        if not before:
            return self._picking(view, family, route, route.folded)
        placed = all(stage.depends <= _OF_PLACE for stage in before)
        kind = native.BY_PLACE if placed else native.BY_CLIENT
        return native.Route(view.name, kind, self._rows, serial=self.new_serial())

    def _picking(
        self, view: PoolView, family: Family, route: Route, members: Candidates
    ) -> "native.Route":
        """The picking stage of a route for these candidates."""
        elsewhere = native.Route(view.name, native.ELSEWHERE, self._rows)
        prepared = route.ready(members)
        kind = _kind_of(route.picking[1])
        foresees = isinstance(route.picking[1], Predictive)
        rest = _parts(route)[1]
        answers = view.settings.answers
        if kind == native.EVERYONE:
            answers = len(members)
        answers = min(answers, len(members))
        if (
            kind == native.ELSEWHERE
            or answers > native.MOST_DRAWN
            or (foresees and answers > native.MOST_FORESEEN)
            or (rest and len(members) > native.MOST_SHED)
            or any(len(member.addresses(family)) != 1 for member in members)
        ):
            return elsewhere
        names = [member.name for member in members]
        loads = None
        if rest or kind == native.LOWEST:
            loads = self.publisher.loads(view)
        made = native.Route(
            view.name,
            kind,
            self._rows,
            tuple(names),
            answers,
            [
                address_record(b"", family, view.ttl, member.addresses(family)[0])
                for member in members
            ],
            [member.weight for member in members],
            [int(limit * 2**32) for limit in prepared.limits]
            if isinstance(prepared, AliasTable)
            else [],
            prepared.aliases if isinstance(prepared, AliasTable) else [],
            [member_seed(member.name) for member in members]
            if kind == native.BY_HASH
            else [],
            self._credits(members) if kind == native.IN_TURN else [],
            loads=None if loads is None else loads.native,
            slots=[] if loads is None else loads.slots(names),
            ranks=[float(m.priority) for m in members] if len(rest) > 1 else [],
            sheds=bool(rest),
            foresees=foresees,
        )
        if loads is not None:
            shed = rest[0] if rest else None
            assert shed is None or isinstance(shed, Shed)
            made.source = LevelSource(view, route, members, shed, loads.names)
        return made

    def install_client(
        self,
        plane: "native.Plane",
        plan: PoolAnswer,
        client: Client,
        snapshot: Snapshot,
    ) -> None:
        """Have the plane know among which members a client's answers are drawn.

        This is for pools whose stages narrow by the client or its place.
        """
        if plan.wanted is Wanted.TEXT or plan.pool not in self.route_index:
            return
        family: Family = 4 if plan.wanted is Wanted.A else 6
        view, routes = self._routes[plan.pool]
        above = routes[FAMILIES.index(family)]
        route = view.route(family)
        before = [] if route is None else _parts(route)[0]
        if route is None or not before:
            return
        context = DrawContext(client, family, 0.0, self._rng, count=False)
        context.told_place = plan.place
        kept = _narrowed(route, context, snapshot)
        sub = above.subs.get(kept)
        if sub is None:
            if len(above.subs) >= MOST_PREPARED:
                return
            sub = above.subs[kept] = self._picking(view, family, route, kept)
        index = self.route_index[plan.pool] + FAMILIES.index(family)
        if plan.place is not None:
            plane.install_region(index, region_of(plan.place), sub)
            return
        placed = all(stage.depends <= _OF_PLACE for stage in before)
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
                index, client.address, client.prefix, sub, context.scope
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
        if plan.wanted is Wanted.TEXT or plan.pool not in self.route_index:
            return
        family: Family = 4 if plan.wanted is Wanted.A else 6
        view, routes = self._routes[plan.pool]
        made: native.Route | None = routes[FAMILIES.index(family)]
        route = view.route(family)
        if made is not None and made.source is None and route is not None:
            context = DrawContext(client, family, 0.0, self._rng, count=False)
            context.told_place = plan.place
            made = made.subs.get(_narrowed(route, context, snapshot))
        if made is not None and made.source is not None:
            self.publisher.publish(plane, made, now)

    def renew(self, plane: "native.Plane", name: str, now: float) -> None:
        """Publish at once for new routes into a pool whose old ones were in use."""
        if self.publisher.forget(name) and name in self.route_index:
            for route in self._routes[name][1]:
                if route.source is not None:
                    self.publisher.publish(plane, route, now)

    def _credits(self, members: Candidates) -> list[float]:
        """What round robin begins with in each thread, as `round_robin` has it."""
        total = sum(member.weight for member in members)
        rows: list[float] = []
        for _ in range(self._rows):
            row = [(self._rng.random() - 0.5) * member.weight for member in members]
            for _ in range(self._rng.randrange(MOST_SKIPPED + 1)):
                row = [
                    has + member.weight
                    for has, member in zip(row, members, strict=True)
                ]
                row[row.index(max(row))] -= total
            rows += row
        return rows

    def _zone(self, zone: PackedZone, facts: Facts) -> "native.ZoneTable":
        fields = HEADER.unpack_from(zone.buffer)
        special = special_labels(zone)
        template = negative_template(zone, special)
        return native.ZoneTable(
            native.ReplyCounters(to_text(zone.origin), self._rows),
            zone.buffer,
            zone.origin,
            sum(1 for _ in labels(zone.origin)),
            fields[6],
            zone.depth,
            fields[10],
            fields[11],
            [self.route_index.get(pool, 0) for pool in zone.pools],
            *(template or (b"", [])),
            special,
            plain=not facts.regional,
            subnet=zone.origin not in facts.untailored,
            signed=zone.origin in facts.secured,
            keyed=zone.origin in facts.online,
            left=template is None
            or zone.origin in facts.tables
            or zone.origin in facts.unready,
        )


def prefixes_of(networks: Iterable[IPv4Network | IPv6Network]) -> "native.Prefixes":
    """The networks for the plane."""
    return native.Prefixes(
        [(network.network_address.packed, network.prefixlen, 1) for network in networks]
    )


def _wraps() -> Iterable[tuple[IPv6Network, int]]:
    """How prefixes hold IPv4 addresses, as the plane spells it."""
    for network, offset, inverted in WAYS:
        if inverted:
            yield network, native.WRAP_INVERTED
        else:
            yield network, native.WRAP_AT_16 if offset == 16 else native.WRAP_AT_96


def _parts(route: Route) -> tuple[list[Narrowing], list[Narrowing]]:
    """The stages that must still be asked: those before shedding, and from it on."""
    stages = [stage for _, stage in route.remaining]
    for number, stage in enumerate(stages):
        if type(stage) is Shed:
            return stages[:number], stages[number:]
    return stages, []


def _after(stages: list[Narrowing]) -> bool:
    """Whether this can be done natively: shedding, and perhaps ranks behind it."""
    return len(stages) <= 2 and all(
        type(stage) is PriorityStage for stage in stages[1:]
    )


def _narrowed(route: Route, context: DrawContext, snapshot: Snapshot) -> Candidates:
    """The candidates that a client has before any are shed."""
    context.locator = snapshot.locator
    kept = route.folded
    for stage in _parts(route)[0]:
        kept = stage.narrow(kept, context, route.facts) or kept
    return kept


def _kind_of(stage: Picking) -> int:
    """The rule of a picking stage; the very classes, for theirs may be extended."""
    kinds: dict[type, int] = {
        Weighted: native.BY_WEIGHT,
        Hashed: native.BY_HASH,
        RoundRobin: native.IN_TURN,
        Everyone: native.EVERYONE,
        Least: native.LOWEST,
        Predictive: native.LOWEST,
    }
    return kinds.get(type(stage), native.ELSEWHERE)
