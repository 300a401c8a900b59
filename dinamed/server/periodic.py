"""Periodic actions, which go on after errors and log each kind of error once."""

from collections.abc import Callable
from typing import Any

from twisted.application.internet import TimerService
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

MOST_KINDS = 32
"""Kinds of errors that one action logs."""


class Surviving:
    """Calls an action and survives what it raises or its Deferred fails with.

    Errors of one kind, of one class from one place, are logged once; all are counted.
    """

    log = Logger()

    def __init__(self, action: Callable[..., object], what: str) -> None:
        """`what` names the action in the log, as in "saving the state"."""
        self._action = action
        self._what = what
        self._logged: set[tuple[type, str, int]] = set()
        self.failures = 0
        """Calls that have failed since the start."""

    def __call__(self, *args: object) -> object:
        """Call the action; returns its result, or None if it has raised."""
        try:
            result = self._action(*args)
        except Exception:
            self._failed(Failure())
            return None
        if isinstance(result, Deferred):
            result.addErrback(self._failed)
        return result

    def _failed(self, failure: Failure) -> None:
        self.failures += 1
        frames = failure.frames
        place = (frames[-1][1], frames[-1][2]) if frames else ("", 0)
        kind = (type(failure.value), *place)
        if kind not in self._logged and len(self._logged) < MOST_KINDS:
            self._logged.add(kind)
            self.log.failure(
                "{what} failed and goes on; the same is not logged again",
                failure,
                what=self._what,
            )


def looping(
    reactor: Any, action: Callable[..., object], what: str, *args: object
) -> LoopingCall:
    """A loop by the reactor's clock that errors do not end; see `Surviving`."""
    loop = LoopingCall(Surviving(action, what), *args)
    loop.clock = reactor
    return loop


class Periodic(TimerService):
    """A service that does something every `interval` seconds, whatever happens.

    Errors do not end it; see `Surviving`.
    """

    def __init__(
        self, reactor: Any, interval: float, action: Callable[..., object], what: str
    ) -> None:
        super().__init__(interval, Surviving(action, what))
        self.clock = reactor
