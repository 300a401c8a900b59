"""How stages that go by load choose where loads are not known.

A report counts in full up to a certain age, and then fades
(`LoadReports.freshness`).  As far as it has faded the member goes by its static weight
instead: with freshness p_i and weight w_i, W their sum, a draw is

* a static one for member i with probability (1 - p_i) * w_i / W, and else
* one by load, among the members with p_i > 0.

So a member without a report gets its static share, whatever the others report; and
with no reports at all this is `weighted`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import log
from random import Random

from dinamed.pools.load_reports import LoadReports
from dinamed.pools.members import Candidates


class Mixture:
    """The share of each candidate that is chosen by load, at one time.

    `fresh` are the freshnesses, in the order of the candidates; with `all_fresh` no
    draw is static.
    """

    __slots__ = ("_candidates", "_limits", "_static", "_total", "all_fresh", "fresh")

    def __init__(
        self, candidates: Candidates, reports: LoadReports, time: float
    ) -> None:
        self._candidates = candidates
        self.fresh = [reports.freshness(m.name, time) for m in candidates]
        self._total = sum(member.weight for member in candidates)
        faded = self._faded()
        self._limits = list(accumulate(faded))
        # Without any rounding where all is static, so that no draw is by load then.
        self._static = self._limits[-1] if any(self.fresh) else self._total
        self._limits[-1] = self._static
        self.all_fresh = not self._static

    def _faded(self) -> Iterable[float]:
        return (
            (1.0 - fresh) * member.weight
            for fresh, member in zip(self.fresh, self._candidates, strict=True)
        )

    @property
    def static(self) -> float:
        """The probability that a draw is static."""
        return self._static / self._total

    def draw(self, rng: Random) -> int:
        """The place of the candidate of a static draw; -1: draw by load."""
        if self.all_fresh:
            return -1
        point = rng.random() * self._total
        return bisect_right(self._limits, point) if point < self._static else -1

    def several(self, by_load: Sequence[int], count: int, rng: Random) -> Sequence[int]:
        """The places of `count` different candidates.

        `by_load` are the places of as many by load, as far as there are.
        """
        if self.all_fresh:
            return by_load
        keyed = [
            (log(1.0 - rng.random()) / faded, place)
            for place, faded in enumerate(self._faded())
            if faded > 0.0
        ]
        keyed.sort()  # the largest last, so that it is the first to be taken
        static = [place for _, place in keyed]
        rest = list(reversed(by_load))
        drawn: dict[int, None] = {}
        while len(drawn) < count and (rest or static):
            by_chance = rng.random() * self._total < self._static
            source = static if (static and by_chance) or not rest else rest
            drawn.setdefault(source.pop())
        return tuple(drawn)

    def odds(self) -> Sequence[float]:
        """Each one's chance where all draws are static, else empty: not known."""
        if any(self.fresh):
            return ()
        return [member.weight / self._total for member in self._candidates]
