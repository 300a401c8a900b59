"""The resolvers that ask: the demand behind each, learned from its questions alone.

A cache asks again when its answer has run out and the next client comes.  The gap
between the two is exponential with the rate of its clients, so the smoothed gap gives
the rate: 1 / (gap + 0.5 s).

An address that asks again before its answer has run out stands for several caches.
Each answer is then a lease of its own, and a question belongs to that lease which ran
out the longest ago.  Beyond `MOST_CACHES` leases at once that can't be told any more,
and the rate comes from the rate q of questions: at least the client who caused the
question stands behind each lease, at most all that ask meanwhile; the geometric mean
of the two is sqrt(q * horizon) clients for a lease.

The memory is bounded.  Newcomers are on probation in a small part of it, where only
newcomers push each other out.  A resolver that comes back when its first answer has run
out moves to the rest, where the one that has been silent the longest makes room.  So a
flood of forged addresses, however many, turns over the small part alone.
"""

from bisect import insort

from dinamed.pools.accounts import Account

CAPACITY = 65536
SMALL_PART = 8  # the part of the memory for newcomers: one in so many

SMOOTHING = 0.25
HALF_STEP = 0.5  # seconds; the gap of a resolver that asks at once
LONGEST_STEP = (8.0, 8.0)
"""A gap counts for at most so many times the smoothed one, and so many seconds: else
a step of the clock would outweigh all that was learned."""

MOST_CACHES = 16
NEWCOMER = 4.0
"""The gap of a resolver that is not known yet, in horizons."""


class Resolver:
    """What is known of one resolver, or of one client subnet.

    `where` are the members of its last answer, `families` a bit for each family that
    has asked for it, `expires` its end on the steady clock.  `gap` is the smoothed gap
    in seconds, negative before there was one; `rate` that of clients, per second.
    `others` are the ends of its other leases, the first one first.
    """

    __slots__ = ("expires", "families", "gap", "others", "rate", "where")

    def __init__(self, rate: float) -> None:
        self.where: tuple[Account, ...] = ()
        self.families = 0
        self.expires = 0.0
        self.gap = -1.0
        self.rate = rate
        self.others: list[float] | None = None


class Resolvers:
    """Resolvers by key, at most `capacity` of them."""

    __slots__ = ("_known", "_most_known", "_most_new", "_new", "_rates")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._most_new = self._most_known = 1
        self._known: dict[bytes, Resolver] = {}
        self._new: dict[bytes, Resolver] = {}
        self._rates = 0.0
        self.limit(capacity)

    def limit(self, capacity: int) -> None:
        """Remember so many from now on."""
        self._most_new = max(1, capacity // SMALL_PART)
        self._most_known = max(1, capacity - self._most_new)
        while len(self._new) > self._most_new:
            del self._new[next(iter(self._new))]
        while len(self._known) > self._most_known:
            self._forget_oldest()

    def __len__(self) -> int:
        return len(self._known) + len(self._new)

    def get(self, key: bytes) -> Resolver | None:
        """The resolver of that key, if it is known; changes nothing."""
        return self._known.get(key) or self._new.get(key)

    @property
    def known(self) -> int:
        """How many have come back."""
        return len(self._known)

    @property
    def mean_rate(self) -> float:
        """The mean rate of those who have come back; 0 if there are none."""
        return self._rates / len(self._known) if self._known else 0.0

    def asks(self, key: bytes, time: float, horizon: float) -> Resolver:
        """A resolver asks for a new answer: learn from that."""
        resolver = self._known.pop(key, None)
        if resolver is not None:
            self._known[key] = resolver  # the last one asked last
            before = resolver.rate
            _learn(resolver, time, horizon)
            self._rates += resolver.rate - before
            return resolver
        resolver = self._new.get(key)
        if resolver is None:
            return self._newcomer(key, time, horizon)
        if _learn(resolver, time, horizon):
            del self._new[key]
            self._admit(key, resolver)
        return resolver

    def _newcomer(self, key: bytes, time: float, horizon: float) -> Resolver:
        # Whoever comes late has not asked for as long as there was anyone to ask.
        gap = min(time, NEWCOMER * horizon)
        resolver = Resolver(1.0 / (gap + HALF_STEP))
        if len(self._new) >= self._most_new:
            del self._new[next(iter(self._new))]
        self._new[key] = resolver
        return resolver

    def _admit(self, key: bytes, resolver: Resolver) -> None:
        if len(self._known) >= self._most_known:
            self._forget_oldest()
        if not self._known:
            self._rates = 0.0
        self._known[key] = resolver
        self._rates += resolver.rate

    def _forget_oldest(self) -> None:
        self._rates -= self._known.pop(next(iter(self._known))).rate


def _learn(resolver: Resolver, time: float, horizon: float) -> bool:
    """Take one more question into the rate; whether anything was learned."""
    others = resolver.others
    if others is None:
        if time < resolver.expires:
            resolver.others = [resolver.expires]
            return False
        gap = time - resolver.expires
    else:
        insort(others, resolver.expires)
        # A cache that keeps silent so long has gone, or was a question sent twice.
        while len(others) > 1 and others[0] < time - horizon / 2:
            del others[0]
        if others[0] > time:
            return len(others) > MOST_CACHES and _learn_many(resolver, others, horizon)
        gap = time - others.pop(0)
        if not others:
            resolver.others = None
    if resolver.gap < 0:
        resolver.gap = gap
    else:
        times, plus = LONGEST_STEP
        gap = min(gap, times * resolver.gap + plus)
        resolver.gap += SMOOTHING * (gap - resolver.gap)
    resolver.rate = 1.0 / (resolver.gap + HALF_STEP)
    return True


def _learn_many(resolver: Resolver, others: list[float], horizon: float) -> bool:
    """Go by the rate of questions, for there are too many leases to tell apart."""
    asked = len(others) / max(others[-1] - others[0], 0.001)
    clients = min((asked * horizon) ** 0.5, float(MOST_CACHES))
    resolver.rate = clients / horizon
    del others[0]
    return True
