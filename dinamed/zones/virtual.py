"""Names that exist in a zone without standing in its data.

They are those that answer by themselves (`mgmt.example.org`), and the names of pools
with the label of a region, `ftp.de.example.org`, which answer as though the client
were there.  They are names like others: what is above them exists, and a wildcard does
not stand for them (RFC 4592).  A name that the zone's data have is never virtual.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from dinamed.geo.countries import CONTINENT_OF, CONTINENTS
from dinamed.geo.place import Place, place_named
from dinamed.wire.names import MAX_NAME, WireName
from dinamed.zones.layout import NODE, WILDCARD, NodeFlag
from dinamed.zones.packed import MatchKind, Node, PackedZone, ZoneMatch

MANAGEMENT = b"\x04mgmt"
STATUS = b"\x07_status"
COUNTRY = b"\x08_country"
OWN_KEYS = (MANAGEMENT, STATUS, COUNTRY)
"""Relative keys of the built-in names."""


class VirtualName(NamedTuple):
    """A virtual name; with neither pool nor `own` it only has names below it.

    `place` is where clients are taken to be, `own` the key of a name that answers by
    itself.  The node is as that of a name without records.
    """

    key: bytes
    node: Node
    place: Place | None = None
    own: bytes = b""


class Names:
    """All names of one zone; `regional` are the pools that regions have names of."""

    def __init__(self, zone: PackedZone, regional: Collection[str] = ()) -> None:
        self.zone = zone
        self.regional = regional
        self.virtual: Mapping[bytes, VirtualName] = _virtual(zone, regional)
        """The virtual names by their relative keys."""

    def find(self, name: WireName, own: bool = True) -> ZoneMatch:
        """As `PackedZone.find`, with virtual names; with `own` all of them.

        Without it those that answer by themselves are as though they were not there.
        """
        match = self.zone.find(name)
        if match.kind is MatchKind.MISSING:
            above = match.name
        elif match.kind is MatchKind.WILDCARD:
            above = match.name[len(WILDCARD) :]
        else:
            return match
        known = len(above) - len(self.zone.origin)
        return self._nearer(name, known, match, own) or match

    def _nearer(
        self, name: WireName, known: int, match: ZoneMatch, own: bool
    ) -> ZoneMatch | None:
        """The virtual name nearer to the name than an encloser of `known` octets."""
        origin = self.zone.origin
        key = name[: len(name) - len(origin)]
        exact = self.virtual.get(key)
        if exact is not None and (own or not exact.own):
            return ZoneMatch(MatchKind.EXACT, name, exact.node)
        while key := key[1 + key[0] :]:
            if len(key) < known:
                return None
            if len(key) == known and match.kind is MatchKind.WILDCARD:
                return None
            wildcard = self.virtual.get(WILDCARD + key)
            if wildcard is not None:
                owner = WILDCARD + key + origin
                return ZoneMatch(MatchKind.WILDCARD, owner, wildcard.node)
            encloser = self.virtual.get(key)
            if encloser is not None and (own or not encloser.own):
                return ZoneMatch(MatchKind.MISSING, key + origin, encloser.node)
        return None

    def exists(self, key: bytes) -> bool:
        """Whether a relative key is that of a name."""
        return key in self.virtual or self.zone.node(key) is not None


def _virtual(
    zone: PackedZone, regional: Collection[str]
) -> Mapping[bytes, VirtualName]:
    found: dict[bytes, VirtualName] = {}
    for virtual in (*_own(), *_regional(zone, regional)):
        key = virtual.key
        if len(key) + len(zone.origin) > MAX_NAME or zone.node(key) is not None:
            continue
        if zone.find(key + zone.origin).kind in (MatchKind.CUT, MatchKind.DNAME):
            continue
        found[key] = virtual
    for key in tuple(found):
        while key := key[1 + key[0] :]:
            if key in found or zone.node(key) is not None:
                break
            found[key] = VirtualName(key, _node(key, NodeFlag.EMPTY))
    return found


def _node(key: bytes, flags: int, pool: str | None = None) -> Node:
    head = NODE.pack(flags, pool is not None, 0)
    data = bytes((len(key),)) + key + head
    return Node(memoryview(data), 0, () if pool is None else (pool,))


def _own() -> Iterator[VirtualName]:
    for key in OWN_KEYS:
        yield VirtualName(key, _node(key, 0), own=key)


def _regional(zone: PackedZone, regional: Collection[str]) -> Iterator[VirtualName]:
    if not regional:
        return
    bound = [(key, node.pool) for key, node in zone.bound() if node.pool in regional]
    if not bound:
        return
    labels = (*CONTINENTS, *(code.lower() for code in CONTINENT_OF))
    for label in dict.fromkeys(labels):
        place = place_named(label)
        end = bytes((len(label),)) + label.encode()
        for left, pool in bound:
            key = left + end
            yield VirtualName(key, _node(key, NodeFlag.POOL, pool), place)
