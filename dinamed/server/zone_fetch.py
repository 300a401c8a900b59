"""Fetching a zone from a primary, over TCP or TLS (RFC 9103)."""

from collections.abc import Callable
from random import Random
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IAddress, ITCPTransport
from twisted.internet.protocol import ClientFactory, connectionDone
from twisted.internet.ssl import TLSVersion
from twisted.protocols.basic import Int16StringReceiver
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from dinamed.config.transfers import Primary
from dinamed.health.tls import Handshake, certificate_options, tls_words
from dinamed.shortage import shortage
from dinamed.transfers.incoming import (
    Incoming,
    TransferError,
    TransferLimits,
    rcode_text,
)
from dinamed.transfers.notify import transfer_query
from dinamed.transfers.records import Record
from dinamed.transfers.responder import wire_key
from dinamed.transfers.tsig import (
    BadSignature,
    Keys,
    Signer,
    TsigError,
    find_signature,
    unsigned,
    verify,
)
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.wire.question import FormatError
from dinamed.zones.packed import PackedZone

CONNECT_TIMEOUT = 10.0
ALPN = b"dot"
"""RFC 9103 section 7.1; a server that chooses none is taken all the same."""
IDLE_TIMEOUT = 30.0
"""Seconds a primary may be silent within a transfer."""
TOTAL_TIMEOUT = 3600.0
"""Seconds that a whole transfer may take."""
MOST_UNSIGNED = 99
"""Messages in a row without a signature (RFC 8945 section 5.3.1)."""


class OwnShortageError(TransferError):
    """It is this host that lacks something; nothing is known of the primary."""


class ZoneFetch(Int16StringReceiver):
    """One connection for one transfer; `done` fires when all has come."""

    transport: ITCPTransport

    def __init__(
        self,
        clock: Any,
        query: bytes,
        incoming: Incoming,
        signer: Signer | None,
        keys: Keys,
        seconds: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._query = query
        self._incoming = incoming
        self._signer = signer
        self._keys = keys
        self._seconds = seconds
        self._context: Any = None
        self._unsigned = 0
        self._idle: Any = None
        self._total: Any = None
        self._failure: Failure | None = None
        self.handshake: Handshake | None = None
        """That of TLS, if the transfer goes over it."""
        self.done: Deferred[Incoming] = Deferred()

    def connectionMade(self) -> None:
        """Ask."""
        query = self._query
        if self._signer is not None:
            query = self._signer.sign(query, self._seconds())
        self.sendString(query)
        self._idle = self._clock.callLater(IDLE_TIMEOUT, self._late)
        self._total = self._clock.callLater(TOTAL_TIMEOUT, self._late)

    def _late(self) -> None:
        self._fail("takes too long")

    def stringReceived(self, string: bytes) -> None:
        """One message of the transfer."""
        if self._failure is not None or self.done.called:
            return
        self._idle.reset(IDLE_TIMEOUT)
        try:
            message, signed = self._verified(string)
            if not self._incoming.take(message):
                return
            if not signed:
                raise TransferError("the last message is not signed")
        except TransferError as error:
            self._fail(str(error))
            return
        except FormatError as error:
            self._fail(f"malformed: {error}")
            return
        self._stop_clocks()
        self.transport.loseConnection()
        self.done.callback(self._incoming)

    def _verified(self, data: bytes) -> tuple[bytes, bool]:
        """The message without its signature, and whether it was signed as agreed."""
        signer = self._signer
        signature = find_signature(data)
        if signer is None:
            return (data if signature is None else unsigned(data, signature)), True
        if signature is None:
            self._unsigned += 1
            rcode = data[3] & 0xF
            if rcode:
                raise TransferError(f"refused with {rcode_text(rcode)}")
            if self._context is None or self._unsigned > MOST_UNSIGNED:
                raise TransferError("not signed")
            self._context.update(data)
            return data, False
        if signature.data.error:
            raise TransferError(f"refused with {_error_text(signature.data.error)}")
        try:
            self._context = verify(
                data,
                signature,
                self._keys,
                self._seconds(),
                signer.mac,
                self._context,
                True,
            )
        except BadSignature as bad:
            raise TransferError(f"badly signed: {bad.error.name}") from None
        self._unsigned = 0
        return unsigned(data, signature), True

    def _fail(self, why: str) -> None:
        if self._failure is None and not self.done.called:
            self._failure = Failure(TransferError(why))
            self.transport.abortConnection()

    def stop(self) -> None:
        """Break off."""
        self._fail("broken off")

    def _stop_clocks(self) -> None:
        for later in (self._idle, self._total):
            if later is not None and later.active():
                later.cancel()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All is lost, unless all had come."""
        self._stop_clocks()
        if not self.done.called:
            broken = Failure(TransferError(self._why_closed(reason)))
            self.done.errback(self._failure or broken)

    def _why_closed(self, reason: Failure) -> str:
        if self.handshake is not None:
            if self.handshake.trouble:
                return f"certificate refused: {self.handshake.trouble}"
            if isinstance(reason.value, SSL.Error):
                return f"TLS: {tls_words(reason.value)}"
        return "the connection was closed"


def _error_text(error: int) -> str:
    try:
        return TsigError(error).name
    except ValueError:
        return f"TSIG error {error}"


class _Factory(ClientFactory):
    noisy = False

    def __init__(self, fetch: ZoneFetch, host: str) -> None:
        self._fetch = fetch
        self._host = host

    def buildProtocol(self, addr: IAddress | None) -> ZoneFetch:
        return self._fetch

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        error = reason.value
        lack = shortage(error, self._host)
        why = f"no connection: {reason.getErrorMessage()}"
        found = OwnShortageError(lack) if lack else TransferError(why)
        self._fetch.done.errback(Failure(found))


def _over_tls(reactor: Any, peer: Primary, client: ZoneFetch, inner: _Factory) -> Any:
    """The factory behind TLS 1.3, which RFC 9103 section 7.1 asks for.

    Raises `OSError` and `ValueError` if the authorities are not usable.
    """
    options = certificate_options(
        peer, raiseMinimumTo=TLSVersion.TLSv1_3, acceptableProtocols=[ALPN]
    )
    name = peer.server_name or peer.host
    client.handshake = Handshake(options, name, verify=peer.verify)
    return TLSMemoryBIOFactory(client.handshake, True, inner, reactor)


def fetch_zone(
    reactor: Any,
    peer: Primary,
    origin: WireName,
    have: PackedZone | None,
    keys: Keys,
    seconds: Callable[[], float],
    rng: Random,
    source: str,
    limits: TransferLimits | None = None,
) -> tuple[Deferred[Incoming], Callable[[], None]]:
    """Ask a primary for what is new in a zone, or for all of it without `have`.

    The Deferred fails with `TransferError`, of which `OwnShortageError` is one kind;
    the other result breaks off.
    """
    ident = rng.getrandbits(16).to_bytes(2, "big")
    soa = None
    if have is not None:
        soa = Record(origin, Type.SOA, have.soa.ttl, have.soa.rdatas[0])
    query = transfer_query(ident, origin, soa)
    signer = Signer(keys[wire_key(peer.key)]) if peer.key is not None else None
    incoming = Incoming(origin, ident, have, limits)
    client = ZoneFetch(reactor, query, incoming, signer, keys, seconds)
    factory: Any = _Factory(client, peer.host)
    if peer.tls:
        try:
            factory = _over_tls(reactor, peer, client, factory)
        except (OSError, ValueError) as error:
            lack = shortage(error)
            why = OwnShortageError(lack) if lack else TransferError(f"no TLS: {error}")
            return fail(why), lambda: None
    connector = reactor.connectTCP(
        peer.host, peer.port, factory, CONNECT_TIMEOUT, (source, 0)
    )

    def _stop() -> None:
        if client.connected:
            client.stop()
        else:
            connector.disconnect()

    return client.done, _stop
