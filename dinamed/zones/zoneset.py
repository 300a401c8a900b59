"""Which of our zones answers for a name."""

from collections.abc import Iterator, Mapping

from dinamed.wire.names import ROOT, WireName, parent
from dinamed.zones.packed import PackedZone


class ZoneSet(Mapping[WireName, PackedZone]):
    """All zones of a snapshot by their lowercased origins; immutable."""

    def __init__(self, zones: Mapping[WireName, PackedZone]) -> None:
        self._zones = dict(zones)

    def __getitem__(self, origin: WireName) -> PackedZone:
        return self._zones[origin]

    def __iter__(self) -> Iterator[WireName]:
        return iter(self._zones)

    def __len__(self) -> int:
        return len(self._zones)

    def zone_for(self, name: WireName) -> PackedZone | None:
        """The deepest zone at or above a lowercased name, or None."""
        zones = self._zones
        while (zone := zones.get(name)) is None:
            if name == ROOT:
                return None
            name = name[1 + name[0] :]
        return zone

    def parent_side(self, name: WireName) -> PackedZone | None:
        """The deepest zone strictly above a lowercased name, or None.

        DS records belong to the parent's side of a cut (RFC 4035 section 3.1.4.1).
        """
        return None if name == ROOT else self.zone_for(parent(name))
