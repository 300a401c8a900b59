"""Rules for whole zones, beyond the form of each record."""

from collections.abc import Iterator, Mapping

from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, is_within, relative, to_text
from dinamed.zones.masterdata import MasterData, type_text
from dinamed.zones.merge import RawRecord, raw_records
from dinamed.zones.packed import MatchKind, PackedZone

ALIAS = "is an alias"
_ADDRESSES = (Type.A, Type.AAAA)


def check_apex(data: MasterData) -> bool:
    """The apex has an SOA and NS records (RFC 1035 section 5.2); whether it has SOA."""
    types = {record.type for record in raw_records(data.records.get(b"", b""))}
    for rrtype in (Type.SOA, Type.NS):
        if rrtype not in types:
            data.problem(
                data.files[0],
                None,
                data.owner_text(b"", rrtype),
                f"the zone has no {rrtype.name} record at its apex",
            )
    return Type.SOA in types


def check_dnames(data: MasterData) -> None:
    """Nothing lies below a DNAME, none stands at a cut (RFC 6672 sections 2.3, 2.4)."""
    if not data.dname_owners:
        return
    for key in data.dname_owners & data.ns_owners:
        if key:
            first = _first(data, key, Type.DNAME)
            data.problem_at(
                first.place, data.owner_text(key, Type.DNAME), "DNAME beside NS"
            )
    hashes = data.marks().hashes
    for key, raw in data.records.items():
        if key in hashes:
            continue  # no name that exists, so not one below another
        above = _nearest_above(key, data.dname_owners)
        if above is not None and not _at_or_below_cut(data, above):
            record = next(raw_records(raw))
            data.problem_at(
                record.place,
                data.owner_text(key, record.type),
                f"lies below the DNAME at {data.owner_text(above)}",
            )


def check_wildcards(data: MasterData) -> None:
    """A wildcard owns no NS and no DNAME (RFC 4592 sections 4.2 and 4.4)."""
    for rrtype, owners in (
        (Type.NS, data.ns_owners),
        (Type.DNAME, data.dname_owners),
    ):
        for key in owners:
            if key.startswith(b"\x01*"):
                data.problem_at(
                    _first(data, key, rrtype).place,
                    data.owner_text(key, rrtype),
                    f"a wildcard cannot own {rrtype.name} records",
                )


def check_names(data: MasterData, names: Mapping[bytes, str]) -> None:
    """A name bound to a pool has no addresses of its own, and is authoritative."""
    for key, pool in names.items():
        owner = data.owner_text(key)
        for record in raw_records(data.records.get(key, b"")):
            if record.type in (*_ADDRESSES, Type.CNAME) or (
                record.type == Type.NS and key
            ):
                data.problem_at(
                    record.place,
                    owner,
                    f"bound to pool {pool}, so {type_text(record.type)} records "
                    "cannot stand here",
                )
        for rrtype, owners in (
            (Type.NS, data.ns_owners),
            (Type.DNAME, data.dname_owners),
        ):
            above = _nearest_above(key, owners)
            if above:
                data.problem_at(
                    _first(data, above, rrtype).place,
                    owner,
                    f"bound to pool {pool}, but lies below the {rrtype.name} "
                    f"records at {data.owner_text(above)}",
                )
            elif above == b"" and rrtype == Type.DNAME:
                data.problem_at(
                    _first(data, b"", rrtype).place,
                    owner,
                    f"bound to pool {pool}, but lies below the zone's DNAME",
                )


def check_signed(
    data: MasterData, zone: PackedZone, names: Mapping[bytes, str]
) -> None:
    """Refuse pools in a zone that was signed elsewhere: they have no signatures."""
    if not zone.signed:
        return
    signature = _first(data, b"", Type.RRSIG)
    for key, pool in names.items():
        data.problem_at(
            signature.place,
            data.owner_text(key),
            f"bound to pool {pool}, but the zone was signed elsewhere, "
            "so that its answers would have no signatures",
        )


def check_name_servers(data: MasterData, zone: PackedZone) -> None:
    """The zone's own name servers have addresses; no name server is an alias.

    RFC 2181 section 10.3; glue by RFC 1034 section 4.2.1.  A name server below another
    cut may do without (RFC 9471 section 3.2).  What is wrong with a delegation harms
    nothing but that, so it is a warning, as an alias is, which resolvers put up with.
    """
    cuts = data.ns_owners - {b""}
    for key in data.ns_owners:
        if _nearest_above(key, cuts) is not None:
            continue  # occluded, so never served
        for record in _of_type(data, key, Type.NS):
            message = _target_fault(zone, key, record.rdata.lower())
            if message:
                tell = data.warning_at if key or message == ALIAS else data.problem_at
                owner = data.owner_text(key, Type.NS)
                tell(record.place, owner, f"{to_text(record.rdata)} {message}")


def _target_fault(zone: PackedZone, owner: bytes, target: WireName) -> str | None:
    if not is_within(target, zone.origin):
        return None
    kind, name, node = zone.find(target)
    if kind is MatchKind.MISSING:
        return "does not exist"
    if kind is MatchKind.DNAME or (kind is not MatchKind.CUT and node.get(Type.CNAME)):
        return ALIAS
    if kind is MatchKind.CUT:
        glue = zone.node(relative(target, zone.origin))
        if glue is not None and any(map(glue.get, _ADDRESSES)):
            return None
        if name != owner + zone.origin:
            return None
        return "has no glue: it lies below a cut, and needs its address here"
    if node.pool is None and not any(map(node.get, _ADDRESSES)):
        return "has no address"
    return None


def _of_type(data: MasterData, key: bytes, rrtype: int) -> Iterator[RawRecord]:
    for record in raw_records(data.records[key]):
        if record.type == rrtype:
            yield record


def _first(data: MasterData, key: bytes, rrtype: int) -> RawRecord:
    return next(_of_type(data, key, rrtype))


def _nearest_above(key: bytes, owners: set[bytes]) -> bytes | None:
    """The nearest of `owners` strictly above a key."""
    while key:
        key = key[1 + key[0] :]
        if key in owners:
            return key
    return None


def _at_or_below_cut(data: MasterData, key: bytes) -> bool:
    # The apex owns NS too, but is no cut; it is the empty key.
    while key:
        if key in data.ns_owners:
            return True
        key = key[1 + key[0] :]
    return False
