"""Files that are moved away, and a reader on a socket."""

import os
import socket
import tempfile
import threading
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dinamed.querylog.dnstap import CONTENT_TYPE
from dinamed.querylog.frames import Control, control, data
from dinamed.querylog.outlets import FrameFile, FrameSocket, LineFile

START = control(Control.START, CONTENT_TYPE)
STOP = control(Control.STOP)


class FileTests(SynchronousTestCase):
    """Whoever rotates logs need tell nobody."""

    def setUp(self) -> None:
        """Make a folder."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "log")
        self.moved = Path(folder.name, "moved")

    def test_moved_lines(self) -> None:
        """After a rename the next line goes to a new file."""
        file = LineFile(str(self.path))
        file.write(b"one\n", 0.0)
        os.rename(self.path, self.moved)
        file.write(b"two\n", 0.0)
        file.close()
        self.assertEqual(self.moved.read_bytes(), b"one\n")
        self.assertEqual(self.path.read_bytes(), b"two\n")
        self.assertEqual(self.path.stat().st_mode & 0o007, 0)

    def test_lines_are_appended(self) -> None:
        """What stands in the file stays."""
        self.path.write_bytes(b"old\n")
        file = LineFile(str(self.path))
        file.write(b"new\n", 0.0)
        file.close()
        self.assertEqual(self.path.read_bytes(), b"old\nnew\n")

    def test_moved_frames(self) -> None:
        """Each file of frames has a beginning; an old one is kept as `.1`."""
        self.path.write_bytes(b"old")
        file = FrameFile(str(self.path))
        file.write(data(b"a"), 0.0)
        os.rename(self.path, self.moved)
        file.write(data(b"b"), 0.0)
        file.close()
        self.assertEqual(Path(f"{self.path}.1").read_bytes(), b"old")
        self.assertEqual(self.moved.read_bytes(), START + data(b"a"))
        self.assertEqual(self.path.read_bytes(), START + data(b"b") + STOP)

    def test_no_folder(self) -> None:
        """A file that cannot be made is an error for the caller to tell."""
        file = LineFile(str(self.path / "below"))
        self.assertRaises(OSError, file.write, b"x", 0.0)


class SocketTests(SynchronousTestCase):
    """The handshake of Frame Streams."""

    def setUp(self) -> None:
        """Listen like a reader."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = str(Path(folder.name, "tap"))
        self.got = b""

    def listen(self, answer: bytes) -> threading.Thread:
        """Answer the first frame of one client with `answer`, and keep the rest."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen()
        self.addCleanup(listener.close)

        def read() -> None:
            with listener.accept()[0] as client:
                client.recv(65536)
                client.sendall(answer)
                while more := client.recv(65536):
                    self.got += more
                    if self.got.endswith(STOP):
                        client.sendall(control(Control.FINISH))

        thread = threading.Thread(target=read)
        thread.start()
        return thread

    def test_handshake(self) -> None:
        """READY, ACCEPT, START, data, STOP, FINISH."""
        thread = self.listen(control(Control.ACCEPT, CONTENT_TYPE))
        outlet = FrameSocket(self.path)
        self.assertTrue(outlet.write(data(b"abc"), 1.0))
        outlet.close()
        thread.join()
        self.assertEqual(self.got, START + data(b"abc") + STOP)

    def test_another_type(self) -> None:
        """A reader of something else is left alone."""
        thread = self.listen(control(Control.ACCEPT, b"protobuf:other"))
        outlet = FrameSocket(self.path)
        self.assertRaises(ConnectionError, outlet.write, data(b"abc"), 1.0)
        thread.join()
        self.assertEqual(self.got, b"")

    def test_rests(self) -> None:
        """While nobody listens, attempts get rarer, and frames are dropped."""
        outlet = FrameSocket(self.path)
        self.assertRaises(OSError, outlet.write, b"x", 100.0)
        self.assertFalse(outlet.write(b"x", 100.5))
        self.assertRaises(OSError, outlet.write, b"x", 101.0)
        self.assertFalse(outlet.write(b"x", 102.9))
        self.assertRaises(OSError, outlet.write, b"x", 103.0)
