"""The pool manager: the one owner of what changes about pools."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from dinamed.config import settings
from dinamed.pools.chain import Chain, compile_chain
from dinamed.pools.graph import in_order, needs
from dinamed.pools.ledger import Ledger
from dinamed.pools.members import Candidates, from_settings
from dinamed.pools.pool import Parts, PoolView
from dinamed.pools.stages.protocol import Registry
from dinamed.pools.stages.registry import load_stages
from dinamed.pools.states import Order, Standing

Subscriber = Callable[[frozenset[str]], None]
"""Called after a change with the names of the pools that have changed or gone."""


class UnknownPoolError(LookupError):
    """There is no pool of that name."""


class UnknownMemberError(LookupError):
    """The pool has no member of that name."""


@dataclass(slots=True)
class _Entry:
    """All that is kept of one pool."""

    settings: settings.Pool
    chain: Chain
    members: Candidates
    needs: frozenset[str]
    ledger: Ledger
    standings: dict[str, Standing]
    last: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Web:
    """How the pools depend on each other: ranks from the inside out."""

    rank: dict[str, int] = field(default_factory=dict)
    dependents: dict[str, set[str]] = field(default_factory=dict)

    def affected(self, changed: Iterable[str]) -> list[str]:
        """The changed pools and all that depend on them, inner ones first."""
        found: set[str] = set()
        left = list(changed)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left.extend(self.dependents.get(name, ()))
        return sorted(
            (name for name in found if name in self.rank), key=self.rank.__getitem__
        )


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
        self._entries: dict[str, _Entry] = {}
        self._web = _Web()
        self._expiring: dict[tuple[str, str], float] = {}
        self._subscribers: list[Subscriber] = []
        self._views: Mapping[str, PoolView] = MappingProxyType({})
        self._folded: dict[str, str] = {}
        self.reconfigure(pools, now)

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
        *,
        now: float,
    ) -> None:
        """Take the verdict of a member's checks (None: it has none any more).

        @raise UnknownPoolError: there is no such pool.
        @raise UnknownMemberError: the pool has no such member.
        """
        standing = self._standing(pool, member)
        self._put(pool, member, replace(standing, healthy=healthy, reason=reason), now)

    def expire(self, now: float) -> float | None:
        """Drop the orders whose time is over; return when the next one's will be."""
        over = [key for key, until in self._expiring.items() if until <= now]
        changed: set[str] = set()
        for pool, member in over:
            del self._expiring[pool, member]
            standings = self._entries[pool].standings
            standings[member] = replace(standings[member], order=Order.AUTO, until=None)
            changed.add(pool)
        if changed:
            self._changed(changed, now)
        return min(self._expiring.values(), default=None)

    def reconfigure(self, pools: Iterable[settings.Pool], now: float) -> None:
        """Take on these pools in place of the present ones.

        Members that stay, by pool and name, keep their standing, their counts and
        their turn.  If anything is wrong nothing changes.

        @raise ValueError: a pool can't be made; the message says which and why.
        """
        entries: dict[str, _Entry] = {}
        for pool in pools:
            if pool.name in entries:
                raise ValueError(f"two pools are named {pool.name!r}")
            entries[pool.name] = self._entry(pool)
        web = _web({name: entry.needs for name, entry in entries.items()})
        # From here on nothing can fail.
        gone = self._entries.keys() - entries.keys()
        changed = {
            name
            for name, entry in entries.items()
            if self._entries.get(name) is not entry
        }
        self._entries, self._web = entries, web
        self._folded = {name.casefold(): name for name in reversed(entries)}
        for name in changed:
            entries[name].ledger.keep(entries[name].standings)
        self._expiring = {
            (pool, member): until
            for (pool, member), until in self._expiring.items()
            if pool in entries and member in entries[pool].standings
        }
        if changed or gone:
            self._changed(changed | gone, now)

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

    def _entry(self, pool: settings.Pool) -> _Entry:
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
        ledger = Ledger() if old is None else old.ledger
        last = frozenset[str]() if old is None else old.last
        return _Entry(pool, chain, members, needs(pool), ledger, standings, last)

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
                    members=entry.members,
                    standings=MappingProxyType(dict(entry.standings)),
                    inner={needed: views[needed] for needed in entry.needs},
                    last=entry.last,
                ),
                now,
            )
            if view.usable:
                entry.last = frozenset(member.name for member in view.usable)
            views[name] = view
        self._views = MappingProxyType(views)
        told = frozenset(affected) | names
        for callback in tuple(self._subscribers):
            callback(told)


def _web(needed: Mapping[str, frozenset[str]]) -> _Web:
    """Work out the dependence of pools.

    @raise ValueError: they refer in a loop, or to nothing.
    """
    rank = {name: number for number, name in enumerate(in_order(needed))}
    dependents: dict[str, set[str]] = {}
    for name, names in needed.items():
        for inner in names:
            dependents.setdefault(inner, set()).add(name)
    return _Web(rank, dependents)
