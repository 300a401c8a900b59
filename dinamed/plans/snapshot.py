"""Everything needed to answer, as one immutable value."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType

from dinamed.config.settings import ServerSettings, Settings
from dinamed.config.zone_rules import origin
from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.presigned import all_presigned
from dinamed.dnssec.secured import SecuredZone
from dinamed.geo.locator import Locator
from dinamed.plans.defence import Defence
from dinamed.plans.facts import Facts
from dinamed.plans.targets import TargetTable
from dinamed.pools.pool import PoolView
from dinamed.wire.names import WireName
from dinamed.zones.packed import PackedZone
from dinamed.zones.zoneset import ZoneSet

UNPLACED = Locator()
"""Knows nothing of anybody."""
NO_DEFENCE = Defence()
"""No cookies, and no limits."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Zones, pools, and the server's identity; swapped as a whole."""

    zones: ZoneSet
    pools: Mapping[str, PoolView]
    identity: str
    management: tuple[Network, ...] = ()
    """The networks that may read the members of pools over DNS."""
    locator: Locator = UNPLACED
    """Where clients are."""
    subnet_from: tuple[Network, ...] | None = None
    """The resolvers whose client subnet is honoured; None: all."""
    untailored: frozenset[WireName] = frozenset()
    """The zones that do not want clients to be known by their subnet."""
    tables: Mapping[WireName, TargetTable] = field(default_factory=dict)
    """What labels are for whom, in the zones that have targets."""
    unready: frozenset[WireName] = frozenset()
    """Secondary zones that have not been transferred, or have expired."""
    secured: Mapping[WireName, SecuredZone] = field(default_factory=dict)
    """The zones that are signed, and what that adds to answers."""
    online: Mapping[WireName, OnlineZone] = field(default_factory=dict)
    """Those of them that are signed here."""
    defence: Defence = NO_DEFENCE
    """Cookies, and limits on replies."""

    @classmethod
    def of(
        cls,
        settings: Settings,
        zones: Mapping[WireName, PackedZone],
        pools: Mapping[str, PoolView],
        hostname: str,
        locator: Locator = UNPLACED,
        unready: frozenset[WireName] = frozenset(),
        online: Mapping[WireName, OnlineZone] = MappingProxyType({}),
        defence: Defence = NO_DEFENCE,
    ) -> "Snapshot":
        """The snapshot of a config; `hostname` identifies us if the config does not."""
        served = ZoneSet(zones)
        return cls(
            served,
            pools,
            settings.server.identity or hostname,
            tuple(map(ipaddress.ip_network, settings.mgmt.allow)),
            locator,
            _subnet_sources(settings.server),
            _untailored(settings),
            {
                targeting.origin: TargetTable(zones[targeting.origin], targeting)
                for targeting in settings.targeting
            },
            unready,
            {**dict(all_presigned(served.signed())), **online},
            online,
            defence,
        )

    def with_pools(self, pools: Mapping[str, PoolView]) -> "Snapshot":
        """The same zones with other states of the same pools."""
        return replace(self, pools=pools)

    def with_locator(self, locator: Locator) -> "Snapshot":
        """The same, with clients' places known anew."""
        return replace(self, locator=locator)

    def with_defence(self, defence: Defence) -> "Snapshot":
        """The same, with other cookies and limits."""
        return replace(self, defence=defence)

    def changes(self, before: "Snapshot") -> frozenset[str]:
        """The names of the fields that are not the same objects as `before`."""
        return frozenset(
            field.name
            for field in _FIELDS
            if getattr(self, field.name) is not getattr(before, field.name)
        )

    def may_manage(self, address: bytes) -> bool:
        """Whether the packed source address may see the members of pools."""
        return _within(address, self.management)

    def honours_subnet_from(self, address: bytes) -> bool:
        """Whether the client subnets of the resolver at this address count."""
        return self.subnet_from is None or _within(address, self.subnet_from)

    def facts(self) -> Facts:
        """The facts that plans depend on beside the zones."""
        views = self.pools.values()
        return Facts(
            {name.lower(): name for name in self.pools},
            frozenset(view.name for view in views if view.settings.regions),
            self.untailored,
            self.tables,
            self.unready,
            self.secured,
            self.online,
        )


_FIELDS = fields(Snapshot)


def _subnet_sources(server: ServerSettings) -> tuple[Network, ...] | None:
    if server.client_subnet_from == ServerSettings().client_subnet_from:
        return None
    return tuple(map(ipaddress.ip_network, server.client_subnet_from))


def _untailored(settings: Settings) -> frozenset[WireName]:
    """The zones that do not want clients to be known by their subnet."""
    many = settings.file_zones
    others = () if many.common.client_subnet else many.origins
    own = (origin(zone) for zone in settings.zones if not zone.client_subnet)
    return frozenset((*own, *others))


def _within(address: bytes, networks: tuple[Network, ...]) -> bool:
    source = ipaddress.ip_address(address)
    return any(
        source in network for network in networks if network.version == source.version
    )
