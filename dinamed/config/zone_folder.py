"""Zones that are files in a folder, and the keys that all zones have in common."""

import os
from collections.abc import Mapping

from dinamed.config.dnssec_rules import without_dnssec
from dinamed.config.file_zones import (
    DEFAULTS,
    FEWEST,
    UNREADABLE,
    FoundFiles,
    common_settings,
    each_state,
    lone_file,
    states_of,
)
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import FileZones, ServerSettings, ZoneSettings
from dinamed.config.transfer_rules import without_transfers
from dinamed.config.zone_rules import SOURCES, zone_name
from dinamed.wire.names import WireName

SUFFIX = ".zone"
ROOT = "root"
"""The name of the file with the root zone."""
FOLDER: Path = ("server", "zone_folder")


def with_folder(
    reader: Reader,
    server: ServerSettings | None,
    tables: Mapping[str, object],
    defaults: Mapping[str, object],
) -> tuple[dict[str, object], FoundFiles]:
    """All tables of zones: those of the config, then those of the folder's files.

    Each has the keys of `[zone_defaults]` that it does not have itself.  What is in
    both places, and files whose names are none of zones, are reported.  Where there
    are many, those that are nothing but files come apart from the others.
    """
    shared = _checked(reader, defaults)
    folder = None if server is None else server.zone_folder
    files = [] if folder is None else _files(reader, folder)
    common = None
    if len(tables) + len(files) >= FEWEST:
        common = common_settings(reader, shared)
    made_here = _apex("" if server is None else server.catalog or "")
    found: dict[str, object] = {}
    known: dict[WireName, str] = {}
    lone: dict[WireName, str] = {}
    for name, table in tables.items():
        apex = _apex(name)
        file = None
        if apex is not None and apex not in known:
            known[apex] = name
            if common is not None and apex != made_here:
                file = lone_file(reader, name, table)
        if apex is not None and file is not None:
            lone[apex] = file
        else:
            found[name] = _merged(table, shared)
    inside = os.path.join(folder or "", "")
    for file in files:
        name = name_of(file)
        path = inside + file
        try:
            apex = zone_name(name)
        except ValueError as error:
            reader.report(FOLDER, f"{path}: {error}")
            continue
        if apex in known:
            reader.report(("zones", known[apex]), f"this zone is {path} already")
            continue
        known[apex] = name
        if common is not None and apex != made_here:
            lone[apex] = path
        else:
            found[name] = _merged({"file": path}, shared)
    if common is None:
        return found, FoundFiles()
    return _apart(found, lone, known, shared, common)


def _apart(
    found: dict[str, object],
    lone: dict[WireName, str],
    known: Mapping[WireName, str],
    shared: Mapping[str, object],
    common: ZoneSettings,
) -> tuple[dict[str, object], FoundFiles]:
    """The zones that are nothing but files; what can't be read is reported later."""
    states = states_of(list(lone.values()))
    each = each_state(states)
    if UNREADABLE in each:
        states = b"".join(state for state in each if state != UNREADABLE)
        found_unread = zip(list(lone), each, strict=True)
        for apex in (one for one, state in found_unread if state == UNREADABLE):
            found[known[apex]] = _merged({"file": lone.pop(apex)}, shared)
    zones = FileZones(common=common, origins=tuple(lone), files=tuple(lone.values()))
    names = {apex: known[apex] for apex in lone}
    return found, FoundFiles(zones, states, names)


def _apex(name: str) -> WireName | None:
    try:
        return zone_name(name)
    except ValueError:
        return None  # told where zones are read


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


def _merged(table: object, shared: Mapping[str, object]) -> object:
    if not isinstance(table, dict):
        return table
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
