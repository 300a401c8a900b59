"""Leases: who has been sent where for how long, in sums by member.

A lease is an answer in a resolver's cache: until it ends, the clients behind that
resolver go to the member at the resolver's rate.  How many are due at a member within
the horizon H is, over its leases,

    sum of rate * min(end - t, H)  =  due - t * rate + H * far

where `rate` and `due` are the sums of rate and of rate * end of those that end within
H, and `far` is the sum of the rates of those that end later.  So a question costs the
same however many leases there are.  What must change as time goes by is found in
buckets of time: each end is rounded to the nearest tick, and with it a lease becomes
near when its end comes within H, and is gone at its end.

A tick is at most 1 s, or H/256 if that is more; so the end of a lease is wrong by half
of that at most, and the sum by half a tick times the rate.
"""

from heapq import heappop, heappush
from math import ceil

from dinamed.pools.accounts import MemberAccount

FEWEST_TICKS = 30
MOST_TICKS = 256
MOST_HORIZONS = 20
"""A lease that lasts longer is taken to end after so many horizons."""

_Bucket = dict[MemberAccount, list[float]]  # the rate, and the number of leases


class Leases:
    """The leases of a pool, in the accounts of its members.

    `horizon` is in seconds.  The size is bounded by the members and the ticks, not by
    the leases.
    """

    __slots__ = ("_ends", "_horizon", "_nears", "_next", "_ticks", "horizon", "tick")

    def __init__(self, horizon: float = 60.0) -> None:
        self._ends: dict[int, _Bucket] = {}
        self._nears: dict[int, _Bucket] = {}
        self._ticks: list[int] = []
        self._next = float("inf")
        self.look_ahead(horizon)

    @property
    def buckets(self) -> int:
        """How many buckets there are now."""
        return len(self._ends) + len(self._nears)

    def look_ahead(self, horizon: float) -> None:
        """Set the horizon.  Another tick than before forgets the leases."""
        horizon = max(1.0, horizon)
        number = min(MOST_TICKS, max(FEWEST_TICKS, ceil(horizon)))
        self.horizon = horizon
        self._horizon = number
        self.tick = horizon / number
        self.forget()

    def forget(self) -> None:
        """Forget all leases."""
        for buckets in (self._ends, self._nears):
            for bucket in buckets.values():
                for account in bucket:
                    account.live = 0
                    account.rate = account.due = account.far = 0.0
            buckets.clear()
        self._ticks.clear()
        self._next = float("inf")

    def add(
        self,
        account: MemberAccount,
        rate: float,
        time: float,
        ttl: float,
        count: int = 1,
    ) -> None:
        """Book a lease that begins now, or so many, with that rate in all."""
        most = MOST_HORIZONS * self.horizon
        tick = self.tick
        end = round((time + (ttl if ttl < most else most)) / tick)
        left = end - int(time / tick)
        if left <= 0:
            return
        if time > account.since:
            _count(account, time)
        account.live += count
        if left > self._horizon + 1:
            account.far += rate
            self._put(self._nears, end - self._horizon, account, rate, count)
        else:
            account.rate += rate
            account.due += rate * end * tick
        self._put(self._ends, end, account, rate, count)

    def advance(self, time: float) -> None:
        """Bring the sums up to that time."""
        if time < self._next:
            return
        ticks = self._ticks
        while ticks and ticks[0] * self.tick <= time:
            number = heappop(ticks)
            moment = number * self.tick
            for account, (rate, _) in self._nears.pop(number, {}).items():
                _count(account, moment)
                account.far -= rate
                account.rate += rate
                account.due += rate * (number + self._horizon) * self.tick
            for account, (rate, leases) in self._ends.pop(number, {}).items():
                _count(account, moment)
                account.live -= int(leases)
                if account.live:
                    account.rate -= rate
                    account.due -= rate * moment
                else:  # no rounding error outlasts the leases
                    account.rate = account.due = account.far = 0.0
        self._next = ticks[0] * self.tick if ticks else float("inf")

    def arrived(self, account: MemberAccount, time: float) -> float:
        """How many clients leases have brought to the account so far; starts anew."""
        self.advance(time)
        _count(account, time)
        arrived, account.arrived = account.arrived, 0.0
        return arrived

    def _put(
        self,
        buckets: dict[int, _Bucket],
        number: int,
        account: MemberAccount,
        rate: float,
        count: int,
    ) -> None:
        bucket = buckets.get(number)
        if bucket is None:
            bucket = buckets[number] = {}
            if number not in self._ends or number not in self._nears:
                heappush(self._ticks, number)
                self._next = self._ticks[0] * self.tick
        entry = bucket.get(account)
        if entry is None:
            bucket[account] = [rate, count]
        else:
            entry[0] += rate
            entry[1] += count


def due(account: MemberAccount, time: float, horizon: float) -> float:
    """How many clients the leases of the account bring within the horizon."""
    return max(0.0, account.due - time * account.rate + horizon * account.far)


def _count(account: MemberAccount, time: float) -> None:
    """Count the arrivals at the rate that ends now."""
    if time > account.since:
        account.arrived += (account.rate + account.far) * (time - account.since)
        account.since = time
