"""Settings of zone transfers: TSIG keys, peers, and who may transfer or update."""

import base64
import binascii
import ipaddress
from typing import Annotated, Literal

import dns.rdatatype
import msgspec
from msgspec import Meta

from dinamed.config import values
from dinamed.config.values import FilePath, shown
from dinamed.wire.names import BadName, from_text

KEY_PREFIX = "key:"
MAX_SECRET = 4096
DEFAULT_PORT = 53
TLS_PORT = 853
"""DNS over TLS (RFC 7858 section 3.1), which transfers go by too (RFC 9103)."""

Algorithm = Literal[
    "hmac-md5",
    "hmac-sha1",
    "hmac-sha224",
    "hmac-sha256",
    "hmac-sha384",
    "hmac-sha512",
]


def secret(text: str) -> str:
    """A shared secret in Base64, as `tsig-keygen` and `keymgr -t` print it."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        # What was given stays out of the message: most of it may be the secret.
        raise ValueError("the secret is not Base64") from None
    if not raw:
        raise ValueError("the secret is empty")
    if len(raw) > MAX_SECRET:
        raise ValueError(f"the secret is longer than {MAX_SECRET} octets")
    return base64.b64encode(raw).decode()


def peer_address(text: str) -> str:
    """`ADDRESS`, `ADDRESS:PORT` or `[ADDRESS6]:PORT`; no host names."""
    host, port = values.host_port(text)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{shown(host)} is not an IPv4 or IPv6 address") from None
    if address.is_unspecified or address.is_multicast or port == 0:
        raise ValueError(f"{text} is not the address of a name server")
    return text


def server_name(text: str) -> str:
    """The subject of a certificate: a host name without final dot, or an address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        from_text(text)
    if text in ("@", "."):
        raise ValueError(f"{shown(text)} is not the name of a host")
    return text.lower().removesuffix(".")


def may_transfer(text: str) -> str:
    """`ADDRESS/LENGTH`, an address, or `key:NAME`."""
    if text.startswith(KEY_PREFIX):
        return KEY_PREFIX + key_name(text.removeprefix(KEY_PREFIX))
    return values.prefix(text)


def key_name(text: str) -> str:
    """A key's name: a domain name, in lower case and without its final dot."""
    if text == "@":
        raise BadName('"@" is not the name of a key')
    from_text(text)
    return text.lower().removesuffix(".")


def catalog_name(text: str) -> str:
    """The name of a catalog zone, in lower case and without its final dot."""
    if text in ("@", ".") or text.startswith("*."):
        raise BadName(f"{shown(text)} is not the name of a catalog")
    from_text(text)
    return text.lower().removesuffix(".")


def name_pattern(text: str) -> str:
    """Names of the zone that may be updated: see `Grant.names`."""
    for part in text.split(".*") if text != "*" else []:
        bare = part.removeprefix("*.")
        if bare:
            from_text(bare)
        elif not part:
            continue
    if text.endswith("."):
        raise ValueError("names here are relative to the zone")
    return text.lower()


def type_name(text: str) -> str:
    """A record type, by its mnemonic or as `TYPE65280`."""
    try:
        number = dns.rdatatype.from_text(text)
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        raise ValueError(f"{shown(text)} is not a record type") from None
    if dns.rdatatype.is_metatype(number):
        raise ValueError(f"{text} is not a type of data")
    return dns.rdatatype.to_text(number)


Secret = Annotated[str, Meta(extra={"form": secret})]
CatalogName = Annotated[str, Meta(extra={"form": catalog_name})]
KeyName = Annotated[str, Meta(extra={"form": key_name})]
ServerName = Annotated[str, Meta(extra={"form": server_name})]
PeerAddress = Annotated[str, Meta(extra={"form": peer_address})]
MayTransfer = Annotated[str, Meta(extra={"form": may_transfer})]
NamePattern = Annotated[str, Meta(extra={"form": name_pattern})]
TypeName = Annotated[str, Meta(extra={"form": type_name})]


class KeySettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """`[keys.NAME]`: a secret shared with a peer, for TSIG (RFC 8945)."""

    name: str
    algorithm: Algorithm = "hmac-sha256"
    secret: Secret | None = None
    secret_file: FilePath | None = None

    def __repr__(self) -> str:
        """Without the secret, for logs and tracebacks."""
        return f"Key({self.name!r}, {self.algorithm!r})"


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another name server: where it is, and the key that is shared with it."""

    address: PeerAddress
    key: KeyName | None = None

    @property
    def host(self) -> str:
        """The address alone, in canonical form."""
        return str(ipaddress.ip_address(values.host_port(self.address).host))

    @property
    def port(self) -> int:
        """The port, that of DNS if none is given."""
        port = values.host_port(self.address).port
        return self._usual_port if port is None else port

    @property
    def _usual_port(self) -> int:
        return DEFAULT_PORT

    def __str__(self) -> str:
        key = f" key {self.key}" if self.key else ""
        return f"{self.address}{key}"


class Primary(Peer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A server that a zone is fetched from; with `tls` by RFC 9103.

    Its certificate must be for `server_name`, by default the address, and come from an
    authority of the system's or, with `ca`, of that PEM file; unless `verify` is false.
    """

    tls: bool = False
    server_name: ServerName | None = None
    verify: bool = True
    ca: FilePath | None = None

    @property
    def _usual_port(self) -> int:
        return TLS_PORT if self.tls else DEFAULT_PORT


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the holder of a key may update.

    `names` are relative to the zone: `@` is the zone itself, `*` any name, `*.NAME` all
    names below, and `.*` at the end any further labels, none included.
    `types` are all types when empty.
    """

    key: KeyName
    names: tuple[NamePattern, ...] = ("*",)
    types: tuple[TypeName, ...] = ()
