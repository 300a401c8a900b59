"""`priority`: only the first rank that has anyone."""

from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import STATIC, PoolFacts


class PriorityStage:
    """Keeps the members of the lowest `priority` among the candidates."""

    depends = STATIC

    def __init__(self, argument: object = None) -> None:
        no_argument("priority", argument)

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep the lowest rank."""
        lowest = min(member.priority for member in candidates)
        return tuple(m for m in candidates if m.priority == lowest)
