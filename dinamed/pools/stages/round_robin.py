"""`round-robin`: in turn, as often as the weight says, and evenly spread."""

from collections.abc import Sequence

from dinamed.pools.context import DrawContext
from dinamed.pools.ledger import Ledger
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import STATIC, PoolFacts
from dinamed.pools.stages.weighted import by_weight


class RoundRobin:
    """Smooth weighted round robin.

    Each draw credits every candidate its weight, takes the one with the most credit,
    and charges it the sum.  The credits live in the pool's ledger, so that they
    outlast a snapshot and stay fair when the candidates differ from draw to draw.
    """

    depends = STATIC

    def __init__(self, argument: object = None) -> None:
        no_argument("round-robin", argument)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Turns":
        """Make ready."""
        return _Turns(candidates, facts.ledger)


class _Turns:
    __slots__ = ("_candidates", "_ledger", "_pairs")

    def __init__(self, candidates: Candidates, ledger: Ledger) -> None:
        self._candidates = candidates
        self._ledger = ledger
        self._pairs = [(member.name, member.weight) for member in candidates]

    def draw(self, context: DrawContext, count: int) -> Candidates:
        raise NotImplementedError

    def rank(self, now: float) -> Sequence[Member]:
        credit = self._ledger.credits
        return sorted(
            by_weight(self._candidates),
            key=lambda m: -(credit.get(m.name, 0.0) + m.weight),
        )

    def odds(self, context: DrawContext) -> Sequence[float]:
        return ()
