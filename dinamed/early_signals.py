"""Signals that come before there is anybody to take them.

The default action of SIGHUP, SIGUSR1 and SIGUSR2 is to end the process, and from the
start to the moment when dinamed serves seconds may pass, or minutes with large zones.
This is imported before all else, so it imports next to nothing.
"""

import signal
from collections.abc import Iterable
from types import FrameType


class EarlySignal:
    """A handler that does nothing but note that its signal has come."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True


def expect_signals(
    numbers: Iterable[int] = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2),
) -> None:
    """Survive signals that would end the process, until others take them over."""
    for number in numbers:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, EarlySignal())


def leave_log_rotation(with_log_file: bool) -> None:
    """Let twistd take over SIGUSR1, where it has a log file to begin anew.

    It does so only where nobody else has; without a log file the signal has no use.
    """
    if isinstance(signal.getsignal(signal.SIGUSR1), EarlySignal) and with_log_file:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def came_early(handler: object) -> bool:
    """Whether the handler that was there before has seen its signal."""
    return isinstance(handler, EarlySignal) and handler.came
