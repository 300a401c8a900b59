"""The distribution of lateness."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.health.punctuality import SchedulingLag


class PunctualityTests(SynchronousTestCase):
    """Quantiles by buckets."""

    def test_empty(self) -> None:
        """Nothing counted, nothing late."""
        self.assertEqual(SchedulingLag().quantile(0.99), 0.0)

    @given(st.lists(st.floats(-1, 100), min_size=1), st.floats(0, 1))
    def test_bound(self, values: list[float], share: float) -> None:
        """At least that share is within the quantile, which was never overstepped."""
        late = SchedulingLag()
        for value in values:
            late.add(value)
        bound = late.quantile(share)
        self.assertGreaterEqual(
            sum(max(value, 0.0) <= bound for value in values), share * len(values)
        )
        self.assertLessEqual(bound, late.largest)
