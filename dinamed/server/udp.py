"""UDP: a port that passes datagrams straight to the engine and sends the replies."""

import socket
import struct
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.udp import Port
from twisted.logger import Logger
from twisted.names.dns import DNSDatagramProtocol

from dinamed.plans.context import packed
from dinamed.server.responder import Responder
from dinamed.wire.later import Later

BATCH = 64
"""Datagrams read before timers and TCP get a turn."""
MAX_DATAGRAM = 4096
"""Octets; what is longer is cut by the kernel and so refused as malformed."""
_ANCILLARY = socket.CMSG_SPACE(20)
_IP_PKTINFO = 8  # linux/in.h
_PKTINFO4 = struct.Struct("@i4s4s")
_PKTINFO6 = struct.Struct("@16si")


class DatagramProtocol(DNSDatagramProtocol):
    """DNS over UDP, without the detour over `twisted.names.dns.Message`."""

    noisy = False

    def __init__(self, responder: Responder, first: Responder | None = None) -> None:
        # The base class sets up what only clients need, and the global reactor.
        self.responder = responder
        self.first = responder if first is None else first
        """Answers the first datagram that a port reads each time it wakes up."""

    def datagramReceived(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Answer one datagram; used by ports other than `DatagramPort`."""
        reply = self.responder.respond(data, packed(addr[0]))
        if isinstance(reply, Later):
            reply.then(lambda made: self.transport.write(made, addr))
        elif reply is not None:
            self.transport.write(reply, addr)


class DatagramPort(Port):
    """A UDP port that skips what `Port` does between the socket and the protocol."""

    log = Logger()
    protocol: DatagramProtocol

    def doRead(self) -> None:
        """Answer what is queued, up to a batch."""
        receive = self.socket.recvfrom
        send = self.socket.sendto
        respond = self.protocol.first.respond
        others = self.protocol.responder.respond
        for _ in range(BATCH):
            try:
                data, address = receive(MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error that some earlier reply has caused; the next
                # datagram is not to blame.
                continue
            reply = respond(data, packed(address[0]))
            respond = others
            if isinstance(reply, Later):
                reply.then(partial(self._send_late, [], address))
            elif reply is not None:
                try:
                    send(reply, address)
                except OSError:
                    # The client is out of reach, or the queue full: UDP may lose.
                    continue

    def _send_late(
        self,
        ancillary: list[tuple[int, int, bytes]],
        address: tuple[Any, ...],
        reply: bytes,
    ) -> None:
        """Send a reply that took a while; nothing is one too."""
        if reply and self.connected:
            with suppress(OSError):
                self.socket.sendmsg([reply], ancillary, 0, address)


class WildcardPort(DatagramPort):
    """A port bound to all addresses, which answers from the one that was asked."""

    def doRead(self) -> None:
        """Answer what is queued, up to a batch."""
        respond = self.protocol.first.respond
        others = self.protocol.responder.respond
        for _ in range(BATCH):
            try:
                data, ancillary, _flags, address = self.socket.recvmsg(
                    MAX_DATAGRAM, _ANCILLARY
                )
            except BlockingIOError:
                return
            except OSError:
                continue
            reply = respond(data, packed(address[0]))
            respond = others
            if isinstance(reply, Later):
                reply.then(partial(self._send_late, _echoed(ancillary), address))
            elif reply is not None:
                try:
                    self.socket.sendmsg([reply], _echoed(ancillary), 0, address)
                except OSError:
                    continue


def _echoed(ancillary: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """The control message that makes the reply leave from the address asked.

    The interface is left open (routing may be asymmetric), but for link-local
    addresses, which mean nothing without one.
    """
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            _, local, _ = _PKTINFO4.unpack_from(data)
            return [(level, kind, _PKTINFO4.pack(0, local, bytes(4)))]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            local, interface = _PKTINFO6.unpack_from(data)
            if local[:2] != b"\xfe\x80":
                interface = 0
            return [(level, kind, _PKTINFO6.pack(local, interface))]
    return []
