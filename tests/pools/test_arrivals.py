"""Tests of `dinamed.pools.arrivals`."""

from math import exp

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.arrivals import MOST_MARKS, Arrivals

DURATION = 300.0

STEPS = st.lists(
    st.tuples(st.floats(0.01, 30), st.floats(0, 50)), min_size=1, max_size=60
)


def there(rate: float, begin: float, end: float, then: float) -> float:
    """Of clients that came at that rate, those who are there."""
    left = exp(-(then - end) / DURATION) - exp(-(then - begin) / DURATION)
    return rate * DURATION * left


class ArrivalsTests(SynchronousTestCase):
    """Clients since the last report."""

    @given(STEPS)
    def test_against_the_steps_one_by_one(
        self, steps: list[tuple[float, float]]
    ) -> None:
        """Those who came, and those who are there."""
        arrivals, time = Arrivals(), 0.0
        spans = []
        for lapse, rate in steps:
            arrivals.advance(rate, time + lapse, DURATION)
            spans.append((rate, time, time + lapse))
            time += lapse
        came = sum(rate * (end - begin) for rate, begin, end in spans)
        present = sum(there(*span, time) for span in spans)
        self.assertLessEqual(abs(arrivals.count - came), 1e-6 * came + 1e-9)
        self.assertLessEqual(abs(arrivals.present - present), 1e-6 * came + 1e-9)

    def test_a_report_of_now(self) -> None:
        """It shows all of them."""
        arrivals = Arrivals()
        arrivals.advance(2.0, 10.0, DURATION)
        self.assertAlmostEqual(arrivals.reported(10.0, DURATION).number, 20.0)
        self.assertEqual((arrivals.count, arrivals.present), (0.0, 0.0))

    def test_who_was_there(self) -> None:
        """Those who are there at the time of the report, and those since then."""
        arrivals = Arrivals()
        for second in range(1, 41):
            arrivals.advance(2.0, float(second), DURATION)
        came = arrivals.reported(30.0, DURATION)
        self.assertAlmostEqual(came.present, there(2.0, 0.0, 30.0, 30.0))
        self.assertAlmostEqual(
            arrivals.reported(40.0, DURATION).present, there(2.0, 30.0, 40.0, 40.0)
        )

    def test_a_report_that_was_on_its_way(self) -> None:
        """Those after its time stay for the next one."""
        arrivals = Arrivals()
        for second in range(1, 41):
            arrivals.advance(2.0, float(second), DURATION)
        self.assertAlmostEqual(arrivals.reported(30.0, DURATION).number, 60.0)
        self.assertAlmostEqual(arrivals.count, 20.0)
        self.assertAlmostEqual(arrivals.present, there(2.0, 30.0, 40.0, 40.0))
        self.assertAlmostEqual(arrivals.reported(40.0, DURATION).number, 20.0)

    def test_a_report_from_before_it_began(self) -> None:
        """It shows nobody."""
        arrivals = Arrivals()
        arrivals.advance(2.0, 10.0, DURATION)
        self.assertEqual(arrivals.reported(-5.0, DURATION).number, 0.0)
        self.assertAlmostEqual(arrivals.count, 20.0)

    def test_memory(self) -> None:
        """However long no report comes, only so many marks are kept."""
        arrivals = Arrivals()
        for second in range(1, 10_000):
            arrivals.advance(1.0, float(second), DURATION)
        self.assertLessEqual(len(arrivals._marks), MOST_MARKS)
        self.assertAlmostEqual(arrivals.reported(5000.0, DURATION).number, 5000.0)
        self.assertLessEqual(len(arrivals._marks), MOST_MARKS)
