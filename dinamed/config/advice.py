"""Warnings: what a config may say, but its author most likely did not mean."""

import ipaddress
import socket
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)

from dinamed.config.checks import PoolCheck
from dinamed.config.lines import Path
from dinamed.config.settings import MemberSettings, PoolSettings, Settings, ZoneSettings
from dinamed.config.sources import Sources
from dinamed.config.stages import BY_PLACE
from dinamed.config.values import host_port
from dinamed.config.zone_rules import origin, owner_name
from dinamed.problems import Problem
from dinamed.wire.names import ROOT, WireName, relative, to_text
from dinamed.zones.advice import is_doubled
from dinamed.zones.packed import MatchKind, PackedZone
from dinamed.zones.targeting import PLACELESS

Advice = Iterator[tuple[Path, str]]
"""Where a warning belongs, and what it says."""

BY_LOAD = ("least", "shed", "predictive", "spill", "best")
LONGEST_SPILL = 60
"""Seconds of a fixed TTL up to which `spill` does well."""
FORESEEING = ("predictive", "spill")
_ODD_NETWORKS = (
    (ipaddress.ip_network("::ffff:0:0/96"), "an IPv4 address in the form of IPv6"),
    (ipaddress.ip_network("::/96"), "an IPv4 address in the form of IPv6"),
    (ipaddress.ip_network("64:ff9b::/96"), "an IPv4 address as a translator sees it"),
    (ipaddress.ip_network("fe80::/10"), "good on its own link only"),
    (ipaddress.ip_network("169.254.0.0/16"), "good on its own link only"),
)

Resolve = Callable[[str], object]
"""Looks a host name up; raises `OSError` if there is no address."""


def resolve(host: str) -> object:
    """Look a name up: that of a network interface, or by the system's resolver."""
    try:
        return socket.if_nametoindex(host)
    except OSError:
        pass  # no interface, so a host
    return socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)


def advise(
    settings: Settings,
    sources: Sources,
    servers: Mapping[WireName, int],
    placed: Collection[str],
    resolve: Resolve = resolve,
) -> list[Problem]:
    """The warnings of a config that has no problem.

    `servers` has the number of name servers by the origin of each zone, where it is
    known; `placed` are the zones of geodns that go by place.
    """
    found: list[tuple[Path, str]] = []
    if not (settings.zones or settings.file_zones.origins or settings.catalogs):
        found.append((("zones",), "there is no zone: every question is refused"))
    found += _listen(settings, resolve)
    geo = bool(settings.geo.databases or settings.geo.networks)
    for zone in settings.zones:
        found += _zone(zone, geo, placed)
    found += _fleet(settings)
    used = _used_pools(settings)
    many = _served_by_many(settings, servers)
    for pool in settings.pools:
        path: Path = ("pools", pool.name)
        if pool.name not in used:
            found.append((path, "nothing is bound to this pool"))
        found += _addresses(pool.members, (*path, "members"))
        found += _weights(pool, path)
        found += _places(pool, path, geo)
        found += _loads(pool, path)
        found += _spill(pool, path, pool.name in many)
        found += _flow(pool, path, pool.name in many)
    return [sources.warning(path, message) for path, message in found]


def _spill(pool: PoolSettings, path: Path, many: bool) -> Advice:
    """TTLs with which `spill` cannot hold members below their capacity."""
    if not pool.select or pool.select[-1].name != "spill":
        return
    ttl = pool.ttl
    if ttl.low == ttl.high > LONGEST_SPILL:
        yield (
            (*path, "ttl"),
            f"with a fixed TTL over {LONGEST_SPILL} s the answers of large resolvers "
            'move too much load at once for "spill"; say "30-300"',
        )
    elif ttl.low != ttl.high and many:
        yield (
            (*path, "ttl"),
            'servers that share nothing can\'t use "spill" with an adaptive TTL: share '
            f"hand-outs with [fleet], or say {LONGEST_SPILL}",
        )


def _listen(settings: Settings, resolve: Resolve) -> Advice:
    """Names to listen on that have no address now."""
    for key in ("listen", "tls"):
        texts: Sequence[str] = getattr(settings.server, key)
        for place, text in enumerate(texts):
            host = host_port(text).host
            try:
                resolve(host)
            except OSError as error:
                reason = error.strerror or str(error)
                yield ("server", key, place), f"{host} can't be resolved: {reason}"


def _fleet(settings: Settings) -> Advice:
    """Pools that predict, and are told of the others' hand-outs too seldom."""
    fleet = settings.fleet
    if fleet.engine is None:
        return
    for pool in settings.pools:
        predicts = bool(pool.select) and pool.select[-1].name in FORESEEING
        if predicts and fleet.interval > pool.ttl.low / 3:
            text = f"longer than a third of the TTL of pool {pool.name}"
            yield ("fleet", "interval"), text
            return


def _zone(zone: ZoneSettings, geo: bool, placed: Collection[str]) -> Advice:
    """Names that end in the zone's name twice; targets that nobody can be in."""
    path: Path = ("zones", zone.name)
    apex = origin(zone)
    for key in ("names", "aliases"):
        for text in getattr(zone, key):
            name = owner_name(text, apex)
            own = relative(name, apex)
            if is_doubled(own, apex):
                yield (
                    (*path, key, text),
                    f"this is {to_text(name)}; if {to_text(own + ROOT)} was meant, end "
                    "it with a dot or leave the zone's name out",
                )
    blind = [kind for kind in zone.targets if kind not in PLACELESS]
    if blind and not geo:
        yield (*path, "targets"), f"{_UNKNOWN}, so only @ is ever found"
    if zone.name in placed and not geo:
        yield (
            (*path, "geodns"),
            f"{_UNKNOWN}: every client gets what is for nowhere in particular; geodns "
            "finds databases by itself",
        )


_UNKNOWN = "nothing is known of where clients are without [geo]"


def _used_pools(settings: Settings) -> set[str]:
    """The pools that a name or another pool speaks of."""
    used = {pool for zone in settings.zones for pool in zone.names.values()}
    for pool in settings.pools:
        used.add(pool.when_down)
        used.update(member.pool for member in pool.members if member.pool is not None)
        used.update(one.pool for one in pool.check if isinstance(one, PoolCheck))
    return used


def _served_by_many(settings: Settings, servers: Mapping[WireName, int]) -> set[str]:
    """The pools that names of zones with several name servers are bound to."""
    return {
        pool
        for zone in settings.zones
        if servers.get(origin(zone), 1) > 1
        for pool in zone.names.values()
    }


def _addresses(members: Sequence[MemberSettings], path: Path) -> Advice:
    """Addresses that clients elsewhere can't reach."""
    for place, member in enumerate(members):
        for index, text in enumerate(member.addresses):
            address = ipaddress.ip_address(text)
            for network, what in _ODD_NETWORKS:
                if address.version != network.version or address not in network:
                    continue
                if not (address.is_loopback or address.is_unspecified):
                    where: Path = (*path, place, "addresses", index)
                    yield where, f"{text} is {what}: clients can't reach it"
                break


def _weights(pool: PoolSettings, path: Path) -> Advice:
    """Ranks that nobody is ever taken from."""
    ranked = any(stage.name == "priority" for stage in pool.select)
    ranks: dict[int, list[MemberSettings]] = {}
    for member in pool.members:
        ranks.setdefault(member.priority if ranked else 0, []).append(member)
    for rank, members in ranks.items():
        if any(member.weight for member in members):
            continue
        which = f"of priority {rank} " if ranked and len(ranks) > 1 else ""
        yield (
            (*path, "members"),
            f"all members {which}have weight 0, so none of them is ever handed out",
        )


def _places(pool: PoolSettings, path: Path, geo: bool) -> Advice:
    """Stages that go by place, where nothing is known of clients or of members."""
    knows: Mapping[str, Callable[[MemberSettings], bool]] = {
        "country": lambda member: member.country is not None,
        "nearest": lambda member: member.location is not None,
        "network": lambda member: (member.network, member.asn) != (None, None),
    }
    keys = {"country": "country", "nearest": "location", "network": "network or asn"}
    for place, stage in enumerate(pool.select):
        if stage.name not in BY_PLACE:
            continue
        where: Path = (*path, "select", place)
        if not geo:
            yield where, f'"{stage.name}": {_UNKNOWN}, so it passes all members on'
        elif not any(knows[stage.name](member) for member in pool.members):
            key = keys[stage.name]
            yield where, f'"{stage.name}": no member has {key}, so it passes all on'


def _loads(pool: PoolSettings, path: Path) -> Advice:
    """Stages that go by load, where no load is ever known."""
    if pool.load is not None or any(
        member.load is not None or member.pool is not None for member in pool.members
    ):
        return
    for place, stage in enumerate(pool.select):
        if stage.name in BY_LOAD:
            yield (
                (*path, "select", place),
                f'"{stage.name}" goes by load, and none is ever known: give the pool a '
                "load",
            )


def _flow(pool: PoolSettings, path: Path, many: bool) -> Advice:
    """A flow that is set, where other servers hand out members too."""
    if not many:
        return
    for place, stage in enumerate(pool.select):
        if isinstance(stage.argument, Mapping) and "flow" in stage.argument:
            yield (
                (*path, "select", place, stage.name, "flow"),
                "the zone has several name servers, each of which sees only some of "
                "the hand-outs; let the flow be learned",
            )


def zones_below(
    zones: Iterable[ZoneSettings], others: Iterable[WireName] = ()
) -> dict[WireName, tuple[WireName, ...]]:
    """The zones of a config right below others of it, by the name of the upper one.

    `others` are zones beside those in `zones`.
    """
    apexes = {*others, *map(origin, zones)}
    found: dict[WireName, list[WireName]] = {}
    for apex in apexes:
        above = apex
        while above != ROOT:
            above = above[1 + above[0] :]
            if above in apexes:
                found.setdefault(above, []).append(apex)
                break
    return {above: tuple(sorted(below)) for above, below in found.items()}


def undelegated(
    file: str, zone: PackedZone, below: Iterable[WireName]
) -> Iterator[Problem]:
    """The zones below one that it does not delegate; `file` is that of the upper one.

    Resolvers that ask its other servers, or that validate, never come to them.
    """
    for apex in below:
        if zone.find(apex).kind is not MatchKind.CUT:
            message = (
                f"a zone of this server, but {to_text(zone.origin)} above it has no NS "
                "records there"
            )
            yield Problem(file, None, to_text(apex), message, "warning")
