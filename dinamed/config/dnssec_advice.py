"""What a config says of signing that is most likely not what was meant."""

from collections.abc import Iterator, Mapping
from math import comb

from dinamed.config.dnssec import Dnssec
from dinamed.config.lines import Path
from dinamed.config.settings import PoolSettings, Settings, ZoneSettings
from dinamed.config.sources import Sources
from dinamed.config.zone_rules import origin
from dinamed.dnssec.grid import Grid
from dinamed.problems import Problem
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.build import BuiltZone
from dinamed.zones.packed import PackedZone

MOST_SETS = 4096
"""Sets of records of one pool and family whose signatures are kept ready."""
MOST_WALKED = 100_000
"""Names of a zone up to which its highest TTL is looked for."""
_DAY = 86400
_OF_SIGNERS = (Type.RRSIG, Type.NSEC, Type.NSEC3PARAM)


def advise_signing(
    settings: Settings, sources: Sources, zones: Mapping[WireName, BuiltZone]
) -> list[Problem]:
    """The warnings about zones that are signed here."""
    pools = {pool.name: pool for pool in settings.pools}
    found: list[tuple[Path, str]] = []
    for zone in settings.zones:
        if zone.dnssec is None:
            continue
        path: Path = ("zones", zone.name, "dnssec")
        built = zones.get(origin(zone))
        if built is not None and built.packed:
            packed = PackedZone(built.packed)
            found += ((path, text) for text in _data(zone, zone.dnssec, packed))
        bound = dict.fromkeys(zone.names.values())
        found += ((path, text) for name in bound for text in _sets(pools[name]))
    return [sources.warning(path, message) for path, message in found]


def _data(zone: ZoneSettings, dnssec: Dnssec, packed: PackedZone) -> Iterator[str]:
    apex = packed.apex.rrsets
    if any(rrtype in apex for rrtype in _OF_SIGNERS):
        yield "the zone has signatures already: they are left out, and made anew here"
    if Type.DS in apex:
        yield "a DS at the zone's own name: it belongs into the parent's zone"
    if packed.names > MOST_WALKED:
        return
    highest = max(one.ttl for _, node in packed.nodes() for one in node.rrsets.values())
    reserve = Grid(dnssec.validity).reserve
    if highest > reserve:
        yield (
            f"signatures are renewed {_days(reserve)} before they expire, but a TTL is "
            f"{_days(highest)}: validity must be {_days(4 * highest)} or more"
        )
    expire = int.from_bytes(packed.soa.rdatas[0][-8:-4], "big")
    if (zone.transfer or zone.notify) and expire + highest > reserve:
        yield (
            f"signatures are renewed {_days(reserve)} before they expire, but a "
            f"secondary that cannot reach us serves the zone for {_days(expire)} (the "
            f"SOA's expire): validity should be {_days(4 * (expire + highest))}"
        )


def _sets(pool: PoolSettings) -> Iterator[str]:
    members = sum(1 for member in pool.members if member.weight)
    sets = comb(members, min(pool.answers, members))
    if sets > MOST_SETS:
        yield (
            f"pool {pool.name} gives {pool.answers} of {members} members, {sets} sets: "
            "too many to have all signatures ready"
        )


def _days(seconds: int) -> str:
    return f"{-(-seconds // _DAY)}d" if seconds >= _DAY else f"{seconds}s"
