"""Tests for what is begun once and ends once."""

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.one_shot import OneShot


class Run(OneShot[str]):
    """Counts what it lets go of."""

    released = 0

    def expired(self) -> None:
        """Late is an outcome like others."""
        self.end("late")

    def release(self) -> None:
        """Count."""
        self.released += 1


class OneShotTests(SynchronousTestCase):
    """Each way to end, on a clock of the test."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.shot = Run(self.clock, 3.0)
        self.shot.start_clock()

    def assert_over(self) -> None:
        """All is released once, no timer is left, and what comes later is nothing."""
        self.shot.end("again")
        self.shot.fail(ValueError("again"))
        self.assertEqual((self.shot.released, self.clock.getDelayedCalls()), (1, []))

    def test_end(self) -> None:
        """The first outcome counts."""
        self.shot.end("first")
        self.assert_over()
        self.assertEqual(self.successResultOf(self.shot.result), "first")

    def test_fail(self) -> None:
        """So does an error."""
        self.shot.fail(ValueError("first"))
        self.assert_over()
        failure = self.failureResultOf(self.shot.result, ValueError)
        self.assertEqual(failure.getErrorMessage(), "first")

    def test_late(self) -> None:
        """The deadline ends it."""
        self.clock.advance(2.9)
        self.assertNoResult(self.shot.result)
        self.clock.advance(0.2)
        self.assert_over()
        self.assertEqual(self.successResultOf(self.shot.result), "late")

    def test_cancelled(self) -> None:
        """Whoever loses interest has everything released."""
        self.shot.result.cancel()
        self.assert_over()
        self.failureResultOf(self.shot.result, CancelledError)

    def test_over_before_the_clock(self) -> None:
        """What has ended at once gets no timer."""
        run = Run(self.clock, 3.0)
        run.end("now")
        run.start_clock()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
