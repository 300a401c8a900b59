"""A zone made of an old file, as the text of a master file (RFC 1035 section 5)."""

from collections.abc import Iterator

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from dinamed.formats.imported import Imported
from dinamed.wire.constants import Type
from dinamed.wire.names import ROOT, is_within, relative, to_text
from dinamed.zones.model import RRset

PLACEHOLDER = "ns.invalid."
"""A name server where there is none; nobody can have it (RFC 6761)."""

_ADDRESSES = (Type.A, Type.AAAA)


def master_file(made: Imported) -> str:
    """The records; what can't stand in a zone is a comment."""
    return "".join(line + "\n" for line in _lines(made))


def unused_pools(made: Imported) -> frozenset[bytes]:
    """The names that can't be bound to their pool, for they are aliases."""
    aliases = {key for key, rrset in made.rrsets if rrset.type == Type.CNAME and key}
    return frozenset(aliases & made.names.keys())


def _lines(made: Imported) -> Iterator[str]:
    origin = to_text(made.origin)
    yield f"$ORIGIN {origin}"
    rrsets = sorted(made.rrsets, key=lambda pair: (pair[0] != b"", _rank(pair[1])))
    for key, rrset in rrsets:
        note = _objection(made, key, rrset)
        yield from _records(made, key, rrset, note)
        if key == b"" and rrset.type == Type.SOA and not _has_servers(made):
            yield f"@ 86400 IN NS {PLACEHOLDER} ; put your name servers here"
    there = {key for key, _ in made.rrsets} | made.names.keys()
    if made.targeting is not None:
        there |= made.targeting.heads | made.targeting.aliases.keys()
    for key in sorted(made.bare - there):
        yield f"; {to_text(key + ROOT)[:-1]}: is there, but without any record"


def _rank(rrset: RRset) -> int:
    return 0 if rrset.type == Type.SOA else 1


def _has_servers(made: Imported) -> bool:
    return any(
        not key and rrset.type == Type.NS and not _objection(made, key, rrset)
        for key, rrset in made.rrsets
    )


def _objection(made: Imported, key: bytes, rrset: RRset) -> str:
    """Why an RRset can't stand in a zone; "" if it can."""
    types = {other.type for at, other in made.rrsets if at == key}
    if rrset.type == Type.CNAME and not key:
        return "an alias can't stand at the apex"
    if key and Type.CNAME in types and rrset.type != Type.CNAME:
        return "stands beside an alias, and was never asked for"
    if rrset.type == Type.NS and not all(_is_there(made, d) for d in rrset.rdatas):
        return "a name server of this zone has no address"
    return ""


def _is_there(made: Imported, server: bytes) -> bool:
    """Whether a name server has an address, or it is not for this zone to know."""
    server = server.lower()
    if not is_within(server, made.origin):
        return True
    key = relative(server, made.origin)
    return key in made.names or any(
        at == key and rrset.type in _ADDRESSES for at, rrset in made.rrsets
    )


def _records(made: Imported, key: bytes, rrset: RRset, note: str) -> Iterator[str]:
    owner = to_text(key + b"\0")[:-1] if key else "@"
    kind = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rrset.type))
    targeting = made.targeting
    samples = targeting.samples.get(key, {}) if targeting is not None else {}
    sample = samples.get(rrset.type)
    if note:
        yield f"; {owner}: {note}:"
    elif sample is not None:
        shares = ", ".join(f"{weight:g}" for weight in sample.weights)
        yield f"; {owner}: {sample.count} of these by chance, with the shares {shares};"
        yield "; here all are given" if kind != "CNAME" else "; here it is the first"
    for number, rdata in enumerate(rrset.rdatas):
        extra = kind == "CNAME" and number > 0
        before = "; " if note or extra else ""
        yield f"{before}{owner} {rrset.ttl} IN {kind} {_data(rrset.type, rdata)}"


def _data(rrtype: int, rdata: bytes) -> str:
    read = dns.rdata.from_wire(
        dns.rdataclass.IN,
        dns.rdatatype.RdataType.make(rrtype),
        rdata,
        0,
        len(rdata),
    )
    return str(read.to_text())
