"""`weighted`: by chance, in proportion to weight."""

from collections.abc import Sequence
from math import log
from operator import itemgetter
from random import Random

from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import STATIC, PoolFacts

TRIES = 4


class Weighted:
    """Draws without replacement: each draw by weight among those not yet drawn."""

    depends = STATIC

    def __init__(self, argument: object = None) -> None:
        no_argument("weighted", argument)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "AliasTable":
        """Make ready."""
        return AliasTable(candidates)


def by_weight(candidates: Candidates) -> Sequence[Member]:
    """The heaviest first; equals in the order of the config."""
    return sorted(candidates, key=lambda member: -member.weight)


class AliasTable:
    """A table that gives one member by weight in constant time (Walker, Vose).

    Column i of n equal columns holds member i up to height `limits[i]`, and above
    that member `aliases[i]`; a point thrown at the table hits each by its weight.
    It is made when it is first drawn from: where the compiled plane draws, never.
    """

    __slots__ = ("_candidates", "_columns", "_size")

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._size = len(candidates)
        self._columns: list[tuple[float, Candidates, Candidates]] = []

    def _made(self) -> list[tuple[float, Candidates, Candidates]]:
        """The columns: ready-made answers, so that a draw of one allocates nothing."""
        candidates = self._candidates
        limits, aliases = alias_columns([m.weight for m in candidates])
        self._columns = [
            (limit, (member,), (candidates[alias],))
            for limit, member, alias in zip(limits, candidates, aliases, strict=True)
        ]
        return self._columns

    def draw(self, context: DrawContext, count: int) -> Candidates:
        """Draw; the order is the order of the draws."""
        columns = self._columns or self._made()
        if count == 1:
            point = context.rng.random() * self._size
            column = int(point)
            limit, member, alias = columns[column]
            return member if point - column < limit else alias
        return self._several(columns, context.rng, min(count, self._size))

    def _several(
        self,
        columns: list[tuple[float, Candidates, Candidates]],
        rng: Random,
        count: int,
    ) -> Candidates:
        """Draw again when one comes twice; if that takes long, by keys.

        Either way the next member is one of those left, by weight, whatever
        happened before, so to change over in between biases nothing.
        """
        drawn: list[Member] = []
        if count * 4 <= self._size:
            tries = TRIES * count
            while len(drawn) < count and tries:
                tries -= 1
                point = rng.random() * self._size
                column = int(point)
                limit, member, alias = columns[column]
                found = (member if point - column < limit else alias)[0]
                if found not in drawn:
                    drawn.append(found)
            if len(drawn) == count:
                return tuple(drawn)
        left = [member for member in self._candidates if member not in drawn]
        return (*drawn, *_by_keys(left, count - len(drawn), rng))

    def rank(self, now: float) -> Sequence[Member]:
        """The heaviest first."""
        return by_weight(self._candidates)

    def odds(self, context: DrawContext) -> Sequence[float]:
        """Each one's share of the weight."""
        total = sum(member.weight for member in self._candidates)
        return tuple(member.weight / total for member in self._candidates)


def _by_keys(members: list[Member], count: int, rng: Random) -> list[Member]:
    """Draw `count` by exponential keys (Efraimidis and Spirakis 2006).

    The smallest of keys exponential with rates w is member i with chance w_i / sum,
    and what is left starts anew: the same as one weighted draw after another.
    """
    random = rng.random
    # The keys are negative here, so that the largest wins.
    keyed = [(log(1.0 - random()) / member.weight, member) for member in members]
    keyed.sort(key=itemgetter(0), reverse=True)
    return [member for _, member in keyed[:count]]


def alias_columns(weights: list[float]) -> tuple[list[float], list[int]]:
    """Build the columns of an alias table: their limits, and the aliases above."""
    size = len(weights)
    total = sum(weights)
    heights = [weight * size / total for weight in weights]
    limits = [1.0] * size
    aliases = list(range(size))
    small = [i for i, height in enumerate(heights) if height < 1]
    large = [i for i, height in enumerate(heights) if height >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        limits[low], aliases[low] = heights[low], high
        heights[high] -= 1 - heights[low]
        if heights[high] < 1:
            small.append(large.pop())
    return limits, aliases
