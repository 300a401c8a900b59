"""The `tcp` check: connects, and may expect an answer to what it sends."""

from twisted.internet.defer import Deferred

from dinamed.config.checks import TcpCheck
from dinamed.health.connection import ConnectionReactor, ProbeConnection
from dinamed.health.results import ProbeTarget, Result, clean, fill
from dinamed.patterns import Pattern

MAX_BANNER = 4096  # octets of what the peer says in which `expect` is searched
MAX_SEARCHES = 32  # while data come; one more is made at the end


class TcpProbe:
    """Probes targets by a `tcp` check."""

    def __init__(self, reactor: ConnectionReactor, check: TcpCheck) -> None:
        self._reactor = reactor
        self._check = check
        self._expect = None
        if check.expect is not None:
            self._expect = Pattern(check.expect)

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Connect to the target; see L{Probe.probe}."""
        limit = self._check.limit
        if self._expect is None:
            exchange: ProbeConnection = _Connect(self._reactor, limit)
        else:
            words = fill(self._check.send, target).encode()
            exchange = _Converse(self._reactor, limit, words, self._expect)
        return exchange.begin(target, self._check.port, self._check.source)


class _Connect(ProbeConnection):
    """Passes when it is connected."""

    def opened(self) -> None:
        self.passed()


class _Converse(ProbeConnection):
    """Sends its text, and waits for the answer that it expects."""

    def __init__(
        self,
        reactor: ConnectionReactor,
        limit: float,
        words: bytes,
        expect: Pattern,
    ) -> None:
        super().__init__(reactor, limit)
        self._words = words
        self._expect = expect
        self._heard = bytearray()
        self._searches = 0

    def opened(self) -> None:
        if self._words and self.transport is not None:
            self.transport.write(self._words)

    def dataReceived(self, data: bytes) -> None:
        self._heard += data[: MAX_BANNER - len(self._heard)]
        full = len(self._heard) == MAX_BANNER
        # A peer that drips must not have everything searched at every drop.
        if not full and self._searches == MAX_SEARCHES:
            return
        self._searches += 1
        if self._expect.found_in(bytes(self._heard)):
            self.passed()
        elif full:
            self._unexpected()

    def closed(self) -> None:
        self._decide("closed early")

    def expired(self) -> None:
        self._decide(f"no answer in {self._limit:g} s")

    def _decide(self, otherwise: str) -> None:
        if self._expect.found_in(bytes(self._heard)):
            self.passed()
        elif self._heard:
            self._unexpected()
        else:
            self.failed(otherwise)

    def _unexpected(self) -> None:
        start = clean(bytes(self._heard[:60]).decode("latin-1"))
        self.failed(f"not what is expected: {start}")
