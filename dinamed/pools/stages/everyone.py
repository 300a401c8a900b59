"""`all`: every candidate, in random order."""

from collections.abc import Sequence

from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import STATIC, PoolFacts
from dinamed.pools.stages.weighted import by_weight


class Everyone:
    """Picks all candidates, however many answers the pool wants."""

    depends = STATIC

    def __init__(self, argument: object = None) -> None:
        no_argument("all", argument)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Shuffle":
        """Make ready."""
        return _Shuffle(candidates)


class _Shuffle:
    __slots__ = ("_candidates",)

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates

    def draw(self, context: DrawContext, count: int) -> Candidates:
        return tuple(context.rng.sample(self._candidates, len(self._candidates)))

    def rank(self, now: float) -> Sequence[Member]:
        return by_weight(self._candidates)

    def odds(self, context: DrawContext) -> Sequence[float]:
        size = len(self._candidates)
        return (1 / size,) * size
