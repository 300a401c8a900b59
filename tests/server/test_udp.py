"""Tests for the UDP ports."""

import socket
import struct
from typing import Any, cast

from twisted.internet.interfaces import IUDPTransport
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.server.sockets import ListenAddress, Listening, bind
from dinamed.server.udp import (
    BATCH,
    MAX_DATAGRAM,
    DatagramPort,
    DatagramProtocol,
    WildcardPort,
    _echoed,
)
from tests.server.support import Parrot

IP_PKTINFO = 8


class ScriptedSocket:
    """Gives what it is told to, or raises it; keeps what is sent."""

    def __init__(self, *received: bytes | OSError, refuse: int = 0) -> None:
        self.received = list(received)
        self.refuse = refuse
        self.sent: list[bytes] = []

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        """The next datagram or error."""
        if not self.received:
            raise BlockingIOError
        found = self.received.pop(0)
        if isinstance(found, OSError):
            raise found
        return found[:size], ("192.0.2.1", 4000)

    def recvmsg(self, size: int, ancillary: int) -> tuple[Any, ...]:
        """The same with control messages."""
        data, address = self.recvfrom(size)
        return data, [], 0, address

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        """Keep or refuse a datagram."""
        if self.refuse:
            self.refuse -= 1
            raise PermissionError
        self.sent.append(data)

    def sendmsg(
        self, parts: list[bytes], control: Any, flags: int, address: tuple[str, int]
    ) -> None:
        """The same with control messages."""
        self.sendto(b"".join(parts), address)


class PortCase(SynchronousTestCase):
    """Ports on real sockets of the loopback interface, or on scripted ones."""

    def setUp(self) -> None:
        self.parrot = Parrot()

    def listen(self, host: str, kind: type[DatagramPort]) -> DatagramPort:
        """A port on a free port number."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        (listening,) = bind([ListenAddress(host, 0, family)])
        self.addCleanup(listening.close)
        return self.adopt(listening, kind)

    def adopt(self, listening: Listening, kind: type[DatagramPort]) -> DatagramPort:
        """A port on a bound socket."""
        port: DatagramPort = kind._fromListeningDescriptor(
            MemoryReactorClock(),
            listening.udp.fileno(),
            listening.address.family,
            DatagramProtocol(self.parrot),
            MAX_DATAGRAM,
        )
        port.startListening()
        self.addCleanup(lambda: port.socket.close())
        return port

    def client(self, port: DatagramPort, host: str) -> socket.socket:
        """A socket that takes replies from one address only."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        client = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(client.close)
        client.settimeout(5)
        client.connect((host, port.socket.getsockname()[1]))
        return client

    def scripted(
        self, kind: type[DatagramPort], scripted: ScriptedSocket
    ) -> ScriptedSocket:
        """Run one read of a port on a scripted socket."""
        port = kind.__new__(kind)
        port.protocol = DatagramProtocol(self.parrot)
        port.socket = cast(socket.socket, scripted)
        port.doRead()
        return scripted


class DatagramPortTests(PortCase):
    """Ports that are bound to one address."""

    def test_reply(self) -> None:
        """Each datagram is answered to where it came from, as no stream."""
        for host in ("127.0.0.1", "::1"):
            port = self.listen(host, DatagramPort)
            clients = [self.client(port, host) for _ in range(2)]
            for number, client in enumerate(clients):
                client.send(b"hello %d" % number)
            port.doRead()
            for number, client in enumerate(clients):
                self.assertEqual(client.recv(100), b"hello %d" % number)
                self.assertEqual(self.parrot.heard.pop(0)[1:], (host, False))

    def test_silence(self) -> None:
        """No reply, no datagram."""
        port = self.listen("127.0.0.1", DatagramPort)
        client = self.client(port, "127.0.0.1")
        client.send(b"")
        client.send(b"x")
        port.doRead()
        self.assertEqual(client.recv(100), b"x")
        self.assertEqual(len(self.parrot.heard), 2)

    def test_long_datagrams_are_cut(self) -> None:
        """More than any query has is not read."""
        port = self.listen("127.0.0.1", DatagramPort)
        client = self.client(port, "127.0.0.1")
        client.send(bytes(MAX_DATAGRAM + 100))
        port.doRead()
        self.assertEqual(len(self.parrot.heard[0][0]), MAX_DATAGRAM)

    def test_batch(self) -> None:
        """One read answers a batch at most, so that all else gets its turn."""
        for kind in (DatagramPort, WildcardPort):
            scripted = ScriptedSocket(*[b"x"] * (BATCH + 10))
            self.scripted(kind, scripted)
            self.assertEqual(len(scripted.sent), BATCH)
            self.assertEqual(len(scripted.received), 10)

    def test_errors(self) -> None:
        """What one client causes is not another one's harm."""
        for kind in (DatagramPort, WildcardPort):
            errors = (ConnectionRefusedError(), b"a", OSError(5, "?"), b"b", b"c")
            scripted = self.scripted(kind, ScriptedSocket(*errors, refuse=1))
            self.assertEqual(scripted.sent, [b"b", b"c"])

    def test_silence_when_scripted(self) -> None:
        """Also a port for all addresses sends nothing where there is no reply."""
        scripted = self.scripted(WildcardPort, ScriptedSocket(b"", b"x"))
        self.assertEqual(scripted.sent, [b"x"])

    def test_other_ports(self) -> None:
        """The protocol works on any port that Twisted has."""
        written: list[tuple[bytes, tuple[str, int]]] = []

        class Transport:
            """Keeps what is written."""

            def write(self, data: bytes, address: tuple[str, int]) -> None:
                """Keep it."""
                written.append((data, address))

        protocol = DatagramProtocol(self.parrot)
        protocol.transport = cast(IUDPTransport, Transport())
        protocol.datagramReceived(b"hello", ("192.0.2.1", 53))
        protocol.datagramReceived(b"", ("192.0.2.1", 53))
        self.assertEqual(written, [(b"hello", ("192.0.2.1", 53))])


class WildcardPortTests(PortCase):
    """Ports that are bound to all addresses."""

    def test_answers_from_the_address_asked(self) -> None:
        """A client that asked 127.0.0.5 hears 127.0.0.5."""
        port = self.listen("0.0.0.0", WildcardPort)
        for host in ("127.0.0.5", "127.0.0.1", "127.1.2.3"):
            client = self.client(port, host)
            client.send(b"hello")
            port.doRead()
            self.assertEqual(client.recv(100), b"hello")

    def test_ipv6(self) -> None:
        """The same with the control messages of IPv6."""
        port = self.listen("::", WildcardPort)
        client = self.client(port, "::1")
        client.send(b"hello")
        port.doRead()
        self.assertEqual(client.recv(100), b"hello")

    def test_control_messages(self) -> None:
        """The address is echoed; the interface only where nothing else will do."""
        v4 = struct.pack("@i4s4s", 7, b"\x7f\0\0\5", b"\x7f\0\0\6")
        ((level, kind, data),) = _echoed([(socket.IPPROTO_IP, IP_PKTINFO, v4)])
        self.assertEqual((level, kind), (socket.IPPROTO_IP, IP_PKTINFO))
        self.assertEqual(data, struct.pack("@i4s4s", 0, b"\x7f\0\0\5", bytes(4)))
        for start, kept in ((b"\x20\x01", 0), (b"\xfe\x80", 7)):
            v6 = struct.pack("@16si", start + bytes(14), 7)
            told = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, v6)]
            ((_, _, data),) = _echoed(told)
            self.assertEqual(data, struct.pack("@16si", start + bytes(14), kept))
        other = (socket.SOL_SOCKET, socket.SCM_RIGHTS, b"")
        self.assertEqual(_echoed([other]), [])
