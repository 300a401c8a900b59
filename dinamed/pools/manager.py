"""The pool manager: the owner of all state of pools that changes."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from dinamed.config import settings
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.chain import compile_chain
from dinamed.pools.clock import SteadyClock
from dinamed.pools.entries import (
    DependencyGraph,
    PoolEntry,
    configured_loads,
    dependency_graph,
    has_checks,
    stale_after,
)
from dinamed.pools.graph import needs
from dinamed.pools.load_reports import LoadReports, MemberReport
from dinamed.pools.members import Family, Member, from_settings
from dinamed.pools.parts import PoolParts
from dinamed.pools.pool import PoolView
from dinamed.pools.report import Report
from dinamed.pools.resolvers import CAPACITY
from dinamed.pools.saved import Saved, SavedMember
from dinamed.pools.stages.protocol import Registry
from dinamed.pools.stages.registry import load_stages
from dinamed.pools.states import MemberState, Order
from dinamed.pools.weights import weighed
from dinamed.signals import Signal, print_failure
from dinamed.steering.costs import Costs
from dinamed.steering.round_trips import RoundTrips

VerdictChange = tuple[str, str, bool | None, str, Sequence[tuple[str, str]]]
"""Pool, member, what its checks say of it (None: nothing any more), and why; and the
addresses that fail its checks, each with the reason."""

MOST_DEPARTED = 10_000
"""Members of a pool that have left and whose states are remembered."""

DISCOVERY = "discovery"
"""Who orders members to drain that have left their source."""

ALL_RESOLVERS = 1_048_576
"""Resolvers that all pools together remember, as long as each has its least."""

LEAST_CAPACITY = 2048
"""Resolvers that a pool may remember however many pools there are."""


_FRESH = MemberState()
"""Of a member of which nothing is known."""


class UnknownPoolError(LookupError):
    """There is no pool of that name."""


class UnknownMemberError(LookupError):
    """The pool has no member of that name."""


class PoolManager:
    """Keeps the pools, and gives out immutable views of them.

    Every change makes new views of the pools that it touches, and a new mapping of
    all; the old ones stay valid for those who still hold them.  `registry` holds the
    stages; without one those that are installed are used.
    """

    def __init__(
        self,
        pools: Iterable[settings.PoolSettings],
        now: float,
        registry: Registry | None = None,
        round_trips: RoundTrips | None = None,
        failed: Callable[[Exception], object] = print_failure,
    ) -> None:
        self.round_trips = RoundTrips() if round_trips is None else round_trips
        """What has been measured between clients and members."""
        self._registry = load_stages() if registry is None else registry
        self._entries: dict[str, PoolEntry] = {}
        self._graph = DependencyGraph()
        self._clock = SteadyClock(now)
        self._expiring: dict[tuple[str, str], float] = {}
        self._weighing: dict[tuple[str, str], float] = {}
        self._said_out: set[tuple[str, str]] = set()
        self.changed: Signal[[frozenset[str]]] = Signal(failed)
        """Is emitted after a change, with the names of the pools that have changed or
        gone."""
        self.reported: Signal[[str]] = Signal(failed)
        """Is emitted with the pool of each report that was taken."""
        self._views: Mapping[str, PoolView] = MappingProxyType({})
        self._folded: dict[str, str] = {}
        self.reconfigure(pools, now)

    @property
    def clock(self) -> SteadyClock:
        """The steady clock that ages of reports and leases go by."""
        return self._clock

    @property
    def views(self) -> Mapping[str, PoolView]:
        """All pools by name, as of now; never changes, a change makes a new one."""
        return self._views

    def view(self, name: str) -> PoolView:
        """The pool of that name, as of now.

        @raise UnknownPoolError: there is none.
        """
        try:
            return self._views[name]
        except KeyError:
            raise UnknownPoolError(f"no pool is named {name!r}") from None

    def find(self, name: str) -> PoolView | None:
        """The pool of that name, letter case aside (as names come in questions)."""
        exact = self._views.get(name)
        if exact is not None:
            return exact
        folded = self._folded.get(name.casefold())
        return None if folded is None else self._views[folded]

    def order(
        self,
        pool: str,
        member: str,
        order: Order,
        *,
        now: float,
        until: float | None = None,
        by: str = "",
        reason: str = "",
    ) -> None:
        """Put a member in a state by order, until that time or for good.

        `by` is whoever gives it, and `reason` why, both as texts for people.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        @raise ValueError: `until` is not in the future.
        """
        member_state = self._member_state(pool, member)
        if order is Order.AUTO:
            until, by, reason = None, "", ""
        if until is not None and until <= now:
            raise ValueError("the order would be over before it began")
        self._expiring.pop((pool, member), None)
        if until is not None:
            self._expiring[pool, member] = until
        ordered = replace(
            member_state, order=order, until=until, by=by, order_reason=reason
        )
        self._put(pool, member, ordered, now)

    def weigh(
        self,
        pool: str,
        member: str,
        weight: float | None,
        *,
        now: float,
        until: float | None = None,
        by: str = "",
        reason: str = "",
    ) -> None:
        """Give a member another weight by order, until that time or for good.

        None is the weight of the config again.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        @raise ValueError: `until` is not in the future.
        """
        member_state = self._member_state(pool, member)
        if until is not None and until <= now:
            raise ValueError("the order would be over before it began")
        self._weighing.pop((pool, member), None)
        if weight is None:
            ordered = member_state.unweighted()
        else:
            ordered = replace(
                member_state,
                weight=weight,
                weight_until=until,
                weight_by=by,
                weight_reason=reason,
            )
            if until is not None:
                self._weighing[pool, member] = until
        self._put(pool, member, ordered, now)

    def take_leaving(self, pool: str, leaving: frozenset[str], now: float) -> None:
        """Drain members that have left their source; let those go on that are back.

        What an operator has ordered stays.
        """
        for member, state in tuple(self._entries[pool].member_states.items()):
            drains = state.order is Order.DRAIN and state.by == DISCOVERY
            if member in leaving and state.order is Order.AUTO:
                why = "it has left the list of members"
                self.order(pool, member, Order.DRAIN, now=now, by=DISCOVERY, reason=why)
            elif drains and member not in leaving:
                self.order(pool, member, Order.AUTO, now=now)

    def health(
        self,
        pool: str,
        member: str,
        healthy: bool | None,
        reason: str = "",
        failing: Sequence[tuple[str, str]] = (),
        *,
        now: float,
    ) -> None:
        """Take the verdict of a member's checks (None: it has none any more).

        `failing` are the addresses that fail its checks, each with the reason.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        """
        member_state = self._member_state(pool, member)
        judged = _judged(member_state, healthy, reason, failing)
        self._put(pool, member, judged, now)

    def health_many(self, verdicts: Iterable[VerdictChange], *, now: float) -> None:
        """Take many verdicts as one change, as `health` takes one.

        Those on members that there are not (any more) are passed over.
        """
        changed: set[str] = set()
        for pool, member, healthy, reason, failing in verdicts:
            member_states = (
                self._entries[pool].member_states if pool in self._entries else {}
            )
            member_state = member_states.get(member)
            if member_state is None:
                continue
            taken = _judged(member_state, healthy, reason, failing)
            if taken != member_state:
                member_states[member] = taken
                changed.add(pool)
        if changed:
            self._changed(changed, now)

    def report(self, pool: str, member: str, report: Report, *, now: float) -> bool:
        """Take a load report; False if it is older than the last one, and left aside.

        A report makes no new views, unless it says that the member is out, or is no
        longer.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        """
        member_state = self._member_state(pool, member)
        entry = self._entries[pool]
        if not entry.reports.post(member, report, now):
            return False
        measured = entry.reports.posted[member].measured
        entry.accounting.reported(member, measured, None if report.out else report.load)
        says_out = entry.reports.says_out(member, self._clock.read(now))
        if says_out:
            self._said_out.add((pool, member))
        self._put(pool, member, replace(member_state, says_out=says_out), now)
        self.reported.emit(pool)
        return True

    def feed_failed(self, pool: str, member: str, reason: str, *, now: float) -> None:
        """Record that a member's load could not be had, and why.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        """
        self._member_state(pool, member)
        self._entries[pool].reports.fail(member, reason, now)

    def reports(self, pool: str) -> Mapping[str, MemberReport]:
        """The last reports by member's name; those who never had one are left out.

        @raise UnknownPoolError: there is no such pool.
        """
        if pool not in self._entries:
            raise UnknownPoolError(f"no pool is named {pool!r}")
        return self._entries[pool].reports.posted

    def expire(self, now: float) -> float | None:
        """Drop the orders whose time is over; return when the next one's will be.

        Members that have said "out", and then nothing for so long that it counts no
        longer, are taken back.
        """
        over = [key for key, until in self._expiring.items() if until <= now]
        changed: set[str] = set()
        for pool, member in over:
            del self._expiring[pool, member]
            member_states = self._entries[pool].member_states
            member_states[member] = member_states[member].lifted()
            changed.add(pool)
        light = [key for key, until in self._weighing.items() if until <= now]
        for pool, member in light:
            del self._weighing[pool, member]
            member_states = self._entries[pool].member_states
            member_states[member] = member_states[member].unweighted()
            changed.add(pool)
        time = self._clock.read(now)
        for pool, member in tuple(self._said_out):
            entry = self._entries[pool]
            if entry.reports.says_out(member, time):
                continue
            self._said_out.discard((pool, member))
            member_state = entry.member_states[member]
            if member_state.says_out:
                entry.member_states[member] = replace(member_state, says_out=False)
                changed.add(pool)
        if changed:
            self._changed(changed, now)
        return min(self._expiring.values(), default=None)

    def saved(self) -> Saved:
        """All that must outlast a restart: orders, verdicts and last reports."""
        pools: dict[str, dict[str, SavedMember]] = {}
        for name, entry in self._entries.items():
            members = {}
            for member, member_state in entry.member_states.items():
                posted = entry.reports.posted.get(member)
                known = SavedMember(
                    member_state.order,
                    member_state.until,
                    member_state.healthy,
                    member_state.reason,
                    None if posted is None else posted.report,
                    member_state.failing,
                    member_state.by,
                    member_state.order_reason,
                    member_state.weight,
                    member_state.weight_until,
                    member_state.weight_by,
                    member_state.weight_reason,
                )
                if known != SavedMember():
                    members[member] = known
            if members:
                pools[name] = members
        return Saved(pools)

    def restore(self, saved: Saved, now: float) -> None:
        """Restore what was saved, for the pools and members that still exist.

        Orders whose time is over are left out.  Reports count by the age they have,
        and where a member has a newer one already that stays.
        """
        changed: set[str] = set()
        for pool, members in saved.pools.items():
            entry = self._entries.get(pool)
            if entry is None:
                continue
            for name, known in members.items():
                if name in entry.member_states:
                    self._restore(entry, pool, name, known, now)
                    changed.add(pool)
        if changed:
            self._changed(changed, now)

    def _restore(
        self, entry: PoolEntry, pool: str, name: str, known: SavedMember, now: float
    ) -> None:
        order, until = known.order, known.until
        if until is not None and until <= now:
            order, until = Order.AUTO, None
        if until is not None:
            self._expiring[pool, name] = until
        if known.report is not None and entry.reports.post(name, known.report, now):
            measured = entry.reports.posted[name].measured
            load = None if known.report.out else known.report.load
            entry.accounting.reported(name, measured, load)
        says_out = entry.reports.says_out(name, self._clock.read(now))
        if says_out:
            self._said_out.add((pool, name))
        member_state = MemberState(order, until, says_out=says_out)
        if order is not Order.AUTO:
            member_state = replace(
                member_state, by=known.by, order_reason=known.order_reason
            )
        ends = known.weight_until
        if known.weight is not None and (ends is None or ends > now):
            member_state = replace(
                member_state,
                weight=known.weight,
                weight_until=ends,
                weight_by=known.weight_by,
                weight_reason=known.weight_reason,
            )
            if ends is not None:
                self._weighing[pool, name] = ends
        if has_checks(entry.settings):
            member_state = replace(
                member_state,
                healthy=known.healthy,
                reason=known.reason,
                failing=known.failing,
            )
        if order is not Order.AUTO:
            member_state = replace(
                member_state, by=known.by, order_reason=known.order_reason
            )
        entry.member_states[name] = member_state

    def reconfigure(
        self, pools: Iterable[settings.PoolSettings], now: float
    ) -> frozenset[str]:
        """Replace the pools.

        Members that stay, by pool and name, keep their standing, their counts and
        their turn.  If anything is wrong nothing changes.  Returns the names of the
        pools that have changed or gone; who has the zones that go with the new pools
        emits `changed` with them once both are served.

        @raise ValueError: a pool can't be made; the message says which and why.
        """
        entries: dict[str, PoolEntry] = {}
        for pool in pools:
            if pool.name in entries:
                raise ValueError(f"two pools are named {pool.name!r}")
            entries[pool.name] = self._entry(pool)
        graph = dependency_graph({name: entry.needs for name, entry in entries.items()})
        # From here on nothing can fail.
        gone = self._entries.keys() - entries.keys()
        changed = {
            name
            for name, entry in entries.items()
            if self._entries.get(name) is not entry
        }
        self._entries, self._graph = entries, graph
        self._folded = {name.casefold(): name for name in reversed(entries)}
        room = min(CAPACITY, max(LEAST_CAPACITY, ALL_RESOLVERS // (len(entries) or 1)))
        for name in changed:
            entry = entries[name]
            remember = entry.settings.discover is not None
            entry.accounting.keep(entry.member_states, remember)
            for member, state in entry.member_states.items():
                if state.until is not None:  # of one that has come back, too
                    self._expiring[name, member] = state.until
                if state.weight_until is not None:
                    self._weighing[name, member] = state.weight_until
            entry.accounting.resolvers.limit(room)
            entry.reports.keep(entry.member_states)
            entry.reports.stale_after = stale_after(entry.settings)
            self._take_configured_loads(entry, now)
        self._said_out = {
            (pool, member)
            for pool, member in self._said_out
            if pool in entries and member in entries[pool].member_states
        }
        self._expiring = {
            (pool, member): until
            for (pool, member), until in self._expiring.items()
            if pool in entries and member in entries[pool].member_states
        }
        self._weighing = {
            (pool, member): until
            for (pool, member), until in self._weighing.items()
            if pool in entries and member in entries[pool].member_states
        }
        if not changed and not gone:
            return frozenset()
        return self._renew(changed | gone, now)

    def _take_configured_loads(self, entry: PoolEntry, now: float) -> None:
        """Post the loads that the config tells, but not over what a feed has said."""
        for name, report in configured_loads(entry.settings, now):
            if entry.settings.load is None or name not in entry.reports.posted:
                entry.reports.post(name, report, now)
                measured = entry.reports.posted[name].measured
                entry.accounting.reported(name, measured, report.load)

    def _member_state(self, pool: str, member: str) -> MemberState:
        entry = self._entries.get(pool)
        if entry is None:
            raise UnknownPoolError(f"no pool is named {pool!r}")
        member_state = entry.member_states.get(member)
        if member_state is None:
            raise UnknownMemberError(f"pool {pool!r} has no member {member!r}")
        return member_state

    def _put(
        self, pool: str, member: str, member_state: MemberState, now: float
    ) -> None:
        member_states = self._entries[pool].member_states
        if member_states[member] != member_state:
            member_states[member] = member_state
            self._changed({pool}, now)

    def _entry(self, pool: settings.PoolSettings) -> PoolEntry:
        """Make ready what is kept of a pool; touches nothing of the present one."""
        old = self._entries.get(pool.name)
        if old is not None and old.settings == pool:
            return old
        try:
            chain = compile_chain(pool.select, self._registry)
            members = _members_of(pool, old)
        except ValueError as error:
            raise ValueError(f"pool {pool.name!r}: {error}") from error
        past = {} if old is None else dict(old.member_states)
        if old is not None and pool.discover is not None:
            past = {**old.departed, **past}
        member_states = {m.name: past.get(m.name) or _FRESH for m in members}
        if len(member_states) < len(members):
            raise ValueError(f"pool {pool.name!r}: two members have the same name")
        if old is None:
            accounting = PoolAccounting((), self._clock)
            reports = LoadReports(self._clock)
            last: Mapping[Family, frozenset[str]] = {}
        else:
            accounting, reports, last = old.accounting, old.reports, old.last
        departed = {
            name: state
            for name, state in past.items()
            if pool.discover is not None and name not in member_states
        }
        while len(departed) > MOST_DEPARTED:
            del departed[next(iter(departed))]
        costs = Costs(pool.name, members, self.round_trips)
        return PoolEntry(
            pool,
            chain,
            members,
            needs(pool),
            accounting,
            reports,
            costs,
            member_states,
            last,
            departed=departed,
        )

    def _changed(self, names: set[str], now: float) -> None:
        self.changed.emit(self._renew(names, now))

    def _renew(self, names: set[str], now: float) -> frozenset[str]:
        """Make new views of these pools and of those that depend on them.

        Returns the names of all of them.
        """
        views = dict(self._views)
        affected = self._graph.affected(names)
        for name in names - self._entries.keys():
            views.pop(name, None)
        for name in affected:
            entry = self._entries[name]
            view = PoolView(
                PoolParts(
                    settings=entry.settings,
                    chain=entry.chain,
                    accounting=entry.accounting,
                    reports=entry.reports,
                    costs=entry.costs,
                    members=weighed(entry, views),
                    member_states=MappingProxyType(dict(entry.member_states)),
                    inner={needed: views[needed] for needed in entry.needs},
                    last=entry.last,
                ),
                now,
            )
            entry.last = {**entry.last, **view.usable_names()}
            views[name] = view
        self._views = MappingProxyType(views)
        return frozenset(affected) | names


def _members_of(
    pool: settings.PoolSettings, old: PoolEntry | None
) -> tuple[Member, ...]:
    """The members of a pool; those that stay in their place are the same objects.

    Raises `ValueError` for what is no address.
    """
    before: Sequence[tuple[settings.MemberSettings, Member]] = ()
    if old is not None:
        before = tuple(zip(old.settings.members, old.members, strict=True))
    made = []
    for index, member in enumerate(pool.members):
        if index < len(before) and before[index][0] is member:
            made.append(before[index][1])
        else:
            made.append(from_settings(pool.name, index, member))
    return tuple(made)


def _judged(
    member_state: MemberState,
    healthy: bool | None,
    reason: str,
    failing: Iterable[tuple[str, str]],
) -> MemberState:
    """A standing with another verdict of the checks."""
    packed = ((ipaddress.ip_address(one).packed, why) for one, why in failing)
    return replace(member_state, healthy=healthy, reason=reason, failing=tuple(packed))
