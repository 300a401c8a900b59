"""Tests of `dinamed.fleet.cookie_rotation`."""

from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from dinamed.fleet.cookie_rotation import GOOD, KEPT, SPREAD, rotated
from dinamed.fleet.records import CookieSecrets

NOW = 1_000_000_000.0
ONE, TWO = "1" * 32, "2" * 32


class RotationTests(SynchronousTestCase):
    """One secret after the other."""

    def step(self, held: CookieSecrets, lapse: float) -> CookieSecrets:
        """The next state, which comes after so many seconds and not before."""
        self.assertIsNone(rotated(held, TWO, held.since + lapse - 1))
        found = rotated(held, TWO, held.since + lapse)
        assert found is not None
        self.assertEqual(found.since, held.since + lapse)
        return found

    def test_all_steps(self) -> None:
        """No server that is a step behind refuses a cookie of the others."""
        held = CookieSecrets(secrets=(ONE,), since=NOW)
        accepted = self.step(held, KEPT)
        self.assertEqual(accepted.secrets, (ONE, TWO))
        turned = self.step(accepted, SPREAD)
        self.assertEqual((turned.secrets, turned.turned), ((TWO, ONE), True))
        alone = self.step(turned, GOOD)
        self.assertEqual((alone.secrets, alone.turned), ((TWO,), False))
        states = [held, accepted, turned, alone]
        for earlier, later in pairwise(states):
            self.assertIn(later.secrets[0], earlier.secrets)
            self.assertTrue(later is alone or earlier.secrets[0] in later.secrets)

    def test_of_an_earlier_version(self) -> None:
        """Where nobody said since when a secret holds that is from now on."""
        found = rotated(CookieSecrets(secrets=(ONE,)), TWO, NOW)
        assert found is not None
        self.assertEqual((found.secrets, found.since), ((ONE,), NOW))

    def test_clocks(self) -> None:
        """One that is a little behind does not hurry, and one far ahead no harm."""
        held = CookieSecrets(secrets=(ONE,), since=NOW)
        self.assertIsNone(rotated(held, TWO, NOW - 5))
        far = CookieSecrets(secrets=(ONE,), since=NOW + 10 * KEPT)
        self.assertIsNotNone(rotated(far, TWO, NOW))
