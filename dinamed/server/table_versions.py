"""The versions of the zones that stand in a table, as far as others want to know."""

from typing import NamedTuple

from dinamed.config.settings import FileZones
from dinamed.server.zone_roll import ZoneRoll
from dinamed.transfers.view import View
from dinamed.wire.names import WireName
from dinamed.zones.packed import PackedZone
from dinamed.zones.zoneset import ZoneSet


class ChangedVersion(NamedTuple):
    """A zone that is another one now."""

    origin: WireName
    before: View
    now: View


class TableVersions:
    """What is served of a table of zones, without an object for each."""

    def __init__(self) -> None:
        self._zones = ZoneSet({})
        self._roll = ZoneRoll({}, FileZones())

    def take(
        self, roll: ZoneRoll, zones: ZoneSet
    ) -> tuple[list[ChangedVersion], list[WireName]]:
        """Take what is served now; the zones that have changed, and those new to peers.

        Neither where nobody may fetch them, or is told of them.
        """
        before, was = self._zones, self._roll
        self._zones, self._roll = zones, roll
        if not roll.has_peers:
            return [], []
        origins = roll.many.origins
        if not was.has_peers:
            return [], list(origins)
        changed = [
            ChangedVersion(apex, View(before[apex]), View(zones[apex]))
            for apex in zones.differing(before, origins)
            if was.is_in_table(apex)
        ]
        return changed, [apex for apex in origins if not was.is_in_table(apex)]

    def view(self, origin: WireName) -> View | None:
        """A zone of the table, for those who may fetch it; None: it is none."""
        if not (self._roll.has_peers and self._roll.is_in_table(origin)):
            return None
        return View(self._zones[origin]) if origin in self._zones else None

    def passing_view(self, origin: WireName) -> View | None:
        """The same for one look: nothing stays of it."""
        if not self._roll.is_in_table(origin) or origin not in self._zones:
            return None
        return View(PackedZone(self._zones.octets(origin)))
