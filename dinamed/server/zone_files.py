"""Where zones are kept that change by themselves: in the folder of `[server] state`."""

import hashlib
import os
import zlib
from urllib.parse import quote

from dinamed.server.state_file import write_atomically
from dinamed.transfers.rebuild import rebuilt
from dinamed.wire.names import WireName, to_text
from dinamed.zones.packed import PackedZone

FOLDER = "zones"
_LONGEST = 200


class ZoneFiles:
    """Copies of secondary zones (`NAME.zone`, packed) and updates (`NAME.updates`)."""

    def __init__(self, state: str) -> None:
        self.folder = os.path.join(state, FOLDER)

    def copy_path(self, origin: WireName) -> str:
        """The path of the saved copy of a secondary zone."""
        return os.path.join(self.folder, f"{file_name(origin)}.zone")

    def updates_path(self, origin: WireName) -> str:
        """The path of the changes that updates have made in a zone."""
        return os.path.join(self.folder, f"{file_name(origin)}.updates")

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

    def write_updates(self, origin: WireName, data: bytes) -> None:
        """Save what updates have changed.  Raises `OSError`."""
        self._write(self.updates_path(origin), data)

    def _write(self, path: str, data: bytes) -> None:
        os.makedirs(self.folder, 0o700, exist_ok=True)
        write_atomically(path, data)


def file_name(origin: WireName) -> str:
    """A name for files about a zone; of very long names a digest."""
    text = quote(to_text(origin).removesuffix("."), safe="") or "root"
    if len(text) > _LONGEST:
        return hashlib.blake2b(origin, digest_size=16).hexdigest()
    return text
