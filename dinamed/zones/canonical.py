"""The canonical forms of names and of record data (RFC 4034 sections 6.1 and 6.2)."""

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from dinamed.wire.constants import Type
from dinamed.wire.names import WireName

_MARK = b"\1"
_MARK_ESCAPED = b"\1\2"
_ZERO_ESCAPED = b"\1\1"
_END = b"\0"

# The name in NSEC stays as it is (RFC 6840 section 5.1).
_NO_NAMES = frozenset({Type.A, Type.AAAA, Type.TXT, Type.DNSKEY, Type.DS, Type.NSEC})
_NAME_ONLY = frozenset({Type.NS, Type.CNAME, Type.PTR, Type.DNAME})


def canonical_key(name: WireName | bytes) -> bytes:
    """Octets whose order is that of names; `name` is in lower case.

    The labels from right to left, each with an end that no label contains, so that a
    name comes before those below it.  For names relative to one zone, which have no
    root at their end, the order is the same.
    """
    parts = []
    position = 0
    while position < len(name) and (length := name[position]):
        label = name[position + 1 : position + 1 + length]
        if _MARK in label or _END in label:
            label = label.replace(_MARK, _MARK_ESCAPED).replace(_END, _ZERO_ESCAPED)
        parts.append(label)
        position += 1 + length
    parts.append(b"")
    parts.reverse()
    return _END.join(parts[1:]) + _END if len(parts) > 1 else b""


def canonical_rdata(rrtype: int, rdata: bytes) -> bytes:
    """Record data with its names in lower case, where the type has that.

    It is equal for equal records; data that cannot be read equals only itself.
    """
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
