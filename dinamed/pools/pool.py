"""A pool as of one snapshot: who can be handed out, and how one is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dinamed.config import settings
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.chain import Chain, Route
from dinamed.pools.context import DrawContext
from dinamed.pools.load_reports import LoadReports, MemberReport
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.recorder import Out, Recorder, Remark
from dinamed.pools.stages.protocol import Foresees, PoolFacts
from dinamed.pools.states import MemberState, State
from dinamed.steering.costs import Costs


class Choice(NamedTuple):
    """What a pool answers.

    `members` are hosts, never pools, with an address of the family asked for; empty
    means NODATA.  `ttl` is in seconds; `scope` the client prefix length that the
    choice depended on (for the EDNS client subnet); `down` tells that no member was
    usable, so that `when_down` has decided.
    """

    members: Candidates
    ttl: int
    scope: int
    down: bool


@dataclass(frozen=True, slots=True)
class PoolParts:
    """What a view of a pool is made of.

    `inner` holds the views of the pools named by members and by `when_down`;
    `last` the names of the members that were usable when any last was.
    """

    settings: settings.PoolSettings
    chain: Chain
    accounting: PoolAccounting
    reports: LoadReports
    costs: Costs
    members: Candidates
    member_states: Mapping[str, MemberState]
    inner: Mapping[str, "PoolView"]
    last: frozenset[str] = frozenset()


class PoolView:
    """One pool, immutable, as of one snapshot.

    Only the accounting is shared with other snapshots.  `usable` are the members that
    may be handed out; `offered` those that go into the chain: the usable ones, or
    what `when_down` puts in their place.
    """

    __slots__ = (
        "_accounting",
        "_answers",
        "_fallback",
        "_inner",
        "_nested",
        "_offers",
        "_parts",
        "_routes",
        "_taken_at",
        "down",
        "member_states",
        "members",
        "name",
        "offered",
        "settings",
        "ttl",
        "usable",
    )

    def __init__(self, parts: PoolParts, now: float) -> None:
        self._parts = parts
        self._taken_at = now
        self._inner = parts.inner
        self._accounting = parts.accounting
        self._routes: dict[Family, Route | None] = {}
        self._offers: dict[Family, bool] = {}
        self.settings = parts.settings
        self.name = parts.settings.name
        self.ttl = parts.settings.ttl.low
        self.members = parts.members
        self.member_states = parts.member_states
        self._answers = parts.settings.answers
        self.usable = tuple(m for m in self.members if not self.why_out(m))
        self.down = not self.usable
        self._fallback: PoolView | None = None
        self.offered = self.usable or self._when_down()
        self._nested = any(member.inner for member in self.offered)

    @property
    def accounting(self) -> PoolAccounting:
        """The pool's book of hand-outs, shared by all its snapshots."""
        return self._accounting

    @property
    def reports(self) -> LoadReports:
        """The reports of the members, shared by all the pool's snapshots."""
        return self._parts.reports

    @property
    def chain(self) -> Chain:
        """The stages of the pool."""
        return self._parts.chain

    @property
    def fallback(self) -> "PoolView | None":
        """The pool that answers in place of this one while it is down, if any."""
        return self._fallback

    def inner(self, member: Member) -> "PoolView | None":
        """The pool that this member stands for, if it is not a host."""
        return self._inner[member.inner] if member.inner is not None else None

    def choose(self, context: DrawContext) -> Choice:
        """Choose members for the family and client of `context`.

        Books the hand-outs unless `context.count` is false.
        """
        if context.recorder is not None:
            self._tell(context.recorder, context.family)
        if self._fallback is not None:
            chosen = self._fallback.choose(context)
            return Choice(
                chosen.members, min(self.ttl, chosen.ttl), context.scope, True
            )
        try:
            route = self._routes[context.family]
        except KeyError:
            route = self.route(context.family)
        if route is None:
            return Choice((), self.ttl, context.scope, self.down)
        context.ttl = self.ttl
        context.again = False
        picked = route.draw(context, self._answers)
        ttl = context.ttl
        if context.count and not context.again:
            for member in picked:
                self._accounting.hand_out(member, context.client, ttl, context.now)
        if self._nested:
            picked, ttl = self._unfold(picked, ttl, context)
        return Choice(picked, ttl, context.scope, self.down)

    def route(self, family: Family) -> Route | None:
        """How members for `family` are drawn; None if nobody has such an address.

        Also None while another pool stands in.
        """
        if family not in self._routes:
            candidates = tuple(m for m in self.offered if self.serves(m, family))
            self._routes[family] = (
                self._parts.chain.route(candidates, family, self._facts())
                if candidates
                else None
            )
        return self._routes[family]

    def offers(self, family: Family) -> bool:
        """Whether a choice for `family` gives anything."""
        if self._fallback is not None:
            return self._fallback.offers(family)
        # Kept: each pool above asks for every member that stands for this one.
        if family not in self._offers:
            self._offers[family] = any(
                self.serves(member, family) for member in self.offered
            )
        return self._offers[family]

    def serves(self, member: Member, family: Family) -> bool:
        """Whether this member, host or pool, can answer for `family`."""
        inner = self.inner(member)
        return member.has(family) if inner is None else inner.offers(family)

    def state(self, member: Member) -> State:
        """The member's state.  An inner pool without a usable member is down."""
        inner = self.inner(member)
        state = self.member_states[member.name].effective(self._taken_at)
        if state is State.UP and inner is not None and inner.down:
            return State.DOWN
        return state

    def why_out(self, member: Member) -> str:
        """In words why the member is not usable; "" if it is."""
        inner = self.inner(member)
        if why := self.member_states[member.name].why_out(self._taken_at):
            return why
        if not member.weight:
            return "weight 0"
        if inner is not None:
            return f"pool {inner.name} is down" if inner.down else ""
        return "" if member.has(0) else "no address"

    def ranked(self, now: float) -> list[Member]:
        """All members, best first: the usable ones as the last stage ranks them."""
        route = None if self.down else self.route(0)
        ranked = [] if route is None else list(route.rank(now))
        usable, seen = set(self.usable), set(ranked)
        rest = [member for member in self.members if member not in seen]
        rest.sort(key=lambda m: (m not in usable, m.priority, -m.weight))
        return ranked + rest

    def load_of(self, member: Member, now: float) -> float | None:
        """The load that the member has reported; None if no report counts."""
        return self._parts.reports.load(member.name, now)

    def posted(self, member: Member) -> MemberReport | None:
        """The member's last report and what became of its feed, if it has one."""
        return self._parts.reports.posted.get(member.name)

    def forecast_of(self, member: Member, now: float) -> float | None:
        """The load that the picking stage foresees; None if it foresees none."""
        route = None if self.down else self.route(0)
        if route is None:
            return None
        prepared = route.ready(route.folded)
        return (
            prepared.forecast(member, now) if isinstance(prepared, Foresees) else None
        )

    def _facts(self) -> PoolFacts:
        own = self.settings
        return PoolFacts(
            own.name,
            own.ttl,
            own.answers,
            self._accounting,
            self._parts.reports,
            self._parts.costs,
        )

    def _when_down(self) -> Candidates:
        """Who is offered when nobody is usable."""
        rule = self.settings.when_down
        everyone = tuple(m for m in self.members if m.weight)
        match rule:
            case "none":
                return ()
            case "all":
                return everyone
            case "last":
                last = self._parts.last
                return tuple(m for m in everyone if m.name in last) or everyone
            case _:
                self._fallback = self._inner[rule]
                return ()

    def _unfold(
        self, picked: Candidates, ttl: int, context: DrawContext
    ) -> tuple[Candidates, int]:
        """Put what inner pools choose in their place; the TTL is the least of all."""
        family = context.family
        # The same host may be reached twice, as members of different pools.
        hosts: dict[tuple[bytes, ...], Member] = {}
        for member in picked:
            inner = self.inner(member)
            if inner is None:
                hosts.setdefault(member.addresses(family), member)
                continue
            chosen = inner.choose(context)
            ttl = min(ttl, chosen.ttl)
            for host in chosen.members:
                hosts.setdefault(host.addresses(family), host)
        return tuple(hosts.values()), ttl

    def _tell(self, recorder: Recorder, family: Family) -> None:
        """Tell who was out before the first stage, and who stands in."""
        for member in self.members:
            if why := self.why_out(member):
                recorder.record(Out(self.name, member.name, why))
            elif not self.serves(member, family):
                recorder.record(Out(self.name, member.name, f"no IPv{family} address"))
        if not self.down:
            return
        rule = self.settings.when_down
        if self._fallback is not None:
            text = f"no usable member: pool {rule} stands in"
        else:
            text = f'no usable member: when_down = "{rule}"'
        recorder.record(Remark(self.name, text))
