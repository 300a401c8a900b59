"""Names of pools with the label of a region: `ftp.de.example.org`.

They answer as though the client were there, as dinamed of 2001 and geodns let one ask.
"""

from dinamed.geo.place import Place, place_named
from dinamed.wire.names import WireName, labels
from dinamed.zones.packed import MatchKind, Node, PackedZone


def region_of(
    name: WireName, zone: PackedZone, regional: frozenset[str]
) -> tuple[Node | None, Place] | None:
    """The pool's node and the place of a regional name; None if it is none.

    The region's label stands next to the zone: `ftp.de` for the pool at `ftp`.  The
    region alone (`de.example.org`) exists as well once a name can stand below it; its
    node is None.
    """
    parts = list(labels(name[: len(name) - len(zone.origin)] + b"\0"))
    if not regional or not parts:
        return None
    place = place_named(parts[-1].decode("latin-1"))
    if place is None:
        return None
    left = b"".join(bytes((len(part),)) + part for part in parts[:-1])
    match = zone.find(left + zone.origin)
    if (
        match.kind in (MatchKind.EXACT, MatchKind.WILDCARD)
        and match.node.pool in regional
    ):
        return match.node, place
    if len(parts) == 1 and any(node.pool in regional for _, node in zone.bound()):
        return None, place
    return None
