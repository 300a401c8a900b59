"""From a snapshot to the tables of the plane.

What the plane cannot do is marked as Python's; so these rules decide what is native,
and nothing that is not named here is.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from dinamed.geo.locator import Locator
from dinamed.limits.responses import BURST, ResponseLimiter
from dinamed.plane.chains import Chains, soa_of
from dinamed.plane.extension import native as native
from dinamed.plane.load_publisher import LevelSource, LoadPublisher
from dinamed.plane.native_rules import (
    costs_count,
    kind_of,
    narrowed,
    picks_by_cost,
    sheds_natively,
    split_stages,
)
from dinamed.plane.negatives import negative_template, special_labels
from dinamed.plane.prefixes import prefixes_of, wraps
from dinamed.plans.counts import OTHER, TYPES
from dinamed.plans.facts import Facts
from dinamed.plans.plan import PoolAnswer, Wanted
from dinamed.plans.reply import NSID_MAX, address_record
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.chain import MOST_PREPARED, Route
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.manager import PoolManager
from dinamed.pools.members import Candidates, Family
from dinamed.pools.pool import FAMILIES, PoolView
from dinamed.pools.stages.hashed import member_seed
from dinamed.pools.stages.predictive import Predictive
from dinamed.pools.stages.protocol import CLIENT, PLACE
from dinamed.pools.stages.shed import Shed
from dinamed.pools.stages.spill import Spill, Spilling
from dinamed.pools.stages.weighted import AliasTable
from dinamed.wire.names import labels, to_text
from dinamed.zones.layout import HEADER
from dinamed.zones.packed import PackedZone

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
        self._costs = 0
        self._secret = os.urandom(16)
        self._locator: Locator | None = None
        self._classes: native.GeoTrees | None = None
        self._routes: dict[str, tuple[PoolView, list[native.Route]]] = {}
        self._chains = Chains()
        self.publisher = LoadPublisher(rows, rng)
        self.route_index: dict[str, int] = {}
        """Where the routes into each pool stand in the tables, by its name."""

    def tables(self, snapshot: Snapshot) -> "native.Tables":
        """Everything that a snapshot holds.

        From now on a limit on replies has its buckets in the plane, for Python too.
        """
        defence = snapshot.defence
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
        self._chains.keep(facts.secured)
        return native.Tables(
            [self._zone(zone, facts) for zone in snapshot.zones.values()],
            routes,
            native.ReplyCounters(OTHER, self._rows),
            list(TYPES),
            snapshot.identity.encode()[:NSID_MAX],
            self._secret,
            subnets=snapshot.subnet_from is None,
            trusted=prefixes_of(snapshot.subnet_from or ()),
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
                            for network, how in wraps()
                        ]
                    ),
                    known,
                )
        return self._classes

    def _limits(self, limiter: ResponseLimiter | None) -> "native.RateTable | None":
        if limiter is None:
            return None
        shared = limiter.shared
        if not isinstance(shared, native.RateTable):
            shared = native.RateTable(
                limiter.rate,
                BURST,
                limiter.slip,
                prefixes_of(limiter.exempt),
                self._secret,
                self._rows,
            )
            limiter.share(shared)
        return shared

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
        inside = any(member.inner for member in view.candidates(family))
        if inside or view.fallback(family) is not None:
            return elsewhere
        route = view.route(family)
        if route is None:
            return native.Route(view.name, native.NOBODY, self._rows)
        before, rest = split_stages(route)
        if any(stage.depends - _OF_CLIENT for stage in before) or not sheds_natively(
            rest
        ):
            return elsewhere
        spills = picks_by_cost(route)
        if not before and not spills:
            return self._picking(view, family, route, route.folded)
        self._serial += 1
        placed = not spills and all(stage.depends <= _OF_PLACE for stage in before)
        kind = native.BY_PLACE if placed else native.BY_CLIENT
        return native.Route(view.name, kind, self._rows, serial=self._serial)

    def _picking(
        self, view: PoolView, family: Family, route: Route, members: Candidates
    ) -> "native.Route":
        """The picking stage of a route for these candidates."""
        elsewhere = native.Route(view.name, native.ELSEWHERE, self._rows)
        prepared = route.ready(members)
        kind = kind_of(route.picking[1])
        foresees = isinstance(route.picking[1], Predictive | Spill)
        rest = split_stages(route)[1]
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
            source=source,
        )

    def install_client(
        self,
        plane: "native.Plane",
        plan: PoolAnswer,
        client: Client,
        snapshot: Snapshot,
        now: float,
    ) -> None:
        """Install the members among which a client's answers are drawn.

        This is for pools whose stages narrow by the client or its place, or pick by
        what it costs the client.  `now` is Unix time.
        """
        if plan.wanted is Wanted.TEXT or plan.pool not in self.route_index:
            return
        family: Family = 4 if plan.wanted is Wanted.A else 6
        view, routes = self._routes[plan.pool]
        above = routes[FAMILIES.index(family)]
        route = view.route(family)
        before = [] if route is None else split_stages(route)[0]
        if route is None or not (before or picks_by_cost(route)):
            return
        context = self._asking(client, family, snapshot, now)
        kept = narrowed(route, context)
        sub = above.subs.get(kept)
        if sub is None:
            if len(above.subs) >= MOST_PREPARED:
                return
            sub = above.subs[kept] = self._picking(view, family, route, kept)
        index = self.route_index[plan.pool] + FAMILIES.index(family)
        costs: Sequence[float] = ()
        prepared = route.ready(kept)
        if isinstance(prepared, Spilling):
            costs = prepared.costs(context)
        placed = not picks_by_cost(route) and all(
            stage.depends <= _OF_PLACE for stage in before
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
        self, client: Client, family: Family, snapshot: Snapshot, now: float
    ) -> DrawContext:
        """A look at what the stages would do for a client."""
        locator = snapshot.locator
        return DrawContext(client, family, now, self._rng, False, locator=locator)

    def publish(
        self,
        plane: "native.Plane",
        plan: PoolAnswer,
        client: Client,
        snapshot: Snapshot,
        now: float,
    ) -> None:
        """Publish how full the members are that this client may get."""
        if plan.wanted is Wanted.TEXT or plan.pool not in self.route_index:
            return
        family: Family = 4 if plan.wanted is Wanted.A else 6
        view, routes = self._routes[plan.pool]
        made: native.Route | None = routes[FAMILIES.index(family)]
        route = view.route(family)
        if made is not None and made.source is None and route is not None:
            context = self._asking(client, family, snapshot, now)
            made = made.subs.get(narrowed(route, context))
        if made is not None and made.source is not None:
            self.publisher.publish(plane, made, now)

    def renew(self, plane: "native.Plane", name: str, now: float) -> None:
        """Publish at once for new routes into a pool whose old ones were in use."""
        if self.publisher.forget(name) and name in self.route_index:
            for route in self._routes[name][1]:
                if route.source is not None:
                    self.publisher.publish(plane, route, now)

    def renew_costs(self, plane: "native.Plane", manager: PoolManager) -> None:
        """Have the plane ask anew about clients, if other round trips were measured."""
        edition = manager.round_trips.edition
        views = (view for view, _ in self._routes.values())
        if edition != self._costs and any(costs_count(view.chain) for view in views):
            self._costs = edition
            plane.forget_clients()

    def _credits(self, members: Candidates) -> list[float]:
        """The credits that round robin begins with in each thread."""
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
        online = facts.online.get(zone.origin)
        template = negative_template(zone, special, soa_of(zone, online))
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
            keyed=online is not None,
            chain=self._chains.of(facts.secured.get(zone.origin)),
            left=template is None
            or zone.origin in facts.tables
            or zone.origin in facts.unready,
        )
