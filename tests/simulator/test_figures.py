"""Tests of the figures."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.simulator.figures import Aftermath, busiest, figures, pool_mean
from dinamed.simulator.model import Trace
from dinamed.simulator.policies import BUILT_IN
from dinamed.simulator.scenario import Outage, Scenario


def trace(*series: list[float], **changes: object) -> Trace:
    """A trace of mirrors of capacity 1 with 2 s of warm-up."""
    length = len(series[0])
    scenario = Scenario(
        capacities=(1.0,) * len(series),
        warm_up=2.0,
        measure=float(length - 2),
        **changes,  # type: ignore[arg-type]
    )
    alive = [float(len(series))] * length
    return Trace(scenario, BUILT_IN["weighted"], series, alive, 30, 40, 4)


class FiguresTests(SynchronousTestCase):
    """The row of a policy."""

    def test_warm_up(self) -> None:
        """Only what comes after the warm-up counts."""
        found = figures(trace([5.0, 5.0, 0.2, 0.4, 0.9], [0.0, 0.0, 0.3, 0.1, 0.2]))
        self.assertAlmostEqual(found.under90, 2 / 3)
        self.assertAlmostEqual(found.mean, (0.3 + 0.4 + 0.9) / 3)
        self.assertEqual(found.q98, 0.9)
        self.assertEqual(found.qps, 10.0)
        self.assertEqual(found.failed, 0.1)
        self.assertEqual(found.outages, ())

    def test_quantile(self) -> None:
        """Two in a hundred are above the 98 % quantile."""
        found = figures(trace([0.0, 0.0, *(place / 100 for place in range(100))]))
        self.assertEqual(found.q98, 0.98)

    def test_series(self) -> None:
        """The busiest, and the mean over all capacity in service."""
        here = trace([0.2, 0.8], [0.4, 0.0])
        self.assertEqual(busiest(here), [0.4, 0.8])
        self.assertAlmostEqual(pool_mean(here)[0], 0.3)


class AftermathTests(SynchronousTestCase):
    """Outages."""

    def aftermath(self, first: list[float], second: list[float]) -> Aftermath:
        """Of an outage of the second mirror from 100 to 400."""
        outage = Outage(member=2, start=100.0, end=400.0)
        (found,) = figures(trace(first, second, outages=(outage,))).outages
        return found

    def test_calm(self) -> None:
        """Balanced all the time."""
        found = self.aftermath([0.5] * 800, [0.5] * 800)
        self.assertEqual(found, Aftermath(2, 0.5, 0.0, 0.0, 0.0))

    def test_rough(self) -> None:
        """Times count from the change to the start of the first calm minute."""
        first = [0.5] * 100 + [0.9] * 50 + [0.5] * 650
        second = [0.5] * 400 + [1.0] * 30 + [0.5] * 370
        found = self.aftermath(first, second)
        self.assertEqual(found.peak, 0.9)
        self.assertEqual(found.balanced, 50.0)
        self.assertEqual(found.rebalanced, 30.0)
        self.assertAlmostEqual(found.overshoot, 1.0 / 0.75 - 1.0)

    def test_never(self) -> None:
        """No calm minute before the next change."""
        found = self.aftermath([0.9] * 800, [0.1] * 800)
        self.assertIsNone(found.balanced)
        self.assertIsNone(found.rebalanced)
        self.assertEqual(found.overshoot, 0.0)

    def test_idle(self) -> None:
        """Without any load nothing is out of balance."""
        found = self.aftermath([0.0] * 800, [0.0] * 800)
        self.assertEqual(found, Aftermath(2, 0.0, 0.0, 0.0, 0.0))
