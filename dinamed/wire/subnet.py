"""EDNS client subnet (RFC 7871): strict reading, and the option of the reply."""

import ipaddress
import struct
from dataclasses import dataclass

from dinamed.wire.constants import EdnsOption
from dinamed.wire.question import FormatError

_BITS = {1: 32, 2: 128}  # address family numbers of IPv4 and IPv6


@dataclass(frozen=True, slots=True)
class ClientSubnet:
    """The network that a resolver says its client is in."""

    family: int
    """1: IPv4, 2: IPv6."""
    source: int
    """Prefix length the resolver gave, in bits."""
    address: bytes
    """As sent: just the octets that `source` covers."""

    @property
    def packed(self) -> bytes:
        """The address filled up with zeros to 4 or 16 octets."""
        return self.address.ljust(_BITS[self.family] // 8, b"\0")

    def reply_option(self, scope: int) -> bytes:
        """The option to send back; `scope` is the bits the answer depends on."""
        length = 4 + len(self.address)
        return (
            struct.pack(
                "!HHHBB",
                EdnsOption.CLIENT_SUBNET,
                length,
                self.family,
                self.source,
                scope,
            )
            + self.address
        )

    def __str__(self) -> str:
        return f"{ipaddress.ip_address(self.packed)}/{self.source}"


def read_subnet(data: bytes) -> ClientSubnet:
    """Read the option's data as sent in a query (RFC 7871 section 6).

    Raises `FormatError` for an unknown family, a prefix longer than the address, a
    scope other than 0, octets too many or too few, and bits set beyond the prefix.
    """
    if len(data) < 4:
        raise FormatError("client subnet is cut off")
    family, source, scope = struct.unpack_from("!HBB", data)
    bits = _BITS.get(family)
    if bits is None:
        raise FormatError("client subnet of an unknown family")
    if source > bits or scope:
        raise FormatError("client subnet with an impossible prefix length")
    address = data[4:]
    if len(address) != (source + 7) // 8:
        raise FormatError("client subnet with a wrong number of octets")
    if source % 8 and address[-1] & (0xFF >> source % 8):
        raise FormatError("client subnet with bits beyond its prefix")
    return ClientSubnet(family, source, address)
