"""Catalog zones (RFC 9432): a zone whose records are the names of other zones."""

import hashlib
import struct
from collections.abc import Iterable

from dinamed.config.zone_rules import zone_name
from dinamed.transfers.serial import following, newer
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, to_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.packer import pack

VERSION_KEY = b"\x07version"
ZONES_KEY = b"\x05zones"
_VERSION = RRset(int(Type.TXT), 0, (b"\x012",))
_INVALID = b"\x07invalid\0"
"""Stands where nothing useful could (RFC 9432 section 4.1, RFC 6761 section 6.4)."""
_TIMERS = struct.pack("!4I", 3600, 600, 2_147_483_646, 0)
"""Refresh, retry, expire and minimum: members are kept however long we are away."""


def member_key(member: WireName) -> bytes:
    """The relative key of a member zone: a label that only its name decides.

    So a zone that comes back is the same member, and no two servers disagree.
    """
    label = hashlib.blake2b(member.lower(), digest_size=16).hexdigest().encode()
    return bytes((len(label),)) + label + ZONES_KEY


def catalog_zone(
    origin: WireName, members: Iterable[WireName], serial: int
) -> PackedZone:
    """The catalog with these member zones, of schema version 2 (RFC 9432 section 4)."""
    soa = _INVALID * 2 + struct.pack("!I", serial) + _TIMERS
    rrsets = [
        (b"", RRset(int(Type.SOA), 0, (soa,))),
        (b"", RRset(int(Type.NS), 0, (_INVALID,))),
        (VERSION_KEY, _VERSION),
    ]
    for member in sorted(set(members)):
        rrsets.append((member_key(member), RRset(int(Type.PTR), 0, (member,))))
    return PackedZone(pack(origin, rrsets, {}))


def next_catalog(
    origin: WireName,
    members: Iterable[WireName],
    before: PackedZone | None,
    now: int,
) -> PackedZone:
    """The catalog that follows another: that one itself if the set is the same.

    The serial of a new one is the Unix time `now`, or one more than the serial before
    where the clock is not ahead of that.
    """
    clock = now & 0xFFFFFFFF or 1
    if before is None:
        return catalog_zone(origin, members, clock)
    serial = before.serial
    new = clock if newer(clock, serial) else following(serial)
    made = catalog_zone(origin, members, new)
    return before if _listed(before) == _listed(made) else made


def members_of(zone: PackedZone) -> frozenset[WireName]:
    """The member zones of a catalog, in lower case.

    Raises `ValueError` if it is broken: of another version than 2, with two PTR records
    at one name, or with one zone twice (RFC 9432 section 4).
    """
    members: set[WireName] = set()
    version: tuple[bytes, ...] = ()
    for key, node in zone.nodes():
        if key == VERSION_KEY:
            texts = node.get(Type.TXT)
            version = () if texts is None else texts.rdatas
        if not key or key[1 + key[0] :] != ZONES_KEY:
            continue
        pointers = node.get(Type.PTR)
        if pointers is None:
            continue
        if len(pointers.rdatas) != 1:
            raise ValueError("broken catalog: two PTR records at one name")
        member = pointers.rdatas[0].lower()
        text = to_text(member)
        if zone_name(text) != member:
            raise ValueError(f"broken catalog: {text} is not the name of a zone")
        if member in members:
            raise ValueError(f"broken catalog: {text} is there twice")
        members.add(member)
    if version != _VERSION.rdatas:
        raise ValueError('broken catalog: its version is not "2"')
    return frozenset(members)


def _listed(zone: PackedZone) -> dict[bytes, list[RRset]]:
    """All but the SOA, by key."""
    return {
        key: [rrset for rrset in node.rrsets.values() if rrset.type != Type.SOA]
        for key, node in zone.nodes()
    }
