"""Tests for what is done again and again, and fails now and then."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.periodic import Periodic, Surviving, looping


class PeriodicTests(SynchronousTestCase):
    """Actions that raise, on a clock of the test."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.calls = 0

    def fails(self) -> None:
        """Raise, from the same place each time."""
        self.calls += 1
        raise ValueError("broken")

    def test_service_goes_on(self) -> None:
        """A service calls again after an error, which is logged once."""
        service = Periodic(self.clock, 2.0, self.fails, "trying")
        service.startService()
        self.clock.pump([2.0] * 3)
        self.assertEqual(self.calls, 4)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.successResultOf(service.stopService())

    def test_loop_goes_on(self) -> None:
        """So does a loop, whose action may take arguments."""
        heard = []

        def action(what: str) -> None:
            heard.append(what)
            raise KeyError(what)

        loop = looping(self.clock, action, "hearing", "x")
        loop.start(1.0)
        self.clock.advance(1.0)
        loop.stop()
        self.assertEqual(heard, ["x", "x"])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_failed_deferred(self) -> None:
        """An action that fails later goes on too, and is not called meanwhile."""
        waiting: list[Deferred[None]] = []

        def action() -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1]

        service = Periodic(self.clock, 1.0, action, "waiting")
        service.startService()
        self.clock.pump([1.0, 1.0])
        self.assertEqual(len(waiting), 1)
        waiting[0].errback(OSError("gone"))
        self.clock.advance(1.0)
        self.assertEqual(len(waiting), 2)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        waiting[1].callback(None)
        self.successResultOf(service.stopService())

    def test_kinds(self) -> None:
        """An error of another class is logged as well, and all are counted."""
        errors = [ValueError("a"), TypeError("b"), ValueError("c")]

        def action() -> None:
            raise errors.pop()

        surviving = Surviving(action, "trying")
        for _ in range(3):
            self.assertIsNone(surviving())
        self.assertEqual(surviving.failures, 3)
        self.assertEqual(len(self.flushLoggedErrors(ValueError, TypeError)), 2)
