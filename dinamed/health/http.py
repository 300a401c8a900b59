"""The `http` and `https` checks: one request to the member's address, one response."""

from typing import Any, cast

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.protocol import ClientFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from dinamed.config.check_forms import split_url
from dinamed.config.checks import HttpCheck, HttpsCheck
from dinamed.config.values import host_port
from dinamed.health.connection import ConnectionReactor, ProbeConnection
from dinamed.health.http_message import BadMessage, ResponseReader, build_request
from dinamed.health.results import (
    PASSED,
    ProbeTarget,
    Result,
    failed,
    failed_by,
    fill,
)
from dinamed.health.search import Searcher
from dinamed.health.tls import Handshake, certificate_options, tls_words
from dinamed.patterns import Pattern

MAX_REST = 65536
"""Octets of a response that are read for the sake of an orderly end."""


class HttpProbe:
    """Probes targets by an `http` or `https` check."""

    def __init__(self, reactor: ConnectionReactor, check: HttpCheck) -> None:
        self._reactor = reactor
        self._url = split_url(check.url)
        self._options = None
        if isinstance(check, HttpsCheck):
            self._options = certificate_options(check)
        self.check = check
        self._search = None
        if check.body is not None:
            self._search = Searcher(reactor, Pattern(check.body))

    @property
    def body_limit(self) -> int:
        """How many octets of the body are of interest."""
        return 0 if self._search is None else self.check.body_limit

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Ask the target; see L{Probe.probe}."""
        handshake = None
        if isinstance(self.check, HttpsCheck) and self._options is not None:
            try:
                name = self.server_name(target)
            except ValueError as error:  # by the member's name
                return succeed(failed(str(error)))
            verify = self.check.verify
            handshake = Handshake(self._options, name, verify=verify)
        exchange = _Request(self._reactor, self, self.request(target), handshake)
        return exchange.begin(target, self._url.port, self.check.source)

    def request(self, target: ProbeTarget) -> bytes:
        """The request as it is sent."""
        headers = tuple((n, fill(v, target)) for n, v in self.check.headers)
        path = fill(self._url.target, target)
        return build_request(self.check.method, path, self.host(target), headers)

    def host(self, target: ProbeTarget) -> str:
        """The Host line: as set, or else as the URL has it."""
        text = self.check.host or self._url.authority
        return text.replace("{address}", target.in_url).replace("{name}", target.name)

    def server_name(self, target: ProbeTarget) -> str:
        """The name that the target's certificate must be for."""
        if isinstance(self.check, HttpsCheck) and self.check.server_name:
            return fill(self.check.server_name, target)
        return host_port(self.host(target)).host.removesuffix(".")

    def judge(self, response: ResponseReader) -> "Deferred[str]":
        """Why the response is not what it should be; "" if it is."""
        status = response.status
        if not any(low <= status <= high for low, high in self.check.codes):
            return succeed(f"status {status}")
        if self._search is None:
            return succeed("")
        if packed := response.packed:
            return succeed(packed)
        found = self._search.search(bytes(response.body))
        return found.addCallback(
            lambda there: "" if there else "the body has no match of the pattern"
        )


class _Request(ProbeConnection):
    """Sends the request and reads the response."""

    def __init__(
        self,
        reactor: ConnectionReactor,
        probe: HttpProbe,
        request: bytes,
        handshake: Handshake | None,
    ) -> None:
        super().__init__(reactor, probe.check.limit)
        self._probe = probe
        self._request = request
        self._handshake = handshake
        self._response = ResponseReader(body_limit=probe.body_limit)
        self._judging: Deferred[None] | None = None
        self._drained = 0

    def opened(self) -> None:
        if self.transport is not None:
            self._stage = "asked"
            self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        if self._judging is not None:
            self._drained += len(data)
            self._drain()
            return
        self._stage = "answering"
        try:
            if self._response.feed(data):
                self._decide()
        except BadMessage as error:
            self.failed(str(error))

    def closed(self) -> None:
        if self._judging is not None:
            return  # the verdict is on its way
        try:
            self._response.end()
        except BadMessage as error:
            self.failed(str(error))
        else:
            self._decide()

    def _decide(self) -> None:
        self._stage = "looking for the pattern"
        judging = self._probe.judge(self._response)
        self._judging = judging.addCallbacks(self._judged, self._not_judged)

    def _judged(self, reason: str) -> None:
        result = failed(reason) if reason else PASSED
        if self.transport is None:
            self.end(result)
            return
        self.finish(result)
        self._drain()

    def _drain(self) -> None:
        """Read what little still comes behind what mattered, and close.

        With any of it unread the system would reset the connection, which servers log.
        """
        if self._verdict is None:
            return
        rest = 0 if self._probe.check.method == "HEAD" else self._response.rest
        if max(self._drained, rest or 0) > MAX_REST:
            self.end(self._verdict)
        elif rest is not None and self._drained >= rest:
            self.close()

    def _not_judged(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.end(failed_by(failure.value, failure.getErrorMessage()))

    def release(self) -> None:
        super().release()
        if self._judging is not None:
            self._judging.cancel()

    def _outermost(self) -> ClientFactory:
        if self._handshake is None:
            return self
        # It passes on all that concerns clients, though it isn't declared as one.
        wrapped: Any = TLSMemoryBIOFactory(self._handshake, True, self, self._reactor)
        return cast(ClientFactory, wrapped)

    def _trouble(self, error: BaseException | None) -> str:
        if self._handshake is not None:
            if self._handshake.trouble:
                return f"certificate refused: {self._handshake.trouble}"
            if isinstance(error, SSL.Error):
                return f"TLS: {tls_words(error)}"
        return super()._trouble(error)
