"""The `exec` check with real processes."""

import errno
import os

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from dinamed.config.checks import ExecCheck
from dinamed.health.command import MAX_OUTPUT, CommandProbe
from dinamed.health.results import PASSED, Result
from tests.health.support import LOCAL, half_reactor, real


@implementer(IReadDescriptor)
class Pipe:
    """A named pipe that processes hold open: `ended` fires when the last is gone."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path)
        self._handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.said: Deferred[bytes] = Deferred()
        self.ended: Deferred[None] = Deferred()
        real.addReader(self)

    def fileno(self) -> int:
        """See L{IReadDescriptor}."""
        return self._handle

    def logPrefix(self) -> str:
        """See L{IReadDescriptor}."""
        return "pipe"

    def doRead(self) -> None:
        """See L{IReadDescriptor}."""
        data = os.read(self._handle, 100)
        if data:
            self.said.callback(data)
        else:
            self.close()
            self.ended.callback(None)

    def connectionLost(self, reason: object) -> None:
        """See L{IReadDescriptor}."""
        if not self.ended.called:
            self.close()
            self.ended.callback(None)

    def close(self) -> None:
        """Stop reading."""
        real.removeReader(self)
        os.close(self._handle)


class CommandTests(TestCase):
    """Each with a command."""

    timeout = 20

    def probe(self, *command: str) -> Deferred[Result]:
        """Run a command; time goes by `self.clock`."""
        reactor, self.clock = half_reactor()
        return CommandProbe(reactor, ExecCheck(command=command)).probe(LOCAL)

    def shell(self, script: str, *arguments: str) -> Deferred[Result]:
        """Run a script."""
        return self.probe("sh", "-c", script, "script", *arguments)

    async def test_exit(self) -> None:
        """Status 0 is up, any other down with the first line that was said."""
        self.assertEqual(await self.shell("exit 0"), PASSED)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        result = await self.shell("exit 3")
        self.assertEqual(result, Result(False, "exit status 3"))

    async def test_says_why(self) -> None:
        """What a failing command says first is its reason."""
        result = await self.shell("echo on fire >&2; echo more; sleep 1000 & exit 3")
        self.assertEqual(result, Result(False, "exit status 3: on fire"))

    async def test_arguments(self) -> None:
        """Arguments are filled in, and go through no shell."""
        script = 'test "$1 $2" = "fra1/127.0.0.1 \\$HOME;"'
        self.assertEqual(await self.shell(script, "{name}/{address}", "$HOME;"), PASSED)

    async def test_signal(self) -> None:
        """A command that is killed is down."""
        result = await self.shell("kill -9 $$")
        self.assertEqual(result, Result(False, "killed by signal 9"))

    async def test_missing(self) -> None:
        """A program that is not there is down."""
        self.assertFalse((await self.probe("/no/such/program")).ok)

    async def test_environment(self) -> None:
        """Commands get where programs are and the language, and no secrets of ours."""
        self.patch(
            os, "environ", {**os.environ, "LANG": "C", "SECRET_TOKEN": "hunter2"}
        )
        result = await self.shell("env >&2; exit 1")
        self.assertNotIn("SECRET", result.reason)
        self.assertEqual(
            await self.shell('test -n "$PATH" -a "$LANG" = C -a -z "$SECRET_TOKEN"'),
            PASSED,
        )

    async def test_no_fork(self) -> None:
        """That this host has no process more says nothing about the target."""

        def spawn(*args: object, **more: object) -> None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        self.patch(real, "spawnProcess", spawn)
        self.assertTrue((await self.shell("true")).lacking)

    async def test_input(self) -> None:
        """There is nothing to read."""
        self.assertEqual(await self.shell('test -z "$(cat)"'), PASSED)

    async def test_endless_output(self) -> None:
        """A command that prints without end is ended."""
        result = await self.probe("yes")
        reason = f"printed more than {MAX_OUTPUT} octets"
        self.assertEqual(result, Result(False, reason))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def hang(self, script: str) -> tuple[Deferred[Result], Pipe]:
        """Run a script that holds a pipe open as its descriptor 3."""
        path = os.path.abspath(self.mktemp())
        pipe = Pipe(path)
        self.addCleanup(pipe.connectionLost, None)
        return self.shell(f'exec 3>"$1"; {script}', path), pipe

    async def test_hangs(self) -> None:
        """At the limit the command goes, and all that it has begun."""
        waiting, pipe = self.hang("sleep 1000 & echo begun >&3; sleep 1000")
        await pipe.said
        self.clock.advance(5)
        self.assertEqual(await waiting, Result(False, "not done in 5 s"))
        await pipe.ended

    async def test_ignores_signals(self) -> None:
        """No trap helps."""
        waiting, pipe = self.hang(
            "trap '' TERM INT HUP; echo begun >&3; while :; do sleep 1000; done"
        )
        await pipe.said
        self.clock.advance(5)
        self.assertFalse((await waiting).ok)
        await pipe.ended

    async def test_forks(self) -> None:
        """What a command leaves behind, even with its output open, goes with it."""
        waiting, pipe = self.hang("sleep 1000 & echo begun >&3; exit 0")
        self.assertEqual(await waiting, PASSED)
        await pipe.ended

    async def test_cancel(self) -> None:
        """To cancel ends the command."""
        waiting, pipe = self.hang("echo begun >&3; sleep 1000")
        await pipe.said
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        await pipe.ended
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_cancel_at_once(self) -> None:
        """Even before it has begun."""
        waiting = self.shell("sleep 1000")
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
