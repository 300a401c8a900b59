"""A store in memory, and servers of a fleet on a clock."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from dinamed.config.fleet import FleetSettings
from dinamed.config.settings import MemberSettings, PoolSettings
from dinamed.discovery.targets import MemberReader
from dinamed.fleet.cookie_role import CookieRole
from dinamed.fleet.key_role import KeyRole
from dinamed.fleet.member_role import MemberRole
from dinamed.fleet.round_trip_role import RoundTripRole
from dinamed.fleet.store import Change, Listener, StaleError, StoreError, StoreStatus
from dinamed.geo.place import Place
from dinamed.pools.manager import PoolManager
from dinamed.server.fleet import FleetMember
from tests.pools.support import host, pool

EPOCH = 1_000_000_000.0
INTERVAL = 5.0


class Keeper:
    """What all stores of one fleet keep; `lose` says what stops working."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.values: dict[str, tuple[bytes, int]] = {}
        self.revision = 100
        self.stores: list[MemoryStore] = []
        self.reachable = True
        self.way = 0.01
        self.puts = 0

    def put(self, key: str, value: bytes | None) -> int:
        """Change a key, and have all stores that are connected told."""
        self.revision += 1
        self.puts += 1
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value, self.revision
        change = Change(key, value, self.revision)
        for store in self.stores:
            self.clock.callLater(self.way, store.tell, [change], self.revision)
        return self.revision

    def wipe(self) -> None:
        """Lose everything, and begin at revision 1."""
        self.values.clear()
        self.revision = 1

    def all(self) -> list[Change]:
        """All there is."""
        return [Change(key, *value) for key, value in sorted(self.values.items())]


class MemoryStore:
    """The store of one server; cut off while `reachable` is false here or there."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.reachable = True
        self.listener: Listener | None = None
        self.owned: dict[str, bytes] = {}
        self.known = 0
        self.left: bool | None = None

    @property
    def connected(self) -> bool:
        """Whether anything gets through."""
        return self.reachable and self.keeper.reachable

    def start(self, listener: Listener) -> None:
        """Begin; the listener is first told of all there is."""
        self.listener = listener
        self.keeper.stores.append(self)
        if self.connected:
            self.known = self.keeper.revision
            listener(self.keeper.all(), self.known)

    def stop(self, leave: bool) -> Deferred[None]:
        """End."""
        self.left = leave
        self.keeper.stores.remove(self)
        if leave and self.connected:
            for key in self.owned:
                self.keeper.put(key, None)
        return succeed(None)

    def tell(self, changes: Sequence[Change], revision: int) -> None:
        """Have the listener told, unless it is cut off."""
        if self.connected and self.listener is not None:
            self.known = max(self.known, revision)
            self.listener(changes, revision)

    def heal(self) -> None:
        """Be connected again: read anew, and put what is one's own."""
        self.reachable = True
        self.tell(self.keeper.all(), self.keeper.revision)
        for key, value in self.owned.items():
            self.keeper.put(key, value)

    def publish(self, key: str, value: bytes) -> None:
        """Have an owned key say that."""
        self.owned[key] = value
        if self.connected:
            self.keeper.put(key, value)

    def withdraw(self, key: str) -> None:
        """Have an owned key say nothing."""
        if self.owned.pop(key, None) is not None and self.connected:
            self.keeper.put(key, None)

    def give(self, key: str, value: bytes | None, based_on: int) -> Deferred[int]:
        """Change a shared key."""
        if not self.connected:
            return fail(StoreError("cut off"))
        present, revision = self.keeper.values.get(key, (None, 0))
        if revision != based_on:
            return fail(StaleError(revision, present))
        return succeed(self.keeper.put(key, value))

    def status(self) -> StoreStatus:
        """How it goes."""
        why = "" if self.connected else "cut off"
        facts = {"engine": "memory"}
        return StoreStatus(self.connected, why, self.known, {}, facts, {})


class Lists:
    """Lists of members that were set over HTTP."""

    def __init__(self) -> None:
        self.pools: dict[str, tuple[MemberSettings, ...]] = {"p": ()}
        self.reader = MemberReader()

    def lists(self) -> dict[str, tuple[MemberSettings, ...]]:
        """All of them."""
        return dict(self.pools)

    def read(self, pool: str, tables: list[object]) -> tuple[MemberSettings, ...]:
        """Members from tables."""
        return self.reader.tables(tables)

    def put(self, pool: str, members: tuple[MemberSettings, ...]) -> Deferred[None]:
        """Have a pool have these."""
        self.pools[pool] = members
        return succeed(None)


class Member:
    """One server of a fleet in memory, with a pool `p` of members a and b."""

    def __init__(
        self,
        keeper: Keeper,
        name: str,
        pools: Sequence[PoolSettings] | None = None,
        offset: float = 0.0,
        **settings: object,
    ) -> None:
        self.clock = keeper.clock
        self.offset = offset
        """How far this server's clock is ahead."""
        self.store = MemoryStore(keeper)
        if pools is None:
            pools = [pool("p", host("a"), host("b"))]
        self.pools = pools
        self.manager = PoolManager(pools, self.wall())
        self.cookie_secrets: Sequence[bytes] = (name.encode().ljust(16, b"\0"),)
        self.made = 0
        self.lists = Lists()
        self.member_role = MemberRole(self.lists, self.wall)
        self.keys: dict[str, str] = {}
        """Digests of the keys that this server signs with, by zone."""
        self.settings = FleetSettings(
            engine="etcd",
            endpoints=("http://192.0.2.1:2379",),
            server=name,
            **settings,  # type: ignore[arg-type]
        )
        self.fleet = FleetMember(
            self.clock,
            self.manager,
            self.wall,
            self.settings,
            name,
            pools,
            (
                CookieRole(
                    lambda: self.cookie_secrets,
                    self.keep_cookies,
                    self.new_secret,
                    self.wall,
                ),
                self.member_role,
            ),
            KeyRole(lambda: self.keys),
            RoundTripRole(self.manager, lambda address: Place(country="DE"), self.wall),
            lambda reactor, settings, server: self.store,
        )

    def wall(self) -> float:
        """The time of day."""
        return EPOCH + self.clock.seconds() + self.offset

    def keep_cookies(self, secrets: Sequence[bytes]) -> None:
        """Go on with other secrets."""
        self.cookie_secrets = secrets

    def new_secret(self) -> bytes:
        """A secret that was never there."""
        self.made += 1
        return f"{self.settings.server} {self.made}".encode().ljust(16, b"\0")

    def start(self) -> "Member":
        """Join the fleet."""
        self.fleet.startService()
        return self


def run(clock: Clock, seconds: float) -> None:
    """Let time pass."""
    clock.pump([0.05] * round(seconds / 0.05))
