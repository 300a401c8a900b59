"""Leases: hand-outs that are in force, as sums by member.

A lease is an answer in a resolver's cache: until it ends, the clients behind that
resolver go to the member at the resolver's rate.  How many are due at a member within
the horizon H is, over its leases,

    sum of rate * min(end - t, H)  =  due - t * rate + H * far

where `rate` and `due` are the sums of rate and of rate * end of those that end within
H, and `far` is the sum of the rates of those that end later.  So a question costs the
same however many leases there are.  What must change as time goes by is found in
buckets of time: each end is rounded to the nearest tick, and with it a lease becomes
near when its end comes within H, and is gone at its end.

What they come to as load is their mean number over the horizon, for each stays for the
duration D on average.  A client a second for r seconds comes to

    worth(r) = D * (r - D * (exp(-(H - r)/D) - exp(-H/D))) / H

which over all leases takes one sum more: `discounted`, of rate * exp((end - base)/D),
where the base follows the time.

A tick is at most 1 s, or H/256 if that is more; so the end of a lease is wrong by half
of that at most, and the sum by half a tick times the rate.
"""

from heapq import heappop, heappush
from math import ceil, exp

from dinamed.pools.accounts import MemberAccount
from dinamed.pools.arrivals import Came

FEWEST_TICKS = 30
MOST_TICKS = 256
MOST_HORIZONS = 20
"""A lease that lasts longer is taken to end after so many horizons."""
DURATION = 300.0
"""Seconds that a transfer lasts, if nothing else is said."""
SHORTEST = 64
"""A duration counts for one of so many to the horizon at least: powers stay small."""
MOST_POWER = 64.0
"""Durations after which the base of `discounted` follows the time."""

_Bucket = dict[MemberAccount, list[float]]  # the rate, and the number of leases


class Leases:
    """The leases of a pool, in the accounts of its members.

    `horizon` and `duration` are in seconds.  The size is bounded by the members and the
    ticks, not by the leases.
    """

    __slots__ = (
        "_base",
        "_ends",
        "_horizon",
        "_nears",
        "_next",
        "_ticks",
        "duration",
        "horizon",
        "journal",
        "tick",
    )

    def __init__(self, horizon: float = 60.0, duration: float = DURATION) -> None:
        self._ends: dict[int, _Bucket] = {}
        self._nears: dict[int, _Bucket] = {}
        self._ticks: list[int] = []
        self._next = float("inf")
        self._base = 0.0
        self.journal: dict[tuple[MemberAccount, int], list[float]] | None = None
        """Rate and number of the leases booked here since it was emptied, by account
        and the tick of their end; None: nobody wants to know."""
        self.look_ahead(horizon, duration)

    @property
    def buckets(self) -> int:
        """How many buckets there are now."""
        return len(self._ends) + len(self._nears)

    def look_ahead(self, horizon: float, duration: float = DURATION) -> None:
        """Set the horizon, and how long a transfer lasts; forgets the leases."""
        horizon = max(1.0, horizon)
        number = min(MOST_TICKS, max(FEWEST_TICKS, ceil(horizon)))
        self.horizon = horizon
        self.duration = max(duration, horizon / SHORTEST)
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
                    account.discounted = 0.0
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
        foreign: bool = False,
    ) -> None:
        """Book a lease that begins now, or so many, with that rate in all.

        `foreign` are those that another server gave.
        """
        most = MOST_HORIZONS * self.horizon
        tick = self.tick
        end = round((time + (ttl if ttl < most else most)) / tick)
        left = end - int(time / tick)
        if left <= 0:
            return
        if time - self._base > MOST_POWER * self.duration:
            self._rebase(time)
        self._count(account, time)
        account.live += count
        if left > self._horizon + 1:
            account.far += rate
            self._put(self._nears, end - self._horizon, account, rate, count)
        else:
            account.rate += rate
            account.due += rate * end * tick
            account.discounted += rate * self._power(end)
        self._put(self._ends, end, account, rate, count)
        if self.journal is not None and not foreign:
            entry = self.journal.setdefault((account, end), [0.0, 0])
            entry[0] += rate
            entry[1] += count

    def advance(self, time: float) -> None:
        """Bring the sums up to that time."""
        if time < self._next:
            return
        ticks = self._ticks
        while ticks and ticks[0] * self.tick <= time:
            number = heappop(ticks)
            moment = number * self.tick
            if moment - self._base > MOST_POWER * self.duration:
                self._rebase(moment)
            for account, (rate, _) in self._nears.pop(number, {}).items():
                self._count(account, moment)
                account.far -= rate
                account.rate += rate
                end = number + self._horizon
                account.due += rate * end * self.tick
                account.discounted += rate * self._power(end)
            for account, (rate, leases) in self._ends.pop(number, {}).items():
                self._count(account, moment)
                account.live -= int(leases)
                if account.live:
                    account.rate -= rate
                    account.due -= rate * moment
                    account.discounted -= rate * self._power(number)
                else:  # no rounding error outlasts the leases
                    account.rate = account.due = account.far = 0.0
                    account.discounted = 0.0
        self._next = ticks[0] * self.tick if ticks else float("inf")

    def present(self, account: MemberAccount, time: float) -> float:
        """How many clients that came by leases since the last report are there."""
        self._count(account, time)
        return account.arrivals.present

    def reported(self, account: MemberAccount, measured: float) -> Came:
        """A report shows who came up to then; who that were since the last one."""
        self.advance(measured)
        self._count(account, measured)
        return account.arrivals.reported(measured, self.duration)

    def stay(self) -> float:
        """What a client who is there now comes to: its mean over the horizon."""
        shorter = self.duration / self.horizon
        return shorter * (1.0 - exp(-1.0 / shorter))

    def worth(self, seconds: float) -> float:
        """What a client a second, for so many seconds from now, comes to."""
        horizon, duration = self.horizon, self.duration
        lasts = min(max(0.0, seconds), horizon)
        gone = exp(-(horizon - lasts) / duration) - exp(-horizon / duration)
        return duration * (lasts - duration * gone) / horizon

    def due(self, account: MemberAccount, time: float) -> float:
        """How many clients the leases of the account bring within the horizon."""
        here = account.due - time * account.rate
        return max(0.0, here + self.horizon * account.far)

    def coming(self, account: MemberAccount, time: float) -> float:
        """What the clients come to that leases bring: their mean over the horizon."""
        if not account.live:
            return 0.0
        horizon, duration = self.horizon, self.duration
        gone = account.discounted * exp((self._base - time - horizon) / duration)
        gone -= account.rate * exp(-horizon / duration)
        near = duration * (account.due - time * account.rate - duration * gone)
        return max(0.0, near / horizon + account.far * self.worth(horizon))

    def _power(self, end: int) -> float:
        return exp((end * self.tick - self._base) / self.duration)

    def _rebase(self, time: float) -> None:
        """Have the powers start from this time."""
        factor = exp((self._base - time) / self.duration)
        self._base = time
        for account in {one for bucket in self._ends.values() for one in bucket}:
            account.discounted *= factor

    def _count(self, account: MemberAccount, time: float) -> None:
        """Count the arrivals at the rate that ends now."""
        rate = account.rate + account.far
        account.arrivals.advance(rate, time, self.duration)

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
