"""Zones that are files in a folder, and the keys that all zones have in common."""

import os
from collections.abc import Mapping

from dinamed.config.dnssec_rules import without_dnssec
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import ServerSettings, ZoneSettings
from dinamed.config.transfer_rules import without_transfers
from dinamed.config.zone_rules import SOURCES, zone_name

SUFFIX = ".zone"
ROOT = "root"
"""The name of the file with the root zone."""
DEFAULTS = "zone_defaults"
FOLDER: Path = ("server", "zone_folder")


def with_folder(
    reader: Reader,
    server: ServerSettings | None,
    tables: Mapping[str, object],
    defaults: Mapping[str, object],
) -> dict[str, object]:
    """All tables of zones: those of the config, then those of the folder's files.

    Each has the keys of `[zone_defaults]` that it does not have itself.  What is in
    both places, and files whose names are none of zones, are reported.
    """
    shared = _checked(reader, defaults)
    found = {
        name: _merged(table, shared) if isinstance(table, dict) else table
        for name, table in tables.items()
    }
    folder = None if server is None else server.zone_folder
    if folder is None:
        return found
    known = {}
    for name in tables:
        try:
            known[zone_name(name)] = name
        except ValueError:
            continue  # told where zones are read
    for file in _files(reader, folder):
        name = name_of(file)
        path = os.path.join(folder, file)
        try:
            apex = zone_name(name)
        except ValueError as error:
            reader.report(FOLDER, f"{path}: {error}")
            continue
        if apex in known:
            reader.report(("zones", known[apex]), f"this zone is {path} already")
            continue
        known[apex] = name
        found[name] = _merged({"file": path}, shared)
    return found


def name_of(file: str) -> str:
    """The name of the zone that is in a file; `@` stands for `/` there."""
    stem = file.removesuffix(SUFFIX)
    return "." if stem == ROOT else stem.replace("@", "/")


def _files(reader: Reader, folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(one.name for one in entries if one.name.endswith(SUFFIX))
    except OSError as error:
        reader.report(FOLDER, f"can't read {folder}: {error.strerror}")
        return []


def _checked(reader: Reader, defaults: Mapping[str, object]) -> Mapping[str, object]:
    """The keys of `[zone_defaults]`, if they may stand in a zone."""
    before = len(reader.problems)
    rest = without_dnssec(without_transfers(dict(defaults)))
    reader.table(ZoneSettings, rest, (DEFAULTS,), name=".")
    # What is wrong there is told once, not for each zone.
    return defaults if len(reader.problems) == before else {}


def _merged(
    table: Mapping[str, object], shared: Mapping[str, object]
) -> dict[str, object]:
    sources = (*SOURCES, "primary")
    has_source = any(key in table for key in sources)
    return {
        **{
            key: value
            for key, value in shared.items()
            if not (has_source and key in sources)
        },
        **table,
    }
