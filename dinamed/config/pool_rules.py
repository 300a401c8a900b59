"""What must hold of pools beyond the types of their keys."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from dinamed.config import values
from dinamed.config.check_rules import read_checks, read_voting
from dinamed.config.discovery_rules import read_discovery
from dinamed.config.feed_rules import read_feed
from dinamed.config.lines import Path
from dinamed.config.reader import Reader, meant
from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings
from dinamed.config.stages import StageKind
from dinamed.config.values import shown

WHEN_DOWN = ("all", "none", "last")
MOST_NESTED = 16
"""Levels of pools that stand in pools; a choice goes through them all."""

Reference = tuple[str, Path]  # a pool that is named, and where


def read_pools(
    reader: Reader,
    raw: dict[str, object],
    stages: Mapping[str, StageKind],
) -> list[PoolSettings]:
    """Read every `[pools.NAME]`; report all that does not hold."""
    pools = []
    seen: dict[str, str] = {}
    references: dict[str, list[Reference]] = {}
    for name, table in raw.items():
        path: Path = ("pools", name)
        reader.apply(values.pool_name, name, path)
        first = seen.setdefault(name.lower(), name)
        if first != name:
            reader.report(path, f'this pool and "{first}" differ only by case')
        watching = _watching(reader, table, path)
        checked = watching.pop("check_pools", ())
        plain = _without(table, ("check", "load", "discover"))
        pool = reader.table(PoolSettings, plain, path, name=name)
        if pool is None or not isinstance(table, dict):
            continue
        pool = replace(pool, **watching)
        listed = len(table.get("members", ())) if pool.members else 0
        sought = isinstance(table, dict) and "discover" in table
        if not listed and not sought and reader.intact((*path, "members")):
            reader.report((*path, "members"), "a pool needs at least one member")
        if len(pool.members) == listed:
            _members(reader, pool.members, (*path, "members"))
        references[name] = [*_references(pool, listed), *checked]
        _pools_exist(reader, references[name], raw)
        pools.append(_with_select(reader, pool, path, stages))
    _loops(reader, references)
    return pools


def _watching(reader: Reader, table: object, path: Path) -> dict[str, Any]:
    """The checks, the load feed and the source of members of a pool."""
    found: dict[str, Any] = {}
    if isinstance(table, dict) and "check" in table:
        here: Path = (*path, "check")
        found["voting"] = read_voting(reader, table["check"], here)
        checks = read_checks(reader, table["check"], here)
        found["check"], found["check_rule"] = checks.checks, checks.rule
        found["check_pools"] = checks.pools
    if isinstance(table, dict) and "load" in table:
        here = (*path, "load")
        found["load"] = read_feed(reader, table["load"], here)
    if isinstance(table, dict) and "discover" in table:
        here = (*path, "discover")
        found["discover"] = read_discovery(reader, table["discover"], here)
    return found


def _without(table: object, keys: tuple[str, ...]) -> object:
    if not isinstance(table, dict):
        return table
    return {key: value for key, value in table.items() if key not in keys}


def _pools_exist(
    reader: Reader, references: list[Reference], known: Mapping[str, object]
) -> None:
    for name, place in references:
        if name not in known:
            others = [*known, *(WHEN_DOWN if place[-1] == "when_down" else ())]
            reader.report(place, f"no pool {shown(name)}{meant(name, others)}")


def _with_select(
    reader: Reader, pool: PoolSettings, path: Path, stages: Mapping[str, StageKind]
) -> PoolSettings:
    """Check the chain and what depends on it; the arguments in the stages' form."""
    if not reader.intact((*path, "select")):
        return pool
    names = [stage.name for stage in pool.select]
    adaptive = pool.ttl.low != pool.ttl.high
    if adaptive and names[-1:] not in (["predictive"], ["spill"]):
        message = (
            'an adaptive TTL needs a select that ends with "predictive" or "spill"'
        )
        reader.report((*path, "ttl"), message)
    if pool.regions and names[:1] != ["country"]:
        message = 'needs a select that begins with "country"'
        reader.report((*path, "regions"), message)
    select = _select(reader, pool.select, (*path, "select"), stages)
    return replace(pool, select=select)


def _members(reader: Reader, members: tuple[MemberSettings, ...], path: Path) -> None:
    """Check a pool's members against each other.

    All of them were read, so their places here are those in the file.
    """
    names: dict[str, int] = {}
    holders: dict[str, int] = {}
    for place, member in enumerate(members):
        here: Path = (*path, place)
        first = names.setdefault(member.name.lower(), place)
        if first != place and reader.intact((*here, "name")):
            other = members[first].name
            reader.report((*here, "name"), f'there is a member "{other}" already')
        if not reader.intact((*here, "addresses")):
            continue
        if member.addresses and member.pool is not None:
            message = "a member has addresses or a pool, not both"
            reader.report((*here, "pool"), message)
        if member.usable_weight and member.pool is None:
            reader.report((*here, "usable_weight"), "is for members that are pools")
        empty = not member.addresses and member.pool is None
        if empty and reader.intact((*here, "pool")):
            reader.report(here, "a member needs addresses or a pool")
        for index, address in enumerate(member.addresses):
            where = (*here, "addresses", index)
            holder = holders.setdefault(address, place)
            if holder != place:
                other = members[holder].name
                reader.report(where, f'{address} is an address of "{other}" too')
            elif address in member.addresses[:index]:
                reader.report(where, f"{address} stands here twice")


def _select(
    reader: Reader,
    select: tuple[StageSettings, ...],
    path: Path,
    stages: Mapping[str, StageKind],
) -> tuple[StageSettings, ...]:
    """Check the chain; the same with its arguments in the stages' own form."""
    if not select:
        reader.report(path, "needs at least one stage")
    checked = []
    for place, stage in enumerate(select):
        here: Path = (*path, place)
        kind = stages.get(stage.name)
        if kind is None:
            reader.report(
                here, f"no stage {shown(stage.name)}{meant(stage.name, stages)}"
            )
            continue
        last = place == len(select) - 1
        if last and not kind.picks:
            reader.report(here, f'"{stage.name}" narrows; the last stage must pick')
        elif kind.picks and not last:
            reader.report(here, f'"{stage.name}" picks, so it must be the last stage')
        if not kind.available:
            reader.report(here, f'"{stage.name}" is not available yet')
        checked.append(_argument(reader, stage, kind, here))
    return tuple(checked)


def _argument(
    reader: Reader, stage: StageSettings, kind: StageKind, path: Path
) -> StageSettings:
    """Check a stage's argument and give it the stage's own form."""
    if stage.argument is None:
        if kind.required:
            reader.report(path, f'"{stage.name}" needs an argument')
        elif kind.bare and kind.argument is not None:
            reader.apply(kind.argument, None, path)
        return stage
    here: Path = (*path, stage.name)
    if kind.argument is None:
        reader.report(here, f'"{stage.name}" takes no argument')
        return stage
    argument = reader.apply(kind.argument, stage.argument, here)
    return StageSettings(stage.name, argument) if reader.intact(here) else stage


def _references(pool: PoolSettings, listed: int) -> Iterator[Reference]:
    """The pools that a pool may hand its answer to.

    The member's line is known only if each of the `listed` members could be read.
    """
    path: Path = ("pools", pool.name)
    for place, member in enumerate(pool.members):
        if member.pool is not None:
            exact = (place, "pool") if len(pool.members) == listed else ()
            yield member.pool, (*path, "members", *exact)
    if pool.when_down not in WHEN_DOWN:
        yield pool.when_down, (*path, "when_down")


def _loops(reader: Reader, references: Mapping[str, list[Reference]]) -> None:
    """Report every reference that closes a loop, with the way round, or is too deep.

    Depth first with a stack of its own: a chain of pools may be long.
    """
    done: dict[str, int] = {}  # the levels below each pool, itself included
    for start in references:
        way: dict[str, Iterator[Reference]] = {}
        if start not in done:
            way[start] = iter(references[start])
        while way:
            name, rest = next(reversed(way.items()))
            for target, place in rest:
                if target in way:
                    names = list(way)
                    loop = [*names[names.index(target) :], target]
                    reader.report(place, "a loop of pools: " + " -> ".join(loop))
                elif target in references and target not in done:
                    way[target] = iter(references[target])
                    break
            else:
                del way[name]
                done[name] = _levels(reader, references[name], done)


def _levels(
    reader: Reader, references: list[Reference], known: Mapping[str, int]
) -> int:
    """The levels of a pool; the first reference that makes them too many is told."""
    deepest = 0
    for target, place in references:
        levels = known.get(target, 0)
        if levels == MOST_NESTED:
            reader.report(place, f"more than {MOST_NESTED} pools inside each other")
        deepest = max(deepest, levels)
    return deepest + 1
