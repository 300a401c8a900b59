"""Tests of `dinamed.pools.floors`."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.floors import SEEN, Floor


class FloorTests(SynchronousTestCase):
    """How long a resolver keeps answers at least."""

    def test_a_floor(self) -> None:
        """It is found after some questions, and the gap beyond it."""
        floor = Floor()
        told = [floor.asked_again(60.0 + 0.1 * n, 30.0) for n in range(SEEN)]
        self.assertEqual(told, [False] * (SEEN - 1) + [True])
        self.assertEqual(floor.seconds, 60.0)
        self.assertAlmostEqual(floor.gap, 0.1 * (SEEN - 1) / 2)

    def test_it_goes_on(self) -> None:
        """The next so many show it again, which is no news."""
        floor = Floor()
        told = [floor.asked_again(61.0, 30.0) for _ in range(5 * SEEN)]
        self.assertEqual(sum(told), 1)
        self.assertEqual(floor.seconds, 61.0)

    def test_changing_ttls(self) -> None:
        """A floor is one for all TTLs below it."""
        floor = Floor()
        for n in range(SEEN):
            floor.asked_again(60.2, 30.0 + 3 * n)
        self.assertEqual(floor.seconds, 60.2)

    def test_a_sooner_question(self) -> None:
        """The floor is no more than that."""
        floor = Floor()
        for _ in range(SEEN):
            floor.asked_again(60.0, 30.0)
        floor.asked_again(31.0, 30.0)
        self.assertEqual(floor.seconds, 31.0)

    def test_whole_seconds(self) -> None:
        """A cache that counts whole seconds has no floor."""
        floor = Floor()
        for _ in range(SEEN):
            floor.asked_again(31.0, 30.0)
        self.assertEqual(floor.seconds, 0.0)

    def test_chance(self) -> None:
        """Gaps by chance seldom look like a floor."""
        rng = Random(5)
        found = 0
        for _ in range(1000):
            floor = Floor()
            for _ in range(SEEN):
                floor.asked_again(30.0 + rng.expovariate(0.02), 30.0)
            found += floor.seconds > 0
        self.assertLess(found, 40)
