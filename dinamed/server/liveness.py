"""Whether each way of answering answers: the server asks itself a question by each.

Engines register their ways; who wants to know asks all of them at once.  The questions
are messages that nobody else can make, so that nothing counts them.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.error import ConnectBindError
from twisted.internet.interfaces import IConnector, IReadDescriptor
from twisted.internet.protocol import ClientFactory
from twisted.names.dns import DNSProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from dinamed.plans.engine import Learner
from dinamed.server.responder import Responder
from dinamed.server.sockets import ListenAddress

STEP = 0.2
"""Seconds between tries."""
TRIES = 4
"""Turns of the clock without an answer after which a way is dead.  They are counted one
by one, so that one long turn of the reactor is not taken for more of them."""
SECRET_SIZE = 16
NATIVE, PYTHON = b"\0", b"\1"


Way = Callable[[], Deferred[bool]]
"""Asks by one way; fires with whether there was an answer, within a second."""
Progress = Callable[[], int]
"""A number that grows while a way answers others: then it is not dead, but busy."""


class LivenessProbe:
    """The messages with which this process tests itself.

    They are responses (QR), which get silence from everybody else.
    """

    def __init__(self, secret: bytes) -> None:
        head = bytes.fromhex("000080000000000000000000") + secret
        self.native = head + NATIVE
        """To be answered by a thread of the plane."""
        self.python = head + PYTHON
        """To be answered by Python, whoever receives it."""


def new_probe() -> LivenessProbe:
    """A probe with a secret of its own."""
    return LivenessProbe(os.urandom(SECRET_SIZE))


class Probed:
    """A responder that answers probes too, before anybody counts them."""

    def __init__(self, responder: Responder, probe: LivenessProbe) -> None:
        self._respond = responder.respond
        self.test = responder.test
        self._probe = probe.python

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The other's reply; that to a probe is the probe, or silence if all fails."""
        if data == self._probe:
            with suppress(Exception):
                self.test()
                return data
            return None
        return self._respond(data, source, stream, learner)


class Liveness:
    """The ways of answering, and which of them are dead."""

    def __init__(self) -> None:
        self._ways: dict[str, Way] = {}
        self._waiting: list[Deferred[list[str]]] = []

    def register(self, name: str, way: Way) -> Callable[[], None]:
        """Ask by this way too; returns what ends that."""
        self._ways[name] = way

        def unregister() -> None:
            if self._ways.get(name) is way:
                del self._ways[name]

        return unregister

    def dead(self) -> "Deferred[list[str]]":
        """The names of the ways without an answer.

        Whoever asks while others do gets the same answer.
        """
        done: Deferred[list[str]] = Deferred()
        self._waiting.append(done)
        if len(self._waiting) == 1:
            names = list(self._ways)
            asked = gatherResults([_asked(self._ways[name]) for name in names])
            asked.addCallback(self._told, names)
        return done

    def _told(self, alive: list[bool], names: list[str]) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            # Each gets a list of its own, and may be gone meanwhile.
            if not done.called:
                pairs = zip(names, alive, strict=True)
                done.callback([name for name, lives in pairs if not lives])


def _asked(way: Way) -> Deferred[bool]:
    """Ask; an error on the way is death."""
    try:
        return way().addErrback(lambda failure: False)
    except Exception:
        return succeed(False)


class LivenessQuery:
    """One question on its way: `alive` fires once, and then `end` is called."""

    def __init__(
        self,
        clock: Any,
        ask: Callable[[], None],
        end: Callable[[], None],
        progress: Progress,
    ) -> None:
        self.alive: Deferred[bool] = Deferred()
        self._clock = clock
        self._ask = ask
        self._end = end
        self._progress = progress
        self._before = progress()
        self._tries = 0
        self._later: Any = None

    def begin(self) -> Deferred[bool]:
        """Ask now, and again until there is an answer."""
        self._step()
        return self.alive

    def _step(self) -> None:
        if self._tries == TRIES:
            self.answer(self._progress() != self._before)
            return
        self._tries += 1
        self._later = self._clock.callLater(STEP, self._step)
        # What lacks here, as a free descriptor, is told by the silence that follows.
        with suppress(OSError):
            self._ask()

    def answer(self, alive: bool) -> None:
        """That is known now."""
        if not self.alive.called:
            if self._later is not None and self._later.active():
                self._later.cancel()
            self._end()
            self.alive.callback(alive)


@implementer(IReadDescriptor)
class _Datagrams:
    """A socket that sends the message, and hears the answer.

    A port of Twisted's would log each time that it is opened and closed.
    """

    def __init__(self, sock: socket.socket, message: bytes) -> None:
        self._socket = sock
        self._message = message
        self.question: LivenessQuery | None = None

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self) -> None:
        self._socket.send(self._message)

    def doRead(self) -> None:
        with suppress(OSError):  # nobody listens there: the silence tells that
            heard = self._socket.recv(len(self._message) + 1)
            if self.question is not None and heard == self._message:
                self.question.answer(True)

    def logPrefix(self) -> str:
        return "liveness"

    def connectionLost(self, reason: Failure) -> None:
        """Nothing is held here but the socket."""
        self._socket.close()


def ask_udp(
    reactor: Any, address: ListenAddress, message: bytes, progress: Progress
) -> Deferred[bool]:
    """Ask by a datagram to an address that this process listens on."""
    try:
        sock = socket.socket(address.family, socket.SOCK_DGRAM)
    except OSError:
        # That there is no descriptor for a question does not mean that nobody answers.
        return succeed(True)
    sock.setblocking(False)
    try:
        # Connected, it hears nothing from anybody else.
        host = _reachable(address)
        found = socket.getaddrinfo(
            host, address.port, address.family, flags=socket.AI_NUMERICHOST
        )
        sock.connect(found[0][4])
    except OSError:
        sock.close()
        return succeed(False)
    asker = _Datagrams(sock, message)

    def end() -> None:
        reactor.removeReader(asker)
        sock.close()

    asker.question = LivenessQuery(reactor, asker.send, end, progress)
    reactor.addReader(asker)
    return asker.question.begin()


class _Stream(DNSProtocol):
    """Sends the message once connected; an answer, or an end, is life."""

    def __init__(self, message: bytes, told: Callable[[], None]) -> None:
        self._message = message
        self._told = told

    def connectionMade(self) -> None:
        assert self.transport is not None
        size = len(self._message).to_bytes(2, "big")
        self.transport.write(size + self._message)

    def stringReceived(self, string: bytes) -> None:
        if string == self._message:
            self._told()

    def connectionLost(self, reason: Any = None) -> None:
        # Refused for too many others, or cut for them: somebody is there.
        self._told()


class _Streams(ClientFactory):
    noisy = False

    def __init__(self, message: bytes) -> None:
        self._message = message
        self.question: LivenessQuery | None = None

    def buildProtocol(self, addr: Any) -> _Stream:
        return _Stream(self._message, lambda: self.told(True))

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        # Without a descriptor for a question nothing is known of the answers.
        self.told(reason.check(ConnectBindError) is not None)

    def told(self, alive: bool) -> None:
        if self.question is not None:
            self.question.answer(alive)


def ask_stream(
    reactor: Any,
    address: ListenAddress,
    message: bytes,
    progress: Progress,
    expect: Callable[[int], Callable[[], None]],
) -> Deferred[bool]:
    """Ask over TCP an address that this process listens on.

    `expect` is told the port that the connection comes from before it is there, and
    returns what ends that.
    """
    host = _reachable(address)
    factory = _Streams(message)
    local = "::" if ":" in host else "0.0.0.0"
    connector = reactor.connectTCP(
        host, address.port, factory, STEP * TRIES, (local, 0)
    )
    sock = getattr(connector.transport, "socket", None)
    forget = expect(sock.getsockname()[1]) if sock is not None else lambda: None

    def end() -> None:
        forget()
        connector.disconnect()

    factory.question = LivenessQuery(reactor, lambda: None, end, progress)
    return factory.question.begin()


def _reachable(address: ListenAddress) -> str:
    """An address of this host by which one that listens there is reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
