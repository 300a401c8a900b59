"""What a pool's hand-outs leave behind: counts, leases, and whose turn it is.

One accounting a pool, kept by the pool manager across snapshots.  It holds entries for
the pool's present members and a bounded number of resolvers, so its size is bounded.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dinamed.pools.accounts import MemberAccount
from dinamed.pools.clock import SteadyClock
from dinamed.pools.context import Client
from dinamed.pools.flow import FlowMeter
from dinamed.pools.leases import Leases
from dinamed.pools.members import Member
from dinamed.pools.resolvers import CAPACITY, ClientResolvers, ResolverStore


class PoolAccounting:
    """The one book of a pool that everything which hands out writes to.

    `capacity` is how many resolvers it remembers at most.
    """

    __slots__ = (
        "_accounts",
        "_credits",
        "answers",
        "clock",
        "edition",
        "flow",
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
        self._credits: dict[str, float] = {}
        self.clock = SteadyClock(0.0) if clock is None else clock
        self.leases = Leases()
        self.resolvers: ResolverStore = ClientResolvers(capacity)
        self.flow = FlowMeter()
        self.answers = 1
        """Among how many members the clients of one answer spread."""
        self.edition = 0
        """Goes up when reports or counts have come in from elsewhere."""
        self.keep(names)

    def keep(self, names: Iterable[str]) -> None:
        """Keep the entries of these members, open new ones, forget the others."""
        old = self._accounts
        self._accounts = {name: old.get(name) or MemberAccount(name) for name in names}
        self._credits = {
            name: self._credits[name]
            for name in self._accounts
            if name in self._credits
        }
        self.edition += 1

    def keep_resolvers(self, resolvers: ResolverStore) -> None:
        """Have resolvers remembered there from now on, with others who answer."""
        self.resolvers = resolvers

    def account(self, name: str) -> MemberAccount:
        """The member's entry; one outside the book for those who are not members."""
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

    def foresee(self, horizon: float, duration: float, answers: int) -> None:
        """Say what forecasts go by: their horizon, and how long a transfer lasts."""
        if horizon != self.leases.horizon:
            self.leases.look_ahead(horizon)
        self.flow.duration = duration
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
        pending = account.pending
        account.reported(measured, load)
        arrivals = self.leases.arrived(account, measured)
        arrivals += (pending - account.pending) / self.answers
        if load is not None and before is not None and lapse > 0:
            self.flow.learn(before, load, arrivals, lapse)
        self.edition += 1

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
        """What round-robin owes each member, by name; written by that stage."""
        return self._credits
