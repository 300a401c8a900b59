"""The form of RRsets that signatures cover (RFC 4034 sections 3.1.8.1 and 6.2)."""

import struct
from collections.abc import Iterable

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from dinamed.wire.constants import CLASS_IN, Type
from dinamed.wire.names import WireName

_HEAD = struct.Struct("!HHIH")
# The name in NSEC stays as it is (RFC 6840 section 5.1).
_NO_NAMES = frozenset({Type.A, Type.AAAA, Type.TXT, Type.DNSKEY, Type.DS, Type.NSEC})
_NAME_ONLY = frozenset({Type.NS, Type.CNAME, Type.PTR, Type.DNAME})


def canonical_rdata(rrtype: int, rdata: bytes) -> bytes:
    """Record data with its names in lower case, where the type has that."""
    if rrtype in _NO_NAMES:
        return rdata
    if rrtype in _NAME_ONLY:
        return rdata.lower()
    if rrtype == Type.MX:
        return rdata[:2] + rdata[2:].lower()
    try:
        known = dns.rdata.from_wire(
            dns.rdataclass.IN,
            dns.rdatatype.RdataType.make(rrtype),
            rdata,
            0,
            len(rdata),
        )
        return known.to_digestable()
    except Exception:  # dnspython raises many kinds; such data has no names to fold
        return rdata


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
