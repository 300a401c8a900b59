"""Turns of the reactor: how long they take, and what ran in long ones."""

import sys
import threading
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.stalls import (
    LIMIT,
    REMEMBERED,
    StallService,
    TimedPoller,
    TurnMeter,
    described,
)
from tests.server.support import captured


class MeterTests(SynchronousTestCase):
    """A clock in the hand of the test."""

    def setUp(self) -> None:
        """It stands still."""
        self.now = 1000.0
        self.meter = TurnMeter(lambda: self.now)

    def turn(self, seconds: float) -> None:
        """A turn that takes so long."""
        self.meter.begin()
        self.now += seconds
        self.meter.end()

    def test_longest(self) -> None:
        """The longest of the last minutes is told; waiting is no turn."""
        self.assertEqual(self.meter.longest, 0)
        for seconds in (0.01, 0.5, 0.02):
            self.turn(seconds)
            self.now += 30
        self.assertAlmostEqual(self.meter.longest, 0.5)
        self.assertEqual(self.meter.stalls, 1)
        self.now += 60 * REMEMBERED
        self.assertEqual(self.meter.longest, 0)
        self.turn(2 * LIMIT)
        self.assertEqual(self.meter.stalls, 2)

    def test_running(self) -> None:
        """A turn that goes on can be seen from outside."""
        self.assertEqual(self.meter.running, 0)
        self.meter.begin()
        self.now += 3
        self.assertEqual(self.meter.running, 3)
        self.assertEqual(self.meter.end(), 3)
        self.assertEqual(self.meter.running, 0)
        self.assertEqual(self.meter.end(), 0)


class StallTests(SynchronousTestCase):
    """A reactor of Twisted's that the test turns by hand."""

    def setUp(self) -> None:
        """It is measured."""
        self.reactor: Any = EPollReactor()
        self.addCleanup(self.reactor.disconnectAll)
        self.now = 1000.0
        self.looked = threading.Event()
        self.meter = TurnMeter(self.clock)
        self.events = captured(self)
        self.service = StallService(self.reactor, self.meter)

    def clock(self) -> float:
        """The thread that looks asks for the time too."""
        return self.now

    def lines(self) -> list[str]:
        """What is logged of stalls."""
        return [
            str(event["what"])
            for event in self.events
            if "nothing else" in str(event.get("log_format"))
        ]

    def stall(self, seconds: float = 1.0) -> None:
        """A turn that takes so long, and is over when it was looked at."""
        self.reactor.callLater(0, self._work, seconds)
        self.reactor.doIteration(0)
        self.reactor.runUntilCurrent()
        self.reactor.doIteration(0)

    def _work(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(200):
            if self.service._seen[0] == self.meter.number:
                break
            self.looked.wait(0.05)

    def test_named(self) -> None:
        """A long turn is logged with what ran in it, the same not again soon."""
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.stall()
        self.stall()
        self.assertEqual(self.meter.stalls, 2)
        (line,) = set(self.lines())
        self.assertIn("threading", line)
        self.assertEqual(len(self.lines()), 1)

    def test_given_back(self) -> None:
        """Afterwards the reactor is as it was."""
        poller = self.reactor._poller
        self.service.startService()
        self.assertIsInstance(self.reactor._poller, TimedPoller)
        self.assertEqual(self.reactor._poller.fileno(), poller.fileno())
        self.service.stopService()
        self.assertIs(self.reactor._poller, poller)

    def test_other_reactor(self) -> None:
        """One that can't be measured is left alone."""
        service = StallService(object(), self.meter)
        service.startService()
        service.stopService()
        self.assertEqual(self.meter.number, 0)

    def test_described(self) -> None:
        """Of what runs, ours is named: the innermost and the outermost."""
        here = described(sys._getframe())
        self.assertIn("test_described", here)
        self.assertEqual(described(None), "")
