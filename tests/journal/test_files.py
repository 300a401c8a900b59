"""The journal's files: whole lines, a bounded size, and nothing is lost."""

import os
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from dinamed.journal.events import Happening
from dinamed.journal.files import FILE_NAME, JournalFiles
from dinamed.journal.lines import JournalLine, encoded, event_line
from dinamed.journal.past import last_events


def line(number: int) -> bytes:
    """The line of an event of that number."""
    return event_line(
        Happening(number, float(number), "order", "mirrors/a", "drain"), None
    )


class JournalFilesTests(SynchronousTestCase):
    """JournalFiles."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.makedirs(self.folder)
        self.files = JournalFiles(self.folder, most=2000, files=3)

    def numbers(self) -> list[int]:
        """Of the events that can be read, the oldest first."""
        return [event.id for event in last_events(self.files)]

    def write(self, data: bytes) -> None:
        """Have this in the newest file."""
        with open(self.files.path, "wb") as file:
            file.write(data)

    def test_append(self) -> None:
        """What is appended can be read; two who append do not harm each other."""
        other = JournalFiles(self.folder)
        for number in range(1, 7):
            (self.files if number % 2 else other).append(line(number))
        self.assertEqual(self.numbers(), [1, 2, 3, 4, 5, 6])
        self.assertEqual(os.stat(self.files.path).st_mode & 0o777, 0o600)

    def test_bounded(self) -> None:
        """Full files get other names, and the oldest goes."""
        first = encoded(JournalLine(0.0, pools={}))
        for number in range(1, 200):
            if self.files.append(line(number)):
                self.files.turn(first)
        self.assertEqual(
            sorted(os.listdir(self.folder)),
            [FILE_NAME, f"{FILE_NAME}.1", f"{FILE_NAME}.2"],
        )
        sizes = [os.path.getsize(path) for path in self.files.paths()]
        self.assertLess(max(sizes), 2000 + len(line(100)))
        numbers = self.numbers()
        self.assertEqual(numbers, list(range(numbers[0], 200)))
        begins = [next(self.files.lines(path)) for path in self.files.paths()]
        self.assertEqual([one.pools for one in begins[:2]], [{}, {}])

    def test_turned_meanwhile(self) -> None:
        """Who finds that another process has turned the page leaves it so."""
        while not self.files.append(line(1)):
            pass
        self.files.turn(encoded(JournalLine(0.0, pools={})))
        self.files.turn(encoded(JournalLine(0.0, pools={})))
        self.assertEqual(len(self.files.paths()), 2)

    def test_damaged_end(self) -> None:
        """A line that a crash has cut off is kept aside, and those before stay."""
        self.write(line(1) + line(2) + line(3)[:20])
        aside = self.files.mend()
        with open(aside, "rb") as file:
            self.assertEqual(file.read(), line(3)[:20])
        self.assertIn(".bad", aside)
        self.files.append(line(4))
        self.assertEqual(self.numbers(), [1, 2, 4])
        self.assertEqual(self.files.mend(), "")

    def test_foreign(self) -> None:
        """A file of others is kept aside; a bad line amid good ones is skipped."""
        self.write(b"\x00\xff no journal")
        self.assertTrue(self.files.mend())
        self.assertEqual(os.path.getsize(self.files.path), 0)
        self.write(line(1) + b'{"at": "x"}\n\n[[[\n' + line(2))
        self.assertEqual(self.files.mend(), "")
        self.assertEqual(self.numbers(), [1, 2])

    def test_nothing(self) -> None:
        """Without a file there is nothing to mend or to read."""
        self.assertEqual(self.files.mend(), "")
        self.assertEqual(self.files.paths(), [])

    def test_half_written(self) -> None:
        """What the disk has no room for is taken back."""
        self.files.append(line(1))
        write = os.write
        with mock.patch("os.write", lambda fd, data: write(fd, data[:9])):
            self.assertRaises(OSError, self.files.append, line(2))
        self.files.append(line(3))
        self.assertEqual(self.numbers(), [1, 3])
