"""Zones that take dynamic updates: their files, with what was changed above them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

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
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.patch import Children, patched

UNKNOWN_STEP = 1_000_000
"""How far the serial goes ahead where nobody knows any more what it was."""


@dataclass
class UpdateStep:
    """One update on its way: what is to be saved, and what is served then."""

    origin: WireName
    base: PackedZone
    before: PackedZone
    overlay: Overlay
    names: Mapping[bytes, RRsets]
    """All names that change, the apex for its serial."""
    served: PackedZone | None = None
    """Once it is made."""


class UpdatedZones:
    """Every zone that takes updates, as it is served.

    An update is made in three steps: `prepare` and `commit` are quick; `make` may take
    long, and is for a thread, one at a time for each zone.
    """

    log = Logger()

    def __init__(self) -> None:
        self._files: ZoneFiles | None = None
        self._base: dict[WireName, PackedZone] = {}
        self._served: dict[WireName, PackedZone] = {}
        self._overlays: dict[WireName, Overlay] = {}
        self._children: dict[WireName, Children] = {}
        self._unread: dict[WireName, int] = {}
        """Zones whose updates could not be read, with the least serial to serve."""

    def serve(self, base: PackedZone) -> PackedZone:
        """The zone to serve for what the file says now."""
        origin = base.origin
        if self._base.get(origin) is base:
            return self._served[origin]
        overlay = self._overlays.get(origin) or self._read(base)
        served = base
        if origin in self._unread:
            served = _ahead(base, self._unread[origin])
        elif overlay is not None:
            try:
                served, changed, left_out = laid_over(base, overlay)
            except ValueError as error:
                self.log.error(
                    "{zone}: updates cannot be laid over the file: {why}",
                    zone=to_text(origin),
                    why=str(error),
                )
                self._unread[origin] = overlay.serial_over(base.serial)
                return _ahead(base, self._unread[origin])
            for what in left_out:
                self.log.warn("an update is void now: {what}", what=what)
            self._overlays[origin] = changed
            if changed != overlay:  # the serial must be known before it is served
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
            self._children.pop(origin, None)
            self._unread.pop(origin, None)

    def kept(self, zones: Collection[WireName]) -> set[WireName]:
        """The zones that take updates, and those of `zones` of which some are saved."""
        saved = [] if self._files is None else self._files.updated(zones)
        return {*saved, *self._base}

    def knows(self, origin: WireName) -> bool:
        """Whether a zone takes updates."""
        return origin in self._base

    def served(self, origin: WireName) -> PackedZone:
        """What the next update changes.  Raises `UpdateError` if it may not."""
        if origin in self._unread:
            why = "the updates before could not be read, and must not be lost"
            raise UpdateError(Rcode.SERVFAIL, why)
        if origin not in self._served:  # the config has it no more
            raise UpdateError(Rcode.NOTAUTH, "the zone does not take updates any more")
        return self._served[origin]

    def prepare(
        self, origin: WireName, changed: Mapping[bytes, RRsets], serial: int | None
    ) -> UpdateStep:
        """See whether names can be as an update has left them.

        `serial` is the one that the update asks for, if any.  Raises `UpdateError`.
        """
        base, now = self._base[origin], self._served[origin]
        if serial is None or not newer(serial, now.serial):
            serial = following(now.serial)
        overlay = noted(self._overlays.get(origin), base, changed, serial)
        if len(overlay.rrsets) > MAX_RRSETS:
            raise UpdateError(Rcode.REFUSED, f"more than {MAX_RRSETS} RRsets changed")
        names = {key: dict(rrsets) for key, rrsets in changed.items()}
        apex = names.setdefault(b"", dict(now.apex.rrsets))
        apex[Type.SOA] = with_serial(now.soa, serial)
        return UpdateStep(origin, base, now, overlay, names)

    def make(self, step: UpdateStep) -> None:
        """Make the zone, and save what is changed in it; for a thread.

        Raises `UpdateError`; then nothing is changed.
        """
        if self._files is None:
            raise UpdateError(Rcode.SERVFAIL, "there is no state to save it in")
        origin = step.origin
        children = self._children.get(origin)
        if children is None or children.zone is not step.before:
            children = Children(step.before)
        changes = {key: list(one.values()) for key, one in step.names.items()}
        try:
            step.served = patched(step.before, changes, children)
            if step.served is None:
                step.served = rebuilt(step.before, changes)
                children = Children(step.served)
        except ValueError as error:
            raise UpdateError(Rcode.SERVFAIL, str(error)) from None
        step.served.order_like(step.before)
        if not self._save(step.base, step.overlay):
            raise UpdateError(Rcode.SERVFAIL, "the update could not be saved")
        self._children[origin] = children

    def commit(self, step: UpdateStep) -> None:
        """Serve what was made, from the next `serve` on."""
        origin = step.origin
        if origin not in self._base:  # the config has it no more
            return
        self._overlays[origin] = step.overlay
        if self._base[origin] is step.base and step.served is not None:
            self._served[origin] = step.served
        else:  # another file was read meanwhile: the changes go above that one
            del self._base[origin], self._served[origin]

    def _save(self, base: PackedZone, overlay: Overlay) -> bool:
        if self._files is None:
            return False
        try:
            self._files.write_serial(base.origin, overlay.serial)
            self._files.write_updates(base.origin, overlay.encoded(base))
        except OSError as error:
            self.log.error(
                "the updates of {zone} could not be saved: {why}",
                zone=to_text(base.origin),
                why=str(error),
            )
            return False
        return True

    def _read(self, base: PackedZone) -> Overlay | None:
        """What was saved; a zone of which that can't be read takes no updates."""
        origin = base.origin
        self._unread.pop(origin, None)
        if self._files is None:
            return None
        try:
            data = self._files.read_updates(origin)
            return None if data is None else decoded(data, origin)
        except (OSError, ValueError, RecursionError) as error:
            aside = self._files.keep_updates_aside(origin)
            known = self._files.read_serial(origin)
            self._unread[origin] = (
                following(base.serial, UNKNOWN_STEP) if known is None else known
            )
            self.log.error(
                "the updates of {zone} could not be read from {path}: {why}; {aside}"
                "the zone is served without them and takes no others until the file "
                "is mended or removed, and the config reloaded",
                zone=to_text(origin),
                path=self._files.updates_path(origin),
                why=str(error),
                aside=f"they are kept as {aside} too, " if aside else "",
            )
            return None


def _ahead(base: PackedZone, serial: int) -> PackedZone:
    """The zone with a serial that is no lower."""
    if not newer(serial, base.serial):
        return base
    soa: RRset = with_serial(base.soa, serial)
    apex = {**base.apex.rrsets, Type.SOA: soa}
    changes = {b"": list(apex.values())}
    return patched(base, changes, Children(base)) or rebuilt(base, changes)
