"""Dynamic update (RFC 2136): prerequisites, and what is to be changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from dinamed.transfers.grants import described
from dinamed.transfers.records import AnyRecord, RecordReader
from dinamed.transfers.serial import newer
from dinamed.transfers.view import View
from dinamed.wire.constants import CLASS_ANY, CLASS_IN, Rcode, Type
from dinamed.wire.names import is_within, relative, to_text
from dinamed.wire.question import FormatError
from dinamed.zones.canonical import canonical_rdata
from dinamed.zones.merge import BESIDE_CNAME
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone

CLASS_NONE = 254
MAX_RECORDS = 4096
"""In one update."""

_META = frozenset((Type.OPT, Type.TSIG, *range(128, 256)))
_NOT_AT_POOLS = frozenset((Type.A, Type.AAAA, Type.CNAME, Type.NS, Type.DNAME))
_SINGLE = frozenset((Type.CNAME, Type.DNAME, Type.SOA))
_MAX_RRSET = 16_000


class UpdateError(Exception):
    """An update is refused with `rcode`; the message is for the log."""

    def __init__(self, rcode: Rcode, why: str) -> None:
        super().__init__(why)
        self.rcode = rcode


@dataclass(frozen=True)
class Update:
    """What an update message asks for."""

    prerequisites: tuple[AnyRecord, ...]
    changes: tuple[AnyRecord, ...]
    odd: tuple[str, ...] = ()
    """Records whose data were taken as they are: see `RecordReader.odd`."""


RRsets = dict[int, RRset]
Allowed = Callable[[bytes, int | None], bool]
"""Whether a type (None: all) may be changed at a relative name."""


def read_update(data: bytes) -> Update:
    """Read an update message.  Raises `UpdateError`."""
    try:
        reader = RecordReader(data)
        counts = reader.counts
        if counts.answers + counts.authorities > MAX_RECORDS:
            raise UpdateError(Rcode.REFUSED, f"more than {MAX_RECORDS} records")
        return Update(
            tuple(reader.any_records(counts.answers)),
            tuple(reader.any_records(counts.authorities)),
            tuple(reader.odd),
        )
    except FormatError as error:
        raise UpdateError(Rcode.FORMERR, str(error)) from None


def changes_of(
    update: Update,
    allowed: Allowed,
    pools: Mapping[str, tuple[RRset, ...]],
    zone: PackedZone,
) -> tuple[dict[bytes, RRsets], int | None]:
    """What an update comes to in a zone, as `changed_names`.  Raises `UpdateError`."""
    check_prerequisites(View(zone, pools), update.prerequisites)
    check_changes(zone, update.changes, allowed)
    return changed_names(zone, update.changes)


def check_prerequisites(view: View, records: Iterable[AnyRecord]) -> None:
    """Section 3.2; a pool's name has the pool's addresses.  Raises `UpdateError`."""
    zone = view.zone
    wanted: dict[tuple[bytes, int], list[bytes]] = {}
    for record in records:
        key = _key_in(zone, record)
        rrsets = _held(view, key)
        if record.ttl or (record.class_ != CLASS_IN and record.rdata):
            raise UpdateError(Rcode.FORMERR, "malformed prerequisite")
        what = described(record.owner, record.type)
        if record.class_ == CLASS_ANY:
            if record.type == Type.ANY and not rrsets:
                raise UpdateError(Rcode.NXDOMAIN, f"{what} is not in use")
            if record.type != Type.ANY and record.type not in rrsets:
                raise UpdateError(Rcode.NXRRSET, f"{what} does not exist")
        elif record.class_ == CLASS_NONE:
            if record.type == Type.ANY and rrsets:
                raise UpdateError(Rcode.YXDOMAIN, f"{what} is in use")
            if record.type in rrsets:
                raise UpdateError(Rcode.YXRRSET, f"{what} exists")
        elif record.class_ == CLASS_IN and record.type not in _META:
            wanted.setdefault((key, record.type), []).append(record.rdata)
        else:
            raise UpdateError(Rcode.FORMERR, "malformed prerequisite")
    for (key, rrtype), rdatas in wanted.items():
        rrset = _held(view, key).get(rrtype)
        have = rrset.rdatas if rrset is not None else ()
        if _comparables(rrtype, have) != _comparables(rrtype, rdatas):
            what = described(key + zone.origin, rrtype)
            raise UpdateError(Rcode.NXRRSET, f"{what} is another")


def check_changes(
    zone: PackedZone, records: Iterable[AnyRecord], allowed: Allowed
) -> None:
    """Section 3.4.1 for all, and whether they are allowed.  Raises `UpdateError`."""
    for record in records:
        key = _key_in(zone, record)
        rrtype, class_ = record.type, record.class_
        everything = class_ == CLASS_ANY and rrtype == Type.ANY
        fits = {
            CLASS_IN: rrtype not in _META,
            CLASS_ANY: not record.ttl and not record.rdata,
            CLASS_NONE: not record.ttl and rrtype not in _META,
        }.get(class_, False)
        if not fits or (rrtype in _META and not everything):
            raise UpdateError(Rcode.FORMERR, "malformed change")
        if not allowed(key, None if everything else rrtype):
            what = described(record.owner, None if everything else rrtype)
            raise UpdateError(Rcode.REFUSED, f"{what} may not be changed with this key")
        node = zone.node(key)
        bound = node is not None and node.pool is not None
        if bound and class_ == CLASS_IN and rrtype in _NOT_AT_POOLS:
            what = described(record.owner, rrtype)
            raise UpdateError(Rcode.REFUSED, f"{what} is bound to a pool")


def changed_names(
    zone: PackedZone, records: Iterable[AnyRecord]
) -> tuple[dict[bytes, RRsets], int | None]:
    """The names that differ after the changes (section 3.4.2), and a serial if given.

    Raises `UpdateError` for what would leave no zone behind.
    """
    touched: dict[bytes, RRsets] = {}
    serial: int | None = None
    for record in records:
        key = relative(record.owner.lower(), zone.origin)
        rrsets = touched.setdefault(key, dict(_rrsets(zone, key)))
        if record.class_ == CLASS_IN and record.type == Type.SOA:
            given = int.from_bytes(record.rdata[-20:-16], "big")
            if not key and newer(given, serial or zone.serial):
                serial = given
        elif record.class_ == CLASS_IN:
            _add(key, rrsets, record)
        else:
            _delete(key, rrsets, record)
    changed = {
        key: rrsets
        for key, rrsets in touched.items()
        if _content(rrsets) != _content(_rrsets(zone, key))
    }
    for key, rrsets in changed.items():
        _check_name(zone, key, rrsets)
    return changed, serial


def _add(key: bytes, rrsets: RRsets, record: AnyRecord) -> None:
    others = set(rrsets) - BESIDE_CNAME
    if record.type == Type.CNAME and others:
        return  # section 3.4.2.2: silently
    if Type.CNAME in rrsets and record.type not in BESIDE_CNAME:
        return
    rrset = rrsets.get(record.type)
    rdatas: tuple[bytes, ...] = ()
    if rrset is not None and record.type not in _SINGLE:
        new = canonical_rdata(record.type, record.rdata)
        rdatas = tuple(
            one for one in rrset.rdatas if canonical_rdata(record.type, one) != new
        )
    rrsets[record.type] = RRset(record.type, record.ttl, (*rdatas, record.rdata))


def _delete(key: bytes, rrsets: RRsets, record: AnyRecord) -> None:
    # Section 3.4.2.4: the apex never loses its SOA and its last NS.
    kept = frozenset(() if key else (Type.SOA, Type.NS))
    if record.class_ == CLASS_ANY:
        types = list(rrsets) if record.type == Type.ANY else [record.type]
        for rrtype in types:
            if rrtype not in kept:
                rrsets.pop(rrtype, None)
        return
    rrset = rrsets.get(record.type)
    if rrset is None or (not key and record.type == Type.SOA):
        return
    gone = canonical_rdata(record.type, record.rdata)
    left = tuple(
        one for one in rrset.rdatas if canonical_rdata(record.type, one) != gone
    )
    if left:
        rrsets[record.type] = rrset._replace(rdatas=left)
    elif record.type not in kept:
        del rrsets[record.type]


def _check_name(zone: PackedZone, key: bytes, rrsets: RRsets) -> None:
    owner = to_text(key + zone.origin)
    for rrset in rrsets.values():
        if sum(len(rdata) + 12 for rdata in rrset.rdatas) > _MAX_RRSET:
            raise UpdateError(Rcode.REFUSED, f"too many records at {owner}")
    if key.startswith(b"\x01*") and {Type.NS, Type.DNAME} & rrsets.keys():
        raise UpdateError(Rcode.REFUSED, f"{owner} is a wildcard")
    if Type.DNAME in rrsets or (key and Type.NS in rrsets):
        below = any(one != key and one.endswith(key) for one in _bound(zone))
        if below:
            raise UpdateError(Rcode.REFUSED, f"names of pools lie below {owner}")


def _bound(zone: PackedZone) -> Iterator[bytes]:
    return (key for key, _ in zone.bound())


def _key_in(zone: PackedZone, record: AnyRecord) -> bytes:
    owner = record.owner.lower()
    if not is_within(owner, zone.origin):
        raise UpdateError(Rcode.NOTZONE, f"{to_text(owner)} is not in the zone")
    return relative(owner, zone.origin)


def _rrsets(zone: PackedZone, key: bytes) -> Mapping[int, RRset]:
    node = zone.node(key)
    return {} if node is None else node.rrsets


def _held(view: View, key: bytes) -> Mapping[int, RRset]:
    """The RRsets of a name, with the addresses of its pool."""
    node = view.zone.node(key)
    if node is None or node.pool is None:
        return _rrsets(view.zone, key)
    pool = {rrset.type: rrset for rrset in view.pools.get(node.pool, ())}
    return {**node.rrsets, **pool}


def _comparables(rrtype: int, rdatas: Iterable[bytes]) -> set[bytes]:
    return {canonical_rdata(rrtype, rdata) for rdata in rdatas}


def _content(rrsets: Mapping[int, RRset]) -> set[tuple[int, int, bytes]]:
    return {
        (rrset.type, rrset.ttl, rdata)
        for rrset in rrsets.values()
        for rdata in rrset.rdatas
    }
