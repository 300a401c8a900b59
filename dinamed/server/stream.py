"""DNS over streams (RFC 7766): framing, time limits, caps, back-pressure."""

from collections.abc import Callable, Iterator

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    INegotiated,
    IProtocolNegotiationFactory,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
)
from twisted.logger import Logger
from twisted.names.dns import DNSProtocol
from twisted.names.server import DNSServerFactory
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure
from zope.interface import implementer

from dinamed.config.limits import Limits
from dinamed.limits.connections import Connections, ConnectionTable, RefusedError
from dinamed.limits.files import STREAMS, files_share
from dinamed.plans.context import packed
from dinamed.server.responder import Responder
from dinamed.wire.later import Later
from dinamed.wire.many import FirstOfMany

Quick = Callable[[bytes, bytes], tuple[int, bytes]]
"""Answers messages in frames, from a packed address: how many octets that were, and the
frames of the replies.  It ends before the first one that it has no reply to."""


@implementer(IPushProducer, IHalfCloseableProtocol)
class StreamProtocol(TimeoutMixin, DNSProtocol):
    """One connection, over TCP or TLS.

    Each query is answered before the next one is read, so there is nothing that could
    overtake it: replies leave in the order of the queries (RFC 7766 section 6.2.1.1 has
    no need to ask for more).
    """

    factory: "StreamFactory"
    transport: ITCPTransport

    def __init__(self, factory: "StreamFactory") -> None:
        # The base class sets up what only clients need, and the global reactor.
        self.factory = factory
        self.source = b""
        """The packed address of the client."""
        self._rest: Iterator[bytes] | None = None
        """The messages of a long reply that are still to be made."""
        self._turn: IDelayedCall | None = None
        """When the next of them is."""
        self._full = False
        """Whether the transport has enough for now."""
        self._waiting = False
        """Whether a reply is still being made."""
        self._ended = False
        self._age: IDelayedCall | None = None
        self._own = False
        """Whether it is our own, to see whether connections are answered."""

    def callLater(
        self, period: float, func: Callable[..., object], *args: object
    ) -> IDelayedCall:
        """Let `TimeoutMixin` use the clock of the factory."""
        return self.factory.clock.callLater(period, func, *args)

    def connectionMade(self) -> None:
        """Start the clock; stop reading while replies wait to be written."""
        peer = self.transport.getPeer()
        assert isinstance(peer, IPv4Address | IPv6Address)
        self.source = packed(peer.host)
        self._own = (
            peer.port in self.factory.expected
            and peer.host == self.transport.getHost().host
        )
        if not self._own and not self.factory.admit(self):
            self.transport.abortConnection()
            return
        self.transport.registerProducer(self, True)  # type: ignore[attr-defined]
        self.setTimeout(self.factory.limits.tcp_idle)
        self._age = self.callLater(self.factory.limits.tcp_total, self._grow_old)

    def _grow_old(self) -> None:
        """The time of the connection is over: close it once its replies are out.

        A long reply may be finished in as much time again.
        """
        self._age = self.callLater(
            self.factory.limits.tcp_total, self.transport.abortConnection
        )
        self.readConnectionLost()

    def stringReceived(self, string: bytes) -> None:
        """Answer one message; a peer that does not speak DNS is cut off."""
        reply = self.factory.responder.respond(string, self.source, True)
        if isinstance(reply, Later):
            self._waiting = True
            super().pauseProducing()  # the next question has to wait
            reply.then(self._made)
            return
        if reply is None:
            self.hang_up()
            return
        self._write(reply)
        if isinstance(reply, FirstOfMany):
            self._rest = reply.rest
            super().pauseProducing()  # the next question has to wait
            self._plan_to_go_on()

    def _made(self, reply: bytes) -> None:
        """A reply that took a while is there."""
        self._waiting = False
        if not self.connected:
            return
        if reply:
            self._write(reply)
        if self._ended or not reply:
            self.hang_up()
        elif not self._full:
            super().resumeProducing()

    def _write(self, message: bytes) -> None:
        self.transport.write(len(message).to_bytes(2, "big") + message)
        self._used()

    def _used(self) -> None:
        self.resetTimeout()
        self.factory.touch(self)

    def _answer_quickly(self, data: bytes, quick: Quick) -> None:
        """Answer what has come, one message at a time where `quick` has no reply."""
        data = self._unprocessed + data
        self._unprocessed = b""
        while not self.paused and not self._ended:
            answered, replies = quick(data, self.source)
            if answered:
                data = data[answered:]
                self.transport.write(replies)
                self._used()
                continue
            end = 2 + int.from_bytes(data[:2])
            if len(data) < max(end, 2):
                break
            message, data = data[2:end], data[end:]
            self.stringReceived(message)
        self._unprocessed = b"" if self._ended else data

    def _plan_to_go_on(self) -> None:
        """One message a turn, so that others are answered in between."""
        if self._turn is None and not self._full:
            self._turn = self.callLater(0, self._go_on)

    def _go_on(self) -> None:
        """Write the next message of a long reply, if the transport has room."""
        self._turn = None
        if self._rest is None or self._full:
            return
        try:
            message = next(self._rest, None)
        except Exception:
            self.factory.log.failure("a long reply broke off")
            self._rest = None
            self.transport.abortConnection()
            return
        if message is not None:
            self._write(message)
            self._plan_to_go_on()
            return
        self._rest = None
        if self._ended:
            self.hang_up()
        else:
            super().resumeProducing()

    def pauseProducing(self) -> None:
        """The transport has enough."""
        self._full = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """The transport has room again: first for the rest of a long reply."""
        self._full = False
        if self._rest is not None:
            self._plan_to_go_on()
        elif not self._ended and not self._waiting:
            super().resumeProducing()

    def give_away(self) -> bytes | None:
        """Release the connection, so that another process can take it over.

        Returns what was read of a query that is not whole yet; None if replies are
        still to be made.  The descriptor stays open, and nobody reads it.
        """
        if self._rest is not None or self._waiting or self._ended or self._full:
            return None
        super().pauseProducing()
        rest: bytes = self._unprocessed
        self.connectionLost()
        return rest

    def finish(self) -> None:
        """Close once what was asked is answered, be it long."""
        self.readConnectionLost()

    def hang_up(self) -> None:
        """Answer nothing more; close once the replies are written."""
        self._rest = None
        self._ended = True
        self.pauseProducing()
        # Else the transport, its buffer empty, would ask for more instead of closing.
        self.transport.unregisterProducer()  # type: ignore[attr-defined]
        self.transport.loseConnection()
        if INegotiated.providedBy(self.transport):
            # TLS ends when the peer has said so too, which has to be read.
            self.transport.resumeProducing()  # type: ignore[attr-defined]

    def dataReceived(self, data: bytes) -> None:
        """Take what has come; nothing is kept once no more is answered."""
        if self._ended:
            return
        if self.factory.quick is None:
            super().dataReceived(data)
        else:
            self._answer_quickly(data, self.factory.quick)

    def readConnectionLost(self) -> None:
        """The peer asks nothing more, but may wait for replies."""
        self._ended = True
        if self._rest is None and not self._waiting:
            self.hang_up()

    def writeConnectionLost(self) -> None:
        """We never close one direction alone, so this is not called."""

    def stopProducing(self) -> None:
        """The transport wants no more: nothing to do, it closes by itself."""

    def timeoutConnection(self) -> None:
        """Close without waiting for a peer that does not read either."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Leave the factory's books."""
        self.setTimeout(None)
        self._rest = None
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        if self._age is not None and self._age.active():
            self._age.cancel()
        self.factory.forget(self)


@implementer(IProtocolNegotiationFactory)
class StreamFactory(DNSServerFactory):
    """The connections of all listeners, and the limits on them."""

    noisy = False
    log = Logger()

    def __init__(
        self,
        responder: Responder,
        clock: IReactorTime,
        limits: Limits | None = None,
        shared: "ConnectionTable[StreamProtocol] | None" = None,
        quick: Quick | None = None,
    ) -> None:
        """`shared` is where others' connections are counted too; `quick` is asked
        before the responder."""
        # The base class makes a resolver chain, which would drop the client's
        # address and the class of the question.
        self.responder = responder
        self.clock = clock
        self.limits = limits = limits or Limits()
        self.quick = quick
        self._open: ConnectionTable[StreamProtocol] = (
            Connections(0, 0, 0) if shared is None else shared
        )
        self._open.limit(*limits_of(limits))
        self._closed: Deferred[None] | None = None
        self.expected: set[int] = set()
        """Local ports of connections of our own, which count nowhere."""

    def expect(self, port: int) -> Callable[[], None]:
        """Let a connection of our own from this port in, whatever the limits are.

        Returns what ends that.
        """
        self.expected.add(port)
        return lambda: self.expected.discard(port)

    def take_limits(self, limits: Limits) -> None:
        """Hold connections that come from now on to other limits."""
        self.limits = limits
        self._open.limit(*limits_of(limits))

    def buildProtocol(  # type: ignore[override]
        self, addr: IAddress | None
    ) -> StreamProtocol:
        """Make the protocol of a new connection."""
        return StreamProtocol(self)

    def acceptableProtocols(self) -> list[bytes]:
        """The protocols that TLS clients may negotiate (RFC 7858, RFC 9103)."""
        return [b"dot"]

    @property
    def refused(self) -> int:
        """Connections that were one too many from their address."""
        return self._open.refused

    @property
    def displaced(self) -> int:
        """Connections that had to go for others."""
        return self._open.displaced

    @property
    def open_connections(self) -> int:
        """Connections open now, here and with those that are shared."""
        return self._open.open

    @property
    def present(self) -> tuple[StreamProtocol, ...]:
        """The connections that are open here now."""
        return tuple(self._open)

    def admit(self, protocol: StreamProtocol) -> bool:
        """Count a new connection, if the limits allow it."""
        if self._closed is not None:
            return False
        try:
            gone = self._open.admit(protocol, protocol.source)
        except RefusedError:
            return False
        if gone is not None:
            gone.transport.abortConnection()
        self.close_displaced()
        return True

    def close_displaced(self) -> None:
        """Close those that have to go for connections that others have."""
        for gone in self._open.take_displaced():
            gone.transport.abortConnection()

    def touch(self, protocol: StreamProtocol) -> None:
        """Note that a connection was used."""
        self._open.touch(protocol)

    def forget(self, protocol: StreamProtocol) -> None:
        """Forget a closed connection."""
        was_there = self._open.forget(protocol)
        if was_there and not self._open and self._closed is not None:
            self._closed.callback(None)

    def close(self, patience: float) -> Deferred[None]:
        """Close all connections: replies that are written get `patience` seconds.

        The Deferred fires when the last one is gone.
        """
        if not self._open:
            self._closed = Deferred()
            return succeed(None)
        closed = self._closed = Deferred()
        for protocol in list(self._open):
            protocol.hang_up()
        late = self.clock.callLater(patience, self._abort_all)

        def _done(_: None) -> None:
            if late.active():
                late.cancel()

        return closed.addCallback(_done)

    def _abort_all(self) -> None:
        for protocol in list(self._open):
            protocol.transport.abortConnection()


def limits_of(limits: Limits) -> tuple[int, int, int]:
    """How many connections: in all, from one network, from one address.

    Where files are few, one network or client must not have all of them.
    """
    files = files_share(STREAMS, 16)
    return (
        min(limits.tcp_connections, files),
        min(limits.tcp_per_prefix, files * 3 // 4),
        min(limits.tcp_per_client, files // 2),
    )
