"""Which chains of stages the plane can do, and as what kind of route.

What is not named here is left to Python.
"""

from collections.abc import Iterable, Mapping

from dinamed.plane.extension import native as native
from dinamed.plane.route_purposes import PURPOSES
from dinamed.pools.chain import Chain, Route
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.best import Best
from dinamed.pools.stages.each import Each
from dinamed.pools.stages.everyone import Everyone
from dinamed.pools.stages.hashed import Hashed, HashedByName
from dinamed.pools.stages.least import Least
from dinamed.pools.stages.predictive import Predictive
from dinamed.pools.stages.priority import PriorityStage
from dinamed.pools.stages.protocol import Narrowing, Picking
from dinamed.pools.stages.round_robin import RoundRobin
from dinamed.pools.stages.shed import Shed
from dinamed.pools.stages.spill import Spill
from dinamed.pools.stages.trickle import Trickle, ranks
from dinamed.pools.stages.weighted import Weighted

DEEPEST = 16
"""Pools in pools that are looked through for what a client wants."""

Outcomes = tuple[Candidates, ...]
"""One set of candidates, or two of which the lot takes one."""


def split_stages(route: Route) -> tuple[list[Narrowing], list[Narrowing]]:
    """The stages that must still be asked: those before shedding, and from it on."""
    stages = [stage for _, stage in route.remaining]
    for number, stage in enumerate(stages):
        if type(stage) is Shed:
            return stages[:number], stages[number:]
    return stages, []


def sheds_natively(stages: list[Narrowing]) -> bool:
    """Whether this can be done natively: shedding, and perhaps ranks behind it."""
    return len(stages) <= 2 and all(
        type(stage) is PriorityStage for stage in stages[1:]
    )


def lots(stages: Iterable[Narrowing]) -> list[Trickle]:
    """Those of the stages that let the lot decide between two ranks."""
    return [stage for stage in stages if type(stage) is Trickle]


def narrowed(route: Route, context: DrawContext) -> Outcomes:
    """The candidates that a client has before any are shed.

    These are others where the lot falls on the next rank.
    """
    kept: Outcomes = (route.folded,)
    for stage in split_stages(route)[0]:
        if type(stage) is Trickle:
            first, following = ranks(kept[0])
            kept = (first, following) if following else (first,)
        else:
            kept = tuple(stage.narrow(one, context, route.facts) or one for one in kept)
    return kept


def picks_by_cost(route: Route) -> bool:
    """Whether members are picked by what they cost the client."""
    return type(route.picking[1]) is Spill


def costs_count(chain: Chain) -> bool:
    """Whether the last stage of a chain picks by what members cost the client."""
    return type(chain.picking[1]) is Spill


def kind_of(stage: Picking) -> int:
    """The rule of a picking stage; the very classes, for theirs may be extended."""
    kinds: dict[type, int] = {
        Weighted: native.BY_WEIGHT,
        Hashed: native.BY_HASH,
        HashedByName: native.BY_NAME,
        RoundRobin: native.IN_TURN,
        Everyone: native.EVERYONE,
        Each: native.EACH,
        Best: native.LOWEST,
        Least: native.LOWEST,
        Predictive: native.LOWEST,
        Spill: native.LOWEST,
    }
    return kinds.get(type(stage), native.ELSEWHERE)


def is_nested(view: PoolView) -> bool:
    """Whether any member is a pool, or another pool stands in."""
    return bool(fallbacks(view)) or any(one.inner for one in view.members)


def reached(routes: Mapping[str, tuple[PoolView, object]], pool: str) -> list[str]:
    """A pool, and all that stand in for it or for its members."""
    found = {pool: 0}
    for name in (queue := [pool]):
        view = routes[name][0]
        inner = [member.inner for member in view.members if member.inner]
        inner += fallbacks(view)
        for one in inner:
            if one not in found and found[name] < DEEPEST:
                found[one] = found[name] + 1
                queue.append(one)
    return list(found)


def fallbacks(view: PoolView) -> list[str]:
    """The pools that stand in."""
    pools = [view.fallback(purpose.family) for purpose in PURPOSES]
    return [pool.name for pool in pools if pool is not None]
