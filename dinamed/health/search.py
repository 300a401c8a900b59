"""Searches members' answers for patterns without blocking the reactor."""

import errno
from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads

from dinamed.health.file import Start, in_thread
from dinamed.patterns import Pattern

INLINE = 8_000_000
"""Steps times octets up to which a search needs no thread: some milliseconds."""
MOST_THREADS = 4
"""Searches that run at a time for one check; others wait their turn."""


class Searcher:
    """Searches the answers to one check."""

    def __init__(
        self, reactor: IReactorFromThreads, pattern: Pattern, start: Start = in_thread
    ) -> None:
        self._reactor = reactor
        self._pattern = pattern
        self._start = start
        self._running = 0
        self._waiting: deque[tuple[bytes, Deferred[bool]]] = deque()

    def search(self, text: bytes) -> "Deferred[bool]":
        """Whether the pattern is in the text; who cancels is not waited for."""
        if self._pattern.steps * len(text) <= INLINE:
            return succeed(self._pattern.found_in(text))
        found: Deferred[bool] = Deferred()
        self._waiting.append((text, found))
        self._next()
        return found

    def _next(self) -> None:
        while self._waiting and self._running < MOST_THREADS:
            text, found = self._waiting.popleft()
            if found.called:  # nobody wants to know any more
                continue
            self._running += 1
            try:
                self._start(self._work(text, found))
            except RuntimeError as error:  # no more threads
                self._running -= 1
                found.errback(OSError(errno.EAGAIN, str(error)))

    def _work(self, text: bytes, found: "Deferred[bool]") -> Callable[[], None]:
        def work() -> None:
            result = self._pattern.found_in(text)
            self._reactor.callFromThread(self._done, found, result)

        return work

    def _done(self, found: "Deferred[bool]", result: bool) -> None:
        self._running -= 1
        if not found.called:
            found.callback(result)
        self._next()
