"""The catalog zone that this server makes of its zones (RFC 9432)."""

from collections.abc import Callable, Set

from twisted.logger import Logger

from dinamed.config.settings import Settings
from dinamed.config.zone_rules import zone_name
from dinamed.server.kept_files import kept_aside
from dinamed.server.zone_files import ZoneFiles
from dinamed.transfers.catalog import next_catalog
from dinamed.wire.names import WireName, to_text
from dinamed.zones.packed import PackedZone


class CatalogProducer:
    """Makes the zone of `[server] catalog`, and another one when the zones change.

    With `state` it is saved, so that a restart does not move its serial, and no clock
    that was set back takes it back.  `seconds` is the Unix time.
    """

    log = Logger()

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._made: PackedZone | None = None
        self._made_of: Set[WireName] | None = None

    def serve(
        self, settings: Settings, zones: Set[WireName], files: ZoneFiles | None
    ) -> PackedZone | None:
        """The catalog of zones to serve for a config; None if it has none."""
        name = settings.server.catalog
        if name is None:
            self._made = self._made_of = None
            return None
        apex = zone_name(name)
        before = self._made
        if before is not None and before.origin != apex:
            before = None
        members = zones - {apex}
        if before is not None and self._made_of == members:
            return before
        if before is None and files is not None:
            before = self._read(apex, files)
        made = next_catalog(apex, members, before, int(self._seconds()))
        if made is not before:
            self.log.info(
                "{zone}: serial {serial} lists {zones} zones",
                zone=to_text(apex),
                serial=made.serial,
                zones=len(members),
            )
            if files is not None:
                self._save(made, files)
        self._made, self._made_of = made, members
        return made

    def _read(self, apex: WireName, files: ZoneFiles) -> PackedZone | None:
        """What was served last, as far as it is known."""
        path = files.copy_path(apex)
        try:
            found = files.read_copy(apex)
        except (OSError, ValueError) as error:
            self.log.error(
                "the catalog saved as {path} is not used: {why}; it is kept as "
                "{aside}, and the serial goes by the clock",
                path=path,
                why=str(error),
                aside=kept_aside(path) or path,
            )
            return None
        return None if found is None else found[0]

    def _save(self, made: PackedZone, files: ZoneFiles) -> None:
        try:
            files.write_copy(made, self._seconds())
        except OSError as error:
            self.log.error(
                "the catalog {zone} could not be saved: {why}",
                zone=to_text(made.origin),
                why=str(error),
            )
