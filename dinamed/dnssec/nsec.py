"""NSEC records: the types of a name, and the name after it (RFC 4034 section 4)."""

from collections.abc import Iterable

from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.model import RRset


def type_bitmaps(types: Iterable[int]) -> bytes:
    """The type bit maps field (RFC 4034 section 4.1.2)."""
    windows: dict[int, bytearray] = {}
    for rrtype in types:
        window, place = divmod(rrtype, 256)
        bits = windows.setdefault(window, bytearray())
        octet = place >> 3
        bits.extend(bytes(max(0, octet + 1 - len(bits))))
        bits[octet] |= 0x80 >> (place & 7)
    return b"".join(
        bytes((window, len(bits))) + bits for window, bits in sorted(windows.items())
    )


def nsec_rrset(next_name: WireName, types: Iterable[int], ttl: int) -> RRset:
    """The NSEC RRset of a name that has these types, beside NSEC and RRSIG."""
    bitmaps = type_bitmaps({*types, Type.NSEC, Type.RRSIG})
    return RRset(int(Type.NSEC), ttl, (next_name + bitmaps,))
