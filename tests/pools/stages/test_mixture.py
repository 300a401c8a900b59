"""Tests of `dinamed.pools.stages.mixture`."""

from collections import Counter
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.stages.mixture import Mixture
from tests.pools.support import candidates, chi_square, facts, loaded


class MixtureTests(SynchronousTestCase):
    """Static shares where reports have faded."""

    def mixture(self, weights: list[float], ages: dict[str, float]) -> Mixture:
        """At an age of the reports: those named have one."""
        members = candidates(weights)
        known = facts(members)
        now = 1000.0
        for name, age in ages.items():
            known.reports.post(name, loaded(1.0, now - age), now)
        return Mixture(members, known.reports, known.accounting.clock.read(now))

    def test_all_fresh(self) -> None:
        """No draw is static."""
        mixture = self.mixture([1, 2], {"a": 0, "b": 30})
        self.assertEqual((mixture.static, mixture.draw(Random(1))), (0.0, -1))

    def test_none(self) -> None:
        """All draws are, by weight."""
        mixture = self.mixture([5, 3, 2], {"a": 60})
        rng = Random(2)
        seen = Counter(mixture.draw(rng) for _ in range(20_000))
        self.assertEqual(mixture.static, 1.0)
        self.assertLess(chi_square(seen, {0: 0.5, 1: 0.3, 2: 0.2}), 13.816)
        self.assertEqual(list(mixture.odds()), [0.5, 0.3, 0.2])

    def test_some(self) -> None:
        """Each has its static share as far as its report has faded."""
        mixture = self.mixture([5, 3, 2], {"a": 0, "b": 45})
        rng = Random(3)
        seen = Counter(mixture.draw(rng) for _ in range(20_000))
        self.assertAlmostEqual(mixture.static, 0.35)
        self.assertLess(chi_square(seen, {-1: 0.65, 1: 0.15, 2: 0.2}), 13.816)
        self.assertEqual(mixture.odds(), ())

    def test_several(self) -> None:
        """Different members, those by load in their order, as many as there are."""
        rng = Random(4)
        fresh = self.mixture([1, 1, 1], {"a": 0, "b": 0, "c": 0})
        self.assertEqual(fresh.several([2, 0], 2, rng), [2, 0])
        mixed = self.mixture([1, 1, 1, 1], {"a": 0, "b": 0})
        seen = Counter(tuple(mixed.several([1, 0], 2, rng)) for _ in range(4000))
        self.assertTrue(all(len(set(places)) == 2 for places in seen))
        firsts = Counter({p[0]: 0 for p in seen})
        for places, number in seen.items():
            firsts[places[0]] += number
        self.assertLess(chi_square(firsts, {1: 0.5, 2: 0.25, 3: 0.25}), 13.816)
        self.assertEqual(len(mixed.several([1, 0], 9, rng)), 4)
