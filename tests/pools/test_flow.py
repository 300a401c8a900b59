"""Tests of `dinamed.pools.flow`."""

from math import exp
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.flow import FlowMeter


class FlowMeterTests(SynchronousTestCase):
    """What one transfer is learned to load."""

    def member(
        self, meter: FlowMeter, flow: float, hours: float, seed: int, noise: float = 0.0
    ) -> None:
        """Let a member with transfers of that load report every ten seconds."""
        rng = Random(seed)
        transfers, last = 0.0, 0.0
        for second in range(int(hours * 3600)):
            arrivals = rng.random() * 2
            transfers = transfers * exp(-1 / meter.duration) + arrivals
            last += arrivals
            if second % 10 == 9:
                before = getattr(self, "load", 0.0)
                self.load = transfers * flow * rng.lognormvariate(0.0, noise)
                meter.learn(before, self.load, last, 10.0)
                last = 0.0

    def test_learned(self) -> None:
        """It comes out to a few per cent, whatever the unit is."""
        for flow in (0.02, 3.0, 1e6):
            self.load = 0.0
            meter = FlowMeter()
            self.member(meter, flow, 1.0, 1)
            self.assertLess(abs(meter.value(flow * 1000) / flow - 1), 0.05)

    def test_noise(self) -> None:
        """Reports with noise of a tenth do little harm."""
        self.load = 0.0
        meter = FlowMeter()
        self.member(meter, 0.02, 2.0, 2, noise=0.1)
        self.assertLess(abs(meter.value(20.0) / 0.02 - 1), 0.25)

    def test_first_guess(self) -> None:
        """Before anything is known, two thousand transfers fill the pool."""
        self.assertEqual(FlowMeter().value(50.0), 0.025)

    def test_outliers(self) -> None:
        """Members that restart, or that others load, do not turn it around."""
        self.load = 0.0
        meter = FlowMeter()
        self.member(meter, 0.02, 1.0, 3)
        meter.learn(2.0, 0.0, 3.0, 10.0)
        self.assertGreater(meter.value(20.0), 0.015)
        meter.learn(0.0, 1e9, 3.0, 10.0)
        self.assertLess(meter.value(20.0), 0.025)

    def test_bounded(self) -> None:
        """It stays within bounds of the pool's capacity, and above 0."""
        meter = FlowMeter()
        for _ in range(1000):
            meter.learn(10.0, 0.0, 1.0, 10.0)
        self.assertEqual(meter.value(50.0), 50.0 * 1e-7)
        meter = FlowMeter()
        for _ in range(1000):
            meter.learn(0.0, 50.0, 1e-9, 10.0)
        self.assertAlmostEqual(meter.value(50.0), 12.5)

    def test_another_unit(self) -> None:
        """When reports change their unit it follows."""
        self.load = 0.0
        meter = FlowMeter()
        self.member(meter, 0.02, 1.0, 4)
        self.load = 0.0
        self.member(meter, 0.2, 4.0, 5)
        self.assertLess(abs(meter.value(200.0) / 0.2 - 1), 0.2)
