"""Records in the form of PowerDNS' HTTP API: RRsets as JSON, to and from a zone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import msgspec

from dinamed.transfers.records import AnyRecord
from dinamed.transfers.update import (
    CLASS_NONE,
    MAX_RECORDS,
    RRsets,
    UpdateError,
    changed_names,
    check_changes,
)
from dinamed.wire.constants import CLASS_ANY, CLASS_IN, Rcode, Type
from dinamed.wire.names import BadName, WireName, from_text, is_within, to_text
from dinamed.wire.names import relative as relative_key
from dinamed.zones.canonical import canonical_rdata
from dinamed.zones.lines import EntryError
from dinamed.zones.masterdata import type_text
from dinamed.zones.merge import BESIDE_CNAME
from dinamed.zones.packed import Node, PackedZone
from dinamed.zones.rdata import RdataReader

_MAX_TTL = 2**31 - 1
_SINGLE = frozenset((Type.CNAME, Type.DNAME, Type.SOA))
_SERIAL = slice(-20, -16)
_OF_POOLS = frozenset((Type.A, Type.AAAA, Type.CNAME, Type.DNAME))
_ELSEWHERE = b"\x01x\0"
"""An origin that shows which names are relative."""


class ZoneRecord(msgspec.Struct, frozen=True):
    """The data of one record; a disabled one would be kept and not served."""

    content: str
    disabled: bool = False


class ZoneRRset(msgspec.Struct, frozen=True):
    """One RRset as it is told."""

    name: str
    type: str
    ttl: int
    records: Sequence[ZoneRecord]
    comments: tuple[()] = ()


class RRsetChange(msgspec.Struct, frozen=True):
    """One RRset as it is to be; `changetype` is REPLACE or DELETE."""

    name: str
    type: str
    changetype: str
    ttl: int | None = None
    records: tuple[ZoneRecord, ...] = ()
    comments: tuple[Any, ...] = ()


class ZonePatch(msgspec.Struct, frozen=True):
    """The body of a PATCH of a zone."""

    rrsets: tuple[RRsetChange, ...]


class WantedRRset(NamedTuple):
    """An RRset as it is to be, in wire form: without data there is to be none."""

    owner: WireName
    type: int
    ttl: int
    rdatas: tuple[bytes, ...]

    def __str__(self) -> str:
        """Name and type, for errors."""
        return f"RRset {to_text(self.owner)} IN {type_text(self.type)}"


def content_of(rrtype: int, rdata: bytes) -> str:
    """Record data as master files have them, names absolute."""
    try:
        known = dns.rdata.from_wire(
            dns.rdataclass.IN,
            dns.rdatatype.RdataType.make(rrtype),
            rdata,
            0,
            len(rdata),
        )
        return known.to_text()
    except Exception:  # dnspython raises many kinds; RFC 3597 has a form for the rest
        return rf"\# {len(rdata)} {rdata.hex()}"


def rrsets_of(zone: PackedZone, key: bytes, node: Node) -> Iterator[ZoneRRset]:
    """The RRsets of one name, without the addresses of a pool."""
    owner = to_text(key + zone.origin)
    for rrtype, ttl, rdatas in node.rrsets.values():
        records = [ZoneRecord(content_of(rrtype, rdata)) for rdata in rdatas]
        yield ZoneRRset(owner, type_text(rrtype), ttl, records)


def lines_of(zone: PackedZone, key: bytes, node: Node) -> Iterator[str]:
    """The lines of one name in a master file; a comment tells of its pool."""
    if node.pool is not None:
        yield f"; {to_text(key + zone.origin)} is the pool {node.pool}\n"
    for rrset in rrsets_of(zone, key, node):
        for record in rrset.records:
            yield f"{rrset.name}\t{rrset.ttl}\tIN\t{rrset.type}\t{record.content}\n"


def read_changes(body: object, origin: WireName) -> tuple[WantedRRset, ...]:
    """What a PATCH asks for in a zone.  Raises ValueError with the reason."""
    try:
        patch = msgspec.convert(body, ZonePatch)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    if sum(1 + len(one.records) for one in patch.rrsets) > MAX_RECORDS:
        raise ValueError(f"more than {MAX_RECORDS} RRsets and records in one request")
    readers = RdataReader(origin), RdataReader(_ELSEWHERE)
    found: dict[tuple[WireName, int], WantedRRset] = {}
    for change in patch.rrsets:
        wanted = _read_change(change, origin, readers)
        key = wanted.owner, wanted.type
        if key in found:
            raise ValueError(f"{wanted}: Duplicate RRset")
        found[key] = wanted
    return tuple(found.values())


def _read_change(
    change: RRsetChange, origin: WireName, readers: tuple[RdataReader, RdataReader]
) -> WantedRRset:
    what = f"RRset {change.name} IN {change.type}"
    try:
        if not change.name.endswith("."):
            raise BadName("Name is not canonical: it needs a dot at its end")
        owner = from_text(change.name).lower()
        rrtype = int(dns.rdatatype.from_text(change.type))
    except BadName as error:
        raise ValueError(f"{what}: {error}") from None
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        raise ValueError(f"{what}: unknown type given") from None
    if not is_within(owner, origin):
        raise ValueError(f"{what}: Name is out of zone")
    kind = change.changetype.upper()
    if kind == "DELETE":
        return WantedRRset(owner, rrtype, 0, ())
    if kind != "REPLACE":
        raise ValueError(f"{what}: Changetype not understood")
    if change.comments:
        raise ValueError(f"{what}: comments are not kept here")
    if not change.records:
        return WantedRRset(owner, rrtype, 0, ())
    if change.ttl is None or not 0 <= change.ttl <= _MAX_TTL:
        raise ValueError(f"{what}: needs a ttl from 0 to {_MAX_TTL}")
    if rrtype in _SINGLE and len(change.records) > 1:
        raise ValueError(f"{what}: has more than one record")
    rdatas = tuple(_rdata(what, rrtype, one, readers) for one in change.records)
    if len({canonical_rdata(rrtype, rdata) for rdata in rdatas}) < len(rdatas):
        raise ValueError(f"{what}: the same record twice")
    return WantedRRset(owner, rrtype, change.ttl, rdatas)


def _rdata(
    what: str, rrtype: int, record: ZoneRecord, readers: Iterable[RdataReader]
) -> bytes:
    """The data of a record, which must mean the same whatever the origin."""
    if record.disabled:
        raise ValueError(f"{what}: disabled records are not kept here")
    where = f"{what}: Record {record.content[:100]!r}"
    if "\n" in record.content or "\r" in record.content:
        raise ValueError(f"{where}: has more than one line")
    try:
        first, second = (one.convert(rrtype, record.content) for one in readers)
    except (EntryError, UnicodeEncodeError) as error:
        raise ValueError(f"{where}: {error}") from None
    if first != second:
        raise ValueError(f"{where}: names in it need a dot at their end")
    return first


def apply_changes(
    wanted: Sequence[WantedRRset], zone: PackedZone
) -> tuple[Mapping[bytes, RRsets], int | None]:
    """What changes come to in a zone, as `changed_names`.  Raises `UpdateError`.

    They go the way of a dynamic update (RFC 2136 section 3.4), but what that would pass
    over in silence is an error here.
    """
    types: dict[WireName, set[int]] = {}
    for one in wanted:
        node = zone.node(relative_key(one.owner, zone.origin))
        _check_place(zone, one, node)
        known = types.setdefault(one.owner, set() if node is None else set(node.types))
        known.discard(one.type)
    for one in wanted:
        if one.rdatas:
            types[one.owner].add(one.type)
    for owner, left in types.items():
        if Type.CNAME in left and not BESIDE_CNAME.issuperset(left):
            why = f"RRset {to_text(owner)} IN CNAME: Conflicts with another RRset"
            raise UpdateError(Rcode.YXRRSET, why)
    records = tuple(_records(zone, wanted))
    check_changes(zone, records, lambda key, rrtype: True)
    return changed_names(zone, records)


def _check_place(zone: PackedZone, one: WantedRRset, node: Node | None) -> None:
    """Whether these records may be changed by themselves.  Raises `UpdateError`."""
    apex = one.owner == zone.origin
    pool = None if node is None else node.pool
    if pool is not None and (not apex or one.type in _OF_POOLS):
        why = f'the name is bound to the pool "{pool}", which answers for it'
        raise UpdateError(Rcode.REFUSED, f"{one}: {why}")
    if one.type == Type.NS and apex and not one.rdatas:
        raise UpdateError(Rcode.REFUSED, f"{one}: the zone would have no name server")
    if one.type == Type.SOA and not (apex and _same_soa(zone, one)):
        raise UpdateError(Rcode.REFUSED, f"{one}: it comes from the zone's file")


def _same_soa(zone: PackedZone, one: WantedRRset) -> bool:
    """Whether an SOA is that of the zone, but for a serial."""
    if not one.rdatas or one.ttl != zone.soa.ttl:
        return False
    old, new = bytearray(zone.soa.rdatas[0].lower()), bytearray(one.rdatas[0].lower())
    old[_SERIAL] = new[_SERIAL] = bytes(4)
    return old == new


def _records(zone: PackedZone, wanted: Iterable[WantedRRset]) -> Iterator[AnyRecord]:
    """The update section that makes a zone so.

    What goes does so first, for the sake of CNAMEs, which stand alone.  The name
    servers of the zone go one by one and last, for one must be left at any time.
    """
    last = []
    for one in wanted:
        if one.type == Type.NS and one.owner == zone.origin:
            known = zone.apex.get(Type.NS)
            kept = {canonical_rdata(one.type, rdata) for rdata in one.rdatas}
            last += [
                AnyRecord(one.owner, one.type, CLASS_NONE, 0, rdata)
                for rdata in (() if known is None else known.rdatas)
                if canonical_rdata(one.type, rdata) not in kept
            ]
        elif one.type != Type.SOA:
            yield AnyRecord(one.owner, one.type, CLASS_ANY, 0, b"")
    for one in wanted:
        for rdata in one.rdatas:
            yield AnyRecord(one.owner, one.type, CLASS_IN, one.ttl, rdata)
    yield from last
