"""The `status` check: what the status files of geodns say about addresses."""

import json
import os

from twisted.internet.defer import Deferred, succeed

from dinamed.config.checks import StatusCheck
from dinamed.health.file import FileReactor, Start, in_thread
from dinamed.health.results import PASSED, ProbeTarget, Result, failed, lacked
from dinamed.shortage import shortage

MAX_READ = 1 << 20  # octets
BAD = 1


def read_status(path: str) -> dict[str, object]:
    """The keys of a status file; none where it is not one.

    Raises `OSError` where it is this host that lacks what a read needs.
    """
    try:
        # Opening a FIFO would wait for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        if shortage(error):
            raise
        return {}
    try:
        with open(handle, "rb", buffering=0) as stream:
            data = json.loads(stream.read(MAX_READ) or b"")
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def judged(status: object, key: str) -> Result:
    """The result of a status: only 1 is bad."""
    bad = status == BAD and not isinstance(status, bool)
    return failed(f"status {key} says bad") if bad else PASSED


class StatusProbe:
    """Probes targets by a `status` check.

    Files are read in threads; a target that asks while its file is being read waits
    for that.  What can't be read in time is unknown, and passes.
    """

    def __init__(
        self, reactor: FileReactor, check: StatusCheck, start: Start = in_thread
    ) -> None:
        self._reactor = reactor
        self._check = check
        self._keys = dict(check.keys)
        self._start = start
        self._waiting: dict[str, list[tuple[Deferred[Result], str]]] = {}

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Look the target's status up; see L{Probe.probe}."""
        whole = self._keys.get(target.address)
        if whole is None:
            return succeed(PASSED)
        file, _, key = whole.partition("/")
        path = os.path.join(self._check.directory, f"{file}.json")
        read: Deferred[Result] = Deferred()
        late = self._reactor.callLater(self._check.limit, self._settle, read, PASSED)

        def stop(result: Result) -> Result:
            if late.active():
                late.cancel()
            return result

        read.addBoth(stop)
        if path in self._waiting:
            # While a read hangs, those that gave up must not pile up.
            left = [one for one in self._waiting[path] if not one[0].called]
            self._waiting[path] = [*left, (read, key)]
        else:
            self._waiting[path] = [(read, key)]
            self._begin(path)
        return read

    def _begin(self, path: str) -> None:
        def work() -> None:
            keys: dict[str, object] = {}
            lack = ""
            try:
                keys = read_status(path)
            except OSError as error:
                lack = shortage(error)
            self._reactor.callFromThread(self._done, path, keys, lack)

        try:
            self._start(work)
        except RuntimeError as error:  # no more threads
            self._done(path, {}, str(error))

    def _done(self, path: str, keys: dict[str, object], lack: str) -> None:
        for read, key in self._waiting.pop(path, []):
            self._settle(read, lacked(lack) if lack else judged(keys.get(key), key))

    def _settle(self, read: "Deferred[Result]", result: Result) -> None:
        if not read.called:
            read.callback(result)
