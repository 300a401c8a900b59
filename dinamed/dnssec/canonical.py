"""The form of RRsets that signatures cover (RFC 4034 sections 3.1.8.1 and 6.2)."""

import struct
from collections.abc import Iterable

from dinamed.wire.constants import CLASS_IN
from dinamed.wire.names import WireName
from dinamed.zones.canonical import canonical_rdata

_HEAD = struct.Struct("!HHIH")


def signed_octets(
    head: bytes, owner: WireName, rrtype: int, ttl: int, rdatas: Iterable[bytes]
) -> bytes:
    """The octets that a signature covers (RFC 4034 section 3.1.8.1).

    `head` is the data of the RRSIG up to its signature, `ttl` the original TTL; the
    owner of an answer made from a wildcard is the wildcard.
    """
    front = owner.lower()
    canonical = sorted({canonical_rdata(rrtype, rdata) for rdata in rdatas})
    return head + b"".join(
        front + _HEAD.pack(rrtype, CLASS_IN, ttl, len(rdata)) + rdata
        for rdata in canonical
    )
