"""TLS, for DNS (RFC 7858) and HTTP: certificates are read again when they change."""

import socket
from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
)
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from dinamed.config.settings import ServerSettings, Settings
from dinamed.geo.files import FileWatch, look_at
from dinamed.server.authority import Authority
from dinamed.server.periodic import Periodic
from dinamed.server.sockets import ListenAddress
from dinamed.server.stream import StreamFactory
from dinamed.server.stream_listener import StreamListenService

LOOK_INTERVAL = 5.0
"""Seconds between looks at the files."""
ALPN = b"dot"
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"  # for TLS 1.2; those of 1.3 are all good
_OPTIONS = (
    SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
)


class TlsError(Exception):
    """Certificate and key are not usable; the message is meant for the operator."""


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """Makes the server's side of connections, TLS 1.2 and up, from files.

    Raises `TlsError` if they are not usable at the start.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._certificate = certificate
        self._key = key
        self._context = _context(certificate, key)

    @property
    def files(self) -> tuple[str, str]:
        """Certificate and key."""
        return self._certificate, self._key

    def read(self, certificate: str | None = None, key: str | None = None) -> None:
        """Use what the files hold now, or other files; connections that are open stay.

        Raises `TlsError` and goes on as before if that is not usable.
        """
        certificate, key = certificate or self._certificate, key or self._key
        self._context = _context(certificate, key)
        self._certificate, self._key = certificate, key

    def serverConnectionForTLS(  # noqa: N802
        self, protocol: TLSMemoryBIOProtocol
    ) -> SSL.Connection:
        """The OpenSSL side of one connection."""
        return SSL.Connection(self._context, None)


class TlsService(StreamListenService):
    """Answers over TLS, with the streams of TCP, which close with those."""

    def __init__(
        self,
        reactor: Any,
        streams: StreamFactory,
        certificates: Certificates,
        sockets: Sequence[tuple[ListenAddress, socket.socket]],
    ) -> None:
        factory = TLSMemoryBIOFactory(certificates, False, streams, reactor)
        super().__init__(reactor, factory, sockets)


class CertificateService(Periodic):
    """Looks at the files, and uses what has changed; also after a reload."""

    log = Logger()

    def __init__(
        self, reactor: Any, authority: Authority, certificates: Certificates
    ) -> None:
        super().__init__(
            reactor, LOOK_INTERVAL, self.look, "looking at the certificate"
        )
        self._authority = authority
        self._certificates = certificates
        self._watch = FileWatch(look_at(certificates.files))
        authority.applied.subscribe(self._applied)

    def look(self) -> None:
        """Look once; what is bad is told once, and changes nothing."""
        if self._watch.changed(look_at(self._certificates.files)):
            self._take(*self._certificates.files)

    def _applied(self, settings: Settings) -> None:
        server = settings.server
        files = server.certificate, server.key
        if files[0] is None or files[1] is None or files == self._certificates.files:
            self.look()
        else:
            self._take(files[0], files[1])

    def _take(self, certificate: str, key: str) -> None:
        try:
            self._certificates.read(certificate, key)
        except TlsError as error:
            self.log.error("the certificate stays as it was: {why}", why=str(error))
            return
        self._watch = FileWatch(look_at(self._certificates.files))
        self.log.info("TLS has a new certificate")


def certificates_of(server: ServerSettings) -> Certificates | None:
    """The certificates of TLS; None if nothing uses TLS.  Raises `TlsError`."""
    wanted = bool(server.tls) or server.http_tls
    if not wanted or server.certificate is None or server.key is None:
        return None
    return Certificates(server.certificate, server.key)


def _context(certificate: str, key: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(_OPTIONS)
    context.set_cipher_list(_CIPHERS)
    context.set_alpn_select_callback(_choose)
    for file in (certificate, key):
        try:
            with open(file, "rb"):
                pass
        except OSError as error:
            raise TlsError(f"can't read {file}: {error.strerror}") from None
    try:
        context.use_certificate_chain_file(certificate)
        context.use_privatekey_file(key)
        context.check_privatekey()
    except SSL.Error as error:
        reasons = error.args[0] if error.args else []
        why = ", ".join(reason[-1] for reason in reasons)
        raise TlsError(f"{certificate}, {key}: {why}") from None
    return context


def _choose(connection: SSL.Connection, offered: Sequence[bytes]) -> Any:
    """Choose `dot`; a client that offers other protocols alone gets none (RFC 7301).

    Twisted's own way would break off the handshake then.
    """
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS
