"""Zones that come from files of other programs."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from dinamed.config.located import located, with_locations
from dinamed.config.settings import Settings, ZoneSettings
from dinamed.config.zone_rules import aliases, bindings, source
from dinamed.formats.imported import Imported
from dinamed.formats.targets import targeting_of
from dinamed.geo.locator import Locator
from dinamed.problems import Problem
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, relative, to_text
from dinamed.zones.build import BuiltZone
from dinamed.zones.packed import PackedZone, pack
from dinamed.zones.targeting import Targeting

_TAKEN = (Type.A, Type.AAAA, Type.CNAME)


class Foreign(NamedTuple):
    """A zone of another program's file, and what was made of it."""

    made: Imported
    built: BuiltZone


def build_foreign(apex: WireName, zone: ZoneSettings) -> Foreign | None:
    """Read a zone that comes from another program's file; None if it doesn't."""
    found = source(zone)
    if found is None or found[0] == "file":
        return None
    # Most configs have no such file, and need not wait for what reads one.
    from dinamed.formats.importers import IMPORTERS, import_geodns

    key, path = found
    if key == "geodns":
        made = import_geodns(path, apex, zone.health)
    else:
        made = IMPORTERS[key](path, apex)
    names = {relative(name, apex): pool for name, pool in bindings(zone).items()}
    problems = [*made.problems]
    if not problems:
        problems += _clashes(path, made, names)
    packed: bytes | bytearray = b""
    if not problems:
        try:
            packed = pack(apex, made.rrsets, {**made.names, **names}, made.bare)
        except ValueError as error:
            problems.append(Problem(path, None, to_text(apex), str(error)))
    return Foreign(made, BuiltZone(packed, problems, made.files))


def _clashes(path: str, made: Imported, names: dict[bytes, str]) -> list[Problem]:
    """The names that the config binds to pools, and the file has addresses for."""
    taken = {key for key, rrset in made.rrsets if rrset.type in _TAKEN}
    taken.update(made.names)
    return [
        Problem(
            path,
            None,
            to_text(key + made.origin),
            f"bound to pool {pool} in the config, and has addresses in this file",
        )
        for key, pool in names.items()
        if key in taken
    ]


def with_foreign(
    settings: Settings,
    foreign: Iterable[Foreign],
    own: Iterable[Targeting],
    locator: Locator,
) -> Settings:
    """The settings with the targets of all zones, and the pools of foreign ones.

    `own` are the targets of zones with master files.
    Where the nearest members are wanted, those whose place is not said are where
    `locator` says.
    """
    pools = [located(pool, locator) for pool in settings.pools]
    targeting = list(own)
    for made, built in foreign:
        if built.problems:
            continue
        pools += [
            with_locations(pool, locator) if pool.name in made.closest else pool
            for pool in made.pools
        ]
        if made.targeting is not None:
            targeting.append(made.targeting)
    return replace(settings, pools=tuple(pools), targeting=tuple(targeting))


def own_targeting(
    apex: WireName, zone: ZoneSettings, built: BuiltZone
) -> Targeting | None:
    """The names and targets that the config sets for a zone with a master file."""
    if not built.packed or not (zone.targets or zone.aliases):
        return None
    keys: Iterable[bytes] = ()
    if zone.targets:
        keys = (key for key, _ in PackedZone(built.packed).nodes())
    targeting = targeting_of(apex, zone.targets, keys, aliases(zone))
    return None if targeting.empty else targeting
