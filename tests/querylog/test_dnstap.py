"""The octets of dnstap and of Frame Streams."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from dinamed.querylog.dnstap import CONTENT_TYPE, payload
from dinamed.querylog.exchange_reader import ExchangeReader
from dinamed.querylog.frames import Control, accepts, control, data
from dinamed.querylog.outlets import FrameFile
from tests.querylog.support import bench, exchange


class FrameTests(SynchronousTestCase):
    """Frames have the octets that the format's page gives."""

    def test_control(self) -> None:
        """START has a type, and its content type as a field."""
        self.assertEqual(
            control(Control.START, b"abc"),
            bytes.fromhex("00000000 0000000f 00000002 00000001 00000003") + b"abc",
        )
        self.assertEqual(control(Control.STOP).hex(), "000000000000000400000003")

    def test_data(self) -> None:
        """A payload follows its length."""
        self.assertEqual(data(b"xyz"), b"\0\0\0\3xyz")

    def test_accepts(self) -> None:
        """A reader accepts our type, any type, or not."""
        ours = control(Control.ACCEPT, CONTENT_TYPE)[8:]
        self.assertTrue(accepts(ours, CONTENT_TYPE))
        self.assertTrue(accepts(control(Control.ACCEPT)[8:], CONTENT_TYPE))
        self.assertFalse(accepts(control(Control.ACCEPT, b"x")[8:], CONTENT_TYPE))
        self.assertFalse(accepts(control(Control.READY)[8:], CONTENT_TYPE))


class ReaderTests(SynchronousTestCase):
    """A reader of another make understands it."""

    def test_dnstap_read(self) -> None:
        """`dnstap-read` prints the client, the name and the member."""
        tool = shutil.which("dnstap-read")
        if tool is None:
            raise SkipTest("dnstap-read is not installed")
        server = bench()
        seen = ExchangeReader(server.snapshot).see(exchange(server, "ftp", stream=True))
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "tap"))
            file = FrameFile(path)
            file.write(data(payload(seen, "ns1", "dinamed 1")), 0.0)
            file.close()
            printed = subprocess.run(
                [tool, "-y", path],
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            ).stdout
        for text in (
            "identity: ns1",
            "version: dinamed 1",
            "type: AUTH_RESPONSE",
            "socket_protocol: TCP",
            'query_address: "192.0.2.77"',
            "query_port: 4242",
            "query_zone: example.org.",
            "ftp.example.org. 60 IN A 192.0.2.1",
        ):
            self.assertIn(text, printed)

    def test_extra(self) -> None:
        """`extra` is field 3: the pool and its members."""
        server = bench()
        seen = ExchangeReader(server.snapshot).see(exchange(server, "ftp"))
        self.assertIn(b"\x1a\x0cmirrors fra1", payload(seen, "", ""))
