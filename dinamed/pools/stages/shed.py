"""`{shed = [LOW, HIGH]}`: fewer hand-outs to those that are nearly full."""

from dinamed.config.stages import watermarks
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
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
        board = facts.board
        time = facts.ledger.clock.read(context.now)
        kept = []
        for member in candidates:
            fresh = board.freshness(member.name, time)
            if fresh:
                report = board.posted[member.name].report
                assert report is not None
                used = report.load / (report.capacity or member.capacity)
                chance = min(1.0, (used - self._low) / self._width) * fresh
                if chance > 0.0 and context.rng.random() < chance:
                    continue
            kept.append(member)
        return candidates if len(kept) == len(candidates) else tuple(kept)
