"""The `exec` check: a command of the operator's, in a process group of its own."""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import (
    IProcessTransport,
    IReactorProcess,
    IReactorTime,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import Interface

from dinamed.config.checks import ExecCheck
from dinamed.health.group import clean_environment, kill_group
from dinamed.health.results import PASSED, ProbeTarget, Result, failed, failed_by, fill
from dinamed.one_shot import OneShot

MAX_OUTPUT = 65536  # octets; a command that says more is ended
SESSION = "setsid"  # the program of util-linux that gives a process its own group


class CommandReactor(IReactorProcess, IReactorTime, Interface):
    """What an `exec` check needs of the reactor."""


class CommandProbe:
    """Probes targets by an `exec` check."""

    def __init__(self, reactor: CommandReactor, check: ExecCheck) -> None:
        self._reactor = reactor
        self._check = check

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Run the command; see L{Probe.probe}."""
        words = [fill(word, target) for word in self._check.command]
        return _CheckRun(self._reactor, self._check.limit).begin(words)


class _CheckRun(OneShot[Result], ProcessProtocol):
    """One run.  The group is killed whole: at its end, when late, or cancelled.

    What leaves the group of its own accord (a daemon) is beyond reach, but holds
    nothing of ours: the pipes are closed when the command itself has ended.
    """

    def __init__(self, reactor: CommandReactor, limit: float) -> None:
        super().__init__(reactor, limit)
        self._reactor = reactor
        self._said = bytearray()
        self._heard = 0
        self._exited = False
        self._ending = ""
        self._process: int | None = None

    def begin(self, words: list[str]) -> "Deferred[Result]":
        """Start the command; the Deferred fires with what came of it."""
        try:
            self._reactor.spawnProcess(
                self, SESSION, [SESSION, *words], env=clean_environment()
            )
        except (OSError, ValueError, MemoryError) as error:
            return succeed(failed_by(error, f"can't execute: {error}"))
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
        self._said += data[: 1024 - len(self._said)]
        if self._heard > MAX_OUTPUT:
            self.end(failed(f"printed more than {MAX_OUTPUT} octets"))

    def processExited(self, reason: Failure) -> None:
        """See L{ProcessProtocol}: the command has ended, perhaps not its children."""
        self._exited = True
        error = reason.value
        if isinstance(error, ProcessDone):
            self.end(PASSED)
        elif isinstance(error, ProcessTerminated) and error.signal is not None:
            self.end(failed(f"killed by signal {error.signal}"))
        else:
            self._ending = f"exit status {getattr(error, 'exitCode', None)}"
            self._kill()  # so that nobody holds the pipes, with what was said in them

    def processEnded(self, reason: Failure) -> None:
        """See L{ProcessProtocol}: all that it said has been read."""
        self.end(failed(self._words(self._ending)))

    def _words(self, text: str) -> str:
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        return f"{text}: {lines[0]}" if lines else text

    def expired(self) -> None:
        """See L{OneShot.expired}."""
        ending = self._ending or f"not done in {self._limit:g} s"
        self.end(failed(self._words(ending)))

    def release(self) -> None:
        """See L{OneShot.release}."""
        self._kill()
        transport: IProcessTransport | None = self.transport
        if transport is not None:
            transport.loseConnection()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            kill_group(process, self._exited)
