"""TLS for a probe: which authorities to trust, and which name to expect."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Protocol

from OpenSSL.crypto import X509
from OpenSSL.SSL import (
    VERIFY_FAIL_IF_NO_PEER_CERT,
    VERIFY_PEER,
    Connection,
    Error,
    ZeroReturnError,
)
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer


class Trust(Protocol):
    """The settings of a check, or of a primary, that say whom to trust."""

    @property
    def verify(self) -> bool:
        """Whether certificates count at all."""

    @property
    def ca(self) -> str | None:
        """A PEM file with the authorities to trust in place of the system's."""


PEM_END = b"-----END CERTIFICATE-----"


def certificate_options(check: Trust, **more: Any) -> CertificateOptions:
    """The TLS options of all connections of a check; costly, so made once.

    `more` are arguments of L{CertificateOptions}.

    @raise OSError: the file of authorities can't be read.
    @raise ValueError: it holds no certificate, or a broken one.
    """
    if not check.verify:
        return CertificateOptions(**more)
    if check.ca is None:
        return CertificateOptions(trustRoot=platformTrust(), **more)
    with open(check.ca, "rb") as file:
        parts = file.read().split(PEM_END)[:-1]
    if not parts:
        raise ValueError(f"{check.ca} holds no certificate")
    try:
        roots = [Certificate.loadPEM(part + PEM_END) for part in parts]
    except Exception as error:  # the cryptography library raises several
        raise ValueError(f"{check.ca}: {error}") from None
    return CertificateOptions(trustRoot=trustRootFromCertificates(roots), **more)


@implementer(IOpenSSLClientConnectionCreator)
class Handshake:
    """Makes one TLS connection; `trouble` says why its certificate is refused."""

    def __init__(
        self, options: CertificateOptions, server_name: str, *, verify: bool
    ) -> None:
        self.trouble = ""
        self._options = options
        self._name = server_name
        self._verify = verify

    def clientConnectionForTLS(
        self,
        tlsProtocol: TLSMemoryBIOProtocol,  # noqa: N803
    ) -> Connection:
        """See L{IOpenSSLClientConnectionCreator}."""
        connection: Connection = self._options.clientConnectionForTLS(tlsProtocol)
        is_address = _is_address(self._name)
        if not is_address:  # an address is no server name, RFC 6066 section 3
            connection.set_tlsext_host_name(self._name.encode("ascii"))
        if self._verify:
            wanted = (IPAddress_ID if is_address else DNS_ID)(self._name)
            connection.set_verify(
                VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, self._judge(wanted)
            )
        return connection

    def _judge(
        self, wanted: DNS_ID | IPAddress_ID
    ) -> Callable[[Connection, X509, int, int, int], bool]:
        def judge(
            _: Connection, certificate: X509, error: int, depth: int, ok: int
        ) -> bool:
            # OpenSSL would swallow what is raised here.
            try:
                if not ok:
                    self.trouble = _ERRORS.get(error, f"error {error} of its chain")
                elif depth == 0:
                    verify_service_identity(extract_patterns(certificate), [wanted], [])
            except (VerificationError, CertificateError):
                self.trouble = f"it is not for {self._name}"
            except Exception as fault:
                self.trouble = f"it can't be read: {fault}"
            return not self.trouble

        return judge


def tls_words(error: Error) -> str:
    """OpenSSL's message, without its positions in the code."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list | tuple):
        said = [str(entry[-1]) for entry in queue if isinstance(entry, tuple)]
        if said:
            return ", ".join(said)
    return "closed early" if isinstance(error, ZeroReturnError) else str(error)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# The codes of X509_verify_cert_error_string() that matter to an operator.
_ERRORS = {
    2: "its issuer is not known",
    7: "its signature is not its issuer's",
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "an authority of its chain is not trusted",
    20: "its issuer is not known",
    21: "its issuer is not known",
    23: "it was revoked",
    24: "a certificate of its chain is no authority's",
    26: "it is not for servers",
}
