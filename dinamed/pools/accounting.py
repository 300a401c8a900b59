"""What a pool's hand-outs leave behind: counts, leases, and whose turn it is.

One accounting a pool, kept by the pool manager across snapshots.  It holds entries for
the pool's present members and a bounded number of resolvers, so its size is bounded.
"""

from collections.abc import Iterable, Mapping
from math import exp, frexp
from types import MappingProxyType

from dinamed.pools.accounts import MemberAccount
from dinamed.pools.belief import kept_share
from dinamed.pools.clock import SteadyClock
from dinamed.pools.context import Client
from dinamed.pools.detours import Detours
from dinamed.pools.flow import FlowMeter
from dinamed.pools.foreign_pace import ForeignPace
from dinamed.pools.leases import Leases
from dinamed.pools.members import Member
from dinamed.pools.resolvers import (
    CAPACITY,
    HALF_STEP,
    ClientResolver,
    ClientResolvers,
    ResolverStore,
)
from dinamed.pools.shared import (
    ForeignHandOuts,
    SharedHandOuts,
    SharedLease,
    SharedResolver,
)
from dinamed.pools.surprises import Growth, Surprises

MISSED = 3.0
"""Publications of others after which nothing is heard of them any more."""

WEIGHED = 200.0
"""Hand-outs of all servers after which it is seen which share was our own."""

LEAST_SHARE = 0.01

KEPT = 0.05
"""How much of what was learned of flows weighs on when the others are not heard."""

SOON_KNOWN = 5.0
"""Horizons after the start in which leases are not known yet, nor rates."""

USUAL_LAPSE = 5.0
"""Seconds between two of them, until that is known."""

MOST_DEPARTED = 10_000
"""Members that have left and whose hand-outs are remembered."""


class PoolAccounting:
    """The counters of one pool; everything that hands out members writes to them.

    `capacity` is how many resolvers it remembers at most.
    """

    __slots__ = (
        "_accounts",
        "_credits",
        "_departed",
        "_fleet_flow",
        "_foreign_count",
        "_foreseen",
        "_heard_until",
        "_leases_known",
        "_others",
        "_own_before",
        "_own_share",
        "_surprises",
        "_together",
        "answers",
        "clock",
        "detours",
        "edition",
        "flow",
        "half_step",
        "leases",
        "resolvers",
    )

    def __init__(
        self,
        names: Iterable[str] = (),
        clock: SteadyClock | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._accounts: dict[str, MemberAccount] = {}
        self._departed: dict[str, MemberAccount] = {}
        self._credits: dict[str, float] = {}
        self.clock = SteadyClock(0.0) if clock is None else clock
        self.leases = Leases()
        self.detours = Detours()
        self._surprises = Surprises()
        self._leases_known: float | None = None
        self._foreseen = (0.0, 0.0)
        self._heard_until = 0.0
        self._others = ForeignPace()
        self._fleet_flow = FlowMeter()
        self._own_share = 1.0
        self._together = False
        self._own_before = 0
        self._foreign_count = 0.0
        self.resolvers: ResolverStore = ClientResolvers(capacity)
        self.flow = FlowMeter()
        self.half_step = HALF_STEP
        """The gap that is learned of a resolver that asks at once, in seconds."""
        self.answers = 1
        """Among how many members the clients of one answer spread."""
        self.edition = 0
        """Goes up when reports or counts have come in from elsewhere."""
        self.keep(names)

    def keep(self, names: Iterable[str], remember: bool = False) -> None:
        """Keep the entries of these members, and open new ones.

        Those of others are forgotten; or remembered, up to a number, for when they come
        back.
        """
        old = {**self._departed, **self._accounts}
        self._accounts = {name: old.get(name) or MemberAccount(name) for name in names}
        gone = [
            (name, account)
            for name, account in old.items()
            if account.total and name not in self._accounts
        ]
        self._departed = dict(gone[-MOST_DEPARTED:]) if remember else {}
        self._credits = {
            name: self._credits[name]
            for name in self._accounts
            if name in self._credits
        }
        self.edition += 1

    def keep_resolvers(self, resolvers: ResolverStore) -> None:
        """Keep client resolvers in a shared table from now on."""
        self.resolvers = resolvers

    def account(self, name: str) -> MemberAccount:
        """The member's account; one that nobody keeps if it is no member."""
        return self._accounts.get(name) or MemberAccount(name)

    def hand_out(self, member: Member, client: Client, ttl: int, now: float) -> None:
        """Book one answer that sends `client` to `member` for `ttl` seconds."""
        # A member that has left may still be handed out from an old snapshot.
        account = self._accounts.get(member.name)
        if account is not None:
            account.add(1, self.clock.read(now))

    def add(self, name: str, count: int, now: float) -> None:
        """Book `count` hand-outs at once, as another engine has counted them."""
        account = self._accounts.get(name)
        if account is not None and count:
            account.add(count, self.clock.read(now))
            self.edition += 1

    def lease(self, name: str, count: int, rate: float, ttl: float, now: float) -> None:
        """Book leases of that rate in all, as another engine has counted them."""
        account = self._accounts.get(name)
        if account is not None:
            time = self.clock.read(now)
            self.leases.advance(time)
            self.leases.add(account, rate, time, ttl, count)
            self.edition += 1

    def foresee(
        self,
        horizon: float,
        duration: float,
        answers: int,
        half_step: float = HALF_STEP,
    ) -> None:
        """Set the parameters of forecasts: horizon, and how long a transfer lasts.

        `half_step` is the gap in seconds of a resolver that asks at once.
        """
        self.half_step = half_step
        self.resolvers.look_closely(half_step)
        if self._foreseen != (horizon, duration):
            self._foreseen = horizon, duration
            self.leases.look_ahead(horizon, duration)
            self._surprises, self._leases_known = Surprises(), None
        self.flow.duration = self._fleet_flow.duration = duration
        self.answers = answers

    def reported(self, name: str, measured: float, load: float | None = None) -> None:
        """A load report has come that includes the hand-outs up to `measured`.

        That is a time of the steady clock.  `load` is what it says, None where that
        can't be compared with what it said before.
        """
        account = self._accounts.get(name)
        if account is None:
            return
        before, lapse = account.load, measured - account.measured
        unseen = account.unseen
        account.reported(measured, load)
        came = self.leases.reported(account, measured)
        handed_out = (unseen - account.unseen + account.late) / self.answers
        arrivals = came.number + handed_out
        account.late = 0.0
        if load is None or before is None or lapse <= 0:
            account.belief.begin(load)
        else:
            duration = self.leases.duration
            there = came.present + handed_out * kept_share(lapse, duration)
            self._believe(account, Growth(before, load, arrivals, there, lapse))
            self._learn(before, load, arrivals, lapse, measured)
        self.edition += 1

    def _believe(self, account: MemberAccount, growth: Growth) -> None:
        """Believe a part of the surprise of a report."""
        belief, members = account.belief, len(self._accounts)
        duration = self.leases.duration
        flow = self.flow_at(account.measured).learned
        if self._leases_known is None:
            self._leases_known = account.measured + SOON_KNOWN * self.leases.horizon
        # Before, what was foreseen lacks the leases of those who have not come back.
        if flow is not None and account.measured >= self._leases_known:
            surprise = growth.surprise(flow, duration)
            self._surprises.add(surprise, belief.surprise, members)
            belief.surprise = surprise
        part = self._surprises.believed(growth.lapse, duration, members)
        left = exp(-growth.lapse / duration)
        belief.reported(growth.after, growth.there, left, part)

    def _learn(
        self, before: float, load: float, arrivals: float, lapse: float, time: float
    ) -> None:
        """Learn the load of a transfer, as known with the others and as alone."""
        if self.hears(time):
            self._fleet_flow.learn(before, load, arrivals, lapse)
            arrivals *= self._own_share
            self._together = True
        elif self._together:
            # Rates will look smaller by as much again: begin there, and learn quickly.
            self._together = False
            known, growth, mean = self.flow.sums
            self.flow.sums = KEPT * known, KEPT * growth / self._own_share, mean
        self.flow.learn(before, load, arrivals, lapse)

    def flow_at(self, time: float) -> FlowMeter:
        """What is learned of the load of a transfer, of use at that time.

        A server that does not hear of the others' hand-outs takes all growth for its
        own doing; so it learns a larger load, which makes up for what it does not see.
        """
        return self._fleet_flow if self.hears(time) else self.flow

    @property
    def told(self) -> bool:
        """Whether other servers of the pool are told."""
        return self.leases.journal is not None

    def hears(self, time: float) -> bool:
        """Whether others have told of late, as of that time of the steady clock."""
        return time < self._heard_until

    def unheard(self, time: float) -> float:
        """What others may have handed out since they told, at most.

        In clients: their mean number over the horizon.
        """
        return self._others.unheard(time) if self.hears(time) else 0.0

    def share(self) -> None:
        """Remember from now on what other servers of the pool are to be told."""
        if self.leases.journal is None:
            self.leases.journal = {}
        self.resolvers.note()

    def given(self, most: int, now: float) -> SharedHandOuts:
        """What there is to tell other servers since the last call.

        Of resolvers it is the `most` that have the highest rates.
        """
        time = self.clock.read(now)
        journal, self.leases.journal = self.leases.journal, {}
        resolvers = [
            SharedResolver(
                key,
                one.expires - time,
                one.gap,
                one.rate,
                one.families,
                tuple(account.name for account in one.where),
            )
            for key, one in self.resolvers.heaviest(most, time)
        ]
        leases = joined(journal or {}, self.leases.tick, time)
        return SharedHandOuts(dict(self.totals), tuple(leases), tuple(resolvers))

    def take(self, told: ForeignHandOuts, now: float) -> None:
        """Book what another server of the pool has told.

        Members that are not of this pool are passed over.
        """
        time = self.clock.read(now)
        last = time - told.age
        accounts, leases = self._accounts, self.leases
        leases.advance(time)
        # On average a lease was given in the middle of the time that is told of.
        lag = told.age + told.lapse / 2
        for name, count in told.counts.items():
            if name in accounts and count > 0:
                accounts[name].add_foreign(count, last - told.lapse, last)
        for one in told.leases:
            left = one.left - told.age
            if one.member in accounts and left > 0:
                account = accounts[one.member]
                leases.add(account, one.rate, time, left, one.count, foreign=True)
                unseen = max(0.0, min(lag, time - account.measured))
                account.arrivals.add(one.rate * lag, one.rate * unseen)
        for heard in told.resolvers:
            where = tuple(accounts[n] for n in heard.members if n in accounts)
            if where and heard.left > told.age:
                resolver = ClientResolver(heard.rate)
                resolver.gap, resolver.families = heard.gap, heard.families
                resolver.expires = last + heard.left
                resolver.where = where
                self.resolvers.hear(heard.key, resolver, time, leases.horizon)
        handed_out = sum(told.counts.values())
        self._weigh(handed_out, last)
        clients = handed_out * leases.stay()
        clients += sum(one.rate * leases.worth(one.left) for one in told.leases)
        self._others.hear(clients, told.age + told.lapse / 2, time)
        quiet = MISSED * (told.lapse or USUAL_LAPSE)
        self._heard_until = max(self._heard_until, time + quiet)
        self.edition += 1

    def _weigh(self, foreign: float, time: float) -> None:
        """Learn which share of all hand-outs is our own, as others tell of theirs."""
        if not self._heard_until:
            self._fleet_flow.sums = self.flow.sums
        self._foreign_count += foreign
        own = sum(account.total for account in self._accounts.values())
        recent = own - self._own_before
        whole = recent + self._foreign_count
        if whole >= WEIGHED:
            self._own_share = max(LEAST_SHARE, recent / whole)
            self._own_before, self._foreign_count = own, 0.0

    @property
    def totals(self) -> Mapping[str, int]:
        """Hand-outs by member's name, since the member came."""
        return MappingProxyType({n: a.total for n, a in self._accounts.items()})

    @property
    def pending(self) -> Mapping[str, int]:
        """Hand-outs by member's name, since its last report."""
        return MappingProxyType({n: a.pending for n, a in self._accounts.items()})

    @property
    def credits(self) -> dict[str, float]:
        """The credits of round-robin by member; that stage writes them."""
        return self._credits


FINENESS = 8
"""Leases whose ends differ by less than one part in so many of what is left of them
are told as one."""


def joined(
    journal: Mapping[tuple[MemberAccount, int], list[float]], tick: float, time: float
) -> list[SharedLease]:
    """Leases by account and tick of their end, as they are told to others."""
    sums: dict[tuple[str, int, int], list[float]] = {}
    for (account, end), (rate, count) in journal.items():
        left = end * tick - time
        if left <= 0 or rate <= 0:
            continue
        # A step for each power of two and so many in between, but of a second at least.
        power = max(0, frexp(left / FINENESS)[1] - 1)
        entry = sums.setdefault(
            (account.name, power, int(left / 2.0**power)), [0.0, 0.0, 0.0]
        )
        entry[0] += rate
        entry[1] += rate * left
        entry[2] += count
    return [
        SharedLease(name, ends / rate, rate, int(count))
        for (name, _, _), (rate, ends, count) in sums.items()
    ]
