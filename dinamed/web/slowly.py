"""Runs long work in short slices, so that queries are answered between them."""

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import CooperativeTask, Cooperator, TaskDone, TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from zope.interface import implementer

SLICE = 0.001
"""Seconds of work after which others get a turn."""


def make_cooperator(reactor: IReactorTime) -> Cooperator:
    """A cooperator that works for `SLICE` seconds at a time."""

    def time_is_up() -> Callable[[], bool]:
        end = monotonic() + SLICE
        return lambda: monotonic() >= end

    return Cooperator(time_is_up, lambda call: reactor.callLater(0, call))


def gather(cooperator: Cooperator, items: Iterable[Any]) -> Deferred[list[Any]]:
    """All items as a list, made one after the other in the cooperator's time."""
    found: list[Any] = []

    def take() -> Iterator[None]:
        for item in items:
            found.append(item)
            yield None

    task = cooperator.cooperate(take())

    def stop(_: Deferred[list[Any]]) -> None:
        task.stop()

    result: Deferred[list[Any]] = Deferred(stop)

    def ended(outcome: object) -> None:
        if isinstance(outcome, Failure):
            if not outcome.check(TaskStopped):
                result.errback(outcome)
        else:
            result.callback(found)

    task.whenDone().addBoth(ended)
    return result


@implementer(IPushProducer)
class Streamed:
    """Sends pieces as the body of a reply, as fast as they are made and read."""

    log = Logger()

    def __init__(
        self, cooperator: Cooperator, request: Request, pieces: Iterable[bytes]
    ) -> None:
        self._request = request
        self._done = self._paused = False
        self._task: CooperativeTask[Iterator[None]] = cooperator.cooperate(
            self._write(pieces)
        )
        request.registerProducer(self, True)
        request.notifyFinish().addErrback(lambda _: self.stopProducing())
        self._task.whenDone().addCallbacks(self._finish, self._fail)

    def _write(self, pieces: Iterable[bytes]) -> Iterator[None]:
        for piece in pieces:
            if piece:  # an empty chunk would end the body
                self._request.write(piece)
            yield None

    def pauseProducing(self) -> None:
        """The peer reads too slowly."""
        if not self._done and not self._paused:
            self._paused = True
            self._task.pause()

    def resumeProducing(self) -> None:
        """The peer has read what there was."""
        if not self._done and self._paused:
            self._paused = False
            self._task.resume()

    def stopProducing(self) -> None:
        """The peer is gone."""
        if not self._done:
            self._done = True
            self._task.stop()

    def _finish(self, _: object) -> None:
        self._done = True
        self._request.unregisterProducer()
        self._request.finish()

    def _fail(self, failure: Failure) -> None:
        self._done = True
        if failure.check(TaskStopped, TaskDone):
            return
        # Half of a reply can't be taken back, but it can be seen to be half.
        self._request.unregisterProducer()
        self._request.loseConnection()
        self.log.failure("{uri} broke off", failure, uri=self._request.uri)
