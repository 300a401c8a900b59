"""Medians of the last samples, kept in octets."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.steering.recent import MOST_MS, median_ms, when, with_sample


class RecentTests(SynchronousTestCase):
    """What is kept, and what is read back."""

    def test_median(self) -> None:
        """One outlier among three does not count."""
        kept = b""
        for ms in (20.0, 900.0, 22.0):
            kept = with_sample(kept, ms, 1, 5.0, 8)
        self.assertLess(abs(median_ms(kept) - 22.0), 22.0 * 0.024)

    def test_only_the_last(self) -> None:
        """Old samples go."""
        kept = b""
        for ms in (900.0, 900.0, 900.0, 10.0, 10.0):
            kept = with_sample(kept, ms, 1, 5.0, 3)
        self.assertLess(median_ms(kept), 11.0)

    def test_times(self) -> None:
        """A sample can count more than once, but not more than there is room for."""
        kept = with_sample(with_sample(b"", 10.0, 1, 1.0, 4), 100.0, 9, 2.0, 4)
        self.assertGreater(median_ms(kept), 90.0)
        self.assertEqual(len(kept), 8)

    def test_time(self) -> None:
        """The time is that of the newest, in whatever order they come."""
        kept = with_sample(with_sample(b"", 10.0, 1, 9.0, 4), 10.0, 1, 7.0, 4)
        self.assertEqual(when(kept), 9)
        self.assertEqual(when(b""), 0)

    @given(st.floats(0.1, MOST_MS))
    def test_precision(self, ms: float) -> None:
        """What is read back is at most 2.4 % off."""
        back = median_ms(with_sample(b"", ms, 1, 0.0, 1))
        self.assertLessEqual(abs(back - ms) / ms, 0.024)
