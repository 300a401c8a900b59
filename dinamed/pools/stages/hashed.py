"""`hash`: the same member for the same client, by weighted rendezvous."""

from collections.abc import Sequence

from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import CLIENT, PoolFacts
from dinamed.pools.stages.weighted import by_weight


class Hashed:
    """Picks the member whose score for the client's prefix is the highest."""

    depends = frozenset({CLIENT})

    def __init__(self, argument: object = None) -> None:
        no_argument("hash", argument)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Scores":
        """Make ready."""
        return _Scores(candidates)


class _Scores:
    __slots__ = ("_candidates",)

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates

    def draw(self, context: DrawContext, count: int) -> Candidates:
        raise NotImplementedError

    def rank(self, now: float) -> Sequence[Member]:
        return by_weight(self._candidates)

    def odds(self, context: DrawContext) -> Sequence[float]:
        return ()
