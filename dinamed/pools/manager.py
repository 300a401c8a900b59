"""The pool manager: the one owner of what changes about pools."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from dinamed.config import settings
from dinamed.pools.board import Board, Posted
from dinamed.pools.chain import compile_chain
from dinamed.pools.clock import SteadyClock
from dinamed.pools.entries import (
    Entry,
    Web,
    has_checks,
    stale_after,
    told_loads,
    web_of,
)
from dinamed.pools.graph import needs
from dinamed.pools.ledger import Ledger
from dinamed.pools.members import Family, from_settings
from dinamed.pools.pool import Parts, PoolView
from dinamed.pools.report import Report
from dinamed.pools.resolvers import CAPACITY
from dinamed.pools.saved import Saved, SavedMember
from dinamed.pools.stages.protocol import Registry
from dinamed.pools.stages.registry import load_stages
from dinamed.pools.states import Order, Standing

Subscriber = Callable[[frozenset[str]], None]
"""Called after a change with the names of the pools that have changed or gone."""


Verdict = tuple[str, str, bool | None, str, Sequence[tuple[str, str]]]
"""Pool, member, what its checks say of it (None: nothing any more), and why; and the
addresses that fail its checks, each with the reason."""

ALL_RESOLVERS = 1_048_576
"""Resolvers that all pools together remember, as long as each has its least."""

LEAST_CAPACITY = 2048
"""Resolvers that a pool may remember however many pools there are."""


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
        pools: Iterable[settings.Pool],
        now: float,
        registry: Registry | None = None,
    ) -> None:
        self._registry = load_stages() if registry is None else registry
        self._entries: dict[str, Entry] = {}
        self._web = Web()
        self._clock = SteadyClock(now)
        self._expiring: dict[tuple[str, str], float] = {}
        self._said_out: set[tuple[str, str]] = set()
        self.on_error: Callable[[Exception], None] | None = None
        """Is told what a subscriber raises; without it the change itself raises that,
        after all the others were told."""
        self.on_report: Callable[[str], None] | None = None
        """Is told the pool of each report that was taken."""
        self._subscribers: list[Subscriber] = []
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
    ) -> None:
        """Put a member in a state by order, until that time or for good.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        @raise ValueError: `until` is not in the future.
        """
        standing = self._standing(pool, member)
        if order is Order.AUTO:
            until = None
        if until is not None and until <= now:
            raise ValueError("the order would be over before it began")
        self._expiring.pop((pool, member), None)
        if until is not None:
            self._expiring[pool, member] = until
        self._put(pool, member, replace(standing, order=order, until=until), now)

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
        standing = self._standing(pool, member)
        judged = _judged(standing, healthy, reason, failing)
        self._put(pool, member, judged, now)

    def health_many(self, verdicts: Iterable[Verdict], *, now: float) -> None:
        """Take many verdicts as one change, as `health` takes one.

        Those on members that there are not (any more) are passed over.
        """
        changed: set[str] = set()
        for pool, member, healthy, reason, failing in verdicts:
            standings = self._entries[pool].standings if pool in self._entries else {}
            standing = standings.get(member)
            if standing is None:
                continue
            taken = _judged(standing, healthy, reason, failing)
            if taken != standing:
                standings[member] = taken
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
        standing = self._standing(pool, member)
        entry = self._entries[pool]
        if not entry.board.post(member, report, now):
            return False
        measured = entry.board.posted[member].measured
        entry.ledger.reported(member, measured, None if report.out else report.load)
        says_out = entry.board.says_out(member, self._clock.read(now))
        if says_out:
            self._said_out.add((pool, member))
        self._put(pool, member, replace(standing, says_out=says_out), now)
        if self.on_report is not None:
            self.on_report(pool)
        return True

    def feed_failed(self, pool: str, member: str, reason: str, *, now: float) -> None:
        """Take down that a member's load could not be had, and why.

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        """
        self._standing(pool, member)
        self._entries[pool].board.fail(member, reason, now)

    def reports(self, pool: str) -> Mapping[str, Posted]:
        """The last reports by member's name; those who never had one are left out.

        @raise UnknownPoolError: there is no such pool.
        """
        if pool not in self._entries:
            raise UnknownPoolError(f"no pool is named {pool!r}")
        return self._entries[pool].board.posted

    def expire(self, now: float) -> float | None:
        """Drop the orders whose time is over; return when the next one's will be.

        Members that have said "out", and then nothing for so long that it counts no
        longer, are taken back.
        """
        over = [key for key, until in self._expiring.items() if until <= now]
        changed: set[str] = set()
        for pool, member in over:
            del self._expiring[pool, member]
            standings = self._entries[pool].standings
            standings[member] = replace(standings[member], order=Order.AUTO, until=None)
            changed.add(pool)
        time = self._clock.read(now)
        for pool, member in tuple(self._said_out):
            entry = self._entries[pool]
            if entry.board.says_out(member, time):
                continue
            self._said_out.discard((pool, member))
            standing = entry.standings[member]
            if standing.says_out:
                entry.standings[member] = replace(standing, says_out=False)
                changed.add(pool)
        if changed:
            self._changed(changed, now)
        return min(self._expiring.values(), default=None)

    def saved(self) -> Saved:
        """All that must outlast a restart: orders, verdicts and last reports."""
        pools: dict[str, dict[str, SavedMember]] = {}
        for name, entry in self._entries.items():
            members = {}
            for member, standing in entry.standings.items():
                posted = entry.board.posted.get(member)
                known = SavedMember(
                    standing.order,
                    standing.until,
                    standing.healthy,
                    standing.reason,
                    None if posted is None else posted.report,
                    standing.failing,
                )
                if known != SavedMember():
                    members[member] = known
            if members:
                pools[name] = members
        return Saved(pools)

    def restore(self, saved: Saved, now: float) -> None:
        """Take on what was saved, for the pools and members that there still are.

        Orders whose time is over are left out.  Reports count by the age they have,
        and where a member has a newer one already that stays.
        """
        changed: set[str] = set()
        for pool, members in saved.pools.items():
            entry = self._entries.get(pool)
            if entry is None:
                continue
            for name, known in members.items():
                if name in entry.standings:
                    self._restore(entry, pool, name, known, now)
                    changed.add(pool)
        if changed:
            self._changed(changed, now)

    def _restore(
        self, entry: Entry, pool: str, name: str, known: SavedMember, now: float
    ) -> None:
        order, until = known.order, known.until
        if until is not None and until <= now:
            order, until = Order.AUTO, None
        if until is not None:
            self._expiring[pool, name] = until
        if known.report is not None and entry.board.post(name, known.report, now):
            measured = entry.board.posted[name].measured
            load = None if known.report.out else known.report.load
            entry.ledger.reported(name, measured, load)
        says_out = entry.board.says_out(name, self._clock.read(now))
        if says_out:
            self._said_out.add((pool, name))
        standing = Standing(order, until, says_out=says_out)
        if has_checks(entry.settings):
            standing = replace(
                standing,
                healthy=known.healthy,
                reason=known.reason,
                failing=known.failing,
            )
        entry.standings[name] = standing

    def reconfigure(self, pools: Iterable[settings.Pool], now: float) -> None:
        """Take on these pools in place of the present ones.

        Members that stay, by pool and name, keep their standing, their counts and
        their turn.  If anything is wrong nothing changes.

        @raise ValueError: a pool can't be made; the message says which and why.
        """
        entries: dict[str, Entry] = {}
        for pool in pools:
            if pool.name in entries:
                raise ValueError(f"two pools are named {pool.name!r}")
            entries[pool.name] = self._entry(pool)
        web = web_of({name: entry.needs for name, entry in entries.items()})
        # From here on nothing can fail.
        gone = self._entries.keys() - entries.keys()
        changed = {
            name
            for name, entry in entries.items()
            if self._entries.get(name) is not entry
        }
        self._entries, self._web = entries, web
        self._folded = {name.casefold(): name for name in reversed(entries)}
        room = min(CAPACITY, max(LEAST_CAPACITY, ALL_RESOLVERS // (len(entries) or 1)))
        for name in changed:
            entry = entries[name]
            entry.ledger.keep(entry.standings)
            entry.ledger.resolvers.limit(room)
            entry.board.keep(entry.standings)
            entry.board.stale_after = stale_after(entry.settings)
            self._tell_loads(entry, now)
        self._said_out = {
            (pool, member)
            for pool, member in self._said_out
            if pool in entries and member in entries[pool].standings
        }
        self._expiring = {
            (pool, member): until
            for (pool, member), until in self._expiring.items()
            if pool in entries and member in entries[pool].standings
        }
        if changed or gone:
            self._changed(changed | gone, now)

    def _tell_loads(self, entry: Entry, now: float) -> None:
        """Post the loads that the config tells, but not over what a feed has said."""
        for name, report in told_loads(entry.settings, now):
            if entry.settings.load is None or name not in entry.board.posted:
                entry.board.post(name, report, now)
                measured = entry.board.posted[name].measured
                entry.ledger.reported(name, measured, report.load)

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Have `callback` called after every change; call the result to end that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def _standing(self, pool: str, member: str) -> Standing:
        entry = self._entries.get(pool)
        if entry is None:
            raise UnknownPoolError(f"no pool is named {pool!r}")
        standing = entry.standings.get(member)
        if standing is None:
            raise UnknownMemberError(f"pool {pool!r} has no member {member!r}")
        return standing

    def _put(self, pool: str, member: str, standing: Standing, now: float) -> None:
        standings = self._entries[pool].standings
        if standings[member] != standing:
            standings[member] = standing
            self._changed({pool}, now)

    def _entry(self, pool: settings.Pool) -> Entry:
        """Make ready what is kept of a pool; touches nothing of the present one."""
        old = self._entries.get(pool.name)
        if old is not None and old.settings == pool:
            return old
        try:
            chain = compile_chain(pool.select, self._registry)
            members = tuple(
                from_settings(pool.name, index, member)
                for index, member in enumerate(pool.members)
            )
        except ValueError as error:
            raise ValueError(f"pool {pool.name!r}: {error}") from error
        past = {} if old is None else old.standings
        standings = {m.name: past.get(m.name, Standing()) for m in members}
        if len(standings) < len(members):
            raise ValueError(f"pool {pool.name!r}: two members have the same name")
        if old is None:
            ledger, board = Ledger((), self._clock), Board(self._clock)
            last: Mapping[Family, frozenset[str]] = {}
        else:
            ledger, board, last = old.ledger, old.board, old.last
        return Entry(pool, chain, members, needs(pool), ledger, board, standings, last)

    def _changed(self, names: set[str], now: float) -> None:
        """Make new views of these pools and of those that depend on them."""
        views = dict(self._views)
        affected = self._web.affected(names)
        for name in names - self._entries.keys():
            views.pop(name, None)
        for name in affected:
            entry = self._entries[name]
            view = PoolView(
                Parts(
                    settings=entry.settings,
                    chain=entry.chain,
                    ledger=entry.ledger,
                    board=entry.board,
                    members=entry.members,
                    standings=MappingProxyType(dict(entry.standings)),
                    inner={needed: views[needed] for needed in entry.needs},
                    last=entry.last,
                ),
                now,
            )
            entry.last = {**entry.last, **view.usable_names()}
            views[name] = view
        self._views = MappingProxyType(views)
        told = frozenset(affected) | names
        failed: Exception | None = None
        for callback in tuple(self._subscribers):
            try:
                callback(told)
            except Exception as error:
                if self.on_error is None:
                    failed = failed or error
                else:
                    self.on_error(error)
        if failed is not None:
            raise failed


def _judged(
    standing: Standing,
    healthy: bool | None,
    reason: str,
    failing: Iterable[tuple[str, str]],
) -> Standing:
    """A standing with another verdict of the checks."""
    packed = ((ipaddress.ip_address(one).packed, why) for one, why in failing)
    return replace(standing, healthy=healthy, reason=reason, failing=tuple(packed))
