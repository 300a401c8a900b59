"""The resolvers of a pool in the extension's memory, for Python as well as threads."""

from random import Random

from dinamed.plane.extension import native
from dinamed.pools import floors, resolvers
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.accounts import MemberAccount
from dinamed.pools.floors import Floor
from dinamed.pools.resolvers import CAPACITY, ClientResolver

FIRST_BUCKETS = 8
"""The size of a table to begin with, in buckets of eight resolvers."""


def habits(half_step: float) -> tuple[float, ...]:
    """How the rates behind resolvers are learned: the same here and there."""
    return (
        resolvers.SMOOTHING,
        resolvers.PACE_SMOOTHING,
        half_step,
        *resolvers.LONGEST_STEP,
        resolvers.NEWCOMER,
        resolvers.SILENT,
        resolvers.HALF_STEP,
        floors.SEEN,
        floors.PART,
        floors.LEAST,
    )


class PoolLoads:
    """What threads hand out of one pool by load, and who asks; outlives its views.

    Members have numbers here, which stay theirs while there is room for new ones.
    """

    def __init__(self, accounting: PoolAccounting, rows: int, rng: Random) -> None:
        self.accounting = accounting
        self._rows = rows
        self._rng = rng
        self._slots: dict[str, int] = {}
        self.names: list[str] = []
        """The members by number, also those that have left."""
        self._ttls = (0, 0)
        self.native: native.Loads

    def settle(self, names: list[str], low: int, high: int) -> None:
        """Make room for these members, and for TTLs between these."""
        new = [name for name in names if name not in self._slots]
        room = self.native.size - len(self.names) if self.names else -1
        if room < len(new):
            self._slots = {name: number for number, name in enumerate(names)}
            self.names = list(names)
            table = native.ResolverTable(
                self._rows,
                FIRST_BUCKETS,
                self._rng.getrandbits(64),
                habits(self.accounting.half_step),
            )
            size = 2 * len(names) + 8
        else:
            for name in new:
                self._slots[name] = len(self.names)
                self.names.append(name)
            if (low, high) == self._ttls:
                return
            table, size = self.native.table, self.native.size
        self._ttls = (low, high)
        self.native = native.Loads(self._rows, size, low, high, table)

    def slots(self, names: list[str]) -> list[int]:
        """The numbers of members."""
        return [self._slots[name] for name in names]

    def take(self, loads: "native.Loads", now: float) -> None:
        """Book the leases that threads have given since the last time."""
        for slot, count, rate, ttl in loads.take():
            self.accounting.lease(self.names[slot], count, rate, ttl, now)
        self.accounting.detours.add(*loads.take_detours())

    def accounts(self, slots: list[int]) -> tuple[MemberAccount, ...]:
        """The members of these numbers."""
        return tuple(self.accounting.account(self.names[slot]) for slot in slots)


class SharedResolvers:
    """A pool's resolvers, as `dinamed.pools.resolvers.ClientResolvers` are."""

    def __init__(self, loads: PoolLoads, rng: Random, capacity: int = CAPACITY) -> None:
        self._loads = loads
        self._rng = rng
        self.capacity = capacity

    def limit(self, capacity: int) -> None:
        """Remember so many from now on; a table that is bigger stays as it is."""
        self.capacity = capacity

    def look_closely(self, half_step: float) -> None:
        """Learn rates with that gap; the table of the threads has its own."""

    def __len__(self) -> int:
        return int(self._loads.native.table.sums()[0])

    @property
    def mean_rate(self) -> float:
        """The mean rate of those who have come back; 0 if there are none."""
        _, known, rates = self._loads.native.table.sums()
        return max(0.0, rates) / known if known > 0 else 0.0

    def get(self, key: bytes) -> ClientResolver | None:
        """A copy of the resolver of that key, if it is known."""
        return self._made(self._loads.native.find(key))

    def asks(
        self, key: bytes, resolver: ClientResolver | None, time: float, horizon: float
    ) -> ClientResolver:
        """Learn that a resolver asks for a new answer."""
        lot = self._rng.getrandbits(64)
        found = self._made(self._loads.native.ask(key, time, horizon, lot))
        assert found is not None
        return found

    def keep(self, key: bytes, resolver: ClientResolver) -> None:
        """Record its last answer."""
        where = self._loads.slots([account.name for account in resolver.where])
        self._loads.native.keep(
            key, resolver.expires, resolver.ttl, resolver.families, where
        )

    def note(self) -> None:
        """Note from now on who asks: the table does so anyway."""

    def heaviest(self, most: int, time: float) -> list[tuple[bytes, ClientResolver]]:
        """Those with the highest rates of whom other servers were not told yet."""
        found = []
        for row in self._loads.native.heaviest(most, time):
            key, rate, expires, gap, families, where = row
            made = ClientResolver(rate)
            made.expires, made.gap, made.families = expires, gap, families
            made.known = True
            made.where = self._loads.accounts(where)
            found.append((key, made))
        return found

    def hear(
        self, key: bytes, told: ClientResolver, time: float, horizon: float
    ) -> None:
        """Learn what another server knows of a resolver that asked there."""
        self._loads.native.hear(
            key,
            told.rate,
            told.expires,
            told.gap,
            told.families,
            self._loads.slots([account.name for account in told.where]),
            time,
            horizon,
            self._rng.getrandbits(64),
        )

    def _made(self, told: "native.ResolverRow | None") -> ClientResolver | None:
        if told is None:
            return None
        made = ClientResolver(told[0])
        made.expires, made.gap, made.pace, made.last_asked = told[1:5]
        made.families, made.known = told[5:7]
        made.where = self._loads.accounts(told[7])
        made.others = told[8] or None
        made.ttl, made.floor = told[9], Floor(told[10])
        return made
