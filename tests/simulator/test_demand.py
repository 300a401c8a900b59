"""Tests of the clients."""

from itertools import pairwise
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.simulator.demand import arrivals, query_rate, shares
from dinamed.simulator.scenario import Crowd
from tests.simulator.support import mean, small


class SharesTests(SynchronousTestCase):
    """Demand behind resolvers."""

    def test_zipf(self) -> None:
        """The k-th has 1/k of the first; all together are everything."""
        found = shares(4, 1.0)
        self.assertAlmostEqual(sum(found), 1.0)
        for rank, share in enumerate(found):
            self.assertAlmostEqual(share * (rank + 1), found[0])

    def test_equal(self) -> None:
        """With exponent 0 all are equal."""
        self.assertEqual(shares(4, 0.0), [0.25] * 4)


class ArrivalTests(SynchronousTestCase):
    """The stream of arrivals."""

    def test_amounts(self) -> None:
        """Rate, length and the first resolver's share are as ordered."""
        scenario = small(measure=5000.0)
        found = list(arrivals(scenario, Random(1)))
        expected = scenario.arrival_rate * scenario.end
        self.assertApproximates(len(found) / expected, 1.0, 0.03)
        lasts = mean(one.lasts for one in found)
        self.assertApproximates(lasts / scenario.duration, 1.0, 0.03)
        first = mean(one.resolver == 0 for one in found)
        self.assertApproximates(first, shares(50, 1.0)[0], 0.01)

    def test_order(self) -> None:
        """They come in order, within the run, behind resolvers that there are."""
        found = list(arrivals(small(), Random(1)))
        self.assertTrue(all(a.at < b.at for a, b in pairwise(found)))
        self.assertTrue(all(0 < one.at < 800 for one in found))
        self.assertTrue(all(0 <= one.resolver < 50 for one in found))

    def test_crowd(self) -> None:
        """Three times as many come in the time of the crowd; nothing else changes."""
        crowd = Crowd(start=1000.0, end=2000.0, factor=3.0)
        scenario = small(measure=2800.0, crowd=crowd)
        times = [one.at for one in arrivals(scenario, Random(1))]
        calm = sum(at < 1000 for at in times) + sum(at >= 2000 for at in times)
        crowded = sum(1000 <= at < 2000 for at in times)
        self.assertApproximates(crowded / (calm / 2), 3.0, 0.2)
        self.assertTrue(all(a < b for a, b in pairwise(times)))

    def test_crowd_beyond_the_end(self) -> None:
        """A crowd that comes after the end, or stays beyond it, changes the end not."""
        for crowd in (
            Crowd(start=700.0, end=9000.0, factor=2.0),
            Crowd(start=8000.0, end=9000.0, factor=2.0),
        ):
            times = [one.at for one in arrivals(small(crowd=crowd), Random(1))]
            self.assertLess(max(times), 800.0)

    def test_nobody(self) -> None:
        """A crowd of factor 0 is silence."""
        crowd = Crowd(start=0.0, end=800.0, factor=0.0)
        self.assertEqual(list(arrivals(small(crowd=crowd), Random(1))), [])


class QueryRateTests(SynchronousTestCase):
    """The expected rate of queries."""

    def test_one(self) -> None:
        """One resolver asks once in a TTL and the mean time to the next client."""
        scenario = small(resolvers=1)
        gap = 1.0 / scenario.arrival_rate
        self.assertAlmostEqual(query_rate(scenario), 1.0 / (20 + gap))
