"""The `file` check: reads what another program has written about a member."""

import os
import stat
import threading
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorFromThreads,
    IReactorTime,
)
from zope.interface import Interface

from dinamed.clock import Clock
from dinamed.config.checks import FileCheck
from dinamed.health.results import (
    PASSED,
    ProbeTarget,
    Result,
    failed,
    failed_by,
    fill,
    lacked,
)

MAX_READ = 1024  # octets

Start = Callable[[Callable[[], None]], None]
"""Runs a function, perhaps in a thread."""


class FileReactor(IReactorFromThreads, IReactorTime, Interface):
    """What a `file` check needs of the reactor."""


def in_thread(work: Callable[[], None]) -> None:
    """Run `work` in a thread of its own, which nobody waits for."""
    threading.Thread(target=work, name="file check", daemon=True).start()


def read_file(path: str, max_age: float | None, now: float) -> Result:
    """The result in a file; `now` and its time of change are of the system's clock."""
    try:
        # Opening a FIFO would wait for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        words = f"can't read: {getattr(error, 'strerror', None) or error}"
        return failed_by(error, words)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return failed("not a regular file")
        if max_age is not None and now - status.st_mtime > max_age:
            return failed(f"not written for {now - status.st_mtime:.0f} s")
        return read_words(os.read(handle, MAX_READ))
    except OSError as error:
        return failed_by(error, f"can't read: {error.strerror}")
    finally:
        os.close(handle)


def read_words(data: bytes) -> Result:
    """The result in a content: empty or `up`; or `down`, perhaps with a reason."""
    words = data.decode("utf-8", "replace").split(maxsplit=1)
    first = words[0].casefold() if words else "up"
    if first == "up":
        return PASSED
    if first == "down":
        return failed(words[1].splitlines()[0] if len(words) > 1 else "says down")
    return failed(f"says neither up nor down but {words[0]}")


class FileProbe:
    """Probes targets by a `file` check.

    Files are read in threads, for a file system that hangs must not stop all.  While
    a read of a file hangs no other one of it begins.  `wall` is the clock that the file
    system goes by, if not the reactor's.
    """

    def __init__(
        self,
        reactor: FileReactor,
        check: FileCheck,
        start: Start = in_thread,
        wall: Clock | None = None,
    ) -> None:
        self._reactor = reactor
        self._check = check
        self._start = start
        self._wall = wall or reactor.seconds
        self._reading: set[str] = set()

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Read the target's file; see L{Probe.probe}."""
        path = fill(self._check.path, target)
        if path in self._reading:
            return succeed(failed("the read before hangs"))
        read: Deferred[Result] = Deferred()
        limit = self._check.limit
        late = self._reactor.callLater(
            limit, self._settle, read, failed(f"not read in {limit:g} s")
        )
        read.addBoth(_stop, late)
        now = self._wall()

        def work() -> None:
            result = read_file(path, self._check.max_age, now)
            self._reactor.callFromThread(self._done, path, read, result)

        self._reading.add(path)
        try:
            self._start(work)
        except RuntimeError as error:  # no more threads
            self._done(path, read, lacked(str(error)))
        return read

    def _done(self, path: str, read: "Deferred[Result]", result: Result) -> None:
        self._reading.discard(path)
        self._settle(read, result)

    def _settle(self, read: "Deferred[Result]", result: Result) -> None:
        if not read.called:
            read.callback(result)


def _stop(result: Result, late: IDelayedCall) -> Result:
    if late.active():
        late.cancel()
    return result
