"""What tests of checks share: a reactor with real sockets and a clock of its own."""

from typing import Any, cast

from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from dinamed.health.probes import HealthReactor
from dinamed.health.results import ProbeTarget

LOCAL = ProbeTarget("127.0.0.1", "fra1")
real = cast(Any, real_reactor)


class HalfClock(Clock):
    """Time passes when told to; but what is only put off to the next turn happens."""

    def callLater(
        self, delay: float, callable: Any, *args: object, **kw: object
    ) -> IDelayedCall:
        """See L{IReactorTime}."""
        later = super().callLater if delay else real.callLater
        return cast(IDelayedCall, later(delay, callable, *args, **kw))


def half_reactor() -> tuple[HealthReactor, Clock]:
    """A reactor for probes: sockets and processes are real, time passes when told to.

    The second is its clock.
    """
    clock = HalfClock()
    for name in ("connectTCP", "listenUDP", "spawnProcess", "callFromThread"):
        setattr(clock, name, getattr(real, name))
    return cast(HealthReactor, clock), clock


class Peer(Protocol):
    """One connection of a scripted server."""

    def __init__(self, script: "Script") -> None:
        self._script = script
        self.heard = b""

    def connectionMade(self) -> None:
        """Tell the script."""
        self._script.opened(self)

    def dataReceived(self, data: bytes) -> None:
        """Tell the script."""
        self.heard += data
        self._script.said(self, data)

    def connectionLost(self, reason: object = None) -> None:
        """Note that the client has gone."""
        self._script.lost.callback(self.heard)


class Script(Factory):
    """What a server does with its one client; `lost` fires when that has gone."""

    noisy = False

    def __init__(self) -> None:
        self.lost: Deferred[bytes] = Deferred()
        self.met: Deferred[Peer] = Deferred()

    def buildProtocol(self, addr: object) -> Peer:
        """Make the connection's protocol."""
        return Peer(self)

    def opened(self, peer: Peer) -> None:
        """A client has come."""
        self.met.callback(peer)

    def said(self, peer: Peer, data: bytes) -> None:
        """The client has said something."""


class Answer(Script):
    """Answers the first words with its own, and may close then."""

    def __init__(self, answer: bytes, *, close: bool = False) -> None:
        super().__init__()
        self._answer = answer
        self._close = close

    def said(self, peer: Peer, data: bytes) -> None:
        """Answer."""
        transport = cast(Any, peer.transport)
        transport.write(self._answer)
        if self._close:
            transport.loseConnection()


class Flood(Script):
    """Answers without end, as fast as the client takes it."""

    def __init__(self, first: bytes = b"") -> None:
        super().__init__()
        self._first = first
        self.sent = 0

    def said(self, peer: Peer, data: bytes) -> None:
        """Begin."""
        self._transport = cast(Any, peer.transport)
        self._transport.write(self._first)
        self._transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """Send more."""
        self.sent += 65536
        self._transport.write(b"x" * 65536)

    def stopProducing(self) -> None:
        """The client has gone."""
