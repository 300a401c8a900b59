"""The writer: what is dropped, what is told."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.querylog import writer
from dinamed.querylog.exchange_reader import ReadExchange
from dinamed.querylog.writer import Branch, Writer
from tests.querylog.support import bench, exchange


class MemoryOutlet:
    """Keeps what is written; fails or drops when told to."""

    def __init__(self) -> None:
        self.kept = b""
        self.error: OSError | None = None
        self.dropping = False
        self.closed = False

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
