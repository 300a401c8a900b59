"""Tests of the hosts."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.simulator.mirrors import Mirror


class MirrorTests(SynchronousTestCase):
    """A host and its transfers."""

    def test_load(self) -> None:
        """Each transfer counts until its end."""
        mirror = Mirror(1.0, 0.5)
        for end in (30.0, 10.0, 20.0):
            mirror.begin(end, 0)
        self.assertEqual([mirror.load(at) for at in (0, 10, 25, 30)], [1.5, 1, 0.5, 0])

    def test_death(self) -> None:
        """What was left of each transfer comes back, for its clients to try again."""
        mirror = Mirror(1.0, 0.5)
        mirror.begin(5.0, 1)
        mirror.begin(30.0, 7)
        self.assertEqual(mirror.die(10.0), [(20.0, 7)])
        self.assertFalse(mirror.up)
        self.assertEqual(mirror.load(10.0), 0.0)
        mirror.rise()
        self.assertTrue(mirror.up)
