"""The `status` check: status files of geodns."""

import json
import os
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import StatusCheck
from dinamed.health.file import FileReactor
from dinamed.health.results import PASSED, ProbeTarget, Result
from dinamed.health.status import StatusProbe, judged, read_status

BAD = Result(False, "status www says bad")


class ReadTests(SynchronousTestCase):
    """What files and keys say."""

    def test_judged(self) -> None:
        """Only 1 is bad; what is unknown or strange passes."""
        strange: tuple[object, ...] = (0, 2, None, "1", True, 1.5, [])
        for status in strange:
            self.assertEqual(judged(status, "www"), PASSED, status)
        self.assertEqual(judged(1, "www"), BAD)

    def test_files(self) -> None:
        """What is no status file has no keys."""
        path: str = self.mktemp()
        self.assertEqual(read_status(path), {})
        os.mkdir(path)
        self.assertEqual(read_status(path), {})
        for content, keys in (
            (b'{"www": 1}', {"www": 1}),
            (b"[1]", {}),
            (b"{", {}),
            (b"", {}),
            (b"\xff", {}),
            (b"[" * 100000, {}),
        ):
            path = self.mktemp()
            with open(path, "wb") as file:
                file.write(content)
            self.assertEqual(read_status(path), keys)


class ProbeTests(SynchronousTestCase):
    """Probing by address."""

    def setUp(self) -> None:
        """Make a folder with one file, and a probe whose reads wait for the test."""
        self.folder: str = self.mktemp()
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "pop.json"), "w") as file:
            json.dump({"www": 1, "ftp": 2}, file)
        self.reads: list[Callable[[], None]] = []
        self.clock = Clock()
        reactor: Any = self.clock
        reactor.callFromThread = lambda work, *arguments: work(*arguments)
        keys = (("192.0.2.1", "pop/www"), ("192.0.2.2", "pop/ftp"))
        check = StatusCheck(directory=self.folder, keys=keys, interval=2.0)
        self.probe = StatusProbe(cast(FileReactor, reactor), check, self.reads.append)

    def ask(self, address: str) -> "Deferred[Result]":
        """Probe one address."""
        return self.probe.probe(ProbeTarget(address, "name"))

    def test_one_read_for_all(self) -> None:
        """Those who ask while the file is being read share the read."""
        first, second = self.ask("192.0.2.1"), self.ask("192.0.2.2")
        self.assertEqual(len(self.reads), 1)
        self.reads[0]()
        self.assertEqual(self.successResultOf(first), BAD)
        self.assertEqual(self.successResultOf(second), PASSED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_key(self) -> None:
        """An address without a key passes, and nothing is read."""
        self.assertEqual(self.successResultOf(self.ask("192.0.2.3")), PASSED)
        self.assertEqual(self.reads, [])

    def test_a_read_that_hangs(self) -> None:
        """Who waits too long passes; the next one waits for the same read."""
        first = self.ask("192.0.2.1")
        self.clock.advance(1.0)
        self.assertEqual(self.successResultOf(first), PASSED)
        second = self.ask("192.0.2.1")
        self.assertEqual(len(self.reads), 1)
        self.reads[0]()
        self.assertEqual(self.successResultOf(second), BAD)
