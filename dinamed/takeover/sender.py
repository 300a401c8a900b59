"""The old process: it starts the new one, and ends when that one answers."""

import fcntl
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IProcessTransport
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.server.services import ListenService
from dinamed.takeover.channel import Channel
from dinamed.takeover.connections import ConnectionMover
from dinamed.takeover.launch import Launch
from dinamed.takeover.messages import (
    VERSION,
    Built,
    Failed,
    Go,
    Last,
    Message,
    Offer,
    Ready,
)
from dinamed.takeover.server_state import ServerState
from dinamed.takeover.sockets import HeldSockets
from dinamed.takeover.state import TakeoverState, since
from dinamed.takeover.supervisor import become_supervisor

PATIENCE = 90.0
"""Seconds that the new process may take until it answers."""
GRACE = 0.3
"""Seconds that replies over HTTP which are under way get."""
WORDS = 0.1
"""Seconds that the last words of a process may take after it."""
LIMIT = 30.0
"""Seconds until this process ends, whatever it has not finished by then."""
_DESCRIPTOR = 3
"""That of the socket in the new process."""


@dataclass(frozen=True)
class ReplaceOutcome:
    """How a replacement ended."""

    pid: int
    """Of the process that answers now."""
    why: str = ""
    """Why it is still the old one; empty if it is the new one."""
    summary: str = ""
    """What the new one serves."""

    @property
    def replaced(self) -> bool:
        """Whether there is a new process."""
        return not self.why


@dataclass(frozen=True)
class TakeoverHooks:
    """What a takeover needs of the running server."""

    state: ServerState
    listening: ListenService
    before: Callable[[int], None]
    """Is told the pid of the new process before anything stops."""
    hold: Callable[[bool], None]
    """Has zones take no updates (True), for the new process has read them, or again."""
    leave: Callable[[], None]
    """Stops everything, and ends the process."""


class ReplaceService(Service):
    """Replaces this process by a new one, on SIGUSR2 and when asked.

    One replacement runs at a time; who asks meanwhile is told how that one ends.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        launch: Launch,
        held: HeldSockets,
        hooks: TakeoverHooks,
        supervisor: Any = None,
    ) -> None:
        """`supervisor` is a file that wants to be told the pid of who takes over."""
        self._reactor = reactor
        self._launch = launch
        self._held = held
        self._hooks = hooks
        self._previous: Any = None
        self._waiting: list[Deferred[ReplaceOutcome]] = []
        self._attempt: TakeoverAttempt | None = None
        self.left = False
        """Whether another process has taken over."""
        self._wake: int | None = None
        self._guard = supervisor

    def privilegedStartService(self) -> None:
        """Let a process without privileges keep what twistd has made with them."""
        super().privilegedStartService()
        if self._launch.owner is not None:
            for path in (self._launch.pid_file, self._launch.log_file):
                with suppress(OSError):
                    os.chown(path, *self._launch.owner, follow_symlinks=False)

    def startService(self) -> None:
        """Take over SIGUSR2."""
        super().startService()
        append_to(self._launch.log_file)
        self._previous = signal.signal(signal.SIGUSR2, self._on_signal)

    def stopService(self) -> Deferred[None] | None:
        """End a new process that is not ready; say the last if there is one."""
        super().stopService()
        if not self.left:
            signal.signal(signal.SIGUSR2, self._previous or signal.SIG_DFL)
        attempt = self._attempt
        self._held.close()
        if attempt is None:
            return None
        if not self.left:
            attempt.fail("this process was told to stop")
            return None
        # Whatever comes to grief meanwhile, this process ends.
        stopped = self._hooks.listening.stopped.addTimeout(LIMIT, self._reactor)
        return stopped.addBoth(lambda _: attempt.finish(GRACE))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self.replace)

    def replace(self) -> Deferred[ReplaceOutcome]:
        """Start a new process; the Deferred tells whether it has taken over."""
        done: Deferred[ReplaceOutcome] = Deferred()
        self._waiting.append(done)
        if self._attempt is None:
            self._begin()
        return done

    def _begin(self) -> None:
        listening = self._hooks.listening
        refusal = self._launch.refusal
        if not (refusal or listening.running):
            refusal = "it does not answer yet itself"
        if refusal:
            self._over(ReplaceOutcome(os.getpid(), refusal))
            return
        self.log.info("starting a process to take over")
        append_to(self._launch.log_file)
        if self._launch.guarded and self._guard is None:
            self._wake, write = os.pipe()
            self._guard = os.fdopen(write, "wb", 0)
        supervisor = self._guard.fileno() if self._guard is not None else None
        offer = Offer(
            VERSION, self._held.offered, self._launch.pid_file, supervisor is not None
        )
        descriptors = self._held.descriptors + (
            [] if supervisor is None else [supervisor]
        )
        attempt = TakeoverAttempt(self._reactor, self._launch, self._hooks, self._over)
        self._attempt = attempt
        attempt.begin(offer, descriptors)

    def _over(self, outcome: ReplaceOutcome) -> None:
        attempt = self._attempt
        if outcome.replaced and attempt is not None:
            self._leave(outcome.pid, attempt)
        else:
            self._attempt = None
            self._hooks.hold(False)
            self.log.error("not replaced: {why}", why=outcome.why)
            if self.running:
                self._hooks.listening.reassert()
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(outcome)

    def _leave(self, pid: int, attempt: "TakeoverAttempt") -> None:
        self.left = True
        self.log.info("process {pid} has taken over, leaving", pid=pid)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        if self._wake is not None:
            self._reactor.addSystemEventTrigger(
                "after", "shutdown", become_supervisor, self._wake, pid
            )
        elif self._guard is not None:
            with suppress(OSError):
                self._guard.write(b"%d\n" % pid)
        mover = ConnectionMover(self._reactor, attempt.send)
        self._hooks.listening.leave_to(mover.move)
        self._hooks.before(pid)
        # Not within the call in which the answer to who has asked is still to be sent.
        self._reactor.callLater(0, self._hooks.leave)


def append_to(path: str) -> None:
    """Set all open descriptors of a file to append.

    Two processes write to the log for a while, and twistd does not open it so.
    """
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd") if path else ():
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{name}") == os.path.realpath(path):
                    flags = fcntl.fcntl(int(name), fcntl.F_GETFL)
                    fcntl.fcntl(int(name), fcntl.F_SETFL, flags | os.O_APPEND)


class TakeoverAttempt:
    """One attempt: a new process, and the messages to and from it."""

    def __init__(
        self,
        reactor: Any,
        launch: Launch,
        hooks: TakeoverHooks,
        over: Callable[[ReplaceOutcome], None],
    ) -> None:
        self._reactor = reactor
        self._launch = launch
        self._state = hooks.state
        self._hold = hooks.hold
        self._over: Callable[[ReplaceOutcome], None] | None = over
        self._channel = Channel(self._take, self._lost)
        self._told = TakeoverState()
        self._process: IProcessTransport | None = None
        self._late: IDelayedCall | None = None
        self._gone: Deferred[None] | None = None
        self._why = ""

    def begin(self, offer: Offer, descriptors: list[int]) -> None:
        """Start the process, and offer it the sockets."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        factory = Factory.forProtocol(lambda: self._channel)
        factory.noisy = False
        self._late = self._reactor.callLater(PATIENCE, self._is_late)
        try:
            self._reactor.adoptStreamConnection(ours.fileno(), ours.family, factory)
            self._process = self._reactor.spawnProcess(
                _SuccessorProcess(self._ended),
                self._launch.executable,
                self._launch.command(),
                env=self._launch.next_environment(_DESCRIPTOR),
                path=self._launch.folder,
                childFDs={0: 0, 1: 1, 2: 2, _DESCRIPTOR: theirs.fileno()},
            )
        except OSError as error:
            self.fail(f"no process can be started: {error}")
            return
        finally:
            ours.close()
            theirs.close()
        self._channel.send(offer, descriptors)

    def fail(self, why: str) -> None:
        """Go on as before."""
        self._stop_waiting()
        if self._over is None:
            return
        over, self._over = self._over, None
        self._channel.close()
        if self._process is not None:
            with suppress(Exception):  # it may have gone by itself
                self._process.signalProcess("KILL")
        over(ReplaceOutcome(os.getpid(), why))

    def send(self, message: Message, descriptors: list[int]) -> None:
        """Send something to the process that has taken over."""
        self._channel.send(message, descriptors)

    def finish(self, grace: float) -> Deferred[None]:
        """Send the last message; fires when it was read, after at least `grace` s."""
        self._channel.send(Last(since(self._state.known(), self._told)))
        done: Deferred[None] = Deferred()
        self._reactor.callLater(grace, self._graced, done)
        return done

    def _graced(self, done: Deferred[None]) -> None:
        if not self._channel.open:
            done.callback(None)
            return
        self._gone = done
        self._reactor.callLater(1.0, self._lost)

    def _take(self, message: Message, descriptors: list[int]) -> None:
        if isinstance(message, Built):
            self._hold(True)
            self._told = self._state.known()
            self._channel.send(Go(self._told))
        elif isinstance(message, Failed):
            self._why = message.why
        elif isinstance(message, Ready) and self._over is not None:
            self._stop_waiting()
            over, self._over = self._over, None
            over(ReplaceOutcome(message.pid, summary=message.summary))

    def _is_late(self) -> None:
        self._late = None
        self.fail(f"the new process did not answer within {PATIENCE:.0f} s")

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _lost(self) -> None:
        """The other side has said all it will; why it ended is told by its end."""
        if self._gone is not None:
            gone, self._gone = self._gone, None
            gone.callback(None)

    def _ended(self, reason: Failure) -> None:
        # What it has said of that may still be on its way.
        self._reactor.callLater(WORDS, self._fail_ended, reason.getErrorMessage())

    def _fail_ended(self, how: str) -> None:
        self.fail(self._why or f"the new process ended: {how}")


class _SuccessorProcess(ProcessProtocol):
    """Tells when the process has ended."""

    def __init__(self, ended: Callable[[Failure], None]) -> None:
        self._ended = ended

    def processExited(self, reason: Failure) -> None:
        """Report the end of the process."""
        self._ended(reason)
