"""Checking a signed reply: each RRset's signature, and what its NSEC records prove."""

import dns.dnssec
import dns.message
import dns.name
import dns.node
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.RRSIG import RRSIG

from dinamed.dnssec.keys import Key

Keys = dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset]


def keys_of(*keys: Key) -> Keys:
    """The keys in the form that dnspython validates by."""
    found: Keys = {}
    for key in keys:
        name = dns.name.from_wire(key.zone, 0)[0]
        rdata = dns.rdata.from_wire("IN", "DNSKEY", key.dnskey, 0, len(key.dnskey))
        found[name] = dns.rdataset.from_rdata(3600, rdata)
    return found


def faults(reply: dns.message.Message, keys: Keys, now: float) -> list[str]:
    """What a validator finds wrong with the RRsets of a reply."""
    found = []
    for section in (reply.answer, reply.authority):
        for rrset in section:
            if rrset.rdtype == dns.rdatatype.RRSIG:
                continue
            signatures = signatures_of(section, rrset)
            what = f"{rrset.name} {rrset.rdtype.name}"
            if signatures is None:
                found.append(f"{what}: unsigned")
                continue
            if signatures.ttl != rrset.ttl:
                found.append(f"{what}: TTL {rrset.ttl}, of RRSIG {signatures.ttl}")
            try:
                dns.dnssec.validate(rrset, signatures, keys, now=now)
            except Exception as error:
                found.append(f"{what}: {error}")
    return found


def signatures_of(
    section: list[dns.rrset.RRset], rrset: dns.rrset.RRset
) -> dns.rrset.RRset | None:
    """The RRSIG records that cover an RRset."""
    for one in section:
        if one.name == rrset.name and one.covers == rrset.rdtype:
            return one
    return None


def unproven(reply: dns.message.Message, zone: dns.name.Name) -> list[str]:
    """What a reply leaves unproven: that a name is not there, or was made."""
    name, rrtype = reply.question[0].name, reply.question[0].rdtype
    links = [
        (rrset.name, rdata)
        for rrset in reply.authority
        if rrset.rdtype == dns.rdatatype.NSEC
        for rdata in rrset
        if isinstance(rdata, NSEC)
    ]
    if reply.rcode() == 3:
        wanted = [name, _wildcard_of(name, links, zone)]
        return [f"{one} exists" for one in wanted if not _covered(one, links, zone)]
    if reply.answer:
        if _is_made(reply) and not _covered(name, links, zone):
            return [f"{name} is not shown to be missing"]
        return []
    own = [rdata for owner, rdata in links if owner == name]
    if any(_has(rdata, rrtype) for rdata in own):
        return [f"{name} has {rrtype.name}"]
    below = any(rdata.next.is_subdomain(name) for _, rdata in links)
    made = any(owner.is_wild() for owner, _ in links) and _covered(name, links, zone)
    return [] if own or below or made else [f"{name}: nothing says so"]


def _is_made(reply: dns.message.Message) -> bool:
    """Whether the signature tells of a wildcard."""
    return any(
        isinstance(rdata, RRSIG) and rdata.labels < len(rrset.name) - 1
        for rrset in reply.answer
        for rdata in rrset
    )


def _wildcard_of(
    name: dns.name.Name, links: list[tuple[dns.name.Name, NSEC]], zone: dns.name.Name
) -> dns.name.Name:
    """The wildcard at the closest encloser that the links show."""
    best = zone
    for owner, rdata in links:
        for other in (owner, rdata.next):
            common = name.fullcompare(other)[2]
            if common > len(best):
                best = name.split(common)[1]
    return dns.name.Name((b"*", *best.labels))


def _covered(
    name: dns.name.Name, links: list[tuple[dns.name.Name, NSEC]], zone: dns.name.Name
) -> bool:
    return any(
        owner < name and (name < rdata.next or rdata.next == zone)
        for owner, rdata in links
    )


def _has(rdata: NSEC, rrtype: dns.rdatatype.RdataType) -> bool:
    window, place = divmod(int(rrtype), 256)
    return any(
        one == window
        and place >> 3 < len(bits)
        and bool(bits[place >> 3] & 0x80 >> (place & 7))
        for one, bits in rdata.windows
    )
