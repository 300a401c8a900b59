"""What a zone may say, but most likely did not mean to: warnings, never refusals.

What other servers take too is served here as well.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from dinamed.wire.constants import Type
from dinamed.wire.names import ROOT, WireName, is_within, labels, to_text
from dinamed.zones.masterdata import MasterData
from dinamed.zones.merge import RawRecord, raw_records
from dinamed.zones.packed import MatchKind, PackedZone

MOST_OWNERS = 100_000
"""Owners that are looked at: the warnings of a larger zone would help nobody."""

_AFSDB, _RT, _KX = 18, 21, 36
_TARGETS: Mapping[int, int] = MappingProxyType(
    {
        Type.CNAME: 0,
        Type.PTR: 0,
        Type.MX: 2,
        _AFSDB: 2,
        _RT: 2,
        Type.SRV: 6,
        _KX: 2,
        Type.SVCB: 2,
        Type.HTTPS: 2,
    }
)
"""The types whose data end in the name of a host, and where that begins."""
_NO_ALIAS = (Type.MX, _AFSDB, Type.SRV, _KX)
_ADDRESSES = (Type.A, Type.AAAA)


def advise(data: MasterData, zone: PackedZone) -> None:
    """Warn of owners and targets that were most likely not meant."""
    for key, raw in islice(data.records.items(), MOST_OWNERS):
        if is_doubled(key, zone.origin):
            record = next(raw_records(raw))
            owner = data.owner_text(key, record.type)
            message = f"the zone's name stands here twice; was {to_text(key + ROOT)} "
            data.warning_at(record.place, owner, message + "meant?")
        for record, target in _targets(raw):
            fault = target_fault(zone, record.type, target)
            if fault and zone.find(key + zone.origin).kind is MatchKind.EXACT:
                owner = data.owner_text(key, record.type)
                data.warning_at(record.place, owner, fault)


def is_doubled(key: bytes, origin: WireName) -> bool:
    """Whether a relative key ends in the name of its zone, which has several labels."""
    tail = origin[:-1]
    if not key.endswith(tail) or sum(1 for _ in labels(origin)) < 2:
        return False
    position = 0
    while position < len(key) - len(tail):
        position += 1 + key[position]
    return position == len(key) - len(tail)


def _targets(raw: bytes | bytearray) -> Iterator[tuple[RawRecord, WireName]]:
    for record in raw_records(raw):
        start = _TARGETS.get(record.type)
        if start is None:
            continue
        end = start
        while end < len(record.rdata) and record.rdata[end]:
            end += 1 + record.rdata[end]
        yield record, record.rdata[start : end + 1].lower()


def target_fault(zone: PackedZone, rrtype: int, target: WireName) -> str | None:
    """The oddity of a host's name in a record; None if there is none."""
    if target == ROOT:
        return None
    inside = is_within(target, zone.origin)
    key = target[: len(target) - len(zone.origin)] if inside else target[:-1]
    written = to_text(key + ROOT).removesuffix(".")
    if _is_address(written):
        return f"{written} is an address; the name of a host is expected"
    if "/" in written or ":" in written:
        return f"{written} is no name of a host; a URL can't stand here"
    if not inside:
        return None
    kind, _, node = zone.find(target)
    if kind is MatchKind.MISSING:
        return _missing(target, key, zone.origin)
    if rrtype not in _NO_ALIAS or kind in (MatchKind.CUT, MatchKind.DNAME):
        return None
    if node.get(Type.CNAME):
        return f"{to_text(target)} is an alias (RFC 2181 section 10.3)"
    if node.pool is None and not any(map(node.get, _ADDRESSES)):
        return f"{to_text(target)} has no address"
    return None


def _missing(target: WireName, key: bytes, origin: WireName) -> str:
    text = f"{to_text(target)} does not exist"
    if is_doubled(key, origin):
        meant = to_text(key + ROOT)
        return f"{text}; was {meant} meant, with a dot at its end?"
    if key and len(key) > 1 + key[0]:
        return f"{text}; a name without a dot at its end is relative to the zone"
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
