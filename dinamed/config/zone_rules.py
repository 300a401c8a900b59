"""What must hold of zones beyond the types of their keys."""

import os
import stat
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from dinamed.config.dnssec import Dnssec
from dinamed.config.dnssec_rules import read_dnssec, without_dnssec
from dinamed.config.lines import Path
from dinamed.config.reader import Reader, meant
from dinamed.config.settings import ZoneSettings
from dinamed.config.transfer_rules import read_transfers, without_transfers
from dinamed.config.values import shown
from dinamed.wire.names import (
    BadName,
    WireName,
    ancestors,
    from_text,
    is_within,
    relative,
)

SOURCES = ("file", "geodns", "lbnamed", "pgeodns")


def origin(zone: ZoneSettings) -> WireName:
    """The zone's apex, in lower case."""
    return zone_name(zone.name)


def source(zone: ZoneSettings) -> tuple[str, str] | None:
    """Which of `SOURCES` the zone comes from, and the path; None: from none."""
    for key in SOURCES:
        path = getattr(zone, key)
        if path is not None:
            return key, path
    return None


def bindings(zone: ZoneSettings) -> dict[WireName, str]:
    """The pool bound to each owner; owners absolute and in lower case.

    The zone must come from settings that were read without a problem.
    """
    apex = origin(zone)
    return {owner_name(owner, apex): pool for owner, pool in zone.names.items()}


def zone_name(text: str) -> WireName:
    """A zone's name, absolute with or without its final dot, in lower case.

    Raises `ValueError`.
    """
    if text == "@":
        raise BadName('"@" is not the name of a zone')
    name = from_text(text).lower()
    if name.startswith(b"\x01*"):
        raise BadName("a zone can't be a wildcard")
    return name


def owner_name(text: str, apex: WireName) -> WireName:
    """A name in the zone: relative, `@`, or absolute with a final dot; lower case.

    Raises `ValueError` when it isn't a name or is outside the zone.
    """
    name = from_text(text, apex).lower()
    if not is_within(name, apex):
        raise BadName("outside the zone; a name without a final dot is relative to it")
    return name


def read_zones(
    reader: Reader,
    raw: dict[str, object],
    pools: Mapping[str, object],
    dnssec: Dnssec,
    catalog: str | None = None,
    others: Mapping[WireName, str] = MappingProxyType({}),
) -> list[ZoneSettings]:
    """Read every `[zones."NAME"]`; report all that does not hold.

    `pools` has the names of the pools as keys; `dnssec` are the defaults for signing.
    `catalog` is the name of the zone that is made here, and needs no source.  `others`
    are zones that are not in `raw`, with their names as they are written.
    """
    zones = []
    seen = dict(others)
    names = set()
    for name, table in raw.items():
        path: Path = ("zones", name)
        apex = reader.apply(zone_name, name, path)
        if isinstance(apex, bytes):
            names.add(name)
            first = seen.setdefault(apex, name)
            if first != name:
                reader.report(path, f'the same zone as "{first}"')
        rest = without_dnssec(without_transfers(table))
        zone = reader.table(ZoneSettings, rest, path, name=name)
        if zone is not None and isinstance(table, dict):
            zone = read_transfers(reader, zone, table, path)
            zone = read_dnssec(reader, zone, table, path, dnssec)
            if name != catalog:
                _check_source(reader, zone, table, path)
            zones.append(zone)
    for zone in zones:
        path = ("zones", zone.name, "names")
        _pools_exist(reader, zone, path, pools)
        if zone.name in names:
            _owners(reader, zone, path, seen)
            _aliases(reader, zone)
    return zones


def fit(reader: Reader, zones: list[ZoneSettings]) -> Iterator[ZoneSettings]:
    """The zones that can be built although something in the config is wrong."""
    for zone in zones:
        path: Path = ("zones", zone.name)
        found = source(zone)
        if found is not None and reader.intact((*path, found[0])):
            try:
                bindings(zone)
                aliases(zone)
            except ValueError:
                continue
            yield zone


def _check_source(
    reader: Reader, zone: ZoneSettings, table: dict[str, object], path: Path
) -> None:
    """Check that the zone has one source, and one that can be read."""
    given = [key for key in (*SOURCES, "primary") if key in table]
    if not given or (given == ["primary"] and table["primary"] == []):
        reader.report(path, f"needs one of {', '.join((*SOURCES, 'primary'))}")
    for key in given[1:]:
        reader.report((*path, key), f"the zone already comes from {given[0]}")
    found = source(zone)
    if found is None:
        return
    key, file = found
    check_readable(reader, file, (*path, key))
    if zone.health is not None and key != "geodns":
        reader.report((*path, "health"), "goes with geodns")


def check_readable(reader: Reader, file: str | None, path: Path) -> None:
    """Report a file that is not there, not a file, or not ours to read."""
    if file is None:
        return
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            reader.report(path, f"{file} is not a file")
            return
        with open(file, "rb"):
            pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        reader.report(path, f"can't read {file}: {reason}")


def _pools_exist(
    reader: Reader, zone: ZoneSettings, path: Path, pools: Mapping[str, object]
) -> None:
    for owner, pool in zone.names.items():
        if pool not in pools:
            reader.report((*path, owner), f"no pool {shown(pool)}{meant(pool, pools)}")


def _owners(
    reader: Reader, zone: ZoneSettings, path: Path, zones: Mapping[WireName, str]
) -> None:
    """Check that each owner is a name of this zone, and stands there once."""
    apex = origin(zone)
    seen: dict[WireName, str] = {}
    for owner in zone.names:
        here: Path = (*path, owner)
        try:
            name = owner_name(owner, apex)
        except BadName as refusal:
            reader.report(here, str(refusal))
            continue
        first = seen.setdefault(name, owner)
        if first != owner:
            reader.report(here, f'the same name as "{first}"')
        home = next(zones[one] for one in ancestors(name) if one in zones)
        if home != zones[apex]:
            reader.report(here, f'this name is in the zone "{home}": bind it there')


def aliases(zone: ZoneSettings) -> dict[bytes, bytes]:
    """The names that stand for others, as relative keys.  Raises `ValueError`."""
    apex = origin(zone)
    return {
        relative(owner_name(name, apex), apex): relative(owner_name(other, apex), apex)
        for name, other in zone.aliases.items()
    }


def _aliases(reader: Reader, zone: ZoneSettings) -> None:
    """Check that aliases are names of the zone, of a zone with a file of its own."""
    apex = origin(zone)
    path: Path = ("zones", zone.name)
    for key in ("targets", "aliases"):
        if getattr(zone, key) and zone.file is None and source(zone) is not None:
            reader.report((*path, key), "this zone's file tells that itself")
    leads: dict[WireName, WireName] = {}
    for name, other in zone.aliases.items():
        here: Path = (*path, "aliases", name)
        try:
            owner, target = owner_name(name, apex), owner_name(other, apex)
        except BadName as refusal:
            reader.report(here, str(refusal))
            continue
        if owner in leads:
            reader.report(here, "this name stands here twice")
        leads[owner] = target
        while target in leads and target != owner:
            target = leads[target]
        if target == owner:
            reader.report(here, "a loop of aliases")
            del leads[owner]
