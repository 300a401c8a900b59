"""`round-robin`: in turn, as often as the weight says, and evenly spread."""

from collections.abc import Sequence

from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import STATIC, PoolFacts
from dinamed.pools.stages.weighted import by_weight

MOST_SKIPPED = 32


class RoundRobin:
    """Smooth weighted round robin.

    Each draw credits every candidate its weight, takes the one with the most credit,
    and charges it the sum.  The credits live in the pool's accounting, so that they
    outlast a snapshot and stay fair when the candidates differ from draw to draw.
    They start by chance, lest servers started together march in step.

    Of several answers in one draw each is a turn of its own, among those that the
    draw has not yet taken.
    """

    depends = STATIC

    def __init__(self, argument: object = None) -> None:
        no_argument("round-robin", argument)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Turns":
        """Make ready."""
        return _Turns(candidates, facts.accounting)


class _Turns:
    __slots__ = ("_accounting", "_candidates", "_rows", "_total")

    def __init__(self, candidates: Candidates, accounting: PoolAccounting) -> None:
        self._candidates = candidates
        self._accounting = accounting
        self._rows = [(member.name, member.weight, (member,)) for member in candidates]
        self._total = sum(member.weight for member in candidates)

    def draw(self, context: DrawContext, count: int) -> Candidates:
        credit = self._accounting.credits
        for name, _, _ in self._rows:
            if name not in credit:
                self._begin(context)
                break
        if not context.count:
            credit = credit.copy()
        rows, total = self._rows, self._total
        taken = _turn(rows, total, credit)
        drawn: Candidates = taken[2]
        if count == 1:
            return drawn
        while len(drawn) < min(count, len(self._rows)):
            rows = [row for row in rows if row is not taken]
            total -= taken[1]
            taken = _turn(rows, total, credit)
            drawn += taken[2]
        return drawn

    def rank(self, now: float) -> Sequence[Member]:
        credit = self._accounting.credits
        return sorted(
            by_weight(self._candidates),
            key=lambda m: -(credit.get(m.name, 0.0) + m.weight),
        )

    def odds(self, context: DrawContext) -> Sequence[float]:
        return ()

    def _begin(self, context: DrawContext) -> None:
        """Give newcomers a credit by chance, about the mean of the others'.

        It stays below their weight, and where all are new some turns are skipped
        instead: a start further off balance would make the first shares inexact.
        """
        credit = self._accounting.credits
        known = [credit[name] for name, _, _ in self._rows if name in credit]
        mean = sum(known) / len(known) if known else 0.0
        for name, weight, _ in self._rows:
            if name not in credit:
                credit[name] = mean + (context.rng.random() - 0.5) * weight
        if not known:
            for _ in range(context.rng.randrange(MOST_SKIPPED + 1)):
                _turn(self._rows, self._total, credit)


_TurnRow = tuple[str, float, tuple[Member]]


def _turn(rows: list[_TurnRow], total: float, credit: dict[str, float]) -> _TurnRow:
    """Credit all, take the one with the most, and charge it."""
    best = rows[0]
    most = float("-inf")
    for row in rows:
        name = row[0]
        credit[name] = has = credit[name] + row[1]
        if has > most:
            best, most = row, has
    credit[best[0]] = most - total
    return best
