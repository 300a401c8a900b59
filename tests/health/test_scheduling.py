"""Tests of `dinamed.health.scheduling`."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.health.scheduling import ConcurrencyLimit, SchedulingLag


class ConcurrencyLimitTests(SynchronousTestCase):
    """Turns."""

    def test_limit(self) -> None:
        """What is over the limit waits, and comes in its order."""
        gate = ConcurrencyLimit(2)
        begun: list[int] = []
        for number in range(4):
            gate.enter(lambda number=number: begun.append(number))  # type: ignore[misc]
        self.assertEqual((begun, gate.running, gate.waiting), ([0, 1], 2, 2))
        gate.leave()
        self.assertEqual((begun, gate.running, gate.waiting), ([0, 1, 2], 2, 1))

    def test_no_recursion(self) -> None:
        """Work that ends at once, however much of it, does not go deep."""
        gate = ConcurrencyLimit(1)
        done: list[int] = []

        def work() -> None:
            done.append(1)
            gate.leave()

        gate.enter(lambda: None)
        for _ in range(5000):
            gate.enter(work)
        gate.leave()
        self.assertEqual((len(done), gate.running), (5000, 0))

    def test_clear(self) -> None:
        """What is forgotten never runs."""
        gate = ConcurrencyLimit(1)
        gate.enter(lambda: None)
        gate.enter(lambda: self.fail("ran"))
        gate.clear()
        gate.leave()
        self.assertEqual((gate.running, gate.waiting), (0, 0))


class SchedulingLagTests(SynchronousTestCase):
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
