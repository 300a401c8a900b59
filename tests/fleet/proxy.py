"""What lies between a server and its store, and can be stopped or cut."""

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure


class ProxyPipe(Protocol):
    """One direction of a connection: what comes goes to `other`."""

    def __init__(self, other: "ProxyPipe | None", proxy: "TcpProxy") -> None:
        self._other = other
        self._proxy = proxy
        self._waiting: list[bytes] = []

    def connectionMade(self) -> None:
        """Join the other half, or call for it."""
        self._proxy.pipes.add(self)
        if self._other is None:
            self._proxy.dial(self)
        else:
            self._other.joined(self)

    def joined(self, other: "ProxyPipe") -> None:
        """The other half is there."""
        self._other = other
        self.flow()

    def dataReceived(self, data: bytes) -> None:
        """Pass on, now or when it may flow."""
        self._waiting.append(data)
        self.flow()

    def flow(self) -> None:
        """Pass on what waits, unless the proxy holds it."""
        if self._other is not None and not self._proxy.held:
            for data in self._waiting:
                self._other.end().write(data)
            self._waiting.clear()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the other half too."""
        self._proxy.pipes.discard(self)
        if self._other is not None:
            self._other.end().abortConnection()

    def end(self) -> Any:
        """The connection."""
        return self.transport


class _Factory(ClientFactory):
    noisy = False

    def __init__(self, make: Callable[[], ProxyPipe]) -> None:
        self._make = make

    def buildProtocol(self, addr: object) -> ProxyPipe:
        return self._make()


class TcpProxy:
    """Listens on loopback for a port there; `held` octets wait, and are not lost."""

    def __init__(self, reactor: Any, to_port: int) -> None:
        self._reactor = reactor
        self._to_port = to_port
        self.pipes: set[ProxyPipe] = set()
        self.held = False
        self._open = True
        self._listening = reactor.listenTCP(
            0, _Factory(lambda: ProxyPipe(None, self)), interface="127.0.0.1"
        )

    @property
    def endpoint(self) -> str:
        """The URL of what is reached through it."""
        return f"http://127.0.0.1:{self._listening.getHost().port}"

    def dial(self, pipe: ProxyPipe) -> None:
        """Call the other side for a connection, unless it is cut."""
        if not self._open:
            pipe.end().abortConnection()
            return
        factory = _Factory(lambda: ProxyPipe(pipe, self))
        self._reactor.connectTCP("127.0.0.1", self._to_port, factory)

    def hold(self, held: bool) -> None:
        """Let nothing through, or everything again."""
        self.held = held
        for pipe in tuple(self.pipes):
            pipe.flow()

    def cut(self, lasting: bool = False) -> None:
        """Reset all connections; with `lasting` new ones too, until `mend`."""
        self._open = not lasting
        for pipe in tuple(self.pipes):
            pipe.end().abortConnection()

    def mend(self) -> None:
        """Take connections again."""
        self._open = True

    def close(self) -> Any:
        """End."""
        self.cut(lasting=True)
        return self._listening.stopListening()
