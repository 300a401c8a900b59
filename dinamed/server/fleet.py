"""This server's part in a fleet, as the config says it: made anew when that changes."""

import secrets
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec.structs import replace
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.fleet import FleetSettings
from dinamed.config.settings import PoolSettings, Settings
from dinamed.fleet.digest_role import DigestRole
from dinamed.fleet.division import ServerRoster, work_of
from dinamed.fleet.hand_out_role import HandOutRole
from dinamed.fleet.key_role import KeyRole
from dinamed.fleet.order_kinds import StateOrders, WeightOrders
from dinamed.fleet.order_role import OrderRole
from dinamed.fleet.peers import Peers
from dinamed.fleet.records import SharedOrder
from dinamed.fleet.report_role import ReportRole
from dinamed.fleet.roles import OwnedRole, SharedRole, Steps
from dinamed.fleet.round_trip_role import RoundTripRole
from dinamed.fleet.service import FleetService, Identity
from dinamed.fleet.status import FleetServer, FleetStatus, Mode, OrderOutcome
from dinamed.fleet.steps import StepWorker
from dinamed.fleet.store import Store
from dinamed.fleet.vote_role import Elector, OwnVerdict, Poll, VoteRole
from dinamed.fleet.voting import VotingRule
from dinamed.pools.manager import PoolManager
from dinamed.pools.report import Report
from dinamed.server.fleet_store import etcd_store
from dinamed.signals import Signal

AT_ONCE = 16
"""Pools whose work is divided at a stretch."""

HOLD = 2.0
"""Leases for which a server that has gone keeps its work."""

NO_FLEET = "no [fleet]"

Pools = Sequence[PoolSettings]

MakeStore = Callable[[Any, FleetSettings, str], Store]


class FleetMember(Service):
    """What of this server there is in a fleet; without `[fleet]` it is alone.

    It is the sink of this server's own checks and feeds.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        manager: PoolManager,
        wall: Callable[[], float],
        settings: FleetSettings,
        identity: str,
        pools: Sequence[PoolSettings],
        shared: Sequence[SharedRole],
        keys: KeyRole,
        round_trips: RoundTripRole,
        make: MakeStore = etcd_store,
    ) -> None:
        self._reactor = reactor
        self._manager = manager
        self._wall = wall
        self._make = make
        self._shared = shared
        self._keys = keys
        self._round_trips = round_trips
        self._settings = settings
        self._host = identity
        self._pools = pools
        self._boot = secrets.randbits(63)
        self._started = wall()
        self.divided: Signal[[Pools, Pools]] = Signal(self._failed)
        """Is emitted with the pools whose members this server is to check, and with
        those whose members it is to ask for their load."""
        self._steps = StepWorker(reactor)
        self._alone = Mode(NO_FLEET, wall())
        self._leave_values = False
        self.reports = ReportRole(manager, wall)
        self._same = DigestRole("configs", lambda: self._configs)
        self._join()

    # --- what the config says

    def _join(self) -> None:
        """Make all that depends on the settings."""
        settings = self._settings
        server = settings.server or _as_name(self._host)
        self._server = server
        self._peers = Peers()
        self._roster = ServerRoster(server, HOLD * settings.lease)
        self._configs = {pool.name: _digest(pool) for pool in self._pools}
        self._orders = tuple(
            OrderRole(self._manager, server, self._wall, kind)
            for kind in (StateOrders(), WeightOrders())
        )
        self.votes = VoteRole(
            self._manager,
            server,
            settings.region,
            self._elector,
            self._poll,
            self._wall,
        )
        self._service: FleetService | None = None
        if settings.engine is None:
            return
        share = settings.share
        owned: list[OwnedRole] = []
        if "handouts" in share:
            owned.append(HandOutRole(self._manager, self._boot, self._wall))
        if "reports" in share:
            owned += [self.reports, self._round_trips]
        if "votes" in share:
            owned.append(self.votes)
        owned += [self._keys, self._same]
        own = Identity(
            settings.name,
            server,
            settings.region,
            self._boot,
            self._started,
            settings.interval,
        )
        self._service = FleetService(
            self._reactor,
            own,
            self._make(self._reactor, settings, server),
            self._peers,
            owned,
            self._orders if "orders" in share else (),
            self._shared,
            self._wall,
            self._steady,
            self._ticked,
        )

    def reconfigure(self, whole: Settings) -> None:
        """Take on another config."""
        settings, pools = whole.fleet, whole.pools
        identity = whole.server.identity or self._host
        self._pools = pools
        self._configs = {pool.name: _digest(pool) for pool in pools}
        if (settings, identity) != (self._settings, self._host):
            going = self._service
            if going is not None and going.running:
                going.stopService()
            self._settings, self._host = settings, identity
            before = self.votes
            self._join()
            self.votes.inherit(before)
            if self.running and self._service is not None:
                self._service.startService()
        for role in self._orders:
            role.reconfigured()
        self._divide()

    @property
    def incarnation(self) -> tuple[int, float]:
        """What tells this server from another of its name: a number, and its start."""
        return self._boot, self._started

    def go_on(self, incarnation: tuple[int, float]) -> None:
        """Be the same server as the process before this one, which has not started."""
        self._boot, self._started = incarnation
        self._join()

    # --- life

    def startService(self) -> None:
        """Join the fleet."""
        super().startService()
        if self._service is not None:
            self._service.startService()

    def stopService(self) -> Deferred[None]:
        """Leave the fleet; at once, unless another process goes on."""
        super().stopService()
        self._steps.stop()
        if self._service is None or not self._service.running:
            return succeed(None)
        return self._service.stopService(leave=not self._leave_values)

    def give_up(self) -> None:
        """Another process goes on under this server's name."""
        self._leave_values = True
        if self._service is not None and self._service.running:
            self._service.stopService(leave=False)

    # --- what this server finds out itself

    def verdicts(self, changed: Sequence[OwnVerdict]) -> None:
        """Take what this server's own checks say."""
        self.votes.verdicts(changed)
        if self._service is not None and self._service.running:
            self._service.hurry()

    def report(self, pool: str, member: str, report: Report, *, now: float) -> bool:
        """Take a report that was given to this server."""
        return self.reports.report(pool, member, report, now=now)

    def feed_failed(self, pool: str, member: str, reason: str, *, now: float) -> None:
        """Take that a member could not be asked."""
        self.reports.feed_failed(pool, member, reason, now=now)

    # --- dividing

    def _ticked(self) -> None:
        """An interval has passed: see among whom work is divided."""
        service = self._service
        if service is None:
            return
        now = self._steady()
        if service.mode.together:
            changed = self._roster.update(service.live_regions(), now)
        else:
            changed = self._roster.alone()
        if changed:
            self._steps.do("dividing", self._dividing)

    def _divide(self) -> None:
        self.divided.emit(*self.division(self._pools))

    def _failed(self, error: Exception) -> None:
        self.log.failure("dividing the work of the fleet", Failure(error))

    def division(self, pools: Pools) -> tuple[Pools, Pools]:
        """The pools with the members that this server checks, and asks for load."""
        regions, settings = self._roster.servers, self._settings
        found = [work_of(self._server, regions, pool, settings) for pool in pools]
        return [one for one, _ in found], [one for _, one in found]

    def _dividing(self) -> Steps:
        """The same in steps, for hashing takes long with many members and servers."""
        pools, to_check, to_ask = (
            self._pools,
            list[PoolSettings](),
            list[PoolSettings](),
        )
        for number, pool in enumerate(pools, 1):
            if number % AT_ONCE == 0:
                yield
            checked, asked = self.division((pool,))
            to_check += checked
            to_ask += asked
        if pools is self._pools:
            # Else all was divided anew meanwhile.
            self.divided.emit(to_check, to_ask)

    # --- votes

    def _elector(self, server: str) -> Elector | None:
        peer = self._peers.get(server)
        if peer is None:
            return None
        now = self._steady()
        silent = 0.0 if peer.is_live(now) else now - peer.heard
        return Elector(peer.live.region, silent)

    def _poll(self, pool: str) -> Poll:
        for one in self._pools:
            if one.name == pool:
                voting = one.voting
                rule = VotingRule(
                    voting.quorum, voting.min_votes, voting.verdict == "region"
                )
                interval = max((c.interval for c in one.check), default=10.0)
                return Poll(rule, interval)
        return Poll(VotingRule(), 10.0)

    # --- for people

    def order(
        self, pool: str, member: str, order: SharedOrder
    ) -> Deferred[OrderOutcome]:
        """Tell the fleet of an order that this server follows already.

        Fails with `OverruledError` if another one was given meanwhile.
        """
        return self._order(StateOrders.name, pool, member, order)

    def weigh(
        self, pool: str, member: str, order: SharedOrder
    ) -> Deferred[OrderOutcome]:
        """Tell the fleet of an order of another weight, as `order` does."""
        return self._order(WeightOrders.name, pool, member, order)

    def _order(
        self, kind: str, pool: str, member: str, order: SharedOrder
    ) -> Deferred[OrderOutcome]:
        if self._service is None:
            return succeed(OrderOutcome(None, 1, 1))
        order = replace(order, where=self._server)
        return self._service.order(kind, (pool, member), order)

    def status(self) -> FleetStatus:
        """How it goes with the fleet."""
        if self._service is not None:
            told = self._service.status()
            servers = tuple(
                replace(
                    one,
                    keys_differ=self._keys.differing(one.server),
                    pools_differ=self._same.differing(one.server),
                )
                for one in told.servers
            )
            return replace(told, servers=servers, isolated=self.votes.isolated)
        own = FleetServer(
            server=self._server,
            region=self._settings.region,
            self=True,
            live=True,
            lag=None,
            clock_offset=0.0,
            heard=None,
            seen=0,
            interval=self._settings.interval,
            version="",
            format=1,
            boot=f"{self._boot:016x}",
        )
        return FleetStatus(
            mode=self._alone.name,
            since=self._alone.since,
            why=self._alone.why,
            servers=(own,),
        )

    @property
    def has_fleet(self) -> bool:
        """Whether there is a `[fleet]`."""
        return self._service is not None

    @property
    def alone_seconds(self) -> float:
        """Seconds spent without the fleet since the start."""
        service = self._service
        mode = self._alone if service is None else service.mode
        return mode.alone_seconds(self._wall())

    def _steady(self) -> float:
        return self._manager.clock.read(self._wall())


def _as_name(identity: str) -> str:
    """An identity as a part of a key."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in identity)[:63]


def _digest(pool: PoolSettings) -> str:
    """Eight octets of a pool's settings: the same where they are the same."""
    data = msgspec.json.encode(pool, order="deterministic")
    return blake2b(data, digest_size=8).hexdigest()
