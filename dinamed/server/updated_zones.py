"""Zones that take dynamic updates: their files, with what was changed above them."""

from collections.abc import Mapping

from twisted.logger import Logger

from dinamed.server.zone_files import ZoneFiles
from dinamed.transfers.overlay import (
    MAX_RRSETS,
    Overlay,
    decoded,
    laid_over,
    noted,
    with_serial,
)
from dinamed.transfers.rebuild import rebuilt
from dinamed.transfers.serial import following, newer
from dinamed.transfers.update import RRsets, UpdateError
from dinamed.wire.constants import Rcode, Type
from dinamed.wire.names import WireName, to_text
from dinamed.zones.packed import PackedZone


class UpdatedZones:
    """Every zone that takes updates, as it is served."""

    log = Logger()

    def __init__(self) -> None:
        self._files: ZoneFiles | None = None
        self._base: dict[WireName, PackedZone] = {}
        self._served: dict[WireName, PackedZone] = {}
        self._overlays: dict[WireName, Overlay] = {}

    def serve(self, base: PackedZone) -> PackedZone:
        """The zone to serve for what the file says now."""
        origin = base.origin
        if self._base.get(origin) is base:
            return self._served[origin]
        overlay = self._overlays.get(origin) or self._read(origin)
        served = base
        if overlay is not None:
            try:
                served, changed, left_out = laid_over(base, overlay)
            except ValueError as error:
                self.log.error(
                    "{zone}: updates cannot be laid over the file: {why}",
                    zone=to_text(origin),
                    why=str(error),
                )
                return base
            for what in left_out:
                self.log.warn("an update is void now: {what}", what=what)
            self._overlays[origin] = changed
            if changed != overlay:
                self._save(base, changed)
        self._base[origin], self._served[origin] = base, served
        return served

    def keep_in(self, files: ZoneFiles | None) -> None:
        """Save changes there; None: they can't be saved."""
        self._files = files

    def forget(self, kept: Mapping[WireName, PackedZone]) -> None:
        """Keep no zones in memory but these."""
        for origin in self._base.keys() - kept.keys():
            del self._base[origin], self._served[origin]
            self._overlays.pop(origin, None)

    def update(
        self, origin: WireName, changed: Mapping[bytes, RRsets], serial: int | None
    ) -> PackedZone:
        """Save names as an update has left them; the zone to serve now.

        `serial` is the one that the update asks for, if any.  Raises `UpdateError`.
        """
        base, now = self._base[origin], self._served[origin]
        if serial is None or not newer(serial, now.serial):
            serial = following(now.serial)
        before = self._overlays.get(origin)
        overlay = noted(before, base, changed, serial)
        if len(overlay.rrsets) > MAX_RRSETS:
            raise UpdateError(Rcode.REFUSED, f"more than {MAX_RRSETS} RRsets changed")
        names = {key: dict(rrsets) for key, rrsets in changed.items()}
        apex = names.setdefault(b"", dict(now.apex.rrsets))
        apex[Type.SOA] = with_serial(now.soa, serial)
        try:
            served = rebuilt(
                now, {key: list(one.values()) for key, one in names.items()}
            )
        except ValueError as error:
            raise UpdateError(Rcode.SERVFAIL, str(error)) from None
        if not self._save(base, overlay):
            raise UpdateError(Rcode.SERVFAIL, "the update could not be saved")
        self._overlays[origin], self._served[origin] = overlay, served
        return served

    def _read(self, origin: WireName) -> Overlay | None:
        if self._files is None:
            return None
        try:
            data = self._files.read_updates(origin)
            return None if data is None else decoded(data, origin)
        except (OSError, ValueError) as error:
            self.log.error(
                "the updates of {zone} could not be read from {path}: {why}",
                zone=to_text(origin),
                path=self._files.updates_path(origin),
                why=str(error),
            )
            return None

    def _save(self, base: PackedZone, overlay: Overlay) -> bool:
        if self._files is None:
            return False
        try:
            self._files.write_updates(base.origin, overlay.encoded(base))
        except OSError as error:
            self.log.error(
                "the updates of {zone} could not be saved: {why}",
                zone=to_text(base.origin),
                why=str(error),
            )
            return False
        return True
