"""HTTP connections: how many, how long, and how much is kept for them."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from dinamed.config.limits import Limits
from dinamed.web.channel import PATIENCE, LimitedChannel
from dinamed.web.limits import RateLimit
from dinamed.web.resources import Endpoint
from dinamed.web.site import IDLE_TIMEOUT, QuietSite

ASK = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = b"x" * 700_000


class Wire(StringTransport):
    """A peer that reads when it is told to; 64 KiB may wait for it."""

    gone = False
    full = False

    def __init__(self, host: str) -> None:
        super().__init__(
            IPv4Address("TCP", "127.0.0.1", 80), IPv4Address("TCP", host, 4000)
        )
        self.waiting = 0

    def write(self, data: bytes) -> None:
        """Take octets; those who write are told to stop when it is full."""
        super().write(data)
        self.waiting += len(data)
        if self.waiting > 65536 and self.producer is not None and not self.full:
            self.full = True
            self.producer.pauseProducing()

    def read(self) -> None:
        """Read all that waits."""
        self.waiting = 0
        if self.producer is not None and self.full:
            self.full = False
            self.producer.resumeProducing()

    def abortConnection(self) -> None:
        """The connection is reset."""
        self.gone = True

    def loseConnection(self) -> None:
        """The connection is closed."""
        self.gone = True


class ChannelTests(SynchronousTestCase):
    """A site without a network, on a clock of its own."""

    def setUp(self) -> None:
        """One large page, and how often it was made."""
        self.clock = Clock()
        self.made = 0
        root = Resource()
        root.putChild(b"large", Endpoint({b"GET": self._large}))
        root.putChild(b"healthz", Endpoint({b"GET": lambda request: b"ok"}))
        self.site = QuietSite(
            root, self.clock, RateLimit(lambda: 0.0), hosts=("dns.example",)
        )

    def _large(self, request: Request) -> bytes:
        self.made += 1
        return LARGE

    def connect(self, host: str = "192.0.2.1") -> tuple[Any, Wire]:
        """A new connection from an address."""
        channel: Any = self.site.buildProtocol(IPv4Address("TCP", host, 4000))
        assert isinstance(channel, LimitedChannel)
        wire = Wire(host)
        channel.makeConnection(wire)
        self.addCleanup(channel.connectionLost, Failure(ConnectionError()))
        return channel, wire

    def ask(self, request: bytes) -> bytes:
        """The first line of the reply to a request from loopback."""
        channel, wire = self.connect("127.0.0.1")
        channel.dataReceived(request)
        line: bytes = wire.value().partition(b"\r\n")[0]
        return line

    def test_replies_wait_for_the_reader(self) -> None:
        """Pipelined requests are answered as fast as their replies are read."""
        channel, wire = self.connect()
        channel.dataReceived(ASK * 100)
        self.clock.advance(1)
        self.assertEqual(self.made, 1)
        self.assertLess(len(wire.value()), 3 * 65536)
        for _ in range(30):
            wire.read()
            self.clock.advance(0.1)
        self.assertIn(self.made, range(2, 8))
        self.assertEqual(wire.value()[:15], b"HTTP/1.1 200 OK")
        while self.made < 100:
            wire.read()
            self.clock.advance(0.1)
        for _ in range(20):
            wire.read()
            self.clock.advance(0.1)
        self.assertEqual(wire.value().count(b"HTTP/1.1 200 OK"), 100)
        self.assertEqual(wire.value().count(LARGE), 100)

    def test_who_does_not_read_is_cut_off(self) -> None:
        """A client has so long to read what waits for it, and no longer."""
        channel, wire = self.connect()
        channel.dataReceived(ASK)
        self.clock.advance(PATIENCE - 1)
        wire.read()
        self.clock.advance(PATIENCE - 1)
        self.assertFalse(wire.gone)
        self.clock.advance(2)
        self.assertTrue(wire.gone)

    def test_idle(self) -> None:
        """Without a request a connection ends, and after a reply it has time again."""
        channel, wire = self.connect()
        self.clock.advance(IDLE_TIMEOUT - 1)
        channel.dataReceived(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        self.clock.advance(IDLE_TIMEOUT - 1)
        self.assertFalse(wire.gone)
        self.clock.advance(2)
        self.assertTrue(wire.gone)

    def test_dripping(self) -> None:
        """Octet by octet is not in time, be it the headers or the body."""
        starts = (
            b"",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
        )
        for start in starts:
            channel, wire = self.connect()
            channel.dataReceived(start)
            for passed in range(0, IDLE_TIMEOUT + 10, 10):
                self.assertEqual(wire.gone, passed >= IDLE_TIMEOUT)
                channel.dataReceived(b"x")
                self.clock.advance(10)
            self.assertTrue(wire.gone, start)

    def test_one_too_many(self) -> None:
        """The one that was idle the longest gives way, of the fullest network first."""
        self.site.take_limits(Limits(http_connections=4, http_per_prefix=3))
        first = self.connect("198.51.100.1")
        mine = [self.connect(f"192.0.2.{number}") for number in range(3)]
        self.clock.advance(1)
        mine[0][0].dataReceived(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        self.connect("192.0.2.9")
        gone = [wire.gone for _, wire in [first, *mine]]
        self.assertEqual(gone, [False, False, True, False])
        self.assertEqual(len(self.site.connections), 4)

    def test_odd_octets(self) -> None:
        """What is not UTF-8 in a header is the client's fault."""
        for name in (b"Host", b"Origin", b"Content-Type", b"X", b"Authorization"):
            request = b"GET /large HTTP/1.1\r\n%s: \xff\xfe\r\n\r\n" % name
            self.assertEqual(self.ask(request), b"HTTP/1.1 400 Bad Request", name)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_hosts(self) -> None:
        """On loopback nobody may know us by somebody else's name."""
        for host, status in (
            (b"localhost:8053", 200),
            (b"LOCALHOST.", 200),
            (b"127.0.0.1:8053", 200),
            (b"127.9.9.9", 200),
            (b"[::1]:8053", 200),
            (b"dns.example:80", 200),
            (b"evil.example", 403),
            (b"localhost.evil.example", 403),
            (b"127.0.0.1.evil.example", 403),
            (b"192.0.2.1", 403),
            (b"[::1", 403),
            (b"", 403),
        ):
            line = self.ask(b"GET /large HTTP/1.1\r\nHost: %s\r\n\r\n" % host)
            self.assertEqual(int(line.split()[1]), status, host)
        line = self.ask(b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        self.assertEqual(line, b"HTTP/1.1 200 OK")
        line = self.ask(b"GET /large HTTP/1.0\r\n\r\n")
        self.assertEqual(line, b"HTTP/1.0 200 OK")
        line = self.ask(b"GET /large HTTP/1.1\r\nHost: localhost\r\nHost: a\r\n\r\n")
        self.assertEqual(line, b"HTTP/1.1 400 Bad Request")
