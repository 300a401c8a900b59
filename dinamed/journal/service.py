"""The service that keeps the journal: what has happened goes to a file at once."""

import os
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.journal.events import EventLog, Happening
from dinamed.journal.files import JournalFiles
from dinamed.journal.lines import event_line, standings_line
from dinamed.journal.past import last_events
from dinamed.pools.manager import PoolManager
from dinamed.pools.saved import SavedMember
from dinamed.server.periodic import Periodic

SOON = 0.05
"""Seconds for which lines are gathered."""
AGAIN = 10.0
"""Seconds until what could not be written is tried again."""
MOST_WAITING = 10_000
"""Lines that wait for a disk; the oldest are lost first, and that is told."""


class JournalService(Periodic):
    """Appends every event to the journal, and knows the last ones after a restart.

    What can't be written waits in memory, up to a limit, and is tried again.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        events: EventLog,
        pools: PoolManager,
        folder: str,
    ) -> None:
        super().__init__(reactor, AGAIN, self.flush, "writing the journal")
        self._reactor = reactor
        self._events = events
        self._pools = pools
        self.files = JournalFiles(folder)
        self._waiting: deque[bytes] = deque()
        self._lost = 0
        self._soon: IDelayedCall | None = None
        self._writing: Deferred[Any] | None = None
        self._complained = False
        self._given_up = False

    def startService(self) -> None:
        """Know what is in the file, and say there how everything stands now."""
        try:
            os.makedirs(os.path.dirname(self.files.path), 0o700, exist_ok=True)
            aside = self.files.mend()
            if aside:
                self.log.error(
                    "the end of {path} is damaged; it is kept as {aside}",
                    path=self.files.path,
                    aside=aside,
                )
            if not self._events.last:  # nothing has come from a process before
                self._events.resume(last_events(self.files))
        except OSError as error:
            self._complain(str(error))
        self._waiting.append(self._standings())
        self._events.noted.subscribe(self._noted)
        self._later()
        super().startService()

    def stopService(self) -> "Deferred[None]":
        """Write what waits, and that the process ends."""
        if not self._given_up:
            self._events.note("replace", "", f"process {os.getpid()} ends")
        self._given_up = True
        if self._soon is not None and self._soon.active():
            self._soon.cancel()
        stopped = super().stopService() or succeed(None)
        writing = DeferredList([stopped, self._writing or succeed(None)])
        return writing.addCallback(lambda _: self._write_now())

    def leave(self) -> None:
        """Another process has taken over: this one's end is nothing to be told."""
        self._given_up = True

    def flush(self) -> None:
        """Write what waits, in a thread."""
        if not self._waiting or self._writing is not None:
            return
        lines = self._taken()
        self._writing = self._in_thread(self.files.append, b"".join(lines))
        self._writing.addCallbacks(
            self._written, self._not_written, errbackArgs=(lines,)
        )

    def _in_thread(self, call: Callable[[bytes], Any], lines: bytes) -> "Deferred[Any]":
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, call, lines)

    def _taken(self) -> tuple[bytes, ...]:
        """What waits, which then waits no longer."""
        lines = tuple(self._waiting)
        self._waiting.clear()
        return lines

    def _noted(self, event: Happening, state: SavedMember | None) -> None:
        self._waiting.append(event_line(event, state))
        self._bound()
        self._later()

    def _bound(self) -> None:
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1

    def _later(self) -> None:
        if self._soon is None or not self._soon.active():
            self._soon = self._reactor.callLater(SOON, self.flush)

    def _written(self, full: bool) -> "Deferred[None] | None":
        if not full:
            self._done(None)
            return None
        turning = self._in_thread(self.files.turn, self._standings())
        return turning.addCallbacks(self._done, self._not_written, errbackArgs=((),))

    def _done(self, _: object) -> None:
        self._writing = None
        self._complained = False
        lost, self._lost = self._lost, 0
        if lost:
            self.log.error("{lost} events are not in the journal", lost=lost)
        if self._waiting and self.running:
            self._later()

    def _not_written(self, failure: Failure, lines: tuple[bytes, ...]) -> None:
        self._writing = None
        failure.trap(OSError)
        self._waiting.extendleft(reversed(lines))
        self._bound()
        self._complain(failure.getErrorMessage())

    def _write_now(self) -> None:
        lines = b"".join(self._taken())
        try:
            if lines:
                self.files.append(lines)
        except OSError as error:
            self._complain(str(error))

    def _standings(self) -> bytes:
        views = self._pools.views
        told = ((name, view.member_states) for name, view in views.items())
        return standings_line(self._events.now(), told)

    def _complain(self, why: str) -> None:
        if not self._complained:
            self._complained = True
            self.log.error(
                "the journal {path} can't be written: {why}",
                path=self.files.path,
                why=why,
            )


def journal_service(
    reactor: Any, events: EventLog, pools: PoolManager, folder: str | None
) -> JournalService | None:
    """What keeps the journal, if there is a folder for it (`[server] state`)."""
    return None if folder is None else JournalService(reactor, events, pools, folder)
