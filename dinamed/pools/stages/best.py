"""`{best = 3}`: any of the three with the lowest load, as lbnamed's top slice.

Servers that do not know of each other's hand-outs all send to the host with the lowest
load until a report shows it; among several it is spread.
"""

from collections.abc import Sequence

from dinamed.config.stages import count as whole
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.least import Least
from dinamed.pools.stages.levels import Leveled, Levels
from dinamed.pools.stages.protocol import PoolFacts, Prepared, Scored

DEFAULT = 2


class Best:
    """Picks by equal chance among so many members with the lowest load.

    They are those that `least` would give together, hand-outs since the last reports
    included.  The argument is how many, by default 2.
    """

    depends = Least.depends

    def __init__(self, argument: object = None) -> None:
        number = whole(DEFAULT if argument is None else argument)
        assert isinstance(number, int)
        self.among = number
        """How many."""
        self._least = Least()

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Slice":
        """Make ready."""
        return _Slice(self._least.prepare(candidates, facts), self.among)


class _Slice:
    __slots__ = ("_among", "_lowest")

    def __init__(self, lowest: Prepared, among: int) -> None:
        self._lowest = lowest
        self._among = among

    def draw(self, context: DrawContext, count: int) -> Candidates:
        among = self._lowest.draw(context, max(count, self._among))
        return tuple(context.rng.sample(among, min(count, len(among))))

    def rank(self, now: float) -> Sequence[Member]:
        return self._lowest.rank(now)

    def levels(self, time: float) -> Levels:
        assert isinstance(self._lowest, Leveled)
        return self._lowest.levels(time)

    def odds(self, context: DrawContext) -> Sequence[float]:
        return ()

    def scores(self, context: DrawContext) -> Sequence[str]:
        lowest = self._lowest
        return lowest.scores(context) if isinstance(lowest, Scored) else ()
