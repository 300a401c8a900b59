"""`least`: the member with the lowest load, as lbnamed chose.

The score of a member is (load + hand-outs * increment) / weight: its last reported
load, and for each hand-out that no report shows yet the load which one hand-out adds.
The lowest wins, by chance where several are equal, so that servers which were started
together do not march in step.  The increment is that of the report; without one it is
that of the stage, `{least = {increment = 200}}`, which is 1 by default.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heapreplace
from math import inf
from random import Random

from dinamed.config.stages import increments
from dinamed.pools.accounts import MemberAccount
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.levels import Levels
from dinamed.pools.stages.mixture import Mixture
from dinamed.pools.stages.protocol import LOAD, TIME, PoolFacts
from dinamed.pools.stages.weighted import by_weight

REFRESH = 1.0
"""Seconds after which the ages of reports are looked at again."""


class Least:
    """Picks the member with the lowest load, hand-outs since its report included.

    Members without a report that counts go by their weight, see `fading`.
    """

    depends = frozenset({LOAD, TIME})

    def __init__(self, argument: object = None) -> None:
        given = {} if argument is None else increments(argument)
        self._increment = given.get("increment", 1.0)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Lowest":
        """Make ready."""
        return _Lowest(candidates, facts, self._increment)


class _LeastRow:
    """A candidate with what makes its score."""

    __slots__ = ("account", "increment", "load", "member", "number", "weight")

    def __init__(self, member: Member, account: MemberAccount, number: int) -> None:
        self.member = (member,)
        self.account = account
        self.number = number
        self.weight = member.weight
        self.load = 0.0
        self.increment = 0.0

    def score(self, pending: float) -> float:
        return (self.load + pending * self.increment) / self.weight


_LeastEntry = tuple[
    float, float, int, float, _LeastRow
]  # score, lot, number, hand-outs, row


class _Lowest:
    __slots__ = (
        "_candidates",
        "_edition",
        "_facts",
        "_heap",
        "_increment",
        "_mixture",
        "_rows",
        "_until",
    )

    def __init__(
        self, candidates: Candidates, facts: PoolFacts, increment: float
    ) -> None:
        self._candidates = candidates
        self._facts = facts
        self._increment = increment
        accounting = facts.accounting
        self._rows = [
            _LeastRow(member, accounting.account(member.name), number)
            for number, member in enumerate(candidates)
        ]
        self._heap: list[_LeastEntry] | None = None
        self._until = -inf
        self._edition = -1

    def draw(self, context: DrawContext, count: int) -> Candidates:
        accounting = self._facts.accounting
        time = accounting.clock.read(context.now)
        if time >= self._until or self._edition != accounting.edition:
            self._refresh(time)
        rng = context.rng
        heap = self._heap
        if heap is None:
            heap = self._heap = self._new_heap(rng)
        if count > 1:
            return self._several(heap, count, rng)
        place = self._mixture.draw(rng)
        if place >= 0:
            return self._rows[place].member
        return _lowest(heap, rng)[4].member

    def _several(self, heap: list[_LeastEntry], count: int, rng: Random) -> Candidates:
        taken: list[_LeastEntry] = []
        while heap and len(taken) < count:
            taken.append(_lowest(heap, rng))
            heappop(heap)
        for entry in taken:
            heappush(heap, entry)
        lowest = [entry[4].number for entry in taken]
        places = self._mixture.several(lowest, count, rng)
        return tuple(self._candidates[place] for place in places)

    def _refresh(self, time: float) -> None:
        """Take in new reports, and how they have aged."""
        reports = self._facts.reports
        self._mixture = Mixture(self._candidates, reports, time)
        for row, fresh in zip(self._rows, self._mixture.fresh, strict=True):
            report = reports.posted[row.account.name].report if fresh else None
            if report is not None:
                row.load = report.load
                step = report.increment
                row.increment = self._increment if step is None else step
        self._heap = None
        self._until = time + REFRESH
        self._edition = self._facts.accounting.edition

    def _new_heap(self, rng: Random) -> list[_LeastEntry]:
        heap = []
        for row, fresh in zip(self._rows, self._mixture.fresh, strict=True):
            if fresh:
                pending = row.account.unseen
                score = row.score(pending)
                heap.append((score, rng.random(), row.number, pending, row))
        heapify(heap)
        return heap

    def levels(self, time: float) -> Levels:
        """The levels that another engine needs to draw in the same way for a while."""
        self._refresh(time)
        rows = self._rows
        return Levels(
            self._mixture.fresh,
            [row.load + row.account.unseen * row.increment for row in rows],
            [row.increment for row in rows],
            [row.weight for row in rows],
        )

    def rank(self, now: float) -> Sequence[Member]:
        """The lowest first; then those without a report, by weight."""
        self._refresh(self._facts.accounting.clock.read(now))
        fresh = self._mixture.fresh
        rows = [row for row in self._rows if fresh[row.number]]
        rows.sort(key=lambda row: row.score(row.account.unseen))
        rest = tuple(m for m, f in zip(self._candidates, fresh, strict=True) if not f)
        return [*(row.member[0] for row in rows), *by_weight(rest)]

    def odds(self, context: DrawContext) -> Sequence[float]:
        """Each one's share of the weight if nobody has a report, else unknown."""
        self._refresh(self._facts.accounting.clock.read(context.now))
        return self._mixture.odds()

    def scores(self, context: DrawContext) -> Sequence[str]:
        """Load, hand-outs and score of each."""
        self._refresh(self._facts.accounting.clock.read(context.now))
        rows = zip(self._rows, self._mixture.fresh, strict=True)
        return [_words(row) if fresh else "no report" for row, fresh in rows]


def _lowest(heap: list[_LeastEntry], rng: Random) -> _LeastEntry:
    """The top of the heap, once it is up to date.

    Hand-outs only ever raise a score, so a heap stays one as long as its top is
    brought up to date before it is believed.
    """
    top = heap[0]
    while top[3] != top[4].account.unseen:
        row = top[4]
        pending = row.account.unseen
        # Behind its equals by chance: a new lot would leave the others their high ones.
        lot = top[1] + rng.random()
        heapreplace(heap, (row.score(pending), lot, top[2], pending, row))
        top = heap[0]
    return top


def _words(row: _LeastRow) -> str:
    pending = row.account.unseen
    load = f"({row.load:g} + {pending:g} x {row.increment:g})"
    return f"{load} / {row.weight:g} = {row.score(pending):g}"
