"""Tests of `dinamed.pools.stages.everyone`."""

from collections import Counter
from itertools import permutations
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.stages.everyone import Everyone
from tests.pools.support import candidates, chi_square, context, facts


class EveryoneTests(SynchronousTestCase):
    """All, in an order of chance."""

    def test_any_order(self) -> None:
        """Every order is as likely, whatever the weights (chi-square at 0.1 %)."""
        members = candidates([5, 1, 1])
        prepared = Everyone().prepare(members, facts(members))
        asked = context(Random(3))
        seen = Counter(
            "".join(m.name for m in prepared.draw(asked, 1)) for _ in range(12_000)
        )
        expected = {"".join(order): 1 / 6 for order in permutations("abc")}
        self.assertLessEqual(seen.keys(), expected.keys())
        self.assertLess(chi_square(seen, expected), 20.515)

    def test_rank_and_odds(self) -> None:
        """In listings the heaviest is first; all have the same odds."""
        members = candidates([1, 5])
        prepared = Everyone().prepare(members, facts(members))
        self.assertEqual([m.name for m in prepared.rank(0.0)], ["b", "a"])
        self.assertEqual(prepared.odds(context()), (0.5, 0.5))

    def test_argument(self) -> None:
        """It takes none."""
        with self.assertRaisesRegex(ValueError, "all takes no argument"):
            Everyone(1)
