"""Which share of the answers the plane notes."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.querylog.service import FEW, MANY, PLACES_SHARE, next_share


class ShareTests(SynchronousTestCase):
    """It follows the rate of questions."""

    def test_quiet(self) -> None:
        """A server that nobody asks comes to note all that there is."""
        share = PLACES_SHARE
        for _ in range(8):
            share = next_share(share, 0)
        self.assertEqual(share, 1.0)
        self.assertEqual(next_share(share, 0), 1.0)

    def test_busy(self) -> None:
        """A burst brings it down at once, and never below the least."""
        self.assertEqual(next_share(1.0, 80), 0.05)
        self.assertEqual(next_share(1.0, 1_000_000), PLACES_SHARE)

    def test_steady(self) -> None:
        """With neither few nor many it stays."""
        for taken in (FEW, MANY):
            self.assertEqual(next_share(0.1, taken), 0.1)
