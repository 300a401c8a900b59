"""The changes of dynamic updates, kept beside the zone's file.

The zone that is served is the file with the overlay above it: an RRset that an update
has changed is as the update left it, all others are as in the file.  So both may go on
changing.  The serial never goes back: see `Overlay.serial_over`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from dinamed.transfers.rebuild import rebuilt
from dinamed.transfers.serial import following, newer
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text, is_within, relative, to_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.patch import Children, patched

VERSION = 1
MAX_RRSETS = 10_000
"""RRsets that differ from the file."""

_NOT_AT_POOLS = frozenset((Type.A, Type.AAAA, Type.CNAME, Type.NS, Type.DNAME))


class SavedRRset(msgspec.Struct, frozen=True, array_like=True):
    """One RRset in the file: `rdatas` in hexadecimal, none if it was deleted."""

    owner: str
    type: int
    ttl: int
    rdatas: tuple[str, ...]


class SavedOverlay(msgspec.Struct, frozen=True):
    """The content of the file (JSON)."""

    version: int
    zone: str
    file_serial: int
    serial: int
    rrsets: tuple[SavedRRset, ...]


@dataclass(frozen=True)
class Overlay:
    """The RRsets that differ from the file, by relative key and type.

    `file_serial` is that of the file which `serial`, the one served, went with.
    """

    file_serial: int
    serial: int
    rrsets: Mapping[tuple[bytes, int], RRset] = field(default_factory=dict)

    def serial_over(self, file_serial: int) -> int:
        """The serial to serve with a file of this serial.

        The file's own if it is ahead of what was served.  If the file has not been
        changed, what was served.  Else (it has been, and its serial is behind) the
        next one.
        """
        if newer(file_serial, self.serial):
            return file_serial
        if file_serial == self.file_serial:
            return self.serial
        return following(self.serial)

    def encoded(self, zone: PackedZone) -> bytes:
        """As it is kept in a file."""
        rrsets = tuple(
            SavedRRset(
                to_text(key + zone.origin),
                rrset.type,
                rrset.ttl,
                tuple(rdata.hex() for rdata in rrset.rdatas),
            )
            for (key, _), rrset in sorted(self.rrsets.items())
        )
        saved = SavedOverlay(
            VERSION, to_text(zone.origin), self.file_serial, self.serial, rrsets
        )
        return msgspec.json.format(msgspec.json.encode(saved), indent=1)


def decoded(data: bytes, origin: bytes) -> Overlay:
    """From the content of a file.  Raises `ValueError` if it is not one of ours."""
    saved = msgspec.json.decode(data, type=SavedOverlay)
    if saved.version != VERSION or from_text(saved.zone) != origin:
        raise ValueError("not the updates of this zone")
    rrsets = {}
    for rrset in saved.rrsets:
        owner = from_text(rrset.owner).lower()
        if not is_within(owner, origin):
            raise ValueError(f"{rrset.owner} is not in the zone")
        rdatas = tuple(bytes.fromhex(rdata) for rdata in rrset.rdatas)
        key = relative(owner, origin), rrset.type
        rrsets[key] = RRset(rrset.type, rrset.ttl, rdatas)
    return Overlay(saved.file_serial, saved.serial, rrsets)


def noted(
    overlay: Overlay | None,
    file: PackedZone,
    changed: Mapping[bytes, Mapping[int, RRset]],
    serial: int,
) -> Overlay:
    """The overlay with some names as an update has left them.

    What is again as in the file is forgotten.
    """
    rrsets = dict(overlay.rrsets) if overlay is not None else {}
    noted_types: dict[bytes, list[int]] = {}
    for at, one in rrsets:
        noted_types.setdefault(at, []).append(one)
    for key, now in changed.items():
        node = file.node(key)
        before = node.rrsets if node is not None else {}
        for rrtype in {*now, *before, *noted_types.get(key, ())}:
            if rrtype == Type.SOA:
                continue
            if now.get(rrtype) == before.get(rrtype):
                rrsets.pop((key, rrtype), None)
            else:
                rrsets[key, rrtype] = now.get(rrtype) or RRset(rrtype, 0, ())
    return Overlay(file.serial, serial, rrsets)


def with_serial(soa: RRset, serial: int) -> RRset:
    """An SOA with another serial."""
    rdata = soa.rdatas[0]
    return soa._replace(rdatas=(rdata[:-20] + serial.to_bytes(4, "big") + rdata[-16:],))


def laid_over(
    file: PackedZone, overlay: Overlay
) -> tuple[PackedZone, Overlay, list[str]]:
    """The zone to be served, the overlay with its serial, and what was left out.

    Left out is what the file, or the names of pools, no longer allow.  Raises
    `ValueError` as `pack` does.
    """
    left_out: list[str] = []
    kept: dict[tuple[bytes, int], RRset] = {}
    changes: dict[bytes, dict[int, RRset]] = {}
    for (key, rrtype), rrset in overlay.rrsets.items():
        node = file.node(key)
        bound = node is not None and node.pool is not None
        if bound and rrtype in _NOT_AT_POOLS and rrset.rdatas:
            left_out.append(f"{to_text(key + file.origin)}: bound to a pool")
            continue
        at = changes.setdefault(key, {} if node is None else dict(node.rrsets))
        at[rrtype] = rrset
        kept[key, rrtype] = rrset
    for key, rrsets in changes.items():
        alias = rrsets.get(Type.CNAME)
        others = [one for one in rrsets.values() if one.rdatas and one is not alias]
        if alias is not None and alias.rdatas and others:
            left_out.append(f"{to_text(key + file.origin)}: CNAME beside other data")
            node = file.node(key)
            changes[key] = {} if node is None else dict(node.rrsets)
            kept = {at: one for at, one in kept.items() if at[0] != key}
    serial = overlay.serial_over(file.serial)
    apex = changes.setdefault(b"", dict(file.apex.rrsets))
    apex[Type.SOA] = with_serial(file.soa, serial)
    values = {key: _values(one) for key, one in changes.items()}
    served = patched(file, values, Children(file)) or rebuilt(file, values)
    return served, Overlay(file.serial, serial, kept), left_out


def _values(rrsets: Mapping[int, RRset]) -> Iterable[RRset]:
    return list(_present(rrsets.values()))


def _present(rrsets: Iterable[RRset]) -> Iterator[RRset]:
    return (rrset for rrset in rrsets if rrset.rdatas)
