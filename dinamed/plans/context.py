"""One query, with everything that an answer may depend on."""

import ipaddress
import socket
from dataclasses import dataclass

from dinamed.pools.context import Client
from dinamed.pools.recorder import Recorder
from dinamed.wire.query import Query

_MAPPED = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class QueryContext:
    """Carries the client, the transport, the size limit, DO and the client subnet."""

    query: Query
    source: bytes
    """Packed address the query came from, IPv4 as 4 octets."""
    stream: bool = False
    """Whether the transport is a stream (TCP, TLS): no truncation at UDP sizes."""
    recorder: Recorder | None = None
    """Takes down why the answer is what it is."""
    extra: bytes = b""
    """Options for the end of the reply's OPT, a cookie last of all."""

    @property
    def client(self) -> Client:
        """The EDNS client subnet when one was sent, else the resolver's address."""
        edns = self.query.edns
        if edns is not None and edns.subnet is not None:
            return Client(edns.subnet.packed, edns.subnet.source, True)
        return self.resolver

    @property
    def resolver(self) -> Client:
        """The source of the query as the client."""
        return Client(self.source, len(self.source) * 8)

    @property
    def limit(self) -> int:
        """The largest reply in octets."""
        return self.query.limit(self.stream)


def packed(host: str) -> bytes:
    """The octets of an address in text form; IPv4 in IPv6 (mapped) becomes IPv4.

    An IPv6 scope (`%eth0`) is left out.  Raises `OSError` for other text.
    """
    if ":" not in host:
        return socket.inet_pton(socket.AF_INET, host)
    address = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return address[12:] if address.startswith(_MAPPED) else address


def unpacked(address: bytes) -> str:
    """The text form of a packed address."""
    return str(ipaddress.ip_address(address))
