"""IPv4 addresses inside IPv6 ones.

A client behind a translator or a tunnel is where its IPv4 address is, so that one is
looked up.  Scopes found for it are given back as lengths of the IPv6 prefix, which
has the IPv4 address behind `offset` other bits.
"""

from ipaddress import IPv6Network
from typing import NamedTuple

from dinamed.geo.prefixes import PrefixTable


class _Kind(NamedTuple):
    """How addresses of a prefix hold an IPv4 address."""

    offset: int
    inverted: bool = False


_HOW = (
    (IPv6Network("::ffff:0:0/96"), _Kind(96)),  # mapped, RFC 4291 section 2.5.5.2
    (IPv6Network("64:ff9b::/96"), _Kind(96)),  # NAT64, RFC 6052 section 2.1
    (IPv6Network("2002::/16"), _Kind(16)),  # 6to4, RFC 3056 section 2
    (IPv6Network("2001::/32"), _Kind(96, inverted=True)),  # Teredo, RFC 4380 s. 4
)
_KINDS = PrefixTable(_HOW)
_ALL = 128

EMBEDDED = tuple(network for network, _ in _HOW)
"""The prefixes whose addresses have an IPv4 address inside."""
WAYS = tuple((network, kind.offset, kind.inverted) for network, kind in _HOW)
"""The same, each with the bits before the IPv4 address and whether it is inverted."""


class Unwrapped(NamedTuple):
    """The address to look up for a client.

    `address` is packed and has `prefix` known bits.  `offset` tells how many bits of
    the client's own address come before it (0: it is that address).  `floor` is the
    shortest scope that keeps clients apart which are looked up in another way.
    """

    address: bytes
    prefix: int
    offset: int = 0
    floor: int = 0

    def scope(self, found: int) -> int:
        """The scope for the client's own address, from one found for `address`.

        Not yet capped at the client's prefix.
        """
        return max(found + self.offset, self.floor)


def unwrap(address: bytes, prefix: int) -> Unwrapped:
    """Take out the IPv4 address, if there is one and at least a bit of it is known.

    `address` is packed, 4 or 16 octets; bits after the first `prefix` must be 0.
    """
    if len(address) == 4:
        return Unwrapped(address, prefix)
    kind, _, floor = _KINDS.look_up(address)
    if kind is None:
        return Unwrapped(address, prefix, 0, floor)
    offset, inverted = kind
    known = min(prefix - offset, 32)
    if known <= 0:
        # Which IPv4 address it is depends on bits that nobody told.
        return Unwrapped(address, prefix, 0, _ALL)
    inside = address[offset // 8 : offset // 8 + 4]
    if inverted:
        mask = 0xFFFFFFFF << 32 - known & 0xFFFFFFFF
        inside = ((int.from_bytes(inside) ^ 0xFFFFFFFF) & mask).to_bytes(4)
    # Who is known by no bit of the IPv4 address is looked up as an IPv6 client, so the
    # scope has at least one: those two may be at different places.
    return Unwrapped(inside, known, offset, offset + 1)
