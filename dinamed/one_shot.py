"""One outcome with a deadline: what comes first counts, and frees all that was held."""

from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

Outcome = TypeVar("Outcome")


class OneShot(Generic[Outcome]):
    """Something that is begun once, and ends once: done, failed, late or cancelled.

    Subclasses say what it means to be late (`expired`), and what to `release` at the
    end, whichever that is.  `result` fires with what `end` or `fail` are given first;
    cancelling it releases everything too.
    """

    def __init__(self, clock: IReactorTime, limit: float) -> None:
        """`limit` is in seconds, from `start_clock` on."""
        self.result: Deferred[Outcome] = Deferred(lambda _: self._settle())
        self._clock = clock
        self._limit = limit
        self._over = False
        self._deadline: IDelayedCall | None = None

    def start_clock(self) -> None:
        """The time runs from now on, unless all is over already."""
        if not self._over:
            self._deadline = self._clock.callLater(self._limit, self._late)

    def end(self, outcome: Outcome) -> None:
        """End with this outcome, unless there was one."""
        if not self._over:
            self._settle()
            self.result.callback(outcome)

    def fail(self, error: Exception | Failure) -> None:
        """The same with an error."""
        if not self._over:
            self._settle()
            self.result.errback(error)

    def expired(self) -> None:
        """The time is over: call `end` or `fail`."""
        raise NotImplementedError

    def release(self) -> None:
        """Let go of everything."""

    def _late(self) -> None:
        self._deadline = None
        self.expired()

    def _settle(self) -> None:
        self._over = True
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.release()
