"""A pool as of one snapshot: its usable members, and the choice among them."""

import ipaddress
from collections.abc import Iterator

from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.chain import Chain, Route
from dinamed.pools.choice import Choice
from dinamed.pools.context import DrawContext
from dinamed.pools.load_reports import LoadReports, MemberReport
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.parts import PoolParts
from dinamed.pools.recorder import Out, Recorder, Remark
from dinamed.pools.stages.protocol import Foresees
from dinamed.pools.states import State
from dinamed.pools.when_down import (
    Substitute,
    remark,
    shortage,
    substitute,
    weighted,
)

FAMILIES: tuple[Family, Family] = (4, 6)


class PoolView:
    """One pool, immutable, as of one snapshot.

    Only the accounting is shared with other snapshots.  `usable` are the members that
    may be handed out; `offered` those that go into the chain: the usable ones, or
    what `when_down` puts in their place.  `lacking` says in words why the pool is down,
    and is empty while it is up; `whole_weight` is the sum of all weights when all is
    well.

    Health is by address: for each family those members go into the chain that have an
    address which works, with no others.  A family for which no usable member has one,
    though some member could, is down, and `when_down` decides for it.
    """

    __slots__ = (
        "_accounting",
        "_alive",
        "_answers",
        "_fallback",
        "_inner",
        "_nested",
        "_parts",
        "_routes",
        "_substitutes",
        "_taken_at",
        "_troubled",
        "_whole",
        "down",
        "lacking",
        "member_states",
        "members",
        "name",
        "offered",
        "settings",
        "ttl",
        "usable",
        "whole_weight",
    )

    def __init__(self, parts: "PoolParts[PoolView]", now: float) -> None:
        self._parts = parts
        self._taken_at = now
        self._inner = parts.inner
        self._accounting = parts.accounting
        self._routes: dict[Family, Route | None] = {}
        self._substitutes: dict[Family, Substitute[PoolView] | None] = {}
        self._alive: dict[Member, Member] = {}
        self._whole: dict[Member, Member] = {}
        self.settings = parts.settings
        self.name = parts.settings.name
        self.ttl = parts.settings.ttl.low
        self.members = parts.members
        self.member_states = parts.member_states
        self._answers = parts.settings.answers
        self._nested = any(member.inner for member in self.members)
        self._troubled = frozenset(
            name
            for name, state in self.member_states.items()
            if state.out_of_the_ordinary
        )
        self._leave_out_failing()
        self.usable = self._usable()
        self.whole_weight = sum(map(self._whole_weight_of, self.members))
        least = parts.settings.healthy_share
        self.lacking = shortage(self.usable, self.whole_weight, least)
        if self.lacking:
            self.usable = ()
        self.down = not self.usable
        self._fallback: PoolView | None = None
        self.offered = self.usable
        if self.down:
            substitute = self._when_down(0)
            self.offered, self._fallback = substitute.candidates, substitute.fallback

    def _usable(self) -> Candidates:
        """The members that may be handed out; most need no closer look."""
        troubled = self._troubled
        return tuple(
            member
            for member in self.members
            if (
                not self.why_out(member)
                if member.name in troubled or member.inner
                else member.weight and member.has(0)
            )
        )

    @property
    def accounting(self) -> PoolAccounting:
        """The pool's accounting of hand-outs, shared by all its snapshots."""
        return self._accounting

    @property
    def usable_weight(self) -> float:
        """The sum of the weights of the usable members; of all while none is."""
        up = sum(member.weight for member in self.usable)
        return self.whole_weight if self.down else up

    @property
    def reports(self) -> LoadReports:
        """The reports of the members, shared by all the pool's snapshots."""
        return self._parts.reports

    @property
    def chain(self) -> Chain:
        """The stages of the pool."""
        return self._parts.chain

    def fallback(self, family: Family) -> "PoolView | None":
        """The pool that answers in place of this one while that is down, if any."""
        if self._fallback is not None:
            return self._fallback
        substitute = self._substitute(family)
        return substitute.fallback if substitute is not None else None

    def is_down(self, family: Family) -> bool:
        """Whether `when_down` decides who is given for a family."""
        return self.down or self._substitute(family) is not None

    def addresses_out(self, member: Member) -> dict[bytes, str]:
        """The member's addresses that fail its checks, while it is up, and why."""
        if self.why_out(member):
            return {}
        out = self.member_states[member.name].addresses_out(self._taken_at)
        return {one: out[one] for one in member.addresses(0) if one in out}

    def usable_names(self) -> dict[Family, frozenset[str]]:
        """The names of the usable members, by family, where there are any."""
        found: dict[Family, frozenset[str]] = {}
        if self.usable:
            found[0] = frozenset(member.name for member in self.usable)
            for family in FAMILIES:
                names = [m.name for m in self._serving(self.usable, family)]
                if len(names) == len(self.usable):
                    found[family] = found[0]
                elif names:
                    found[family] = frozenset(names)
        return found

    def inner(self, member: Member) -> "PoolView | None":
        """The pool that this member stands for, if it is not a host."""
        return self._inner[member.inner] if member.inner is not None else None

    def choose(self, context: DrawContext) -> Choice:
        """Choose members for the family and client of `context`.

        Books the hand-outs unless `context.count` is false.
        """
        if context.recorder is not None:
            self._tell(context.recorder, context.family)
        try:
            route = self._routes[context.family]
        except KeyError:
            route = self.route(context.family)
        if route is None:
            return self._chosen_elsewhere(context)
        context.ttl = self.ttl
        context.again = False
        picked = route.draw(context, self._answers)
        ttl = context.ttl
        if context.count and not context.again:
            for member in picked:
                self._accounting.hand_out(member, context.client, ttl, context.now)
        if self._nested:
            picked, ttl = self._unfold(picked, ttl, context)
        down = self.down or self._substitutes.get(context.family) is not None
        return Choice(picked, ttl, context.scope, down)

    def _chosen_elsewhere(self, context: DrawContext) -> Choice:
        """The choice of another pool for a family that no member here has."""
        fallback = self.fallback(context.family)
        if fallback is None:
            down = self.is_down(context.family)
            return Choice((), self.ttl, context.scope, down)
        chosen = fallback.choose(context)
        return Choice(chosen.members, min(self.ttl, chosen.ttl), context.scope, True)

    def route(self, family: Family) -> Route | None:
        """How members for `family` are drawn; None if nobody has such an address.

        Also None while another pool stands in.
        """
        if family not in self._routes:
            candidates = self.candidates(family)
            self._routes[family] = (
                self._parts.chain.route(candidates, family, self._parts.facts())
                if candidates
                else None
            )
        return self._routes[family]

    def offers(self, family: Family) -> bool:
        """Whether a choice for `family` gives anything."""
        fallback = self.fallback(family)
        if fallback is not None:
            return fallback.offers(family)
        substitute = self._substitute(family)
        if substitute is not None:
            return bool(substitute.candidates)
        return any(True for _ in self._serving(self.offered, family))

    def candidates(self, family: Family) -> Candidates:
        """The members that enter the chain of a family, with usable addresses."""
        substitute = self._substitute(family)
        if substitute is not None:
            return substitute.candidates
        serving = self._serving(self.offered, family)
        if not self._alive:
            return tuple(serving)
        return tuple(self._alive.get(member, member) for member in serving)

    def _serving(self, members: Candidates, family: Family) -> Iterator[Member]:
        """Those of the members that can answer for `family` now."""
        if self._nested or self._alive:
            return (member for member in members if self.serves(member, family))
        return (member for member in members if member.has(family))

    def whole(self, member: Member) -> Member:
        """The member that was chosen, with all of its addresses."""
        return self._whole.get(member, member)

    def serves(self, member: Member, family: Family) -> bool:
        """Whether this member, host or pool, can answer for `family` now."""
        inner = self.inner(member)
        if inner is not None:
            return inner.offers(family)
        # While all are down, those that are given are given with all they have.
        counts = member if self.down else self._alive.get(member, member)
        return counts.has(family)

    def knows(self, family: Family) -> bool:
        """Whether any member could answer for `family` if all were well."""
        if not self._nested:
            return any(member.has(family) and member.weight for member in self.members)
        return any(
            member.weight
            and (
                inner.knows(family)
                if (inner := self.inner(member))
                else member.has(family)
            )
            for member in self.members
        )

    def _whole_weight_of(self, member: Member) -> float:
        inner = self.inner(member)
        if inner is None or member.times is None:
            return member.weight
        return member.times * inner.whole_weight

    def _leave_out_failing(self) -> None:
        """Make members without the addresses that fail their checks."""
        for member in self.members if self._troubled else ():
            member_state = self.member_states[member.name]
            if member_state.failing:
                out = member_state.addresses_out(self._taken_at)
                alive = member.without(out) if out else member
                if alive.addresses(0) != member.addresses(0):
                    self._alive[member] = alive
                    self._whole[alive] = member

    def _substitute(self, family: Family) -> "Substitute[PoolView] | None":
        """The substitute by `when_down` for one family; None while it is up."""
        # Kept: each pool above asks for every member that stands for this one.
        if family not in self._substitutes:
            self._substitutes[family] = (
                None
                if self.down
                or any(True for _ in self._serving(self.usable, family))
                or not self.knows(family)
                else self._when_down(family)
            )
        return self._substitutes[family]

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
        best = [] if route is None else route.rank(now)
        ranked = [self.whole(member) for member in best]
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
        if not isinstance(prepared, Foresees):
            return None
        return prepared.forecast(self._alive.get(member, member), now)

    def _when_down(self, family: Family) -> "Substitute[PoolView]":
        """The members to offer when none is usable for a family, or for any (0)."""
        everyone = weighted(
            self.members, lambda m: not family or self._offers_something(m, family)
        )
        last = self._parts.last.get(family, frozenset())
        return substitute(self.settings.when_down, everyone, last, self._inner)

    def _offers_something(self, member: Member, family: Family) -> bool:
        """Whether a member has anything for a family, in order or not."""
        inner = self.inner(member)
        return member.has(family) if inner is None else inner.offers(family)

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
        """Record which members were out, and which pool is the fallback."""
        for member in self.members:
            if why := self.why_out(member):
                recorder.record(Out(self.name, member.name, why))
                continue
            out = self.addresses_out(member)
            for address in member.addresses(family):
                if address in out:
                    why = f"{ipaddress.ip_address(address)}: {out[address]}"
                    recorder.record(Out(self.name, member.name, why))
            if not self._offers_something(member, family):
                recorder.record(Out(self.name, member.name, f"no IPv{family} address"))
        if not self.is_down(family):
            return
        text = remark(
            self.settings.when_down,
            family,
            self.lacking,
            self.fallback(family) is not None,
        )
        recorder.record(Remark(self.name, text))
