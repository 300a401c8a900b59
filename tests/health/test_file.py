"""The `file` check."""

import os
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import FileCheck
from dinamed.health.file import FileProbe, FileReactor, read_file, read_words
from dinamed.health.results import PASSED, Result, lacked
from tests.health.support import LOCAL


class WordsTests(SynchronousTestCase):
    """What contents mean."""

    def test_table(self) -> None:
        """Up, down, and what is neither."""
        for data, reason in (
            (b"", ""),
            (b" \n", ""),
            (b"up", ""),
            (b"UP since monday\n", ""),
            (b"down\n", "says down"),
            (b"Down for repair\nof disks", "for repair"),
            (b"maybe\n", "says neither up nor down but maybe"),
            (b"\xff\xfe", "says neither up nor down but ??"),
        ):
            self.assertEqual(read_words(data), Result(not reason, reason), data)


class ReadTests(SynchronousTestCase):
    """What files say."""

    def write(self, content: bytes, changed: float = 1000.0) -> str:
        """A file with that content and time of change."""
        path: str = self.mktemp()
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (changed, changed))
        return path

    def test_content(self) -> None:
        """The content counts, however long the file is."""
        self.assertEqual(read_file(self.write(b"up"), None, 9999.0), PASSED)
        path = self.write(b"down " + b"x" * 10_000_000)
        self.assertFalse(read_file(path, None, 9999.0).ok)

    def test_age(self) -> None:
        """An old file is down whatever it says."""
        path = self.write(b"up")
        self.assertEqual(read_file(path, 60.0, 1060.0), PASSED)
        old = Result(False, "not written for 61 s")
        self.assertEqual(read_file(path, 60.0, 1061.0), old)

    def test_missing(self) -> None:
        """No file is down, with the system's words."""
        result = read_file(self.mktemp(), None, 0.0)
        self.assertEqual(result.reason, "can't read: No such file or directory")

    def test_other_kinds(self) -> None:
        """Folders, devices and pipes without a writer are refused at once."""
        pipe = self.mktemp()
        os.mkfifo(pipe)
        for path in (os.curdir, "/dev/zero", pipe):
            result = read_file(path, None, 0.0)
            self.assertEqual(result, Result(False, "not a regular file"), path)


class ProbeTests(SynchronousTestCase):
    """Reads in threads, here ones that run when they are told to."""

    def setUp(self) -> None:
        """Make a probe."""
        self.clock = Clock()
        cast(Any, self.clock).callFromThread = lambda call, *a: call(*a)
        self.threads: list[Callable[[], None]] = []
        self.path = self.mktemp()
        with open(self.path + LOCAL.name, "wb"):
            pass
        self.probe = FileProbe(
            cast(FileReactor, self.clock),
            FileCheck(path=self.path + "{name}"),
            self.threads.append,
        )

    def test_reads(self) -> None:
        """The file by the member's name is read."""
        found = self.probe.probe(LOCAL)
        self.assertNoResult(found)
        self.threads.pop()()
        self.assertEqual(self.successResultOf(found), PASSED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_hangs(self) -> None:
        """A read that hangs is given up, and none is begun beside it."""
        found = self.probe.probe(LOCAL)
        self.clock.advance(5)
        self.assertEqual(self.successResultOf(found), Result(False, "not read in 5 s"))
        again = self.successResultOf(self.probe.probe(LOCAL))
        self.assertEqual(again, Result(False, "the read before hangs"))
        self.assertEqual(len(self.threads), 1)
        self.threads.pop()()
        self.assertNoResult(self.probe.probe(LOCAL))

    def test_cancel(self) -> None:
        """A result that comes after it was given up is dropped."""
        found = self.probe.probe(LOCAL)
        found.cancel()
        self.failureResultOf(found)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.threads.pop()()

    def test_no_threads(self) -> None:
        """Without a thread the check fails."""

        def refuse(_: Callable[[], None]) -> None:
            raise RuntimeError("can't start new thread")

        check = FileCheck(path="x")
        probe = FileProbe(cast(FileReactor, self.clock), check, refuse)
        result = self.successResultOf(probe.probe(LOCAL))
        self.assertEqual(result, lacked("can't start new thread"))
