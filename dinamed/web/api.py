"""The addresses of the HTTP API and what stands behind each."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from msgspec.structs import asdict
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Cooperator
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request

from dinamed import __version__
from dinamed.fleet.order_role import OverruledError
from dinamed.fleet.records import SharedOrder
from dinamed.fleet.status import FleetStatus, OrderOutcome
from dinamed.geo.place import Place
from dinamed.health.results import clean
from dinamed.plans.context import unpacked
from dinamed.pools.manager import UnknownMemberError, UnknownPoolError
from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.pools.states import Order
from dinamed.pools.when_down import consequence
from dinamed.steering.samples import Samples
from dinamed.web.bound_names import NamesPage, zones_with
from dinamed.web.dnssec import DnssecResource
from dinamed.web.explained import ExplainPage
from dinamed.web.families import addresses_out, families_down
from dinamed.web.guard import Guard
from dinamed.web.happened import EventsPage
from dinamed.web.member_metrics import Forecasts, forecasts
from dinamed.web.member_search import MemberSearch
from dinamed.web.members import MembersApi
from dinamed.web.messages import (
    CheckMessage,
    FleetSeen,
    MemberStatus,
    OrderReply,
    OrderRequest,
    PoolStatus,
    PoolSummary,
    PushReply,
    Status,
    WeightRequest,
    ZoneStatus,
)
from dinamed.web.openapi import description
from dinamed.web.parts import WebParts
from dinamed.web.powerdns import PowerdnsResource
from dinamed.web.renewals import Renewals
from dinamed.web.resources import (
    Endpoint,
    Handler,
    HttpError,
    NoSuchAddress,
    Subtree,
    body_of,
)
from dinamed.web.round_trips import RoundTripReceiver
from dinamed.web.slowly import gather
from dinamed.web.threads import WorkThreads
from dinamed.web.watchers import LiveService
from dinamed.web.world_map import MapPage


class Folder(Resource):
    """A part of a path that has no page of its own."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Whatever was not put here does not exist."""
        return NoSuchAddress()

    def render(self, request: Request) -> Any:
        """Nor does the part of the path alone."""
        return NoSuchAddress().render(request)


class Api:
    """Makes the resources under `/api/v1`."""

    def __init__(
        self,
        parts: WebParts,
        guard: Guard,
        live: LiveService,
        cooperator: Cooperator,
        threads: WorkThreads,
    ) -> None:
        self._parts = parts
        self._guard = guard
        self._live = live
        self.events = EventsPage(parts.happenings.events, parts.journal, threads)
        self._renewals = Renewals(parts, guard)
        self._cooperator = cooperator
        self._threads = threads
        self.members = MembersApi(parts, guard, threads.call)
        self._search = MemberSearch(parts, cooperator)
        self._names = NamesPage(parts, cooperator)
        self._map = MapPage(parts, cooperator)
        samples = Samples(parts.pools.round_trips, self._members, self._place)
        self._rtt = RoundTripReceiver(samples, parts.clock, cooperator)

    def _members(self) -> Mapping[str, frozenset[str]]:
        """The members of all pools."""
        views = self._parts.pools.views
        return {
            name: frozenset(member.name for member in view.members)
            for name, view in views.items()
        }

    def _place(self, address: bytes) -> Place:
        """Where an address is."""
        locator = self._parts.engine.snapshot.locator
        return locator.locate(address, len(address) * 8).place

    def resource(self) -> Resource:
        """The tree."""
        root, guard = Folder(), self._guard
        root.putChild(b"status", Endpoint({b"GET": self.status}))
        root.putChild(b"pools", _Pools(self))
        root.putChild(b"members", Endpoint({b"GET": self._search.find}))
        root.putChild(b"names", Endpoint({b"GET": self._names.names}))
        root.putChild(b"zones", Endpoint({b"GET": self._names.zones}))
        root.putChild(b"map", Endpoint({b"GET": self._map.draw}))
        root.putChild(b"fleet", Endpoint({b"GET": self.fleet}))
        root.putChild(b"explain", ExplainPage(self._parts, self._threads).resource())
        root.putChild(b"load", Endpoint({}, {b"POST": self.push}, guard, "load"))
        root.putChild(b"rtt", Endpoint({}, {b"POST": self._rtt.push}, guard, "rtt"))
        root.putChild(b"reload", Endpoint({}, {b"POST": self._renewals.reload}, guard))
        root.putChild(
            b"replace", Endpoint({}, {b"POST": self._renewals.replace}, guard)
        )
        root.putChild(b"dnssec", DnssecResource(self._parts.signing, guard))
        root.putChild(
            b"servers", PowerdnsResource(self._parts, guard, self._cooperator)
        )
        root.putChild(b"live", self._live.resource())
        root.putChild(b"events", self.events.resource())
        described = description()
        root.putChild(b"openapi.json", Endpoint({b"GET": lambda request: described}))
        return root

    def status(self, request: Request) -> Deferred[Status]:
        """The status of the server."""
        zones = zones_with(self._parts.engine.snapshot.zones)
        return gather(self._cooperator, zones).addCallback(self._status, request)

    def _status(self, zones: list[list[ZoneStatus]], request: Request) -> Status:
        engine = self._parts.engine
        vitals = engine.vitals()
        return Status(
            version=__version__,
            identity=engine.snapshot.identity,
            started=vitals.started,
            up=vitals.now - vitals.started,
            questions=vitals.questions,
            failures=self._parts.stack.resolver.failures,
            connections=self._parts.listening.streams.open_connections,
            engine=self._parts.listening.engine,
            zones=tuple(chain.from_iterable(zones)),
            pools=self.pools(request),
        )

    def pools(self, request: Request) -> tuple[PoolSummary, ...]:
        """All pools in short."""
        views = self._parts.pools.views
        return tuple(_summary(views[name]) for name in sorted(views))

    def pool(self, name: str) -> Deferred[PoolStatus]:
        """One pool with its members.  Raises `HttpError` 404."""
        view = self._view(name)
        now = self._parts.clock()
        foreseen = forecasts(view, now)
        members = (self.member(view, one, foreseen) for one in view.ranked(now))
        return gather(self._cooperator, members).addCallback(self._pool, view)

    @staticmethod
    def _pool(members: list[MemberStatus], view: PoolView) -> PoolStatus:
        return PoolStatus(
            name=view.name,
            down=view.down,
            lacking=view.lacking,
            families_down=families_down(view),
            when_down=view.settings.when_down,
            ttl=view.ttl,
            answers=view.settings.answers,
            select=tuple(stage.name for stage in view.settings.select),
            members=tuple(members),
        )

    def push(self, request: Request) -> PushReply:
        """Take reports of load; what is wrong with some does not harm the others."""
        items = body_of(request, Any)
        count = len(items) if isinstance(items, list) else 1
        try:
            wrong = self._parts.pushes.push(items, self._parts.clock())
        except ValueError as error:
            raise HttpError(400, f"body: {error}") from None
        problems = tuple(f"{index}: {why}" for index, why in sorted(wrong.items()))
        if len(problems) == count:
            raise HttpError(400, "no report was taken", problems)
        return PushReply(count - len(problems), problems)

    def order(self, pool: str, member: str, request: Request) -> "Deferred[OrderReply]":
        """Take an operator's order, here and for the fleet.

        Raises `HttpError` 400 or 404; fails with 409 if it was overruled meanwhile.
        """
        wanted: OrderRequest = body_of(request, OrderRequest)
        now, state = self._parts.clock(), Order(wanted.state)
        terms = self._terms(wanted, request, now)
        known = self._view(pool).member_states.get(member)
        # `auto` undoes all that was ordered.
        lifts = state is Order.AUTO and known is not None and known.weight is not None
        try:
            self._parts.pools.order(pool, member, state, now=now, **terms)
            if lifts:
                self._parts.pools.weigh(pool, member, None, now=now)
        except (UnknownPoolError, UnknownMemberError) as error:
            raise HttpError(404, str(error)) from None
        except ValueError as error:
            raise HttpError(400, str(error)) from None
        if wanted.here:
            return succeed(self._ordered(OrderOutcome(None, 1, 1), pool, member))
        shared = SharedOrder(now=now, order=state, **terms)
        telling = self._parts.fleet.order(pool, member, shared)
        if lifts:
            unweighted = SharedOrder(now=now, weight=None, **terms)
            lifting = self._parts.fleet.weigh(pool, member, unweighted)
            told = telling
            telling = lifting.addBoth(lambda _: told)
        return telling.addCallbacks(self._ordered, overruled, (pool, member))

    def _ordered(self, outcome: OrderOutcome, pool: str, member: str) -> OrderReply:
        status = self._named(pool, member)
        seen = FleetSeen(*outcome)
        effect = _effect(self._view(pool))
        return OrderReply(**asdict(status), fleet=seen, effect=effect)

    def fleet(self, request: Request) -> FleetStatus:
        """How it goes with the servers that answer as one."""
        return self._parts.fleet.status()

    def weigh(
        self, pool: str, member: str, request: Request
    ) -> "Deferred[MemberStatus]":
        """Take an order of another weight, here and for the fleet.

        Raises `HttpError` 400 or 404; fails with 409 if it was overruled meanwhile.
        """
        wanted: WeightRequest = body_of(request, WeightRequest)
        now = self._parts.clock()
        terms = self._terms(wanted, request, now)
        self._view(pool)
        try:
            self._parts.pools.weigh(pool, member, wanted.weight, now=now, **terms)
        except (UnknownPoolError, UnknownMemberError) as error:
            raise HttpError(404, str(error)) from None
        except ValueError as error:
            raise HttpError(400, str(error)) from None
        if wanted.here:
            return succeed(self._named(pool, member))
        shared = SharedOrder(now=now, weight=wanted.weight, **terms)
        telling = self._parts.fleet.weigh(pool, member, shared)
        return telling.addCallbacks(lambda _: self._named(pool, member), overruled)

    def _terms(
        self, wanted: OrderRequest | WeightRequest, request: Request, now: float
    ) -> dict[str, Any]:
        """Until when an order holds, who gives it, and why."""
        return {
            "until": None if wanted.duration is None else now + wanted.duration,
            "by": clean(wanted.by) or self._guard.who(request),
            "reason": clean(wanted.reason),
        }

    def _named(self, pool: str, name: str) -> MemberStatus:
        """The member of that name, which may have left meanwhile."""
        view = self._view(pool)
        found = next((m for m in view.members if m.name == name), None)
        if found is None:
            raise HttpError(404, f"pool {pool!r} has no member {name!r}")
        return self.member(view, found, forecasts(view, self._parts.clock()))

    def member(
        self, view: PoolView, member: Member, foreseen: Forecasts
    ) -> MemberStatus:
        """One member, with all that is known of it."""
        member_state = view.member_states[member.name]
        now = self._parts.clock()
        posted = view.posted(member)
        report = None if posted is None else posted.report
        return MemberStatus(
            name=member.name,
            state=view.state(member),
            order=member_state.order,
            until=member_state.until,
            reason=view.why_out(member),
            by=member_state.by,
            order_reason=member_state.order_reason,
            weight_until=member_state.weight_until,
            addresses=tuple(map(unpacked, member.addresses(0))),
            addresses_out=addresses_out(view, member),
            pool=member.inner,
            weight=member.weight,
            capacity=member.capacity,
            load=view.load_of(member, now),
            predicted=foreseen.get(member),
            reported=None if report is None else report.at,
            feed_failure="" if posted is None else posted.failure,
            hand_outs=view.accounting.account(member.name).total,
            checks=tuple(
                CheckMessage(one.check, one.address, one.up, one.since, one.reason)
                for one in self._parts.health.status(view.name, member.name)
            ),
        )

    def _view(self, name: str) -> PoolView:
        try:
            return self._parts.pools.view(name)
        except UnknownPoolError as error:
            raise HttpError(404, str(error)) from None


class _Pools(Subtree):
    """`/pools`, `/pools/POOL` and `/pools/POOL/members/MEMBER`."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def endpoint(self, path: list[str]) -> Endpoint:
        """What stands at a path below this one."""
        api = self._api
        match path:
            case []:
                return Endpoint({b"GET": api.pools})
            case [pool]:
                return Endpoint({b"GET": lambda request: api.pool(pool)})
            case [pool, "members"]:
                return api.members.of_pool(pool)
            case [pool, "discover"]:
                return api.members.of_source(pool)
            case [pool, "members", member]:
                orders: dict[bytes, Handler] = {
                    b"PUT": lambda request: api.order(pool, member, request),
                    b"PATCH": lambda request: api.weigh(pool, member, request),
                }
                return api.members.of_member(pool, member, orders)
            case _:
                return NoSuchAddress()


def overruled(failure: Failure) -> OrderReply:
    """Say that another order was given meanwhile."""
    failure.trap(OverruledError)
    raise HttpError(409, str(failure.value))


def _effect(view: PoolView) -> str:
    """What becomes of the clients, if the pool has no usable member now."""
    if not view.down:
        return ""
    given = bool(view.offered) or view.fallback(0) is not None
    return consequence(view.name, view.lacking, view.settings.when_down, given)


def _summary(view: PoolView) -> PoolSummary:
    return PoolSummary(
        name=view.name,
        down=view.down,
        usable=len(view.usable),
        members=len(view.members),
        hand_outs=sum(view.accounting.totals.values()),
    )
