"""Where zones are kept that change by themselves: in the folder of `[server] state`."""

import hashlib
import os
import zlib
from collections.abc import Collection
from threading import Lock
from urllib.parse import quote, unquote

from dinamed.server.kept_files import kept_aside, write_atomically
from dinamed.transfers.rebuild import rebuilt
from dinamed.wire.names import ROOT, WireName, from_text, to_text
from dinamed.zones.packed import PackedZone

FOLDER = "zones"
UPDATES = ".updates"
_LONGEST = 200
_DIGEST = 32  # letters


class ZoneFiles:
    """Copies of secondary zones (`NAME.zone`, packed), and of zones that are updated
    what was changed (`NAME.updates`) and the serial (`NAME.serial`).
    """

    def __init__(self, state: str) -> None:
        self.folder = os.path.join(state, FOLDER)
        self._writing = Lock()

    def copy_path(self, origin: WireName) -> str:
        """The path of the saved copy of a secondary zone."""
        return os.path.join(self.folder, f"{file_name(origin)}.zone")

    def updates_path(self, origin: WireName) -> str:
        """The path of the changes that updates have made in a zone."""
        return os.path.join(self.folder, file_name(origin) + UPDATES)

    def read_copy(self, origin: WireName) -> tuple[PackedZone, float] | None:
        """The saved copy, and when it was last known to be current (Unix time).

        Raises `OSError`; `ValueError` if the file is damaged.
        """
        try:
            with open(self.copy_path(origin), "rb") as file:
                data = file.read()
                confirmed = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        packed, check = data[:-4], data[-4:]
        if zlib.crc32(packed).to_bytes(4, "big") != check:
            raise ValueError("the saved copy is damaged")
        zone = PackedZone(packed)
        if zone.origin != origin:
            raise ValueError("the saved copy is of another zone")
        return rebuilt(zone, {}) if zone.outdated else zone, confirmed

    def write_copy(self, zone: PackedZone, confirmed: float) -> None:
        """Save a copy that was current at that time.  Raises `OSError`."""
        packed = bytes(zone.buffer)
        self._write(
            self.copy_path(zone.origin), packed + zlib.crc32(packed).to_bytes(4, "big")
        )
        self.confirm_copy(zone.origin, confirmed)

    def confirm_copy(self, origin: WireName, confirmed: float) -> None:
        """Note when the copy was last known to be current.  Raises `OSError`."""
        os.utime(self.copy_path(origin), (confirmed, confirmed))

    def read_updates(self, origin: WireName) -> bytes | None:
        """The data of `write_updates`.  Raises `OSError`."""
        try:
            with open(self.updates_path(origin), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def updated(self, zones: Collection[WireName]) -> list[WireName]:
        """Those of some zones of which updates are saved."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        saved = {one.removesuffix(UPDATES) for one in names if one.endswith(UPDATES)}
        long = {name for name in saved if len(name) == _DIGEST}
        origins = map(_origin, saved - long)
        found = [one for one in origins if one is not None and one in zones]
        if long:
            found += (one for one in zones if file_name(one) in long)
        return found

    def keep_updates_aside(self, origin: WireName) -> str:
        """Keep what can't be read under another name too; the path, empty if it failed.

        The file itself stays, to be read again.
        """
        return kept_aside(self.updates_path(origin), stay=True)

    def serial_path(self, origin: WireName) -> str:
        """Of the serial up to which a zone was updated."""
        return os.path.join(self.folder, f"{file_name(origin)}.serial")

    def read_serial(self, origin: WireName) -> int | None:
        """The serial that was written last; None if it is not known."""
        try:
            with open(self.serial_path(origin), "rb") as file:
                serial = int(file.read(20))
        except (OSError, ValueError):
            return None
        return serial if 0 <= serial < 1 << 32 else None

    def write_serial(self, origin: WireName, serial: int) -> None:
        """Note the serial beside the updates, for when they can't be read.

        Raises `OSError`.
        """
        self._write(self.serial_path(origin), b"%d\n" % serial)

    def write_updates(self, origin: WireName, data: bytes) -> None:
        """Save what updates have changed.  Raises `OSError`."""
        self._write(self.updates_path(origin), data)

    def _write(self, path: str, data: bytes) -> None:
        with self._writing:
            os.makedirs(self.folder, 0o700, exist_ok=True)
            write_atomically(path, data)


def file_name(origin: WireName) -> str:
    """A name for files about a zone; of very long names a digest."""
    text = quote(to_text(origin).removesuffix("."), safe="") or "root"
    if len(text) > _LONGEST:
        return hashlib.blake2b(origin, digest_size=16).hexdigest()
    return text


def _origin(name: str) -> WireName | None:
    """The zone that `file_name` has given a name, unless that is a digest."""
    try:
        origin = ROOT if name == "root" else from_text(unquote(name)).lower()
    except ValueError:
        return None
    return origin if file_name(origin) == name else None
