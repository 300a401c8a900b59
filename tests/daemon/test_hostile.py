"""Bytes that no honest client sends: an answer or silence, and the next query works."""

import contextlib
import random
import socket
import struct
from collections.abc import Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from tests.daemon.harness import wait_until
from tests.daemon.scenario import ZONE, AskingCase

QUESTION = dns.message.make_query(ZONE, "SOA", flags=0).to_wire()[12:]
LONG_LABEL = b"\x3f" + b"a" * 63


def header(
    qd: int = 1, an: int = 0, ns: int = 0, ar: int = 0, flags: int = 0, ident: int = 7
) -> bytes:
    """A header with these counts."""
    return struct.pack("!6H", ident, flags, qd, an, ns, ar)


def frame(packet: bytes) -> bytes:
    """A packet as it travels over TCP."""
    return struct.pack("!H", len(packet)) + packet


def opt(rdata: bytes = b"", length: int | None = None, owner: bytes = b"\0") -> bytes:
    """An OPT record; its length may lie."""
    size = len(rdata) if length is None else length
    return owner + struct.pack("!HHIH", 41, 1232, 0, size) + rdata


# Each must get FORMERR or silence: never NOERROR.
MALFORMED: dict[str, bytes] = {
    "question missing": header(),
    "question cut in the name": header() + QUESTION[:5],
    "question cut before the class": header() + QUESTION[:-2],
    "pointer to itself": header() + b"\xc0\x0c\0\x06\0\x01",
    "two pointers in a ring": header() + b"\xc0\x0e\xc0\x0c\0\x06\0\x01",
    "pointer past the end": header() + b"\xff\xff\0\x06\0\x01",
    "pointer into the header": header() + b"\x03www\xc0\x00\0\x06\0\x01",
    "label type 0x41": header() + b"\x41" + b"a" * 65 + b"\0\0\x06\0\x01",
    "label type 0x80": header() + b"\x80" + QUESTION,
    "name over 255 bytes": header() + LONG_LABEL * 5 + b"\0\0\x06\0\x01",
    "name without an end": header() + LONG_LABEL * 3,
    "two questions": header(qd=2) + QUESTION * 2,
    "65535 questions": header(qd=65535) + QUESTION,
    "trailing byte": header() + QUESTION + b"\0",
    "trailing kilobyte": header() + QUESTION + b"\xff" * 1024,
    "additional record missing": header(ar=1) + QUESTION,
    "answer record missing": header(an=1) + QUESTION,
    "two OPT records": header(ar=2) + QUESTION + opt() * 2,
    "OPT longer than the message": header(ar=1) + QUESTION + opt(length=9),
    "OPT with an owner": header(ar=1) + QUESTION + opt(owner=b"\x01a\0"),
    "option longer than the OPT": header(ar=1) + QUESTION + opt(b"\0\x03\0\x09a"),
    "option without a length": header(ar=1) + QUESTION + opt(b"\0\x03\0"),
}

# Too short for a header, or no query at all: there is nobody to answer.
UNANSWERABLE: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\0",
    "eleven bytes": header()[:11],
    "a reply": header(flags=dns.flags.QR) + QUESTION,
    "a reply cut short": header(flags=dns.flags.QR) + QUESTION[:5],
}


class HostileCase(AskingCase):
    """A good query after each attack."""

    purpose = "hostile"

    def assert_serves(self) -> None:
        """The next good query is answered, over UDP and TCP."""
        for tcp in (False, True):
            reply = self.daemon.ask(ZONE, "SOA", tcp=tcp)
            self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
            self.assertEqual(len(reply.answer), 1)

    def connect(self, seconds: float = 5.0) -> socket.socket:
        """A TCP connection that is closed when the test ends."""
        where = ("127.0.0.1", self.daemon.port)
        sock = socket.create_connection(where, seconds)
        self.addCleanup(sock.close)
        return sock


class UdpTests(HostileCase):
    """Over UDP."""

    def replies(self, packets: Sequence[bytes]) -> list[bytes]:
        """What comes back to some packets before the answer to a good query does."""
        marker = dns.message.make_query(ZONE, "SOA", flags=0, id=0xBEEF).to_wire()
        found = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(("127.0.0.1", self.daemon.port))
            for packet in packets:
                sock.send(packet)
            sock.send(marker)
            while (reply := sock.recv(65535))[:2] != b"\xbe\xef":
                found.append(reply)
        return found

    def test_malformed(self) -> None:
        """FORMERR with nothing in it, or silence."""
        for name, packet in MALFORMED.items():
            with self.subTest(name):
                for reply in self.replies([packet]):
                    self.assertEqual(reply[:2], packet[:2], name)
                    self.assertEqual(reply[3] & 15, dns.rcode.FORMERR, name)
                    self.assertEqual(reply[2] & 0xF8, 0x80, name)
                    self.assertEqual(reply[6:10], bytes(4), name)
        self.assert_serves()

    def test_two_questions_are_answered(self) -> None:
        """Silence would do no good here: RFC 9619 asks for FORMERR."""
        (reply,) = self.replies([MALFORMED["two questions"]])
        self.assertEqual(reply[3] & 15, dns.rcode.FORMERR)

    def test_unanswerable(self) -> None:
        """Silence."""
        for name, packet in UNANSWERABLE.items():
            with self.subTest(name):
                self.assertEqual(self.replies([packet]), [], name)
        self.assert_serves()

    def test_chance(self) -> None:
        """Good queries with bytes changed, cut or doubled, by chance; none is lost."""
        rng = random.Random(20260)
        good = header(ar=1) + QUESTION + opt(b"\0\x08\0\x07\0\x01\x18\0\xc6\x33\x64")
        for _ in range(60):
            packets = []
            for _ in range(10):
                packet = bytearray(good)
                for _ in range(rng.randrange(1, 6)):
                    packet[rng.randrange(2, len(packet))] = rng.randrange(256)
                packets.append(bytes(packet[: rng.randrange(12, len(packet) + 1)]))
            for reply in self.replies(packets):
                self.assertTrue(reply[2] & 0x80)
        self.assert_serves()

    def test_largest_datagram(self) -> None:
        """As large as loopback takes it: silence to a reply, FORMERR to no question."""
        self.assertEqual(self.replies([b"\xff" * 65507]), [])
        for reply in self.replies([b"\0" * 65507]):
            self.assertEqual(reply, header(qd=0, ident=0, flags=0x8001))
        self.assert_serves()


class TcpTests(HostileCase):
    """Over TCP."""

    def read_to_the_end(self, sock: socket.socket) -> bytes:
        """All that comes until the other side closes, or breaks off."""
        found = b""
        with contextlib.suppress(ConnectionError):
            while data := sock.recv(65536):
                found += data
        return found

    def replies(self, packet: bytes) -> list[bytes]:
        """What comes back to one packet, before the answer to a good query or the end.

        A good query follows on the same connection, which the daemon may have closed.
        """
        sock = self.connect()
        marker = dns.message.make_query(ZONE, "SOA", flags=0, id=0xBEEF).to_wire()
        with contextlib.suppress(ConnectionError):
            sock.sendall(frame(packet))
            sock.sendall(frame(marker))
        stream, found = b"", list[bytes]()
        while True:
            try:
                data = sock.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                self.assertEqual(stream, b"", "cut in the middle of a reply")
                return found
            stream += data
            while len(stream) >= 2 + int.from_bytes(stream[:2], "big"):
                size = int.from_bytes(stream[:2], "big")
                reply, stream = stream[2 : 2 + size], stream[2 + size :]
                if reply[:2] == b"\xbe\xef":
                    return found
                found.append(reply)

    def test_malformed(self) -> None:
        """FORMERR, or silence, or the connection is closed; nothing else."""
        for name, packet in MALFORMED.items():
            with self.subTest(name):
                for reply in self.replies(packet):
                    self.assertEqual(reply[:2], packet[:2], name)
                    self.assertEqual(reply[3] & 15, dns.rcode.FORMERR, name)
        self.assert_serves()

    def test_unanswerable(self) -> None:
        """No reply; the connection may be closed."""
        for name, packet in UNANSWERABLE.items():
            with self.subTest(name):
                self.assertEqual(self.replies(packet), [], name)
        self.assert_serves()

    def test_largest_frame(self) -> None:
        """64 kB of nothing, and 64 kB behind a good question."""
        for packet in (b"\0" * 65535, (header() + QUESTION).ljust(65535, b"x")):
            for reply in self.replies(packet):
                self.assertEqual(reply[3] & 15, dns.rcode.FORMERR)
        self.assert_serves()

    def test_one_byte_at_a_time(self) -> None:
        """A good query in single bytes is answered all the same."""
        sock = self.connect()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(header() + QUESTION):
            sock.sendall(bytes([byte]))
        reply = dns.message.from_wire(sock.recv(65536)[2:])
        self.assertEqual(len(reply.answer), 1)

    def test_half_closed(self) -> None:
        """Who asks and then closes his side of the connection still gets answers."""
        sock = self.connect()
        sock.sendall(frame(header() + QUESTION) * 3)
        sock.shutdown(socket.SHUT_WR)
        found = self.read_to_the_end(sock)
        size = int.from_bytes(found[:2], "big") + 2
        self.assertEqual(len(found), 3 * size)

    def test_half_open_connections(self) -> None:
        """Many connections that say nothing, or half a frame, block nobody."""
        for number in range(60):
            self.connect().sendall(b"\x00\x40half"[: number % 7])
        self.assert_serves()

    def test_reset_while_answering(self) -> None:
        """A client that resets after many queries."""
        packet = header() + QUESTION
        for _ in range(5):
            sock = self.connect()
            linger = struct.pack("ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.sendall(frame(packet) * 200)
            sock.close()
        self.assert_serves()

    def test_never_reads(self) -> None:
        """A client that asks on and on and reads nothing is not buffered for ever."""
        before = self.memory()
        query = dns.message.make_query(f"big.{ZONE}", "TXT", flags=0).to_wire()
        frames = frame(query) * 2000
        sock = self.connect(0.5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        with self.assertRaises(OSError):  # it stops reading, or closes
            for _ in range(150):
                sock.sendall(frames)
        self.assertTrue(wait_until(lambda: self.daemon.answers()))
        self.assertLess(self.memory() - before, 32_000_000)
        self.assert_serves()

    def memory(self) -> int:
        """Resident bytes of the daemon."""
        with open(f"/proc/{self.daemon.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * 4096
