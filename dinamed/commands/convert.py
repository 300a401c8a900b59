"""`dinamed convert FORMAT PATH`: old data files as a config and zone files."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator

from dinamed.formats.config_text import TextFile, config_files
from dinamed.formats.findings import Findings
from dinamed.formats.gdnsd import read_gdnsd
from dinamed.formats.geodns_conf import NAME as CONF
from dinamed.formats.geodns_conf import GeodnsConf, config_lines, read_conf
from dinamed.formats.imported import Imported, goes_by_place
from dinamed.formats.importers import (
    import_geodns,
    import_lbnamed,
    import_pgeodns,
    pgeodns_zones,
)
from dinamed.formats.lbnamed import read_lbnamed
from dinamed.formats.powerdns import read_powerdns
from dinamed.wire.names import BadName, WireName, from_text, to_text

FORMATS = ("lbnamed", "pgeodns", "geodns", "gdnsd", "powerdns")
_MIGRATED = ("gdnsd", "powerdns")


class UsageError(Exception):
    """What was asked for can't be done; the message says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("format", choices=FORMATS, help="whose file it is")
    parser.add_argument(
        "path",
        metavar="PATH",
        help="the file; for geodns also a folder of zones, or geodns.conf in it; for "
        "gdnsd the folder of its config; for powerdns a zone file with LUA records",
    )
    parser.add_argument(
        "--zone",
        metavar="NAME",
        help="the zone's name; by default the file tells (geodns: by its own name)",
    )
    parser.add_argument(
        "--health",
        metavar="DIR",
        help="the folder of geodns's status files",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="write files into this folder, in place of printing them all",
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert; 0, or 1 if something had to be left out, 2 if nothing can be done."""
    if arguments.format in _MIGRATED:
        return _migrate(arguments)
    try:
        origin = None if arguments.zone is None else zone_name(arguments.zone)
        conf = _conf(arguments)
        zones = list(_read(arguments, origin, conf))
    except (UsageError, OSError) as error:
        return _refuse(error)
    for problem in dict.fromkeys(one for zone in zones for one in zone.problems):
        print(problem, file=sys.stderr)
    good = [zone for zone in zones if not zone.problems]
    for zone in zones:
        if zone.problems:
            print(f"left out: {to_text(zone.origin)}", file=sys.stderr)
    if not good:
        return 1
    head: Iterable[str] = ()
    if arguments.format == "geodns":
        head = config_lines(conf, any(map(goes_by_place, good)))
    return _put(arguments, config_files(good, head)) or int(len(good) < len(zones))


def _migrate(arguments: argparse.Namespace) -> int:
    """Convert the config of another kind of server."""
    try:
        if arguments.format == "gdnsd":
            migration = read_gdnsd(arguments.path)
        else:
            migration = read_powerdns(arguments.path, arguments.zone)
    except (OSError, ValueError) as error:
        return _refuse(error)
    for left in migration.left:
        print(f"left out: {left}", file=sys.stderr)
    return _put(arguments, migration.files()) or int(bool(migration.left))


def _put(arguments: argparse.Namespace, files: Iterable[TextFile]) -> int:
    """Print the files, or write them; 0, or 2 if they can't be written."""
    if arguments.out is None:
        print_files(files)
        return 0
    try:
        write_files(arguments.out, files)
    except OSError as error:
        return _refuse(error)
    return 0


def _refuse(error: Exception) -> int:
    words = str(error)
    if isinstance(error, FileExistsError):
        words = f"{error.filename} is there already; name another folder with --out"
    elif isinstance(error, OSError) and error.filename:
        words = f"{error.filename}: {error.strerror}"
    print(f"dinamed convert: {words}", file=sys.stderr)
    return 2


def _conf(arguments: argparse.Namespace) -> GeodnsConf | None:
    """What `geodns.conf` says, where it is named or stands beside the zones.

    Then the path is that of its folder.
    """
    if arguments.format != "geodns":
        return None
    path: str = arguments.path
    if os.path.isdir(path):
        path = os.path.join(path, CONF)
    elif path.endswith(".json"):
        return None
    else:
        arguments.path = os.path.dirname(path) or "."
    return read_conf(path) if os.path.exists(path) else None


def _read(
    arguments: argparse.Namespace, origin: WireName | None, conf: GeodnsConf | None
) -> Iterator[Imported]:
    path = arguments.path
    match arguments.format:
        case "geodns":
            health = arguments.health or (None if conf is None else conf.health)
            folder = None if health is None else os.path.abspath(str(health))
            return _geodns(path, origin, folder)
        case "pgeodns":
            return _pgeodns(path, origin)
        case _:
            return _lbnamed(path, origin)


def zone_name(text: str) -> WireName:
    """The name of a zone.  Raises `UsageError`."""
    try:
        return from_text(text).lower()
    except BadName as error:
        raise UsageError(f"{text!r} is no name: {error}") from None


def print_files(files: Iterable[TextFile]) -> None:
    """Print all files, each behind its name."""
    for file in files:
        print(f"# ==> {file.name} <==")
        print(file.text)


def write_files(folder: str, files: Iterable[TextFile]) -> None:
    """Write all files; what is there already is not touched, but an error."""
    os.makedirs(folder, exist_ok=True)
    for file in files:
        path = os.path.join(folder, file.name)
        with open(path, "x", encoding="utf-8") as stream:
            stream.write(file.text)
        print(path)


def _geodns(
    path: str, origin: WireName | None, health: str | None
) -> Iterator[Imported]:
    if not os.path.isdir(path):
        name = os.path.basename(path).removesuffix(".json")
        yield import_geodns(path, origin or zone_name(name), health)
        return
    files = sorted(
        name
        for name in os.listdir(path)
        if name.endswith(".json") and not name.startswith(".")
    )
    if not files:
        raise UsageError(f"no zone *.json is in {path}")
    for name in files:
        apex = zone_name(name.removesuffix(".json"))
        if origin is None or apex == origin:
            yield import_geodns(os.path.join(path, name), apex, health)


def _pgeodns(path: str, origin: WireName | None) -> Iterator[Imported]:
    if origin is not None:
        yield import_pgeodns(path, origin)
    else:
        yield from pgeodns_zones(path)


def _lbnamed(path: str, origin: WireName | None) -> Iterator[Imported]:
    if origin is None:
        found = read_lbnamed(path, Findings())
        origin = None if found is None else found.base
        if origin is None and found is not None:
            raise UsageError("the file does not name its zone; say --zone NAME")
    yield import_lbnamed(path, origin or b"\0")
