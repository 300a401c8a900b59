"""Client resolvers: the demand behind each, learned from its questions alone.

A cache asks again when its answer has run out and the next client comes.  The gap
between the two is exponential with the rate of its clients, so the smoothed gap gives
the rate: 1 / (gap + 0.5 s).

An address that asks again before its answer has run out stands for several caches.
Each answer is then a lease of its own, and a question belongs to that lease which ran
out the longest ago.  Beyond `MOST_CACHES` leases at once that can't be told any more,
and the rate comes from the rate q of questions: at least the client who caused the
question stands behind each lease, at most all that ask meanwhile; the geometric mean
of the two is sqrt(q * horizon) clients for a lease.

The memory is bounded.  Newcomers are on probation, in whatever room the others leave,
but at least in a small part of it: when that is full a newcomer takes the place of
another, by lot.  Who comes back when its first answer has run out moves to the rest.
When that is full one of a few, by lot again, makes room: the one with the lowest rate,
where those count for nothing that have been silent for long.  So a flood of forged
addresses, however many, turns over the small part alone; and where more resolvers ask
than there is room for, those with many clients stay.
"""

from bisect import insort
from heapq import nlargest
from math import inf
from typing import Protocol

from dinamed.pools.accounts import MemberAccount
from dinamed.pools.floors import Floor

CAPACITY = 65536
SMALL_PART = 8  # the part of the memory for newcomers: one in so many

SMOOTHING = 0.25
PACE_SMOOTHING = 0.0625
HALF_STEP = 0.5  # seconds; the gap of a resolver that asks at once
LONGEST_STEP = (8.0, 8.0)
"""A gap counts for at most so many times the smoothed one, and so many seconds: else
a step of the clock would outweigh all that was learned."""

MOST_CACHES = 16
NEWCOMER = 4.0
"""The gap of a resolver that is not known yet, in horizons."""

SILENT = 20.0
"""Horizons after its last answer's end in which one still counts."""

COMPARED = 5
"""Resolvers of which one makes room."""

MOST_NOTED = 1024
"""Resolvers that are noted at most between two looks for the heaviest."""


class ClientResolver:
    """What is known of one client resolver, or of one client subnet.

    `where` are the members of its last answer, `families` a bit for each family that
    has asked for it, `expires` its end on the steady clock.  `gap` is the smoothed gap
    in seconds, negative before there was one; `rate` that of clients, per second.
    `known` tells that it has come back and is no newcomer.
    `others` are the ends of its other leases, the first one first.  `pace` is the
    smoothed time between its questions, negative before they were too many to tell
    apart, and `last_asked` the time of the last of those.  `ttl` is that of its last
    answer, 0 if that was given by another server, and `floor` how long it keeps answers
    at least.
    """

    __slots__ = (
        "expires",
        "families",
        "floor",
        "gap",
        "known",
        "last_asked",
        "others",
        "pace",
        "rate",
        "ttl",
        "where",
    )

    def __init__(self, rate: float) -> None:
        self.where: tuple[MemberAccount, ...] = ()
        self.families = 0
        self.expires = 0.0
        self.gap = -1.0
        self.rate = rate
        self.others: list[float] | None = None
        self.known = False
        self.pace = -1.0
        self.last_asked = 0.0
        self.ttl = 0.0
        self.floor = Floor()

    def keeps(self, ttl: float) -> float:
        """For how many seconds it keeps an answer of that TTL."""
        return max(ttl, self.floor.seconds)


class ResolverStore(Protocol):
    """The resolvers that ask, as a pool's accounting has them."""

    def __len__(self) -> int:
        """How many are remembered."""

    def limit(self, capacity: int) -> None:
        """Remember so many from now on."""

    def look_closely(self, half_step: float) -> None:
        """Learn rates with that gap of a resolver that asks at once, in seconds."""

    def get(self, key: bytes) -> ClientResolver | None:
        """The resolver of that key, if it is known; changes nothing."""

    @property
    def mean_rate(self) -> float:
        """The mean rate of those who have come back; 0 if there are none."""

    def asks(
        self, key: bytes, resolver: ClientResolver | None, time: float, horizon: float
    ) -> ClientResolver:
        """Learn that a resolver asks for a new answer; `get` has given it."""

    def keep(self, key: bytes, resolver: ClientResolver) -> None:
        """Store what has changed about a resolver: its last answer."""

    def note(self) -> None:
        """Note from now on who asks."""

    def heaviest(self, most: int, time: float) -> list[tuple[bytes, ClientResolver]]:
        """Those with the highest rates of those who have asked since the last call.

        Whoever is not known, stands for several caches, or has no answer any more at
        that time is not among them.
        """

    def hear(
        self, key: bytes, told: ClientResolver, time: float, horizon: float
    ) -> None:
        """Learn what another server knows of a resolver that asked there."""


class ClientResolvers:
    """Resolvers by key, at most `capacity` of them."""

    __slots__ = (
        "_capacity",
        "_half_step",
        "_known",
        "_least_new",
        "_new",
        "_noted",
        "_rates",
    )

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._half_step = HALF_STEP
        self._noted: dict[bytes, ClientResolver] | None = None
        self._known = _Room()
        self._new = _Room()
        self._rates = 0.0
        self.limit(capacity)

    def limit(self, capacity: int) -> None:
        """Remember so many from now on."""
        self._capacity = capacity = max(2, capacity)
        self._least_new = max(1, capacity // SMALL_PART)
        while len(self._known.entries) > capacity - self._least_new:
            self._rates -= self._known.drop_one(inf).rate
        while len(self) > capacity:
            self._new.drop_one(inf)

    def look_closely(self, half_step: float) -> None:
        """Learn rates with that gap of a resolver that asks at once, in seconds."""
        self._half_step = half_step

    def __len__(self) -> int:
        return len(self._known.entries) + len(self._new.entries)

    def get(self, key: bytes) -> ClientResolver | None:
        """The resolver of that key, if it is known; changes nothing."""
        return self._known.entries.get(key) or self._new.entries.get(key)

    @property
    def known(self) -> int:
        """How many have come back."""
        return len(self._known.entries)

    @property
    def mean_rate(self) -> float:
        """The mean rate of those who have come back; 0 if there are none."""
        known = len(self._known.entries)
        return max(0.0, self._rates) / known if known else 0.0

    def asks(
        self, key: bytes, resolver: ClientResolver | None, time: float, horizon: float
    ) -> ClientResolver:
        """Learn that a resolver asks for a new answer; `get` has given it."""
        if resolver is None:
            # Whoever comes late has not asked for as long as there was anyone to ask.
            gap = min(time, NEWCOMER * horizon)
            resolver = ClientResolver(1.0 / (gap + HALF_STEP))
            self._enter(key, resolver)
        elif resolver.known:
            before = resolver.rate
            _learn(resolver, time, horizon, self._half_step)
            self._rates += resolver.rate - before
        elif _learn(resolver, time, horizon, self._half_step):
            self._admit(key, resolver, time - SILENT * horizon)
        return resolver

    def keep(self, key: bytes, resolver: ClientResolver) -> None:
        """Store what has changed about a resolver: here the object itself is kept."""
        if self._noted is not None and resolver.known and resolver.others is None:
            if len(self._noted) >= MOST_NOTED and key not in self._noted:
                self._noted = dict(_heaviest(self._noted, MOST_NOTED // 2))
            self._noted[key] = resolver

    def note(self) -> None:
        """Note from now on who asks."""
        if self._noted is None:
            self._noted = {}

    def heaviest(self, most: int, time: float) -> list[tuple[bytes, ClientResolver]]:
        """Those with the highest rates of those noted since the last call."""
        if self._noted is None:
            return []
        noted = {k: one for k, one in self._noted.items() if one.expires > time}
        self._noted = {}
        return _heaviest(noted, most)

    def hear(
        self, key: bytes, told: ClientResolver, time: float, horizon: float
    ) -> None:
        """Learn what another server knows of a resolver that asked there."""
        mine = self.get(key)
        if mine is None:
            mine = ClientResolver(told.rate)
            self._enter(key, mine)
        elif mine.others is not None or told.expires <= mine.expires:
            return
        mine.expires, mine.where = told.expires, told.where
        mine.families, mine.gap = told.families, told.gap
        mine.ttl = 0.0
        before, mine.rate = mine.rate, told.rate
        if mine.known:
            self._rates += mine.rate - before
        else:
            self._admit(key, mine, time - SILENT * horizon)

    def _enter(self, key: bytes, resolver: ClientResolver) -> None:
        """Take in a newcomer."""
        most = max(self._least_new, self._capacity - len(self._known.entries))
        while len(self._new.entries) >= most:
            self._new.drop_one(inf)
        self._new.put(key, resolver)

    def _admit(self, key: bytes, resolver: ClientResolver, silent: float) -> None:
        """Let a newcomer join those who are known."""
        self._new.drop(key)
        if len(self._known.entries) >= self._capacity - self._least_new:
            self._rates -= self._known.drop_one(silent).rate
        self._known.put(key, resolver)
        self._rates += resolver.rate
        resolver.known = True


class _Room:
    """Entries of which one can be dropped by lot."""

    __slots__ = ("_keys", "_lot", "_places", "entries")

    def __init__(self) -> None:
        self.entries: dict[bytes, ClientResolver] = {}
        self._keys: list[bytes] = []
        self._places: dict[bytes, int] = {}
        self._lot = 1

    def put(self, key: bytes, resolver: ClientResolver) -> None:
        self.entries[key] = resolver
        self._places[key] = len(self._keys)
        self._keys.append(key)

    def drop(self, key: bytes) -> ClientResolver:
        place = self._places.pop(key)
        last = self._keys.pop()
        if last != key:
            self._keys[place] = last
            self._places[last] = place
        return self.entries.pop(key)

    def drop_one(self, silent: float) -> ClientResolver:
        """Drop the lowest rate of a few; those count 0 that have ended before then.

        With `silent` infinite all of them do, and it is one by lot.
        """
        keys, entries = self._keys, self.entries
        if silent == inf:
            return self.drop(keys[self._draw()])
        some = [keys[self._draw()] for _ in range(COMPARED)]
        return self.drop(min(some, key=lambda key: _worth(entries[key], silent)))

    def _draw(self) -> int:
        # Knuth's MMIX generator: chance enough for whom to forget.
        self._lot = (self._lot * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._lot >> 32) % len(self._keys)


def _heaviest(
    noted: dict[bytes, ClientResolver], most: int
) -> list[tuple[bytes, ClientResolver]]:
    return nlargest(most, noted.items(), key=lambda item: item[1].rate)


def _worth(resolver: ClientResolver, silent: float) -> float:
    return 0.0 if resolver.expires < silent else resolver.rate


def _learn(
    resolver: ClientResolver, time: float, horizon: float, half_step: float
) -> bool:
    """Take one more question into the rate; whether anything was learned."""
    others = resolver.others
    if others is None:
        if time < resolver.expires:
            resolver.others = [resolver.expires]
            return False
        gap = _gap(resolver, time)
    else:
        insort(others, resolver.expires)
        # A cache that keeps silent so long has gone, or was a question sent twice.
        while len(others) > 1 and others[0] < time - horizon / 2:
            del others[0]
        if others[0] > time:
            if len(others) <= MOST_CACHES:
                return False
            _learn_many(resolver, others, time, horizon)
            return True
        gap = time - others.pop(0)
        if not others:
            resolver.others = None
    if resolver.gap < 0:
        resolver.gap = gap
    else:
        times, plus = LONGEST_STEP
        gap = min(gap, times * resolver.gap + plus)
        resolver.gap += SMOOTHING * (gap - resolver.gap)
    resolver.rate = 1.0 / (resolver.gap + half_step)
    return True


def _gap(resolver: ClientResolver, time: float) -> float:
    """The time that one cache has been without an answer; learns its floor too."""
    over, ttl, floor = time - resolver.expires, resolver.ttl, resolver.floor
    if not ttl:
        return over
    if floor.asked_again(ttl + over, ttl):
        resolver.gap = floor.gap
    return max(0.0, ttl + over - resolver.keeps(ttl))


def _learn_many(
    resolver: ClientResolver, others: list[float], time: float, horizon: float
) -> None:
    """Go by the rate of questions, for there are too many leases to tell apart.

    That is by their own times: TTLs that change would pull the ends of leases apart.
    """
    if resolver.pace < 0:  # until now all had the same TTL, so ends are as good
        resolver.pace = (others[-1] - others[0]) / len(others)
    else:
        pause = min(time - resolver.last_asked, horizon)
        resolver.pace += PACE_SMOOTHING * (pause - resolver.pace)
    resolver.last_asked = time
    asked = 1.0 / max(resolver.pace, 1e-4)
    clients = min((asked * horizon) ** 0.5, float(MOST_CACHES))
    resolver.rate = clients / horizon
    resolver.gap = max(0.0, horizon / clients - HALF_STEP)
    del others[0]
