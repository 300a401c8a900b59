"""Tests of L{dinamed.load.exec}, with real processes."""

import os
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.config.feeds import ExecFeed
from dinamed.load.exec import MAX_AT_ONCE, MAX_OUTPUT, ExecPoller, ExecSource, parse
from dinamed.load.poller import FeedError, ProbeTarget

ANY_REACTOR: Any = reactor
PATIENCE = 10.0


class ParseTests(SynchronousTestCase):
    """What a command may print."""

    def test_good(self) -> None:
        """One or two numbers, with any white space around them."""
        for said, expected in (
            (b"3\n", (3.0, None)),
            (b"  3.5\t0.25 \n\n", (3.5, 0.25)),
            (b"1e3", (1000.0, None)),
            (b"-1 5", (-1.0, 5.0)),
        ):
            self.assertEqual(parse(said), expected)

    def test_bad(self) -> None:
        """Nothing else."""
        for said in (b"", b" \n", b"1 2 3", b"1,2", b"nan", b"0x10", b"1_0", b"load 3"):
            self.assertRaises(ValueError, parse, said)

    @given(st.binary(max_size=20))
    def test_anything(self, said: bytes) -> None:
        """Whatever is printed, it is numbers or a ValueError in plain words."""
        try:
            load, _ = parse(said)
        except ValueError as error:
            self.assertTrue(str(error).startswith("printed "))
        else:
            self.assertIsInstance(load, float)


class ExecTests(TestCase):
    """Commands that behave, and commands that do not."""

    def poller(self, script: str, timeout: float = PATIENCE) -> ExecPoller:
        """A poller that runs a script of the shell."""
        feed = ExecFeed(
            command=("sh", "-c", script, "sh", "{address}", "{name}"),
            interval=60.0,
            timeout=timeout,
        )
        return ExecSource(ANY_REACTOR, feed).poller(ProbeTarget("192.0.2.1", "one"))

    async def refused(self, script: str, timeout: float = PATIENCE) -> str:
        """The reason for which a script gives no report."""
        try:
            await self.poller(script, timeout).poll()
        except FeedError as error:
            return str(error)
        raise AssertionError("there was a report")

    async def gone(self, pid: int) -> None:
        """Wait until a process has gone."""
        deadline = time.monotonic() + PATIENCE
        while is_running(pid):
            assert time.monotonic() < deadline, "still running"
            await deferLater(ANY_REACTOR, 0.02)

    def file(self) -> str:
        """The path of a file that is not there yet."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return os.path.join(folder.name, "pid")

    async def test_report(self) -> None:
        """Load and increment; the target is in the arguments."""
        report = await self.poller('[ "$1 $2" = "192.0.2.1 one" ] && echo 3 0.5').poll()
        assert report is not None
        self.assertEqual((report.load, report.increment), (3, 0.5))
        self.assertEqual(report.source, "exec")

    async def test_refused(self) -> None:
        """Whatever else it prints or does has its reason."""
        for script, words in (
            ("echo many", "printed 'many', not LOAD or LOAD INCREMENT"),
            ("true", "printed nothing"),
            ("echo -1", "load is negative: -1"),
            ("echo 1e999", "load is absurdly high: inf"),
            ("echo 3; echo no disk >&2; exit 4", "exit status 4: no disk"),
            ("kill -9 $$", "killed by signal 9"),
        ):
            self.assertEqual(await self.refused(script), words)

    async def test_no_program(self) -> None:
        """A program that is not there is a failure like any other."""
        feed = ExecFeed(command=("/nonexistent/load",))
        poller = ExecSource(ANY_REACTOR, feed).poller(ProbeTarget("192.0.2.1", "one"))
        error = await self.assertFailure(poller.poll(), FeedError)
        self.assertIn("/nonexistent/load", str(error))

    async def test_too_much(self) -> None:
        """A command that prints without end is ended."""
        words = await self.refused("while :; do echo 11111111111111111111; done")
        self.assertEqual(words, f"printed more than {MAX_OUTPUT} octets")

    async def test_hangs(self) -> None:
        """One that hangs is ended with all its children."""
        path = self.file()
        words = await self.refused(f"sleep 600 & echo $! > {path}; wait", 0.5)
        self.assertEqual(words, "not done in 0.5 s")
        await self.gone(read_pid(path))

    async def test_leaves_children(self) -> None:
        """Children that are left behind are ended, and keep nobody waiting."""
        path = self.file()
        report = await self.poller(f"sleep 600 & echo $! > {path}; echo 7").poll()
        assert report is not None
        self.assertEqual(report.load, 7)
        await self.gone(read_pid(path))

    async def test_cancel(self) -> None:
        """A poll that is given up ends its command."""
        path = self.file()
        polled = self.poller(
            f"echo $$ > {path}.new; mv {path}.new {path}; sleep 600"
        ).poll()
        ticks: Iterator[None] = iter([None] * 500)
        while not os.path.exists(path):
            next(ticks)
            await deferLater(ANY_REACTOR, 0.02)
        polled.cancel()
        await self.assertFailure(polled, CancelledError)
        await self.gone(read_pid(path))

    async def test_turns(self) -> None:
        """No more than a few run at once, and each gets its turn."""
        path = self.file()
        script = f"echo x >> {path}; wc -l < {path}; sleep 0.05"
        feed = ExecFeed(command=("sh", "-c", script), interval=60.0)
        source = ExecSource(ANY_REACTOR, feed)
        target = ProbeTarget("192.0.2.1", "one")
        count = MAX_AT_ONCE + 4
        polls = [source.poller(target).poll() for _ in range(count)]
        self.assertEqual(len(source.turns.waiting), 4)
        for polled in polls:
            await polled
        with open(path, encoding="ascii") as file:
            self.assertEqual(len(file.readlines()), count)


def read_pid(path: str) -> int:
    """The number in a file."""
    with open(path, encoding="ascii") as file:
        return int(file.read())


def is_running(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
