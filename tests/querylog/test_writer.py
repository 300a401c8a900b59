"""The writer: what is dropped, what is told."""

import errno
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from dinamed.querylog import writer
from dinamed.querylog.exchange_reader import ReadExchange
from dinamed.querylog.plane_log import Outcome, Written
from dinamed.querylog.writer import Branch, Writer
from tests.querylog.support import bench, exchange


class MemoryOutlet:
    """Keeps what is written; fails or drops when told to."""

    def __init__(self) -> None:
        self.kept = b""
        self.error: OSError | None = None
        self.dropping = False
        self.closed = False
        self.given_up = 0

    def descriptor(self, now: float) -> None:
        """Nothing: there is no plane."""

    def give_up(self) -> None:
        """Take note."""
        self.given_up += 1

    def write(self, data: bytes, now: float) -> bool:
        """Keep it."""
        if self.error is not None:
            raise self.error
        if not self.dropping:
            self.kept += data
        return not self.dropping

    def close(self) -> None:
        """Take note."""
        self.closed = True


class ScriptedPlane:
    """A plane's part that ends as it is told to, one time after the other."""

    def __init__(self, *script: Written) -> None:
        self.script = list(script)
        self.seen: list[list[int | None]] = []
        self.written = self.dropped = 0

    def write(self, descriptors: Sequence[int | None], seconds: float) -> Written:
        """The next of the script; then nothing more."""
        self.seen.append(list(descriptors))
        written = self.script.pop(0) if self.script else Written(Outcome.DONE)
        if written.outcome is Outcome.DONE:
            self.written += 1
        return written


def form(seen: ReadExchange) -> bytes:
    """One letter for an exchange."""
    return b"."


class WriterTests(SynchronousTestCase):
    """The thread's work, without the thread where that can be."""

    def setUp(self) -> None:
        """Make a writer with one outlet."""
        self.server = bench()
        self.outlet = MemoryOutlet()
        self.told: list[str] = []
        self.writer = Writer(
            [Branch("there", self.outlet, form)],
            lambda: self.server.snapshot,
            self.told.append,
        )
        self.one = exchange(self.server, "ftp")

    def test_writes_all_before_the_end(self) -> None:
        """What was offered before the stop is written, and the outlet closed."""
        for _ in range(3):
            self.writer.offer(self.one)
        self.writer.start()
        self.writer.stop()
        self.assertEqual(self.outlet.kept, b"...")
        self.assertTrue(self.outlet.closed)
        self.assertEqual(self.writer.counts.written, 3)

    def test_plane(self) -> None:
        """What the plane leaves to Python is written; errors are told once."""
        failed = Written(Outcome.FAILED, None, 0, errno.ENOSPC)
        left = Written(Outcome.EXCHANGE, self.one)
        plane = ScriptedPlane(failed, failed, left)
        together = Writer(
            [Branch("there", self.outlet, form)],
            lambda: self.server.snapshot,
            self.told.append,
            plane,
        )
        together.start()
        together.stop()
        self.assertTrue(together.ended)
        self.assertEqual(self.outlet.kept, b".")
        self.assertEqual(self.outlet.given_up, 2)
        self.assertEqual(
            self.told,
            [
                "cannot write there: [Errno 28] No space left on device",
                "can write there again",
            ],
        )
        self.assertEqual(plane.seen[0], [None, -1, -1])
        self.assertEqual(together.counts.written, 1 + plane.written)

    def test_full(self) -> None:
        """Beyond what may wait, exchanges are dropped and counted."""
        self.patch(writer, "MOST_WAITING", 2)
        for _ in range(5):
            self.writer.offer(self.one)
        self.assertEqual(self.writer.counts.dropped, 3)

    def test_errors_are_told_once(self) -> None:
        """A disk that is full is told once, and once when it is not any more."""
        self.outlet.error = OSError(28, "No space left on device")
        self.writer.write([self.one], 0.0)
        self.writer.write([self.one], 1.0)
        self.outlet.error = None
        self.outlet.dropping = True
        self.writer.write([self.one], 2.0)
        self.outlet.dropping = False
        self.writer.write([self.one], 3.0)
        self.assertEqual(
            self.told,
            [
                "cannot write there: [Errno 28] No space left on device",
                "can write there again",
            ],
        )
        counts = self.writer.counts
        self.assertEqual((counts.written, counts.dropped), (1, 3))
