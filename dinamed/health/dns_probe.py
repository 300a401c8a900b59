"""The `dns` check: a query over UDP, and over TCP where the answer is cut."""

import random
from typing import cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IReactorUDP,
    IUDPTransport,
)
from twisted.internet.protocol import DatagramProtocol

from dinamed.config.checks import DnsCheck
from dinamed.health.connection import ConnectionReactor, ProbeConnection, source_of
from dinamed.health.dns_message import DnsQuestion, Meaning
from dinamed.health.results import (
    PASSED,
    ProbeTarget,
    Result,
    failed,
    failed_by,
    fill,
    same_address,
)
from dinamed.one_shot import OneShot
from dinamed.wire.names import BadName

MAX_PACKET = 4096  # octets; we don't offer EDNS, so 512 is what may come
MAX_STRANGERS = 64  # messages that are not ours, until we stop listening to them


class DnsReactor(ConnectionReactor, IReactorUDP):
    """What a `dns` check needs of the reactor."""


class DnsProbe:
    """Probes targets by a `dns` check.

    Ids come from `rng`, which should be one that can't be foretold; source ports
    come from the system.
    """

    def __init__(
        self, reactor: DnsReactor, check: DnsCheck, rng: random.Random
    ) -> None:
        self._reactor = reactor
        self._check = check
        self._rng = rng

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Ask the target; see L{Probe.probe}."""
        try:
            question = DnsQuestion(self._check, fill(self._check.name, target))
        except BadName as error:
            return succeed(failed(f"not a domain name: {error}"))
        ask = _Query(self._reactor, self._check, question, target, self._rng)
        return ask.begin()


class _Query(OneShot[Result], DatagramProtocol):
    """One query over its own socket, and over TCP if its answer is truncated."""

    noisy = False

    def __init__(
        self,
        reactor: DnsReactor,
        check: DnsCheck,
        question: DnsQuestion,
        target: ProbeTarget,
        rng: random.Random,
    ) -> None:
        super().__init__(reactor, check.limit)
        self._reactor = reactor
        self._check = check
        self._question = question
        self._target = target
        self._rng = rng
        self._id = rng.getrandbits(16)
        self._began = 0.0
        self._strangers = 0
        self._port: IListeningPort | None = None
        self._stream: Deferred[Result] | None = None

    def begin(self) -> "Deferred[Result]":
        """Send the query; the Deferred fires with what came of it."""
        self._began = self._reactor.seconds()
        source = source_of(self._target.address, self._check.source)
        interface = "::" if self._target.is_v6 else ""
        if source is not None:
            interface = source[0]
        try:
            # Connected in startProtocol, so only the target can answer.
            self._port = self._reactor.listenUDP(0, self, interface, MAX_PACKET)
        except CannotListenError as error:
            return succeed(failed_by(error, str(error), self._target.address))
        self.start_clock()
        return self.result

    def startProtocol(self) -> None:
        """See L{DatagramProtocol}."""
        transport = cast(IUDPTransport, self.transport)
        try:
            transport.connect(self._target.address, self._check.port)
            transport.write(self._question.message(self._id), None)
        except OSError as error:
            words = f"can't send: {error.strerror}"
            found = failed_by(error, words, self._target.address)
            self._reactor.callLater(0, self.end, found)

    def datagramReceived(self, data: bytes, addr: tuple[str, int]) -> None:
        """See L{DatagramProtocol}."""
        if self._over or self._stream is not None:
            return
        ours = addr[1] == self._check.port and same_address(
            addr[0], self._target.address
        )
        meaning = self._question.judge(data, self._id) if ours else Meaning.NOT_OURS
        if meaning is Meaning.NOT_OURS:
            self._strangers += 1
            if self._strangers == MAX_STRANGERS:
                self.end(failed(f"{MAX_STRANGERS} answers with another id or question"))
        elif meaning is Meaning.TRUNCATED:
            self._over_tcp()
        elif meaning is Meaning.PASSED:
            self.end(PASSED)
        else:
            self.end(failed(meaning))

    def connectionRefused(self) -> None:
        """See L{DatagramProtocol}."""
        self.end(failed("port unreachable"))

    def stopProtocol(self) -> None:
        """See L{DatagramProtocol}."""
        # Reactors that take an error of the socket for its end close it themselves.
        if self._port is not None:
            self._port = None
            self.end(failed("port unreachable"))

    def _over_tcp(self) -> None:
        self._close()
        left = self._check.limit - (self._reactor.seconds() - self._began)
        stream = _Stream(
            self._reactor, max(left, 0.0), self._question, self._rng.getrandbits(16)
        )
        self._stream = stream.begin(self._target, self._check.port, self._check.source)
        self._stream.addCallback(self.end)

    def expired(self) -> None:
        """See L{OneShot.expired}."""
        words = f"no answer in {self._check.limit:g} s"
        if self._strangers:
            words += f" ({self._strangers} with another id or question)"
        self.end(failed(words))

    def release(self) -> None:
        """See L{OneShot.release}."""
        self._close()
        stream, self._stream = self._stream, None
        if stream is not None and not stream.called:
            stream.addErrback(lambda _: None)
            stream.cancel()

    def _close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.stopListening()


class _Stream(ProbeConnection):
    """The query over TCP: messages with their length before them."""

    def __init__(
        self,
        reactor: ConnectionReactor,
        limit: float,
        question: DnsQuestion,
        identity: int,
    ) -> None:
        super().__init__(reactor, limit)
        self._question = question
        self._id = identity
        self._heard = bytearray()

    def opened(self) -> None:
        if self.transport is not None:
            message = self._question.message(self._id)
            self.transport.write(len(message).to_bytes(2, "big") + message)

    def dataReceived(self, data: bytes) -> None:
        self._heard += data[: 65537 - len(self._heard)]
        length = int.from_bytes(self._heard[:2], "big") + 2
        if len(self._heard) < max(length, 3):
            return
        meaning = self._question.judge(bytes(self._heard[2:length]), self._id)
        match meaning:
            case Meaning.PASSED:
                self.passed()
            case Meaning.NOT_OURS:
                self.failed("an answer with another id or question over TCP")
            case Meaning.TRUNCATED:
                self.failed("a truncated answer over TCP")
            case _:
                self.failed(meaning)
