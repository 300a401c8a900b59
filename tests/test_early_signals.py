"""Signals before the service that takes them."""

import signal

from twisted.trial.unittest import SynchronousTestCase

from dinamed.early_signals import came_early, expect_signals, leave_log_rotation

NUMBERS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class EarlySignalTests(SynchronousTestCase):
    """In this process, which gets its handlers back."""

    def setUp(self) -> None:
        """As in a process that has just begun."""
        for number in NUMBERS:
            before = signal.signal(number, signal.SIG_DFL)
            self.addCleanup(signal.signal, number, before)

    def test_survives(self) -> None:
        """They do nothing, and it is known that they came."""
        expect_signals()
        for number in NUMBERS:
            self.assertFalse(came_early(signal.getsignal(number)))
            signal.raise_signal(number)
            self.assertTrue(came_early(signal.getsignal(number)))
        expect_signals()
        self.assertTrue(came_early(signal.getsignal(signal.SIGHUP)))

    def test_others_stay(self) -> None:
        """Whoever has taken or ignored a signal keeps it."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        expect_signals()
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
        self.assertFalse(came_early(signal.getsignal(signal.SIGHUP)))

    def test_log_rotation(self) -> None:
        """twistd has SIGUSR1 where it writes a log file; else it has no use."""
        expect_signals()
        leave_log_rotation(False)
        self.assertIsNot(signal.getsignal(signal.SIGUSR1), signal.SIG_DFL)
        leave_log_rotation(True)
        self.assertIs(signal.getsignal(signal.SIGUSR1), signal.SIG_DFL)
