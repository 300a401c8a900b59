"""Pools, contexts and statistics for the tests of this room."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TypeVar

from dinamed.config import settings
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.load_reports import LoadReports
from dinamed.pools.manager import PoolManager
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.pool import PoolView
from dinamed.pools.report import Report, out_report
from dinamed.pools.stages.protocol import PoolFacts
from dinamed.pools.stages.registry import builtin_stages
from dinamed.steering.costs import Costs
from dinamed.steering.round_trips import RoundTrips

Key = TypeVar("Key")
HERE = Client.at(bytes((192, 0, 2, 1)))


def candidates(weights: Iterable[float]) -> Candidates:
    """Hosts named a, b, c ... with these weights."""
    return tuple(
        Member("p", chr(97 + i), i, v4=(bytes((192, 0, 2, i)),), weight=weight)
        for i, weight in enumerate(weights)
    )


def facts(members: Candidates) -> PoolFacts:
    """What a stage knows of a pool of these members."""
    accounting = PoolAccounting(member.name for member in members)
    reports = LoadReports(accounting.clock)
    costs = Costs("p", members, RoundTrips())
    return PoolFacts("p", settings.Ttl(low=60, high=60), 1, accounting, reports, costs)


def loaded(
    load: float,
    at: float = 0.0,
    *,
    increment: float | None = None,
    capacity: float | None = None,
) -> Report:
    """A report of that load at that time."""
    return Report(load, at, "test", at, capacity, increment)


def said_out(at: float = 0.0) -> Report:
    """The report of a member that asks not to be handed out."""
    return out_report(now=at, source="test")


def context(
    rng: Random | None = None,
    *,
    family: Family = 4,
    client: Client = HERE,
    count: bool = True,
    now: float = 0.0,
) -> DrawContext:
    """One question."""
    return DrawContext(client, family, now, rng or Random(0), count=count)


def host(
    name: str,
    weight: float = 1,
    *,
    v6: bool = False,
    v4: bool = True,
    priority: int = 1,
) -> settings.MemberSettings:
    """A host with addresses that its name makes its own."""
    number = sum(name.encode()) % 250
    addresses = [f"192.0.2.{number}"] if v4 else []
    if v6:
        addresses.append(f"2001:db8::{number}")
    return settings.MemberSettings(
        name=name, addresses=tuple(addresses), weight=weight, priority=priority
    )


def nested(name: str, weight: float = 1) -> settings.MemberSettings:
    """A pool as a member, under its own name."""
    return settings.MemberSettings(name=name, pool=name, weight=weight)


def pool(
    name: str,
    *members: settings.MemberSettings,
    select: Sequence[str | settings.StageSettings] = ("weighted",),
    answers: int = 1,
    when_down: str = "all",
    healthy_share: float = 0.0,
    ttl: int | tuple[int, int] = 60,
) -> settings.PoolSettings:
    """The table of a pool."""
    return settings.PoolSettings(
        name=name,
        members=members,
        select=tuple(
            settings.StageSettings(name=stage) if isinstance(stage, str) else stage
            for stage in select
        ),
        answers=answers,
        when_down=when_down,
        healthy_share=healthy_share,
        ttl=settings.Ttl(ttl, ttl) if isinstance(ttl, int) else settings.Ttl(*ttl),
    )


def manager(*pools: settings.PoolSettings) -> PoolManager:
    """A manager of these pools, made at time 0, with the built-in stages."""
    return PoolManager(pools, 0.0, builtin_stages())


def chosen(view: PoolView, asked: DrawContext | None = None) -> tuple[str, ...]:
    """The names that one choice gives."""
    choice = view.choose(asked or context())
    return tuple(member.name for member in choice.members)


def everyone(view: PoolView, family: Family = 4, draws: int = 200) -> set[str]:
    """All names that come up in many choices."""
    rng = Random(7)
    return {
        name for _ in range(draws) for name in chosen(view, context(rng, family=family))
    }


def chi_square(observed: Mapping[Key, int], expected: Mapping[Key, float]) -> float:
    """Pearson's statistic of counts against probabilities."""
    total = sum(observed.values())
    return sum(
        (observed.get(key, 0) - total * chance) ** 2 / (total * chance)
        for key, chance in expected.items()
    )
