"""Tests of `dinamed.pools.surprises`."""

from math import exp
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.surprises import (
    FEWEST,
    LEAST,
    SETTLED,
    SETTLED_PART,
    Growth,
    Surprises,
)

MEMBERS = 4
DURATION = 300.0


def believed(
    surprises: list[float], lapse: float = 10.0, lasts: float = 300.0
) -> float:
    """After these surprises of one member after another report of it."""
    found, before = Surprises(), 0.0
    for one in surprises:
        found.add(one, before, MEMBERS)
        before = one
    return found.believed(lapse, lasts, MEMBERS)


class SurprisesTests(SynchronousTestCase):
    """Which part of a surprise is believed."""

    def test_few_reports(self) -> None:
        """All of it until there are some."""
        self.assertEqual(believed([9.0, -9.0] * int(FEWEST * MEMBERS / 2 - 1)), 1.0)
        self.assertLess(believed([9.0, -9.0] * int(FEWEST * MEMBERS)), 1.0)

    def test_chance(self) -> None:
        """Nearly all of it where nothing but chance surprises."""
        rng = Random(1)
        for _ in range(10):
            part = believed([rng.gauss(0.0, 1.0) for _ in range(600)])
            self.assertGreater(part, 0.8)

    def test_changes_that_last(self) -> None:
        """All of it where rates were wrong for a while."""
        self.assertEqual(believed(([1.0] * 3 + [-1.0] * 3) * 50), 1.0)

    def test_errors(self) -> None:
        """The less the larger the errors of reports are beside what changes."""
        parts = []
        for error in (1.0, 3.0, 10.0, 100.0):
            rng, last, found = Random(2), 0.0, []
            for _ in range(2000):
                now = rng.gauss(0.0, error)
                found.append(rng.gauss(0.0, 1.0) + now - last)
                last = now
            parts.append(believed(found))
        self.assertEqual(parts, sorted(parts, reverse=True))
        # With errors as large as changes it is the golden ratio's part.
        self.assertLess(abs(parts[0] - 0.618), 0.1)
        self.assertLess(abs(parts[1] - 0.28), 0.1)
        self.assertEqual(parts[-1], LEAST)

    def test_lateness(self) -> None:
        """Loud surprises that go on: as long as what was foreseen holds."""
        late = ([5.0] * 20 + [-5.0] * 20) * 10
        self.assertAlmostEqual(believed(late), 1.0 - exp(-10.0 / SETTLED))
        self.assertAlmostEqual(believed(late, 300.0), 1.0, places=3)
        short = believed(late, 10.0, 30.0)
        self.assertAlmostEqual(short, 1.0 - exp(-10.0 / (30.0 * SETTLED_PART)))

    def test_surprise_of_a_growth(self) -> None:
        """None where what was foreseen is reported; else beside what chance makes."""
        left = exp(-10.0 / DURATION)
        growth = Growth(5.0, 5.0 * left + 0.02 * 8.0, 8.1, 8.0, 10.0)
        self.assertAlmostEqual(growth.surprise(0.02, DURATION), 0.0)
        quiet = Growth(0.0, 0.02 * 3.0, 0.0, 0.0, 10.0)
        self.assertAlmostEqual(quiet.surprise(0.02, DURATION), 3.0)
