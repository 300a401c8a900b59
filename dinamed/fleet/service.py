"""The service that makes a server one of a fleet: it publishes, listens, and tells.

Nothing here is on the way of an answer.  The measure of whether there is a store is
one's own echo: the value under `by/SERVER/live` that comes back.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from dinamed import __version__
from dinamed.fleet.order_role import Given, OrderRole
from dinamed.fleet.orders import MemberKey
from dinamed.fleet.peers import Peers
from dinamed.fleet.records import FORMAT, BadRecordError, Codec, LiveRecord, SharedOrder
from dinamed.fleet.roles import OwnedRole, SharedRole
from dinamed.fleet.status import FleetServer, FleetStatus, Mode, OrderOutcome, told
from dinamed.fleet.steps import StepWorker
from dinamed.fleet.store import Change, Store
from dinamed.fleet.value_complaints import ValueComplaints

ECHO_MISSED = 3.0
"""Intervals after which a server that does not hear itself is alone."""

SOON = 0.2
"""Seconds until what should not wait for the next interval is published."""

NOT_BEGUN = "nothing has come back from the store yet"


@dataclass(frozen=True)
class Identity:
    """Who this server is in its fleet; `started` is Unix time."""

    fleet: str
    server: str
    region: str
    boot: int
    started: float
    interval: float


@dataclass(frozen=True)
class _Sender:
    """A server whose value is being heard."""

    name: str
    region: str
    boot: int
    age_of: Callable[[float, float], float]

    def age(self, said: float, wall: float) -> float:
        """How many seconds ago it was that time by its clock."""
        return self.age_of(said, wall)


class FleetService(Service):
    """One server's part in the fleet.

    `wall` is Unix time; ages go by `steady`, which never goes back.  `ticked` is
    called at each interval.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        identity: Identity,
        store: Store,
        peers: Peers,
        owned: Sequence[OwnedRole],
        orders: Sequence[OrderRole],
        shared: Sequence[SharedRole],
        wall: Callable[[], float],
        steady: Callable[[], float],
        ticked: Callable[[], object] = lambda: None,
    ) -> None:
        self._reactor = reactor
        self._identity = identity
        self._store = store
        self.peers = peers
        self._owned = {role.name: role for role in owned}
        self._orders = {role.name: role for role in orders}
        self._shared: dict[str, SharedRole] = {
            role.name: role for role in (*shared, *orders)
        }
        self._wall = wall
        self._steady = steady
        self._ticked = ticked
        self._codec = Codec(LiveRecord)
        self._sequence = 0
        self._sent: deque[tuple[int, float]] = deque(maxlen=64)
        self._echo: float | None = None
        self._echo_at: float | None = None
        self._caught_up = False
        self._twin_at: float | None = None
        self._published: dict[str, bytes] = {}
        self._inbox: dict[str, bytes] = {}
        self._complaints = ValueComplaints(self._tell)
        self._timer: Any = None
        self._soon: Any = None
        self._worker = StepWorker(reactor)
        self.mode = Mode(NOT_BEGUN, wall())

    # --- life

    def startService(self) -> None:
        """Begin to publish and to listen."""
        super().startService()  # type: ignore[no-untyped-call]
        for role in self._shared.values():
            role.begin()
        self._store.start(self._heard)
        self._publish()

    def stopService(self, leave: bool = True) -> Deferred[None]:
        """End; with `leave` one's own values go at once, else a successor has them."""
        super().stopService()  # type: ignore[no-untyped-call]
        for call in (self._timer, self._soon):
            if call is not None and call.active():
                call.cancel()
        self._timer = self._soon = None
        self._worker.stop()
        return self._store.stop(leave)

    # --- publishing

    def _publish(self) -> None:
        """Say all there is to say, and see how it goes."""
        self._timer = self._reactor.callLater(self._identity.interval, self._publish)
        self._judge()
        for owned in self._owned.values():
            owned.tick()
        for shared in self._shared.values():
            shared.tick()
        self.peers.expire(self._steady())
        self._ticked()
        if self.mode.together:
            for shared in self._shared.values():
                shared.see_to(self._store)
        self._say()

    def _say(self) -> None:
        if self._twin():
            return
        self._say_live()
        self._worker.do("saying", self._values)

    def _say_live(self) -> None:
        identity = self._identity
        self._sequence += 1
        live = LiveRecord(
            now=self._wall(),
            boot=identity.boot,
            started=identity.started,
            version=__version__,
            region=identity.region,
            sequence=self._sequence,
            interval=identity.interval,
            seen=self._store.status().revision,
        )
        self._sent.append((self._sequence, self._steady()))
        self._put("live", self._codec.pack(live), always=True)

    def _values(self) -> Iterator[None]:
        """Publish what the roles have to say, in steps."""
        for role in self._owned.values():
            for found in role.values():
                if found is not None:
                    chunk, value = found
                    self._put(f"{role.name}/{chunk}", value)
                yield

    def _put(self, key: str, value: bytes, always: bool = False) -> None:
        if always or self._published.get(key) != value:
            self._published[key] = value
            self._store.publish(f"by/{self._identity.server}/{key}", value)

    def hurry(self) -> None:
        """Publish soon, not only at the next interval."""
        if self.running and self._soon is None:
            self._soon = self._reactor.callLater(SOON, self._say_soon)

    def _say_soon(self) -> None:
        self._soon = None
        self._say()

    # --- listening

    def _heard(self, changes: Sequence[Change], revision: int) -> None:
        """Take what the store tells."""
        hurry = False
        for key, value, at in changes:
            kind, _, rest = key.partition("/")
            if kind == "by":
                self._heard_owned(rest, value)
            elif kind in self._shared:
                self._trying(kind, self._shared[kind].hear, key, value, at)
                hurry = True
            elif value is not None:
                self._complaints.not_taken(kind)
        if not self._caught_up:
            self._caught_up = True
            for role in self._shared.values():
                role.caught_up()
        if hurry:
            # So that whoever has given an order knows soon who has seen it.
            self.hurry()

    def _heard_owned(self, rest: str, value: bytes | None) -> None:
        server, _, what = rest.partition("/")
        # A value that is gone says nothing: what was said fades by its age.
        if value is None or not server:
            return
        if what == "live":
            self._trying(server, self._heard_live, server, value)
        elif server != self._identity.server:
            kind, _, _chunk = what.partition("/")
            if kind in self._owned:
                self._inbox[rest] = value
                self._worker.do("hearing", self._hear_all)
            else:
                self._complaints.not_taken(kind)

    def _heard_live(self, server: str, value: bytes) -> None:
        live = self._codec.read(value)
        if server == self._identity.server:
            self._heard_self(live)
            return
        now, wall = self._steady(), self._wall()
        if self.peers.hear(server, live, now, wall):
            for role in self._owned.values():
                role.lost(server)
            # Whoever starts anew begins to count where we are.
            self.hurry()

    def _heard_self(self, live: LiveRecord) -> None:
        if live.boot != self._identity.boot:
            other, own = (live.started, live.boot), self._identity
            if other < (own.started, own.boot) and self._wall() - live.now < 60.0:
                self._twin_at = self._steady()
            return
        for sequence, at in self._sent:
            if sequence == live.sequence:
                self._echo_at = self._steady()
                self._echo = self._echo_at - at
                self._judge()

    def _hear_all(self) -> Iterator[None]:
        """Take in what has come, in steps, the newest value of each key."""
        while self._inbox:
            rest = next(iter(self._inbox))
            value = self._inbox.pop(rest)
            server, _, what = rest.partition("/")
            kind, _, chunk = what.partition("/")
            peer = self.peers.get(server)
            if peer is None:
                continue
            sender = _Sender(server, peer.live.region, peer.live.boot, peer.age)
            steps = self._owned[kind].hear(sender, chunk, value)
            try:
                yield from steps
            except BadRecordError as error:
                self._complaints.bad_value(server, error)
            yield

    def _tell(self, text: str) -> None:
        self.log.warn("{text}", text=text)

    def _trying(self, source: str, action: Callable[..., object], *args: Any) -> None:
        try:
            action(*args)
        except BadRecordError as error:
            self._complaints.bad_value(source, error)

    # --- how it is

    def _twin(self) -> bool:
        """Whether another server of this name was here first, and is still."""
        if self._twin_at is None:
            return False
        if self._steady() - self._twin_at > 3 * self._identity.interval:
            self._twin_at = None
            return False
        return True

    def _judge(self) -> None:
        """See whether we are together or alone."""
        now = self._steady()
        limit = ECHO_MISSED * self._identity.interval
        heard = self._echo_at is not None and now - self._echo_at <= limit
        if self._twin():
            together, why = False, f"another server is named {self._identity.server}"
        elif heard:
            together, why = True, "our own values come back"
        else:
            status = self._store.status()
            together = False
            why = status.why or (
                NOT_BEGUN
                if self._echo_at is None
                else "our own values do not come back"
            )
        if self.mode.set(together, why, self._wall()):
            others = len(self.peers.live(now))
            self.log.info(
                "the fleet: {mode} ({why}; {others} other servers are live)",
                mode=self.mode.name,
                why=why,
                others=others,
            )

    def order(
        self, kind: str, member: MemberKey, order: SharedOrder
    ) -> Deferred[OrderOutcome]:
        """Tell the fleet of an order of a kind that this server follows already.

        Fails with `OverruledError` if another one was given meanwhile.
        """
        role = self._orders.get(kind)
        if role is None:
            return succeed(OrderOutcome(None, 1, 1))
        if not self.mode.together:
            role.keep(member, order)
            return succeed(self._outcome(Given(None)))
        return role.give(self._store, member, order).addCallback(self._outcome)

    def _outcome(self, given: Given) -> OrderOutcome:
        live = self.peers.live(self._steady())
        seen = 1
        if given.revision is not None:
            for name in live:
                peer = self.peers.get(name)
                seen += peer is not None and peer.live.seen >= given.revision
        return OrderOutcome(given.revision, seen, 1 + len(live))

    def live_regions(self) -> dict[str, str]:
        """The servers that are live and their regions, this one included."""
        found = {self._identity.server: self._identity.region}
        for name in self.peers.live(self._steady()):
            peer = self.peers.get(name)
            if peer is not None:
                found[name] = peer.live.region
        return found

    def status(self) -> FleetStatus:
        """How it goes, for people and programs."""
        store, identity = self._store.status(), self._identity
        own = FleetServer(
            server=identity.server,
            region=identity.region,
            self=True,
            live=True,
            lag=self._echo,
            clock_offset=0.0,
            heard=None if self._echo_at is None else self._steady() - self._echo_at,
            seen=store.revision,
            interval=identity.interval,
            version=__version__,
            format=FORMAT,
            boot=f"{identity.boot:016x}",
        )
        orders = [role.orders for role in self._orders.values()]
        return FleetStatus(
            mode=self.mode.name,
            since=self.mode.since,
            why=self.mode.why,
            servers=(own, *told(self.peers, self._steady())),
            name=identity.fleet,
            revision=store.revision,
            store=store.facts,
            sizes=store.sizes,
            counters={**store.counters, "bad_values": self._complaints.bad_values},
            waiting=sum(len(one.waiting) for one in orders),
            conflicts=tuple(sorted(said for one in orders for said in one.conflicts)),
        )
