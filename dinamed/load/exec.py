"""The `exec` feed: a command that prints `LOAD` or `LOAD INCREMENT`."""

import re

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from dinamed.clock import Clock
from dinamed.config.feeds import ExecFeed
from dinamed.health.command import SESSION
from dinamed.health.group import clean_environment, kill_group
from dinamed.health.results import ProbeTarget, fill
from dinamed.load.poller import FeedError, LoadReactor, feed_error
from dinamed.one_shot import OneShot
from dinamed.pools.report import Report, make_report

MAX_OUTPUT = 4096  # octets; a command that says more is ended
MAX_AT_ONCE = 16  # commands of one feed that run at the same time
STDOUT, STDERR = 1, 2

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
_SAID = re.compile(rf"\s*({_NUMBER})(?:\s+({_NUMBER}))?\s*".encode())


class ExecSource:
    """Asks members by an `exec` feed; a few at a time, the others wait their turn."""

    def __init__(
        self, reactor: LoadReactor, feed: ExecFeed, wall: Clock | None = None
    ) -> None:
        self.reactor = reactor
        self.wall = wall or reactor.seconds
        self.feed = feed
        self.turns = DeferredSemaphore(MAX_AT_ONCE)

    def poller(self, target: ProbeTarget) -> "ExecPoller":
        """See L{Source}."""
        return ExecPoller(self, target)


class ExecPoller:
    """Runs the command for one member."""

    def __init__(self, source: ExecSource, target: ProbeTarget) -> None:
        self._source = source
        self._words = [fill(word, target) for word in source.feed.command]

    def poll(self) -> "Deferred[Report | None]":
        """See L{Poller}.  The time limit begins when the command does."""
        run = _FeedRun(self._source.reactor, self._source.feed.limit)
        said: Deferred[bytes] = self._source.turns.run(run.begin, self._words)
        return said.addCallback(self._read)

    def _read(self, said: bytes) -> Report | None:
        try:
            load, increment = parse(said)
            return make_report(
                load,
                now=self._source.wall(),
                source=self._source.feed.kind,
                increment=increment,
            )
        except ValueError as error:
            raise FeedError(str(error)) from None


def parse(said: bytes) -> tuple[float, float | None]:
    """The one or two numbers that a command has printed, and nothing besides.

    @raise ValueError: it has printed something else.
    """
    match = _SAID.fullmatch(said)
    if match is None:
        start = said[:40].decode("ascii", "replace").strip()
        raise ValueError(
            f"printed {start!r}, not LOAD or LOAD INCREMENT"
            if start
            else "printed nothing"
        )
    load, increment = match.groups()
    return float(load), None if increment is None else float(increment)


class _FeedRun(OneShot[bytes], ProcessProtocol):
    """One run, in a process group that is killed whole: at its end, late or cancelled.

    What leaves the group of its own accord (a daemon) is beyond reach; if it keeps the
    output open, the run is late.
    """

    def __init__(self, reactor: LoadReactor, limit: float) -> None:
        super().__init__(reactor, limit)
        self._reactor = reactor
        self._said = bytearray()
        self._complaints = bytearray()
        self._heard = 0
        self._open = {STDOUT, STDERR}
        self._status: Failure | None = None
        self._process: int | None = None

    def begin(self, words: list[str]) -> "Deferred[bytes]":
        """Start the command; the Deferred fires with what it has printed."""
        try:
            self._reactor.spawnProcess(
                self, SESSION, [SESSION, *words], env=clean_environment()
            )
        except (OSError, ValueError, MemoryError) as error:
            self.fail(feed_error(error, f"can't execute: {error}"))
            return self.result
        self.start_clock()
        return self.result

    def connectionMade(self) -> None:
        """See L{ProcessProtocol}."""
        if self.transport is not None:
            self._process = self.transport.pid
            self.transport.closeStdin()

    def childDataReceived(self, childFD: int, data: bytes) -> None:  # noqa: N803
        """See L{ProcessProtocol}."""
        self._heard += len(data)
        if self._heard > MAX_OUTPUT:
            self._fail(f"printed more than {MAX_OUTPUT} octets")
        elif childFD == STDOUT:
            self._said += data
        else:
            self._complaints += data

    def childConnectionLost(self, childFD: int) -> None:  # noqa: N802, N803
        """See L{ProcessProtocol}: a pipe has been closed at its other end."""
        self._open.discard(childFD)
        self._finish()

    def processExited(self, reason: Failure) -> None:
        """See L{ProcessProtocol}: the command has ended, perhaps not its children."""
        self._status = reason
        self._kill_group()  # or they would hold the pipe open
        self._finish()

    def _finish(self) -> None:
        """End when the command has, and all that is of interest has been read."""
        if self._over or self._status is None or STDOUT in self._open:
            return
        error = self._status.value
        if isinstance(error, ProcessDone):
            self.end(bytes(self._said))
        elif STDERR in self._open:
            pass  # it may still say why
        elif isinstance(error, ProcessTerminated) and error.signal is not None:
            self._fail(f"killed by signal {error.signal}")
        else:
            self._fail(self._words(f"exit status {getattr(error, 'exitCode', None)}"))

    def _words(self, text: str) -> str:
        lines = self._complaints.decode("utf-8", "replace").strip().splitlines()
        return f"{text}: {lines[0]}" if lines else text

    def expired(self) -> None:
        """See L{OneShot.expired}."""
        self._fail(self._words(f"not done in {self._limit:g} s"))

    def _fail(self, reason: str) -> None:
        self.fail(FeedError(reason))

    def release(self) -> None:
        """See L{OneShot.release}."""
        self._kill_group()
        transport: IProcessTransport | None = self.transport
        if transport is not None:
            transport.loseConnection()

    def _kill_group(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            kill_group(process, self._status is not None)
