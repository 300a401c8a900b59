"""A member that speaks HTTP, within the test."""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IProtocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from dinamed.load.poller import LoadReactor
from dinamed.pools.report import Report
from tests.load.fakes import PollTestCase


class ClosingTransport(StringTransport):
    """A transport that is gone as soon as it is closed."""

    def __init__(self, protocol: IProtocol) -> None:
        super().__init__()
        self._protocol = protocol

    def loseConnection(self) -> None:
        """See L{ITransport}."""
        super().loseConnection()
        self._protocol.connectionLost(Failure(ConnectionDone()))


class WebTestCase(PollTestCase):
    """Tests of pollers that fetch something."""

    def setUp(self) -> None:
        """Make the reactor; it is 1000 seconds after the epoch."""
        self.memory = MemoryReactorClock()
        self.memory.advance(1000.0)
        self.reactor = cast(LoadReactor, self.memory)

    def connect(self) -> tuple[IProtocol, StringTransport]:
        """Let the latest connection be made."""
        factory = self.memory.tcpClients[-1][2]
        protocol = factory.buildProtocol(cast(IAddress, None))
        assert protocol is not None
        transport = ClosingTransport(protocol)
        protocol.makeConnection(transport)
        return protocol, transport

    def respond(
        self, body: bytes, status: bytes = b"200 OK", more: bytes = b""
    ) -> bytes:
        """Answer the latest request, with more header fields; the request."""
        protocol, transport = self.connect()
        length = b"%sContent-Length: %d\r\n\r\n" % (more, len(body))
        protocol.dataReceived(b"HTTP/1.1 " + status + b"\r\n" + length + body)
        request: bytes = transport.value()
        return request

    def brought(self, polled: "Deferred[Report | None]", body: bytes) -> Report:
        """The report that a poll brings when this is the answer."""
        self.respond(body)
        return self.reported(polled)
