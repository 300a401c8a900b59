"""A config file and all the files it names, read together."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from dinamed.config.advice import advise, undelegated, zones_below
from dinamed.config.dnssec_advice import advise_signing
from dinamed.config.foreign import (
    Foreign,
    build_foreign,
    own_targeting,
    with_foreign,
)
from dinamed.config.load import LoadedConfig, load, place_of
from dinamed.config.settings import Settings, ZoneSettings
from dinamed.config.small_zones import KnownSmall, SmallZone, build_small, only
from dinamed.config.zone_rules import bindings, origin
from dinamed.formats.imported import goes_by_place
from dinamed.geo.files import GeoData, load_geo
from dinamed.pools.stages.foreign import known_kinds
from dinamed.problems import Problem
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.build import BuiltZone, build_zone
from dinamed.zones.packed import PackedZone
from dinamed.zones.targeting import Targeting
from dinamed.zones.zoneset import ZoneSet


class ZoneFacts(msgspec.Struct, frozen=True):
    """What was found in a zone's file: its warnings, and its number of NS records."""

    warnings: tuple[Problem, ...] = ()
    servers: int = 1


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
    facts: Mapping[WireName, ZoneFacts] = field(default_factory=dict)
    small: Sequence[SmallZone] = ()
    """Zones beside `zones`, about which there is nothing to be said."""

    def packed(self) -> ZoneSet:
        """All zones that were built."""
        zones: dict[WireName, PackedZone | memoryview] = {
            zone.origin: memoryview(zone.packed) for zone in self.small if zone.packed
        }
        for apex, built in self.zones.items():
            if built.packed:
                zones[apex] = PackedZone(built.packed)
        return ZoneSet.of(zones)


LeaveOut = Callable[[WireName, ZoneSettings, Sequence[WireName]], ZoneFacts | None]
"""Tells of a zone, its settings, and the zones right below it, what is known already.

None: the zone is to be built.
"""


def build_every(apex: WireName, zone: ZoneSettings, below: Sequence[WireName]) -> None:
    """Leave no zone out."""


def load_all(
    path: str,
    leave_out: LeaveOut = build_every,
    small: KnownSmall = KnownSmall(),  # noqa: B008
    odd: Collection[WireName] = (),
) -> Everything:
    """Read the config at `path` and build its zones; all problems of all files.

    Zones are built even where the config has problems elsewhere, so that one look
    tells everything; zones with problems of their own in the config are not, and
    those of which `leave_out` knows everything already.  Of the zones that are a file
    each, those that are as `small` has them are not built again, and `odd` are known
    to need a closer look.
    """
    loaded = load(path, known_kinds())
    problems = list(loaded.problems)
    zones = {}
    facts: dict[WireName, ZoneFacts] = {}
    foreign: dict[str, Foreign] = {}
    own: list[Targeting] = []
    below = zones_below(loaded.zones, loaded.many.zones.origins)
    left = {*odd, *below}
    many, rest = build_small(loaded.many, left, small.is_same())
    for zone in (*loaded.zones, *rest):
        apex = origin(zone)
        known = leave_out(apex, zone, below.get(apex, ()))
        if known is not None:
            facts[apex] = known
            continue
        if zone.file is not None:
            zones[apex] = build_zone(apex, zone.file, bindings(zone))
            targeting = own_targeting(apex, zone, zones[apex])
            own += [targeting] if targeting is not None else []
        elif (found := build_foreign(apex, zone)) is not None:
            foreign[zone.name] = found
            zones[apex] = found.built
        else:
            continue
        problems += zones[apex].problems
        facts[apex] = facts_of(zones[apex], below.get(apex, ()))
    settings = loaded.settings
    warnings = [one for known in facts.values() for one in known.warnings]
    warnings += loaded.warnings
    warnings += (one for found in foreign.values() for one in found.made.warnings)
    if settings is not None and loaded.sources is not None:
        geo = load_geo(settings.geo)
        problems += geo_problems(loaded, geo)
        servers = {apex: known.servers for apex, known in facts.items()}
        placed = [name for name, found in foreign.items() if goes_by_place(found.made)]
        settings = replace(
            settings,
            zones=(*settings.zones, *rest),
            file_zones=only(settings.file_zones, many),
        )
        warnings += advise(settings, loaded.sources, servers, placed)
        warnings += advise_signing(settings, loaded.sources, zones)
        settings = with_foreign(settings, foreign.values(), own, geo.locator)
    return Everything(
        None if problems else settings,
        zones,
        sorted(problems, key=place_of),
        tuple(sorted(warnings, key=place_of)),
        facts,
        many,
    )


def facts_of(built: BuiltZone, below: Sequence[WireName]) -> ZoneFacts:
    """The facts of a zone that was built; `below` are the zones under it."""
    warnings = list(built.warnings)
    if not built.packed:
        return ZoneFacts(tuple(warnings))
    zone = PackedZone(built.packed)
    warnings += undelegated(built.files[0], zone, below)
    servers = zone.apex.get(Type.NS)
    return ZoneFacts(tuple(warnings), len(servers.rdatas) if servers else 0)


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
