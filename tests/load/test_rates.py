"""Tests of L{dinamed.load.rates}."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.load.rates import CounterRate, Series

A: Series = (("device", "a"),)
B: Series = (("device", "b"),)


class CounterRateTests(SynchronousTestCase):
    """Rates of counters."""

    def rates(
        self, *samples: tuple[float, float], window: float = 0.0
    ) -> list[float | None]:
        """The rates after each sample of one counter."""
        rate = CounterRate(window, longest_gap=30.0)
        return [rate.add(at, {A: value}) for at, value in samples]

    def test_steps(self) -> None:
        """Without a window the rate is that of the last step."""
        rates = self.rates((0, 5), (10, 25), (20, 25), (25, 30))
        self.assertEqual(rates, [None, 2, 0, 1])

    def test_window(self) -> None:
        """With one it is that over at least the window, once there is enough."""
        rates = self.rates((0, 0), (10, 10), (20, 40), (30, 40), (40, 40), window=20)
        self.assertEqual(rates, [None, 1, 2, 1.5, 0])

    def test_reset(self) -> None:
        """A counter that has fallen began at zero."""
        self.assertEqual(self.rates((0, 1000), (10, 30)), [None, 3])

    def test_gap(self) -> None:
        """After a long gap it begins anew."""
        rates = self.rates((0, 0), (31, 1000), (41, 1010))
        self.assertEqual(rates, [None, None, 1])

    def test_clock_back(self) -> None:
        """So it does when the clock goes back."""
        rates = self.rates((100, 0), (110, 10), (50, 20), (60, 40))
        self.assertEqual(rates, [None, 1, None, 2])

    def test_same_sample(self) -> None:
        """The same sample once more says nothing, and is no rate of zero."""
        self.assertEqual(
            self.rates((0, 0), (10, 10), (10, 10), (20, 30)), [None, 1, None, 2]
        )

    def test_sum(self) -> None:
        """Counters are summed; each has its own resets, new ones count later."""
        rate = CounterRate(0, longest_gap=30)
        rate.add(0, {A: 100})
        self.assertEqual(rate.add(10, {A: 110, B: 5000}), 1)
        self.assertEqual(rate.add(20, {A: 20, B: 5080}), 10)
        self.assertEqual(rate.add(30, {B: 5090}), 1)

    def test_all_new(self) -> None:
        """When all counters are new nothing is known, which is not zero."""
        rate = CounterRate(0, longest_gap=30)
        rate.add(0, {A: 100})
        self.assertIs(rate.add(10, {B: 100}), None)
        self.assertEqual(rate.add(20, {B: 110}), 1)

    @given(
        st.lists(
            st.tuples(st.floats(0, 100), st.floats(0, 1e12)), min_size=2, max_size=30
        ),
        st.sampled_from([0.0, 5.0, 60.0]),
    )
    def test_never_negative(
        self, samples: list[tuple[float, float]], window: float
    ) -> None:
        """Whatever counters and clocks do, a rate is no negative number."""
        for rate in self.rates(*samples, window=window):
            self.assertTrue(rate is None or rate >= 0)
