"""What the pool manager keeps of each pool, and how pools hang together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from dinamed.config import settings
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.chain import Chain
from dinamed.pools.graph import in_order
from dinamed.pools.load_reports import STALE_AFTER, LoadReports
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.report import Report
from dinamed.pools.states import MemberState
from dinamed.steering.costs import Costs


@dataclass(slots=True)
class PoolEntry:
    """The pool manager's data of one pool."""

    settings: settings.PoolSettings
    chain: Chain
    members: Candidates
    needs: frozenset[str]
    accounting: PoolAccounting
    reports: LoadReports
    costs: Costs
    member_states: dict[str, MemberState]
    last: Mapping[Family, frozenset[str]] = field(default_factory=dict)
    """The names of the members that were usable when any last was, by family."""
    weighted: dict[str, tuple[Member, Member]] = field(default_factory=dict)
    """Members whose weight is by order: as configured, and as they are then."""
    departed: Mapping[str, MemberState] = field(default_factory=dict)
    """The states of members that have left, for when they come back."""


@dataclass(slots=True)
class DependencyGraph:
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


def stale_after(pool: settings.PoolSettings) -> float:
    """Seconds for which a report of the pool's members counts in full.

    Where nobody is asked, the loads that the config itself tells count for good.
    """
    if pool.load is not None:
        return pool.load.stale
    told = any(member.load is not None for member in pool.members)
    return inf if told else STALE_AFTER


def configured_loads(
    pool: settings.PoolSettings, now: float
) -> Iterator[tuple[str, Report]]:
    """The loads that the config tells, as reports of now, by member's name."""
    for member in pool.members:
        if member.load is not None:
            yield (
                member.name,
                Report(member.load, now, "config", now, increment=member.increment),
            )


def has_checks(pool: settings.PoolSettings) -> bool:
    """Whether the pool's members are checked at all."""
    return bool(pool.check)


def dependency_graph(needed: Mapping[str, frozenset[str]]) -> DependencyGraph:
    """Work out the dependence of pools.

    @raise ValueError: they refer in a loop, or to nothing.
    """
    rank = {name: number for number, name in enumerate(in_order(needed))}
    dependents: dict[str, set[str]] = {}
    for name, names in needed.items():
        for inner in names:
            dependents.setdefault(inner, set()).add(name)
    return DependencyGraph(rank, dependents)
