"""Tests of `dinamed.pools.detours`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.detours import Detours


class DetoursTests(SynchronousTestCase):
    """Clients that were sent past their nearest member."""

    def test_sums(self) -> None:
        """All count, those who go farther once more, with their ways."""
        detours = Detours()
        detours.sent(10.0, 0.0)
        detours.sent(4.0, 25.0)
        detours.sent(1.0, 0.2)
        self.assertEqual((detours.clients, detours.spilled), (15.0, 4.0))
        self.assertEqual(detours.ms, 100.0)

    def test_from_elsewhere(self) -> None:
        """What another engine has counted is added."""
        detours = Detours()
        detours.sent(10.0, 5.0)
        detours.add(2.0, 1.0, 7.0)
        self.assertEqual((detours.clients, detours.spilled, detours.ms), (12, 11, 57))
