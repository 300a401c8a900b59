"""Signatures and proofs that a zone brought with it, installed in the plane."""

from dinamed.dnssec.presigned import ByName
from dinamed.plane.extension import native
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, relative
from dinamed.wire.render import rdata_record
from dinamed.zones.layout import WILDCARD
from dinamed.zones.model import RRset
from dinamed.zones.packed import MatchKind, Node

_NEVER = (1 << 64) - 1
"""When signatures that came with a zone are made anew by us."""


def install_presigned(
    plane: "native.Plane", secured: ByName, name: WireName, rrtype: int
) -> None:
    """Have the plane know what it misses for an answer from a zone that came signed.

    Sets with more than one signature are left to Python: they change algorithms.
    """
    zone = secured.zone
    match = zone.find(name)
    rrset = match.node.get(rrtype)
    if match.kind in (MatchKind.EXACT, MatchKind.WILDCARD) and rrset is not None:
        record = _signature(secured, match.node, rrset)
        if record:
            plane.install_signature(match.name, rrtype, [], record)
    for table in plane.tables.zones if plane.tables is not None else ():
        if table.chain is None or table.origin != zone.origin:
            continue
        soa = _signature(secured, zone.apex, zone.negative)
        if soa:
            table.install_soa(soa)
        left = relative(name, zone.origin)
        wanted = {secured.place(left)}
        if match.kind is MatchKind.MISSING:
            encloser = relative(match.name, zone.origin)
            wanted.add(secured.place(WILDCARD + encloser))
        for place in wanted:
            _install_link(plane, table.chain, secured, place)


def _install_link(
    plane: "native.Plane", chain: "native.ChainLinks", secured: ByName, place: int
) -> None:
    node = secured.zone.node_at(secured.zone.chain[place])
    nsec = node.get(Type.NSEC)
    record = _signature(secured, node, nsec) if nsec is not None else b""
    if nsec is not None and record and len(nsec.rdatas) == 1:
        link = rdata_record(b"", Type.NSEC, nsec.ttl, nsec.rdatas[0])
        plane.install_link(chain, place, node.key, link, record, _NEVER)


def _signature(secured: ByName, node: Node, rrset: RRset) -> bytes:
    """The one signature of a set, as a record without its owner; or nothing."""
    found = secured.signatures(node, rrset)
    if found is None or len(found.rdatas) != 1:
        return b""
    return rdata_record(b"", Type.RRSIG, found.ttl, found.rdatas[0])
