"""`each`: every candidate by odds of its own, its weight by the highest."""

from collections.abc import Sequence

from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import STATIC, PoolFacts
from dinamed.pools.stages.weighted import by_weight


class Each:
    """Takes each candidate with the probability weight / highest weight.

    So there is one at least, and those of the highest weight are always there.  It does
    not matter how many answers the pool wants.
    """

    depends = STATIC

    def __init__(self, argument: object = None) -> None:
        no_argument("each", argument)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Odds":
        """Make ready."""
        return _Odds(candidates)


class _Odds:
    __slots__ = ("_candidates", "_highest")

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._highest = max(member.weight for member in candidates)

    def draw(self, context: DrawContext, count: int) -> Candidates:
        rng, highest = context.rng, self._highest
        taken = [m for m in self._candidates if rng.random() * highest < m.weight]
        rng.shuffle(taken)
        return tuple(taken)

    def rank(self, now: float) -> Sequence[Member]:
        return by_weight(self._candidates)

    def odds(self, context: DrawContext) -> Sequence[float]:
        return ()

    def scores(self, context: DrawContext) -> Sequence[str]:
        shares = (member.weight / self._highest for member in self._candidates)
        return [f"in {share:.3g} of the answers" for share in shares]
