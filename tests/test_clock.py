"""The time of day, which may be set, and the clock of timers, which can't."""

import time
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.clock import WallClock, make_steady
from dinamed.pools.clock import SteadyClock


class WallClockTests(SynchronousTestCase):
    """A wall clock in the hand of the test."""

    def setUp(self) -> None:
        """Both clocks stand still."""
        self.wall = 1_000_000.0
        self.steady = 50.0
        self.steps: list[float] = []
        self.failures: list[Exception] = []
        self.clock = WallClock(
            self.failures.append, lambda: self.wall, lambda: self.steady
        )
        self.clock.stepped.subscribe(self.steps.append)

    def go(self, seconds: float, drift: float = 0.0) -> float:
        """Let time pass."""
        self.wall += seconds + drift
        self.steady += seconds
        return self.clock()

    def test_passing(self) -> None:
        """Time that passes is no step, nor is drift."""
        self.assertEqual(self.go(3600), 1_003_600)
        for _ in range(100):
            self.go(60, drift=0.03)
        self.assertEqual(self.steps, [])

    def test_steps(self) -> None:
        """By how much the clock was set is told once, before the time is."""
        self.wall -= 3600
        self.assertEqual(self.go(1), 996_401)
        self.go(10)
        self.wall += 1e9
        self.go(1)
        self.assertEqual(self.steps, [-3600, 1e9])

    def test_pools_do_not_age(self) -> None:
        """With what is told, the steady clock of pools goes on as if nothing was."""
        pools = SteadyClock(self.clock())
        self.clock.stepped.subscribe(pools.step)
        for by in (-3600, 7200, 1e9, -1e9):
            self.go(5)
            before = pools.read(self.clock())
            self.wall += by
            self.assertAlmostEqual(pools.read(self.go(10)), before + 10, places=4)
        self.assertEqual(self.failures, [])


class ReactorTests(SynchronousTestCase):
    """A reactor of Twisted's that nobody runs."""

    def test_timers(self) -> None:
        """What waits already waits as long as before, and all goes by the new clock."""
        reactor: Any = EPollReactor()
        self.addCleanup(reactor.disconnectAll)
        first = reactor.callLater(100, lambda: None)
        steady = Clock()
        steady.advance(7)
        make_steady(reactor, steady.seconds)
        second = reactor.callLater(20, lambda: None)
        self.assertEqual(reactor.seconds(), 7)
        self.assertApproximates(first.getTime(), 107, 1)
        self.assertEqual(second.getTime(), 27)
        self.assertApproximates(reactor.timeout(), 20, 1)

    def test_other_clock(self) -> None:
        """A reactor that does not go by the time of day is left alone."""
        clock: Any = Clock()
        make_steady(clock, time.monotonic)
        self.assertEqual(clock.seconds(), 0)
