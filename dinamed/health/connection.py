"""One TCP connection of one probe, with one limit of time over all of it."""

from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    NoRouteError,
)
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IReactorFromThreads,
    IReactorTCP,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import Interface

from dinamed.health.results import PASSED, ProbeTarget, Result, failed, failed_by
from dinamed.one_shot import OneShot

CLOSING = 0.5
"""Seconds for closing a connection in an orderly way."""


class ConnectionReactor(IReactorTCP, IReactorFromThreads, IReactorTime, Interface):
    """What a probe's connection needs of the reactor."""


class ProbeConnection(OneShot[Result], Protocol, ClientFactory):
    """A connection, its protocol and its factory in one object, for one use.

    Subclasses say what to send when `opened`, what arrives (`dataReceived`) and what
    it means when the peer `closed`, and call `passed` or `failed`.  With the result,
    or when it is cancelled, the connection is reset: nothing lingers.  After `finish`
    it is closed in an orderly way before the result is told.
    """

    noisy = False

    def __init__(self, reactor: ConnectionReactor, limit: float) -> None:
        super().__init__(reactor, limit)
        self._reactor = reactor
        self._address = ""
        self._verdict: Result | None = None
        self._stage = "connecting"
        self._connector: IConnector | None = None

    def begin(
        self, target: ProbeTarget, port: int, source: str | None = None
    ) -> "Deferred[Result]":
        """Connect, from the address `source` if it is of the target's family.

        The Deferred fires with what came of it.
        """
        self._address = target.address
        self.start_clock()
        # The deadline covers the connecting too, so the connector needs no timer.
        connector = self._reactor.connectTCP(
            target.address,
            port,
            self._outermost(),
            timeout=None,  # type: ignore[arg-type]
            bindAddress=source_of(target.address, source),
        )
        if not self._over:
            self._connector = connector
        return self.result

    def opened(self) -> None:
        """The connection is made."""

    def closed(self) -> None:
        """The peer has closed the connection in an orderly way."""
        self.failed("closed early")

    def expired(self) -> None:
        """See L{OneShot.expired}: with a verdict there is nothing to wait for."""
        if self._verdict is not None:
            self.end(self._verdict)
            return
        self.failed(f"no answer in {self._limit:g} s ({self._stage})")

    def finish(self, result: Result) -> None:
        """Settle on a result, and give the peer a moment to close with us.

        What it still has to say goes to `dataReceived`; `close` ends that.
        """
        self._verdict = result
        if self._deadline is not None:
            left = self._deadline.getTime() - self._reactor.seconds()
            if left > CLOSING:
                self._deadline.reset(CLOSING)

    def close(self) -> None:
        """Close our side; the result is told when the connection is gone."""
        if self.transport is not None:
            self.transport.loseConnection()

    def passed(self) -> None:
        """End with success."""
        self.end(PASSED)

    def failed(self, reason: str) -> None:
        """End with a failure."""
        self.end(failed(reason))

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """See L{IProtocolFactory}."""
        return self

    def connectionMade(self) -> None:
        """See L{IProtocol}."""
        if self._over:  # ended while the connection was about to be made
            self._drop()
            return
        self._stage = "connected"
        self.opened()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """See L{IProtocol}."""
        self.transport = None
        if self._over:
            return
        if self._verdict is not None:
            self.end(self._verdict)
        elif reason.check(ConnectionDone):
            self.closed()
        else:
            self.failed(self._trouble(reason.value))

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """See L{ClientFactory}."""
        error = reason.value
        self.end(failed_by(error, self._trouble(error), self._address))

    def _outermost(self) -> ClientFactory:
        """The factory that the reactor gets: this, or what it is wrapped in."""
        return self

    def _trouble(self, error: BaseException | None) -> str:
        """A failure of the connection in few words."""
        match error:
            case ConnectionRefusedError():
                return "connection refused"
            case NoRouteError():
                return "no route to the host"
            case ConnectError(osError=number) if number:
                return f"can't connect: {error.args[-1] if error.args else number}"
            case ConnectError():
                return "can't connect"
            case ConnectionLost() | ConnectionAborted():
                return "connection reset"
        return f"{self._stage}: {error}"

    def release(self) -> None:
        """See L{OneShot.release}."""
        self._drop()

    def _drop(self) -> None:
        connector, self._connector = self._connector, None
        transport: ITransport | None = self.transport
        if transport is not None:
            transport.abortConnection()  # type: ignore[attr-defined]
        elif connector is not None:
            connector.disconnect()


def source_of(address: str, source: str | None) -> tuple[str, int] | None:
    """Where a connection to `address` comes from; None: from where the system says."""
    if source is None or (":" in source) != (":" in address):
        return None
    return source, 0
