"""Tests for the process that is replaced, with a process that is none."""

import os
import socket
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.services import ListenService
from dinamed.takeover.channel import VARIABLE, BlockingChannel, Channel
from dinamed.takeover.launch import DAEMON, Launch
from dinamed.takeover.messages import (
    Built,
    Failed,
    Go,
    Last,
    Message,
    Moved,
    Offer,
    ProtocolError,
    Ready,
    decode,
    encode,
)
from dinamed.takeover.sender import (
    LIMIT,
    PATIENCE,
    ReplaceOutcome,
    ReplaceService,
    TakeoverHooks,
)
from dinamed.takeover.server_state import ServerState
from dinamed.takeover.sockets import HeldSockets
from dinamed.takeover.state import TakeoverState
from tests.server.support import captured

LAUNCH = Launch(
    executable="/bin/python",
    arguments=("-n", "dinamed"),
    flags=("-O",),
    folder="/",
    environment={"A": "b"},
    pid_file="/run/pid",
    daemon=True,
)


class Pipe:
    """The transport of the channel: takes down what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.descriptors: list[int] = []
        self.closed = False

    def sendFileDescriptor(self, descriptor: int) -> None:  # noqa: N802
        self.descriptors.append(descriptor)

    def write(self, data: bytes) -> None:
        self.sent.append(decode(data[6:]))

    def loseConnection(self) -> None:
        self.closed = True


class FakeReactor(Clock):
    """Adopts and spawns, and takes down what."""

    def __init__(self) -> None:
        super().__init__()
        self.pipe = Pipe()
        self.spawned: list[tuple[Any, ...]] = []
        self.child: Any = None
        self.killed: list[str] = []
        self.error: OSError | None = None

    def adoptStreamConnection(  # noqa: N802
        self, descriptor: int, family: int, factory: Any
    ) -> None:
        self.channel: Channel = factory.buildProtocol(None)
        self.channel.makeConnection(self.pipe)

    def spawnProcess(self, child: Any, *command: Any, **rest: Any) -> Any:
        if self.error is not None:
            raise self.error
        self.child = child
        self.spawned.append((command, rest))
        return self

    def signalProcess(self, name: str) -> None:  # noqa: N802
        self.killed.append(name)
        if len(self.killed) > 1:
            raise ProcessExitedAlready

    def callFromThread(self, call: Callable[[], object]) -> None:
        call()


class StubListening:
    """Has it that it runs, and stops when it is told to."""

    def __init__(self) -> None:
        self.running = True
        self.stopped: Deferred[None] = Deferred()
        self.mover: Any = None
        self.reasserted = 0

    def reassert(self) -> None:
        self.reasserted += 1

    def leave_to(self, mover: Any) -> None:
        """Take down who moves connections."""
        self.mover = mover


class StubCarrier:
    """Knows more each time."""

    def __init__(self) -> None:
        self.questions = 0

    def known(self) -> TakeoverState:
        self.questions += 10
        return TakeoverState(started=1.0, questions=self.questions)


class ReplaceTests(SynchronousTestCase):
    """What is said and done, step by step."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.listening = StubListening()
        self.left: list[object] = []
        self.held: list[bool] = []
        hooks = TakeoverHooks(
            cast(ServerState, StubCarrier()),
            cast(ListenService, self.listening),
            self.left.append,
            self.held.append,
            lambda: self.left.append("leave"),
        )
        self.service = ReplaceService(self.reactor, LAUNCH, HeldSockets(()), hooks)
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.events = captured(self)

    def hear(self, message: Message) -> None:
        """The new process says that."""
        self.reactor.channel._take(message, [])

    def end(self, status: int) -> None:
        """The new process ends."""
        self.reactor.child.processExited(Failure(ProcessTerminated(status)))
        self.reactor.advance(1)

    def sent(self) -> list[type[Message]]:
        """What kinds of messages it was sent."""
        return [type(one) for one in self.reactor.pipe.sent]

    def test_replaced(self) -> None:
        """Offer, state, leave, last words."""
        asked = [self.service.replace(), self.service.replace()]
        ((command, rest),) = self.reactor.spawned
        self.assertEqual(
            command[1],
            [
                "/bin/python",
                "-O",
                "-P",
                "-m",
                "dinamed.takeover.successor",
                "-n",
                "dinamed",
            ],
        )
        self.assertEqual(rest["env"], {"A": "b", VARIABLE: "3", DAEMON: "1"})
        self.assertEqual(rest["path"], "/")
        self.assertEqual(self.sent(), [Offer])
        self.hear(Built())
        self.assertEqual(
            self.reactor.pipe.sent[1], Go(TakeoverState(1.0, questions=10))
        )
        self.assertEqual(self.left, [])
        self.hear(Ready(77, "all"))
        for one in asked:
            self.assertEqual(
                self.successResultOf(one), ReplaceOutcome(77, summary="all")
            )
        self.assertIsNotNone(self.listening.mover)
        self.reactor.advance(0)
        self.assertEqual(self.left, [77, "leave"])
        stopped = self.service.stopService()
        assert stopped is not None
        self.listening.stopped.callback(None)
        self.assertEqual(self.sent(), [Offer, Go, Last])
        self.assertEqual(self.reactor.pipe.sent[2], Last(TakeoverState(questions=10)))
        self.reactor.advance(1)
        self.assertNoResult(stopped)
        self.reactor.channel.connectionLost()
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.killed, [])
        self.reactor.advance(100)

    def test_nobody_listens(self) -> None:
        """The process ends in any case, whatever hangs."""
        self.service.replace()
        self.hear(Ready(77))
        stopped = self.service.stopService()
        assert stopped is not None
        self.reactor.advance(LIMIT)
        self.reactor.advance(1)
        self.reactor.advance(2)
        self.successResultOf(stopped)

    def check_failed(self, asked: "Deferred[ReplaceOutcome]", why: str) -> None:
        """It goes on as before, says why, and can be asked again."""
        outcome = self.successResultOf(asked)
        self.assertIn(why, outcome.why)
        self.assertEqual(outcome.pid, os.getpid())
        self.assertFalse(outcome.replaced)
        self.assertEqual(self.left, [])
        self.assertEqual(self.listening.reasserted, 1)
        texts = [one["log_format"].format(**one) for one in self.events]
        self.assertIn(f"not replaced: {outcome.why}", texts)
        self.assertTrue(self.reactor.pipe.closed)
        self.reactor.error = None
        again = self.service.replace()
        self.hear(Ready(78))
        self.assertTrue(self.successResultOf(again).replaced)

    def test_failed(self) -> None:
        """What it says of its end is the reason, in whatever order that comes."""
        asked = self.service.replace()
        self.reactor.child.processExited(Failure(ProcessTerminated(1)))
        self.hear(Failed("a bad config"))
        self.reactor.advance(1)
        self.check_failed(asked, "a bad config")

    def test_crashed(self) -> None:
        """Without a word the exit status is it."""
        asked = self.service.replace()
        self.hear(Built())
        self.assertEqual(self.held, [True])
        self.end(3)
        self.assertEqual(self.held, [True, False])
        self.check_failed(asked, "exit code 3")

    def test_late(self) -> None:
        """A process that does not answer in time is killed."""
        asked = self.service.replace()
        self.hear(Built())
        self.reactor.advance(PATIENCE)
        self.assertEqual(self.reactor.killed, ["KILL"])
        self.check_failed(asked, f"within {PATIENCE:.0f} s")

    def test_not_started(self) -> None:
        """Where no process can be had."""
        self.reactor.error = OSError("no more processes")
        asked = self.service.replace()
        self.check_failed(asked, "no more processes")

    def test_told_to_stop(self) -> None:
        """A stop meanwhile ends the new process too."""
        asked = self.service.replace()
        self.assertIsNone(self.service.stopService())
        self.assertEqual(self.reactor.killed, ["KILL"])
        self.assertIn("told to stop", self.successResultOf(asked).why)
        self.service.startService()

    def test_too_early(self) -> None:
        """Who does not answer yet has nothing to hand over."""
        self.listening.running = False
        outcome = self.successResultOf(self.service.replace())
        self.assertIn("does not answer yet", outcome.why)
        self.assertEqual(self.reactor.spawned, [])


class ChannelTests(SynchronousTestCase):
    """The side of the new process that waits."""

    def test_blocking(self) -> None:
        """Messages come one by one, with their descriptors."""
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        channel = BlockingChannel(theirs, 5)
        with ours:
            data = encode(Moved(2, b"x" * 9), 2)
            socket.send_fds(ours, [data[:3]], [ours.fileno()])
            socket.send_fds(ours, [data[3:] + encode(Built())], [theirs.fileno()])
            message, descriptors = channel.receive()
            self.assertEqual(message, Moved(2, b"x" * 9))
            self.assertEqual(len(descriptors), 2)
            for one in descriptors:
                self.assertFalse(os.get_inheritable(one))
                os.close(one)
            self.assertEqual(channel.receive(), (Built(), []))
            channel.send(Ready(3))
            self.assertEqual(decode(ours.recv(100)[6:]), Ready(3))
        with self.assertRaises(ProtocolError):
            channel.receive()
