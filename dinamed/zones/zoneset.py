"""Which of our zones answers for a name."""

from collections.abc import Iterable, Iterator, Mapping

from dinamed.wire.names import ROOT, WireName, parent
from dinamed.zones.layout import ZoneFlag
from dinamed.zones.packed import PackedZone

ZoneEntry = PackedZone | memoryview
"""A zone, or the octets of one that nobody has asked for yet."""
_FLAGS_AT = 12
_SIGNED = int(ZoneFlag.SIGNED)  # to ask an enumeration takes a microsecond
_RECORDS_AT = 24
_SERIAL_AT = 52


class ZoneSet(Mapping[WireName, PackedZone]):
    """All zones of a snapshot by their lowercased origins; immutable.

    Of the many zones that only the compiled plane answers from there are no objects,
    but octets alone: whoever looks at all zones asks for `entries` or `figures`.
    """

    def __init__(self, zones: Mapping[WireName, PackedZone]) -> None:
        self._zones: dict[WireName, ZoneEntry] = (
            zones._zones if isinstance(zones, ZoneSet) else dict(zones)
        )
        self._records: int | None = None

    @classmethod
    def of(cls, entries: dict[WireName, ZoneEntry]) -> "ZoneSet":
        """The zones of a dict, which nobody changes any more."""
        made = cls({})
        made._zones = entries
        return made

    def __getitem__(self, origin: WireName) -> PackedZone:
        found = self._zones[origin]
        if isinstance(found, memoryview):
            found = self._zones[origin] = PackedZone(found)
        return found

    def __iter__(self) -> Iterator[WireName]:
        return iter(self._zones)

    def __len__(self) -> int:
        return len(self._zones)

    def __contains__(self, origin: object) -> bool:
        return origin in self._zones

    def entry(self, origin: WireName) -> ZoneEntry:
        """A zone as it is there.  Raises `KeyError`."""
        return self._zones[origin]

    def entries(self) -> Mapping[WireName, ZoneEntry]:
        """All zones as they are there."""
        return self._zones

    def octets(self, origin: WireName) -> memoryview:
        """The packed octets of a zone.  Raises `KeyError`."""
        return _octets(self._zones[origin])

    def one_by_one(self) -> Iterator[PackedZone]:
        """All zones, for one look at each: nothing is kept of it."""
        for zone in self._zones.values():
            yield zone if isinstance(zone, PackedZone) else PackedZone(zone)

    def changed(self, zones: Mapping[WireName, PackedZone]) -> "ZoneSet":
        """The same with these zones, in the place of others or beside them."""
        return ZoneSet.of({**self._zones, **zones}) if zones else self

    def differing(
        self, before: "ZoneSet", origins: Iterable[WireName]
    ) -> Iterator[WireName]:
        """Those of some zones in both sets that are not the same octets."""
        theirs, ours = before._zones, self._zones
        for origin in origins:
            one, other = theirs.get(origin), ours.get(origin)
            if one is other or one is None or other is None:
                continue
            if _octets(one) != _octets(other):
                yield origin

    @property
    def records(self) -> int:
        """How many records there are in all zones."""
        if self._records is None:
            self._records = sum(
                zone.records
                if isinstance(zone, PackedZone)
                else _u32(zone, _RECORDS_AT)
                for zone in self._zones.values()
            )
        return self._records

    def signed(self) -> Iterator[PackedZone]:
        """The zones with signatures of their data."""
        for origin, zone in list(self._zones.items()):
            if isinstance(zone, PackedZone):
                if zone.signed:
                    yield zone
            elif zone[_FLAGS_AT] & _SIGNED:
                yield self[origin]

    def figures(self) -> Iterator[tuple[WireName, int, int]]:
        """Origin, serial and number of records of each zone."""
        for origin, zone in self._zones.items():
            if isinstance(zone, PackedZone):
                yield origin, zone.serial, zone.records
            else:
                yield origin, _u32(zone, _SERIAL_AT), _u32(zone, _RECORDS_AT)

    def zone_for(self, name: WireName) -> PackedZone | None:
        """The deepest zone at or above a lowercased name, or None."""
        zones = self._zones
        while (zone := zones.get(name)) is None:
            if name == ROOT:
                return None
            name = name[1 + name[0] :]
        return zone if isinstance(zone, PackedZone) else self[name]

    def parent_side(self, name: WireName) -> PackedZone | None:
        """The deepest zone strictly above a lowercased name, or None.

        DS records belong to the parent's side of a cut (RFC 4035 section 3.1.4.1).
        """
        return None if name == ROOT else self.zone_for(parent(name))


def _octets(zone: ZoneEntry) -> memoryview:
    return zone.buffer if isinstance(zone, PackedZone) else zone


def _u32(octets: memoryview, offset: int) -> int:
    return int.from_bytes(octets[offset : offset + 4], "little")
