"""Tests of `dinamed.pools.stages.shed`."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.stages.shed import Shed
from tests.pools.support import candidates, context, facts, loaded


class ShedTests(SynchronousTestCase):
    """Members that are nearly full are left out by chance."""

    def setUp(self) -> None:
        """Two members of capacity 1, and a stage that sheds from 60 to 80 %."""
        self.members = candidates([1, 1])
        self.facts = facts(self.members)
        self.stage = Shed((0.6, 0.8))

    def share(self, now: float = 0.0, draws: int = 4000) -> float:
        """How often the first member is dropped."""
        asked = context(Random(1), now=now)
        kept = [
            self.stage.narrow(self.members, asked, self.facts) for _ in range(draws)
        ]
        return sum(self.members[0] not in some for some in kept) / draws

    def test_between_the_watermarks(self) -> None:
        """The probability rises in a straight line."""
        for load, chance in ((0.5, 0), (0.6, 0), (0.65, 0.25), (0.75, 0.75), (2, 1)):
            self.facts.reports.post("a", loaded(load), 0.0)
            self.assertLess(abs(self.share() - chance), 0.03)

    def test_capacity_of_the_report(self) -> None:
        """What the member says of its capacity comes first."""
        self.facts.reports.post("a", loaded(1.4, capacity=2.0), 0.0)
        self.assertLess(abs(self.share() - 0.5), 0.03)

    def test_old_reports(self) -> None:
        """They count less and less, and then not at all."""
        self.facts.reports.post("a", loaded(1.0), 0.0)
        self.assertEqual(self.share(now=30.0), 1.0)
        self.assertLess(abs(self.share(now=45.0) - 0.5), 0.03)
        self.assertEqual(self.share(now=60.0), 0.0)

    def test_all_dropped(self) -> None:
        """Then it has no opinion; and without reports it drops nobody."""
        asked = context()
        self.assertIs(self.stage.narrow(self.members, asked, self.facts), self.members)
        for name in "ab":
            self.facts.reports.post(name, loaded(9.0), 0.0)
        self.assertEqual(self.stage.narrow(self.members, asked, self.facts), ())

    def test_argument(self) -> None:
        """Two numbers, the lower first; as a list too."""
        Shed([0.5, 1])
        for bad in (None, 0.5, (0.5,), (0.9, 0.6), (0.5, 0.5), ("a", "b"), (-1, 1)):
            with self.assertRaises(ValueError):
                Shed(bad)
