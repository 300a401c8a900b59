"""The zones that the catalogs of other servers list (RFC 9432), for secondaries."""

from collections.abc import Mapping, Set
from itertools import islice

from twisted.logger import Logger

from dinamed.config.settings import CatalogSettings, ZoneSettings
from dinamed.transfers.catalog import members_of
from dinamed.wire.names import WireName, to_text
from dinamed.zones.packed import PackedZone

SHOWN = 5
"""Names in one line of the log at most."""


class CatalogMembers:
    """Turns catalogs into the settings of their member zones.

    What cannot be taken is logged when it is first seen, and not again.
    """

    log = Logger()

    def __init__(self) -> None:
        self._read: dict[WireName, tuple[PackedZone, frozenset[WireName]]] = {}
        self._refused: dict[WireName, frozenset[WireName]] = {}

    def zones(
        self,
        catalogs: Mapping[WireName, CatalogSettings],
        have: Mapping[WireName, PackedZone | None],
        own: Set[WireName],
    ) -> dict[WireName, ZoneSettings]:
        """The member zones of all catalogs but those whose names are in `own`.

        `have` has each catalog as it was transferred last; None if it never was.  Of
        catalogs with the same member the first has it (RFC 9432 section 5.2).
        """
        found: dict[WireName, ZoneSettings] = {}
        for apex, catalog in catalogs.items():
            raw = have[apex]
            members = self._members(apex, raw) if raw is not None else frozenset()
            refused = members & (own | found.keys())
            self._tell(apex, refused)
            for member in sorted(members - refused):
                found[member] = catalog.zone(to_text(member))
        for apex in self._read.keys() - catalogs.keys():
            del self._read[apex]
        for apex in self._refused.keys() - catalogs.keys():
            del self._refused[apex]
        return found

    def _members(self, apex: WireName, raw: PackedZone) -> frozenset[WireName]:
        known = self._read.get(apex)
        if known is not None and known[0] is raw:
            return known[1]
        try:
            members = members_of(raw)
        except ValueError as error:
            # Transfers are checked: this is a copy from when it was no catalog.
            members = frozenset() if known is None else known[1]
            self.log.error("{zone}: {why}", zone=to_text(apex), why=str(error))
        self._read[apex] = raw, members
        if known is None or known[1] != members:
            self.log.info(
                "catalog {zone}: serial {serial} lists {zones} zones",
                zone=to_text(apex),
                serial=raw.serial,
                zones=len(members),
            )
        return members

    def _tell(self, apex: WireName, refused: frozenset[WireName]) -> None:
        new = refused - self._refused.get(apex, frozenset())
        self._refused[apex] = refused
        if new:
            names = ", ".join(map(to_text, islice(sorted(new), SHOWN)))
            more = f" and {len(new) - SHOWN} more" if len(new) > SHOWN else ""
            self.log.warn(
                "catalog {zone}: not taken, for the config or another catalog has "
                "them: {names}",
                zone=to_text(apex),
                names=names + more,
            )
