"""Work for a request that would hold the reactor, in threads: a few at a time."""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from dinamed.web.resources import HttpError

MOST = 2
"""Requests that are worked on at a time."""

_Found = TypeVar("_Found")


class WorkThreads:
    """Runs functions in the reactor's threads; who comes too many is refused."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._running = 0

    def call(self, work: Callable[..., Any], *args: object) -> "Deferred[Any]":
        """What `work` returns or raises, for callers that bound how many there are."""
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, work, *args)

    def run(self, work: Callable[[], _Found]) -> "Deferred[_Found]":
        """What `work` returns or raises.  Raises `HttpError` 503."""
        if self._running >= MOST:
            raise HttpError(503, "others are reading the journal: ask again")
        self._running += 1
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, work).addBoth(self._over)

    def _over(self, result: Any) -> Any:
        self._running -= 1
        return result
