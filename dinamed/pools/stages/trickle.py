"""`{trickle = SHARE}`: the first rank, but now and then the next one."""

from dinamed.config.stages import share
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.stages.protocol import CHANCE, PoolFacts


class Trickle:
    """Keeps the lowest `priority`, or with the probability `share` the one behind it.

    So those who stand by have clients all the time, and are known to work.  Where there
    is one rank alone it is kept.
    """

    depends = frozenset({CHANCE})

    def __init__(self, argument: object = None) -> None:
        self.share = share(argument)

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep one of the first two ranks."""
        first, following = ranks(candidates)
        if following and context.rng.random() < self.share:
            return following
        return first

    def note(self, candidates: Candidates, kept: Candidates) -> str:
        """In words which rank was kept."""
        first, following = ranks(candidates)
        if not following:
            return "no other rank"
        which = "first" if kept == first else "next"
        return f"the {which} rank; {self.share:.3g} goes to the next"


def ranks(candidates: Candidates) -> tuple[Candidates, Candidates]:
    """The members of the lowest priority, and those of the one behind it, if any."""
    numbers = sorted({member.priority for member in candidates})[:2]
    by_rank = [tuple(m for m in candidates if m.priority == rank) for rank in numbers]
    return by_rank[0], by_rank[1] if len(by_rank) > 1 else ()
