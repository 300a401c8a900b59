"""Tests of `dinamed.pools.stages.weighted`."""

from collections import Counter
from itertools import permutations
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.stages.weighted import AliasTable, Weighted, alias_columns
from tests.pools.support import candidates, chi_square, context

WEIGHTS = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=40)


def successive(weights: list[float], count: int) -> dict[tuple[str, ...], float]:
    """The chance of each ordered outcome of weighted draws without replacement."""
    names = [chr(97 + i) for i in range(len(weights))]
    weight = dict(zip(names, weights, strict=True))
    chances = {}
    for outcome in permutations(names, count):
        chance, left = 1.0, sum(weights)
        for name in outcome:
            chance *= weight[name] / left
            left -= weight[name]
        chances[outcome] = chance
    return chances


class WeightedTests(SynchronousTestCase):
    """Shares by weight, without bias."""

    def shares(
        self, weights: list[float], count: int, draws: int, critical: float
    ) -> None:
        """Many draws fit the exact chances (chi-square at 0.1 %)."""
        table = AliasTable(candidates(weights))
        asked = context(Random(20))
        seen = Counter(
            tuple(member.name for member in table.draw(asked, count))
            for _ in range(draws)
        )
        expected = successive(weights, count)
        self.assertLessEqual(seen.keys(), expected.keys())
        self.assertLess(chi_square(seen, expected), critical)

    def test_one(self) -> None:
        """One of n comes by weight."""
        self.shares([1] * 8, 1, 40_000, 24.322)
        self.shares([40, 30, 20, 10], 1, 40_000, 16.266)
        self.shares([10, 10, 10, 10, 4, 4, 1, 1], 1, 40_000, 24.322)
        self.shares([0.5, 1e-2, 3], 1, 40_000, 13.816)

    def test_two_of_four(self) -> None:
        """Two of few come as two draws one after another."""
        self.shares([40, 30, 20, 10], 2, 40_000, 31.264)

    def test_three_of_four(self) -> None:
        """So do three."""
        self.shares([5, 1, 1, 3], 3, 40_000, 49.728)

    def test_two_of_many(self) -> None:
        """Two of many, drawn again when one comes twice, fit as well."""
        self.shares([10, 10, 10, 10, 4, 4, 1, 1], 2, 60_000, 93.17)

    def test_two_of_many_with_a_giant(self) -> None:
        """So they do where one has nearly all the weight."""
        self.shares([200, 1, 2, 1, 2, 1, 2, 1], 2, 200_000, 93.17)

    @given(WEIGHTS, st.integers(1, 50), st.integers())
    def test_no_member_twice(self, weights: list[float], count: int, seed: int) -> None:
        """A draw gives as many different members as asked for, or all."""
        table = AliasTable(candidates(weights))
        drawn = table.draw(context(Random(seed)), count)
        self.assertEqual(len(drawn), min(count, len(weights)))
        self.assertEqual(len(set(drawn)), len(drawn))

    @given(WEIGHTS)
    def test_table_holds_the_weights(self, weights: list[float]) -> None:
        """The areas of the alias table are the weights."""
        areas = [0.0] * len(weights)
        columns = zip(*alias_columns(weights), strict=True)
        for i, (limit, alias) in enumerate(columns):
            areas[i] += limit
            areas[alias] += 1 - limit
        scale = len(weights) / sum(weights)
        for area, weight in zip(areas, weights, strict=True):
            self.assertAlmostEqual(area, weight * scale, places=9)

    def test_rank_and_odds(self) -> None:
        """The heaviest ranks first; the odds are the shares."""
        table = AliasTable(candidates([1, 2, 1]))
        self.assertEqual([m.name for m in table.rank(0.0)], ["b", "a", "c"])
        self.assertEqual(table.odds(context()), (0.25, 0.5, 0.25))

    def test_argument(self) -> None:
        """It takes none."""
        with self.assertRaisesRegex(ValueError, "weighted takes no argument"):
            Weighted(3)
