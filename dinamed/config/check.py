"""A config file and all the files it names, read together."""

from collections.abc import Callable
from dataclasses import dataclass

from dinamed.config.foreign import Foreign, build_foreign, own_targeting, with_foreign
from dinamed.config.load import LoadedConfig, load, place_of
from dinamed.config.settings import Settings, ZoneSettings
from dinamed.config.zone_rules import bindings, origin
from dinamed.geo.files import GeoData, load_geo
from dinamed.pools.stages.foreign import known_kinds
from dinamed.problems import Problem
from dinamed.wire.names import WireName
from dinamed.zones.build import BuiltZone, build_zone
from dinamed.zones.targeting import Targeting


@dataclass(frozen=True)
class Everything:
    """What a config file and its zone files say.

    `settings` is None when there is any problem, in whichever file.
    """

    settings: Settings | None
    zones: dict[WireName, BuiltZone]
    problems: list[Problem]
    warnings: tuple[Problem, ...] = ()
    """What can be served, but is most likely not what was meant."""


def build_every(origin: WireName, zone: ZoneSettings) -> bool:
    """Leave no zone out."""
    return False


def load_all(
    path: str, leave_out: Callable[[WireName, ZoneSettings], bool] = build_every
) -> Everything:
    """Read the config at `path` and build its zones; all problems of all files.

    Zones are built even where the config has problems elsewhere, so that one look
    tells everything; zones with problems of their own in the config are not, and
    those that `leave_out` says are known already.
    """
    loaded = load(path, known_kinds())
    problems = list(loaded.problems)
    zones = {}
    foreign: list[Foreign] = []
    own: list[Targeting] = []
    for zone in loaded.zones:
        apex = origin(zone)
        if leave_out(apex, zone):
            continue
        if zone.file is not None:
            zones[apex] = build_zone(apex, zone.file, bindings(zone))
            targeting = own_targeting(apex, zone, zones[apex])
            own += [targeting] if targeting is not None else []
        elif (found := build_foreign(apex, zone)) is not None:
            foreign.append(found)
            zones[apex] = found.built
        else:
            continue
        problems += zones[apex].problems
    settings = loaded.settings
    if settings is not None:
        geo = load_geo(settings.geo)
        problems += geo_problems(loaded, geo)
        settings = with_foreign(settings, foreign, own, geo.locator)
    warnings = list(loaded.warnings)
    warnings += (one for found in foreign for one in found.made.warnings)
    return Everything(
        None if problems else settings,
        zones,
        sorted(problems, key=place_of),
        tuple(sorted(warnings, key=place_of)),
    )


def geo_problems(loaded: LoadedConfig, geo: GeoData) -> list[Problem]:
    """The databases of `[geo]` that cannot be used."""
    if loaded.sources is None:
        return []
    return [
        loaded.sources.problem(("geo", *complaint.path), complaint.message)
        for complaint in geo.complaints
    ]


def check_all(path: str) -> list[Problem]:
    """Every problem of the config at `path` and its zone files, by file and line."""
    return load_all(path).problems
