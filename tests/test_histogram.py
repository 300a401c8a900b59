"""Counting by size."""

import math

from twisted.trial.unittest import SynchronousTestCase

from dinamed.histogram import Histogram


class HistogramTests(SynchronousTestCase):
    """Buckets and their sums."""

    def test_buckets(self) -> None:
        """A bound belongs to its bucket, and what is above all is not lost."""
        histogram = Histogram((1.0, 2.0))
        for value in (0.5, 1.0, 1.5, 9.0):
            histogram.add(value)
        self.assertEqual(
            list(histogram.cumulative()), [(1.0, 2), (2.0, 3), (math.inf, 4)]
        )
        self.assertEqual(histogram.total, 12.0)
