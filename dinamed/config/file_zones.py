"""Zones that are a file each and have nothing of their own beside it.

Where there are many of them they stand in a table: an object for each, made from a
TOML table for each, would take longer to make than their files take to be read.
"""

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from stat import S_ISREG

from msgspec.structs import replace

from dinamed.config.dnssec_rules import KEY as DNSSEC
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import FileZones, ZoneSettings
from dinamed.config.transfer_rules import read_transfers, without_transfers
from dinamed.wire.names import WireName
from dinamed.zones.masterdata import native

FEWEST = 100
"""Zones from which on a table of them is worth it."""
STATE = struct.Struct("=4Q")
"""Device, inode, octets, and nanoseconds of the last change of a file."""
UNREADABLE = bytes(STATE.size)
DEFAULTS = "zone_defaults"


@dataclass(frozen=True)
class FoundFiles:
    """Zones that are a file each, the `STATE` of each file, and the names as written.

    The states are those from before the files are read.
    """

    zones: FileZones = field(default_factory=FileZones)
    states: bytes = b""
    names: Mapping[WireName, str] = field(default_factory=dict)


def common_settings(
    reader: Reader, shared: Mapping[str, object]
) -> ZoneSettings | None:
    """What zones have by `[zone_defaults]`; None where that needs a look at each."""
    if DNSSEC in shared:
        return None
    path: Path = (DEFAULTS,)
    zone = reader.table(ZoneSettings, without_transfers(dict(shared)), path, name=".")
    if zone is None:
        return None
    before = len(reader.problems)
    zone = read_transfers(reader, zone, dict(shared), path)
    usual = replace(zone, transfer=(), notify=(), client_subnet=True)
    simple = usual == ZoneSettings(name=".") and len(reader.problems) == before
    del reader.problems[before:]  # told where each zone is read
    return zone if simple else None


def lone_file(reader: Reader, name: str, table: object) -> str | None:
    """The file of a zone whose table has nothing else; None: look at it closely."""
    if not isinstance(table, dict) or len(table) != 1:
        return None
    file = table.get("file")
    if not isinstance(file, str) or not file or "$" in file or "\0" in file:
        return None
    return reader.absolute(file, ("zones", name, "file"))


def each_state(states: bytes) -> list[bytes]:
    """The `STATE` of each file, out of those of all of them."""
    size = STATE.size
    return [states[at : at + size] for at in range(0, len(states), size)]


def states_of(files: Sequence[str]) -> bytes:
    """The `STATE` of each file; zeros for what is not a file that may be read."""
    if native is not None:
        return native.file_states([os.fsencode(file) for file in files])
    return b"".join(map(_state, files))


def _state(file: str) -> bytes:
    try:
        found = os.stat(file)
        readable = os.access(file, os.R_OK, effective_ids=True)
    except (OSError, ValueError):
        return UNREADABLE
    if not S_ISREG(found.st_mode) or not readable:
        return UNREADABLE
    return STATE.pack(found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns)
