"""`{shed = [LOW, HIGH]}`: fewer hand-outs to those that are nearly full."""

from dinamed.config.stages import watermarks
from dinamed.pools.context import DrawContext
from dinamed.pools.load_reports import LoadReports
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.protocol import LOAD, TIME, PoolFacts


class Shed:
    """Drops members by chance, the more surely the fuller they are.

    The probability rises in a straight line from 0 at the utilisation LOW to 1 at HIGH.
    Utilisation is the last reported load by the capacity; as far as the report has
    faded with age the probability is less, and without one it is 0.
    """

    depends = frozenset({LOAD, TIME})

    def __init__(self, argument: object = None) -> None:
        # It comes as a tuple, and as a list when it has crossed processes.
        marks = list(argument) if isinstance(argument, tuple) else argument
        self._low, high = watermarks(marks)
        self._width = high - self._low

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep those on which the lot does not fall."""
        time = facts.accounting.clock.read(context.now)
        random = context.rng.random
        kept = tuple(
            member
            for member in candidates
            if (chance := self.chance(member, facts.reports, time)) <= 0.0
            or random() >= chance
        )
        return candidates if len(kept) == len(candidates) else kept

    def chance(self, member: Member, reports: LoadReports, time: float) -> float:
        """The probability that a member is dropped; 0 or less: it is not."""
        fresh = reports.freshness(member.name, time)
        if not fresh:
            return 0.0
        report = reports.posted[member.name].report
        assert report is not None
        used = report.load / (report.capacity or member.capacity)
        return min(1.0, (used - self._low) / self._width) * fresh
