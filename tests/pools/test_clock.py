"""Tests of `dinamed.pools.clock`."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.clock import SteadyClock


class SteadyClockTests(SynchronousTestCase):
    """Seconds that never go back."""

    def test_set_back(self) -> None:
        """It stands still while the time of day is set back, and then goes on."""
        clock = SteadyClock(1e9)
        self.assertEqual(clock.read(1e9 + 10), 10.0)
        self.assertEqual(clock.read(1e9 - 3600), 10.0)
        self.assertEqual(clock.read(1e9 - 3595), 15.0)

    def test_set_forward(self) -> None:
        """A jump ahead is taken as it is, and the way back costs no more than it."""
        clock = SteadyClock(0.0)
        self.assertEqual(clock.read(86400.0), 86400.0)
        self.assertEqual(clock.read(5.0), 86400.0)
        self.assertEqual(clock.read(6.0), 86401.0)

    @given(st.lists(st.floats(-1e9, 1e9)))
    def test_never_back(self, times: list[float]) -> None:
        """Whatever the time of day does."""
        clock = SteadyClock(0.0)
        seen = [clock.read(time) for time in times]
        self.assertEqual(seen, sorted(seen))
