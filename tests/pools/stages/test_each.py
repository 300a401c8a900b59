"""Tests of `dinamed.pools.stages.each`."""

from collections import Counter
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.stages.each import Each
from tests.pools.support import candidates, context, facts


class EachTests(SynchronousTestCase):
    """Every candidate by odds of its own."""

    def test_odds(self) -> None:
        """Weight by highest weight, in any order, however many are wanted."""
        members = candidates([4, 2, 1])
        prepared = Each().prepare(members, facts(members))
        asked = context(Random(1))
        counts: Counter[str] = Counter()
        firsts = set()
        for _ in range(4000):
            drawn = prepared.draw(asked, 1)
            counts.update(member.name for member in drawn)
            firsts.add(drawn[0].name)
        self.assertEqual(counts["a"], 4000)
        self.assertLess(abs(counts["b"] - 2000), 160)
        self.assertLess(abs(counts["c"] - 1000), 140)
        self.assertEqual(firsts, {"a", "b", "c"})
        self.assertEqual(tuple(prepared.rank(0.0)), members)

    def test_explained(self) -> None:
        """The odds are told."""
        members = candidates([4, 1])
        prepared = Each().prepare(members, facts(members))
        words = ["in 1 of the answers", "in 0.25 of the answers"]
        self.assertEqual(prepared.scores(context()), words)

    def test_argument(self) -> None:
        """It takes none."""
        self.assertRaises(ValueError, Each, 3)
