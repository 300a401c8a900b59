"""Tests for DNS over streams."""

import socket
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from dinamed.config.limits import Limits
from dinamed.plans.engine import Learner
from dinamed.server.responder import Responder
from dinamed.server.stream import StreamFactory, StreamProtocol
from tests.server.support import Parrot, frame


class Transport(StringTransport):
    """A transport that says which way it was closed."""

    aborted = False

    def abortConnection(self) -> None:
        """Closed at once."""
        self.aborted = True
        self.disconnecting = True


class StreamCase(SynchronousTestCase):
    """A factory on a clock, and connections to it."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.parrot = Parrot()
        self.factory = self.make_factory()

    def make_factory(
        self, most: int = 400, per_client: int = 100, per_prefix: int = 200
    ) -> StreamFactory:
        """A factory with these limits."""
        limits = Limits(
            tcp_idle=30,
            tcp_total=300,
            tcp_connections=most,
            tcp_per_client=per_client,
            tcp_per_prefix=per_prefix,
        )
        return StreamFactory(self.parrot, self.clock, limits)

    def connect(self, host: str = "192.0.2.1") -> tuple[StreamProtocol, Transport]:
        """A new connection from `host`."""
        protocol = self.factory.buildProtocol(None)
        transport = Transport(peerAddress=IPv4Address("TCP", host, 4000))
        protocol.makeConnection(transport)
        return protocol, transport

    def lose(self, protocol: StreamProtocol) -> None:
        """The transport tells that a connection is gone."""
        protocol.connectionLost(Failure(ConnectionError()))


class ProtocolTests(StreamCase):
    """One connection."""

    def test_interfaces(self) -> None:
        """It produces for its transport, and knows of half-closed connections."""
        protocol, _ = self.connect()
        self.assertTrue(verifyObject(IPushProducer, protocol))
        self.assertTrue(verifyObject(IHalfCloseableProtocol, protocol))

    def test_message(self) -> None:
        """A message is answered in its frame; the responder knows the client."""
        protocol, transport = self.connect()
        protocol.dataReceived(frame(b"hello"))
        self.assertEqual(transport.value(), frame(b"hello"))
        self.assertEqual(self.parrot.heard, [(b"hello", "192.0.2.1", True)])

    def test_pipelining(self) -> None:
        """Queries in one segment are all answered, in order."""
        protocol, transport = self.connect()
        messages = [b"%d" % number * number for number in range(1, 50)]
        whole = b"".join(map(frame, messages))
        protocol.dataReceived(whole)
        self.assertEqual(transport.value(), whole)

    def test_one_octet_at_a_time(self) -> None:
        """The frames may come in any pieces."""
        protocol, transport = self.connect()
        whole = frame(b"hello") + frame(b"x" * 300)
        for number in range(len(whole)):
            protocol.dataReceived(whole[number : number + 1])
        self.assertEqual(transport.value(), whole)

    def test_longest(self) -> None:
        """A frame may hold 65535 octets, in the query and the reply."""
        protocol, transport = self.connect()
        protocol.dataReceived(frame(b"x" * 65535))
        self.assertEqual(len(transport.value()), 65537)

    def test_no_dns(self) -> None:
        """What gets no answer ends the connection; nothing behind it is read."""
        protocol, transport = self.connect()
        protocol.dataReceived(frame(b"a") + frame(b"") + frame(b"b"))
        self.assertEqual(transport.value(), frame(b"a"))
        self.assertTrue(transport.disconnecting)
        self.assertFalse(transport.aborted)
        self.assertIsNone(transport.producer)
        self.assertEqual(len(self.parrot.heard), 2)

    def test_idle(self) -> None:
        """After the time without a whole query the connection is cut."""
        protocol, transport = self.connect()
        self.clock.advance(29)
        protocol.dataReceived(frame(b"a"))
        self.clock.advance(29)
        self.assertFalse(transport.aborted)
        protocol.dataReceived(b"\0\5par")
        self.clock.advance(2)
        self.assertTrue(transport.aborted)

    def test_in_all(self) -> None:
        """However much is asked, there is an end; replies that are out are read."""
        protocol, transport = self.connect()
        for _ in range(19):
            self.clock.advance(15)
            protocol.dataReceived(frame(b"a"))
        self.assertFalse(transport.disconnecting)
        self.clock.advance(15)
        self.assertTrue(transport.disconnecting)
        self.assertFalse(transport.aborted)
        protocol.dataReceived(frame(b"late"))
        self.assertEqual(transport.value(), frame(b"a") * 19)
        self.clock.advance(30)
        self.assertTrue(transport.aborted)

    def test_one_octet_in_a_while(self) -> None:
        """A query that trickles in does not keep a connection open."""
        protocol, transport = self.connect()
        for octet in frame(b"x" * 40)[:-1]:
            if transport.aborted:
                break
            protocol.dataReceived(bytes((octet,)))
            self.clock.advance(1)
        self.assertTrue(transport.aborted)
        self.assertLessEqual(self.clock.seconds(), 30)

    def test_no_timer_stays(self) -> None:
        """A connection that is gone leaves nothing on the clock."""
        protocol, _ = self.connect()
        self.lose(protocol)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.factory.open_connections, 0)

    def test_back_pressure(self) -> None:
        """While replies wait to be written, no queries are answered."""
        protocol, transport = self.connect()
        self.assertIs(transport.producer, protocol)
        self.assertTrue(transport.streaming)
        protocol.pauseProducing()
        self.assertEqual(transport.producerState, "paused")
        protocol.dataReceived(frame(b"a") + frame(b"b"))
        self.assertEqual(transport.value(), b"")
        protocol.resumeProducing()
        self.assertEqual(transport.producerState, "producing")
        self.assertEqual(transport.value(), frame(b"a") + frame(b"b"))

    def test_paused_in_the_middle(self) -> None:
        """A pause takes effect between two queries of one segment."""
        protocol, transport = self.connect()
        write = transport.write

        def pausing(data: bytes) -> None:
            write(data)
            protocol.pauseProducing()

        transport.write = pausing  # type: ignore[method-assign]
        protocol.dataReceived(frame(b"a") + frame(b"b"))
        self.assertEqual(transport.value(), frame(b"a"))
        protocol.resumeProducing()
        self.assertEqual(transport.value(), frame(b"a") + frame(b"b"))

    def test_stop_producing(self) -> None:
        """When the transport is going down, there is nothing to do."""
        protocol, transport = self.connect()
        protocol.stopProducing()
        self.assertFalse(transport.disconnecting)

    def test_half_closed(self) -> None:
        """A client that closes its half still gets its replies."""
        protocol, transport = self.connect()
        protocol.dataReceived(frame(b"a"))
        protocol.readConnectionLost()
        protocol.writeConnectionLost()
        self.assertTrue(transport.disconnecting)
        self.assertFalse(transport.aborted)
        self.assertEqual(transport.value(), frame(b"a"))


class LimitTests(StreamCase):
    """How many connections there may be."""

    def test_per_client(self) -> None:
        """One address gets so many, others are not affected."""
        self.factory = self.make_factory(per_client=2)
        first, _ = self.connect()
        self.connect()
        _, refused = self.connect()
        self.assertTrue(refused.aborted)
        self.assertEqual(self.factory.open_connections, 2)
        _, other = self.connect("192.0.2.2")
        self.assertFalse(other.aborted)
        self.lose(first)
        _, again = self.connect()
        self.assertFalse(again.aborted)

    def test_per_prefix(self) -> None:
        """A network's one more closes its own that was used the longest ago."""
        self.factory = self.make_factory(per_prefix=2)
        _, elsewhere = self.connect("198.51.100.1")
        _, first = self.connect("192.0.2.1")
        _, second = self.connect("192.0.2.2")
        _, third = self.connect("192.0.2.3")
        aborted = [one.aborted for one in (elsewhere, first, second, third)]
        self.assertEqual(aborted, [False, True, False, False])
        self.assertEqual(self.factory.open_connections, 3)

    def test_other_limits(self) -> None:
        """A reload's limits hold for connections that come later."""
        self.connect()
        self.factory.take_limits(Limits(tcp_per_client=1, tcp_idle=5))
        _, refused = self.connect()
        self.assertTrue(refused.aborted)
        _, other = self.connect("192.0.2.2")
        self.clock.advance(5)
        self.assertTrue(other.aborted)

    def test_refused_connections_are_not_counted(self) -> None:
        """The end of a refused connection changes nothing."""
        self.factory = self.make_factory(per_client=1)
        self.connect()
        refused, _ = self.connect()
        self.lose(refused)
        self.assertEqual(self.factory.open_connections, 1)
        _, refused_too = self.connect()
        self.assertTrue(refused_too.aborted)

    def test_the_longest_idle_gives_way(self) -> None:
        """A full house closes the connection that was used the longest ago."""
        self.factory = self.make_factory(most=3)
        connections = [self.connect(f"192.0.2.{number}") for number in range(3)]
        connections[0][0].dataReceived(frame(b"used"))
        _, newest = self.connect("192.0.2.9")
        aborted = [transport.aborted for _, transport in connections]
        self.assertEqual(aborted, [False, True, False])
        self.assertFalse(newest.aborted)
        self.assertEqual(self.factory.open_connections, 3)
        self.lose(connections[1][0])
        self.assertEqual(self.factory.open_connections, 3)

    def test_late_use_of_an_evicted_connection(self) -> None:
        """What still arrives on a closed connection does not bring it back."""
        self.factory = self.make_factory(most=1)
        evicted, _ = self.connect()
        self.connect("192.0.2.2")
        evicted.dataReceived(frame(b"late"))
        self.assertEqual(self.factory.open_connections, 1)


class CloseTests(StreamCase):
    """The end of the service."""

    def test_nothing_open(self) -> None:
        """Done at once; later connections are refused."""
        self.successResultOf(self.factory.close(1))
        _, late = self.connect()
        self.assertTrue(late.aborted)

    def test_orderly(self) -> None:
        """Connections close when their replies are written; then it is done."""
        connections = [self.connect() for _ in range(2)]
        closed = self.factory.close(1)
        for protocol, transport in connections:
            self.assertTrue(transport.disconnecting)
            self.assertFalse(transport.aborted)
            self.assertNoResult(closed)
            self.lose(protocol)
        self.successResultOf(closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_patience(self) -> None:
        """Who does not read is cut off when the time is over."""
        protocol, transport = self.connect()
        closed = self.factory.close(1)
        self.clock.advance(0.9)
        self.assertFalse(transport.aborted)
        self.clock.advance(0.1)
        self.assertTrue(transport.aborted)
        self.assertNoResult(closed)
        self.lose(protocol)
        self.successResultOf(closed)


class RealStreamTests(TestCase):
    """Sockets, for what depends on the reactor's own way of closing."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.client = socket.socket()
        self.addCleanup(self.client.close)
        self.client.settimeout(5)

    def connect(self, responder: Responder) -> StreamFactory:
        """Serve, and connect the client."""
        factory = StreamFactory(responder, self.reactor)
        port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.client.connect(("127.0.0.1", port.getHost().port))
        return factory

    def read_all(self) -> int:
        """Octets until the end of the stream."""
        size = 0
        while data := self.client.recv(1 << 16):
            size += len(data)
        return size

    async def test_half_closed(self) -> None:
        """The reply to a client that sends no more reaches it."""
        self.connect(Parrot())
        self.client.sendall(frame(b"x" * 60000))
        self.client.shutdown(socket.SHUT_WR)
        self.assertEqual(await deferToThread(self.read_all), 60002)

    async def test_closed_while_replies_wait(self) -> None:
        """A connection that is paused when it should close does so once it is read."""
        closed: Deferred[None] = Deferred()

        class Verbose:
            """Gives long replies; with the second one the service ends."""

            heard = 0

            def respond(
                self,
                data: bytes,
                source: bytes,
                stream: bool = False,
                learner: Learner | None = None,
            ) -> bytes:
                """Sixty thousand octets."""
                self.heard += 1
                if self.heard == 2:
                    reactor.callLater(0, close)
                return bytes(60000)

            def test(self) -> None:
                """It is always able to."""

        reactor = self.reactor
        factory = self.connect(Verbose())

        def close() -> None:
            (protocol,) = factory._open
            self.assertTrue(protocol.paused)
            factory.close(60).chainDeferred(closed)

        self.client.sendall(frame(b"x") * 2)
        self.assertEqual(await deferToThread(self.read_all), 2 * 60002)
        await closed
