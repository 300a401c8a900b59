"""Tests of `dinamed.pools.stages.prediction`: where unheard hand-outs may go."""

from itertools import pairwise

from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.foreign_pace import MEMORY, ForeignPace
from dinamed.pools.stages.prediction import lot, poured

MEMBERS = st.lists(
    st.tuples(st.floats(0.0, 100.0), st.floats(0.01, 100.0)), min_size=1, max_size=20
)


class PouredTests(SynchronousTestCase):
    """So much more goes to the least used."""

    def test_small_ones(self) -> None:
        """Until they are as used as the next one, and then to both."""
        self.assertEqual(poured([5.0, 0.0], [10.0, 1.0], 0.25), [5.0, 0.25])
        self.assertEqual(poured([5.0, 0.0], [10.0, 1.0], 0.5), [5.0, 0.5])
        self.assertEqual(poured([5.0, 0.0], [10.0, 1.0], 6.0), [10.0, 1.0])
        self.assertEqual(poured([5.0, 0.0], [10.0, 1.0], 0.0), [5.0, 0.0])

    @profile(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
    @given(MEMBERS, st.floats(0.0, 1000.0))
    def test_level(self, members: list[tuple[float, float]], amount: float) -> None:
        """Whoever got something is used alike, and nobody less."""
        loads, sizes = zip(*members, strict=True)
        found = poured(loads, sizes, amount)
        wrong = sum(found) - sum(loads) - amount
        self.assertLessEqual(abs(wrong), 1e-6 * (1.0 + sum(found)))
        used = [load / size for load, size in zip(found, sizes, strict=True)]
        least = min(used)
        for before, after, size in zip(loads, found, sizes, strict=True):
            self.assertGreaterEqual(after, before - 1e-9 * (1.0 + before))
            if after > before + 1e-6:
                self.assertLess(abs(after / size - least), 1e-6 * (1.0 + least))

    @given(st.floats(0.0, 1e8))
    def test_lot(self, time: float) -> None:
        """It is a part of one."""
        self.assertTrue(0.0 <= lot(time) < 1.0)

    def test_lots_are_spread(self) -> None:
        """Moments that are close to each other have all kinds of them."""
        lots = sorted(lot(77.0 + number / 1e6) for number in range(100))
        gaps = [b - a for a, b in pairwise(lots)]
        self.assertLess(max(gaps), 0.03)


class PaceTests(SynchronousTestCase):
    """What others have sent and not told yet."""

    def test_unheard(self) -> None:
        """At an even pace it is that pace times the time that one hears late."""
        pace = ForeignPace()
        self.assertEqual(pace.unheard(5.0), 0.0)
        for second in range(1000):
            pace.hear(3.0, 2.0, float(second))
        self.assertLess(abs(pace.unheard(999.0) - 12.0), 0.3)
        self.assertLess(pace.unheard(999.0 + 5 * MEMORY), 0.1)
