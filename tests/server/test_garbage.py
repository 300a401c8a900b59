"""Tests for pausing the collector of garbage."""

import gc

from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.garbage import uncollected


class UncollectedTests(SynchronousTestCase):
    """It is off inside, and afterwards as before."""

    def setUp(self) -> None:
        self.addCleanup(gc.enable)

    def test_off_and_on(self) -> None:
        """Also where something goes wrong."""
        with self.assertRaises(KeyError), uncollected():
            self.assertFalse(gc.isenabled())
            raise KeyError
        self.assertTrue(gc.isenabled())

    def test_stays_off(self) -> None:
        """Who has switched it off keeps it so."""
        gc.disable()
        with uncollected():
            pass
        self.assertFalse(gc.isenabled())

    def test_keep(self) -> None:
        """What is there at the end is looked at no more."""
        self.addCleanup(gc.unfreeze)
        gc.unfreeze()
        with uncollected(keep=True):
            kept = [[number] for number in range(100)]
        self.assertGreater(gc.get_freeze_count(), len(kept))
