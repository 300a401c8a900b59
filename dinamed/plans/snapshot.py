"""Everything needed to answer, as one immutable value."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dinamed.config.settings import Settings
from dinamed.pools.pool import PoolView
from dinamed.wire.names import WireName
from dinamed.zones.packed import PackedZone
from dinamed.zones.zoneset import ZoneSet

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The zones, the pools, and who we are; swapped as a whole."""

    zones: ZoneSet
    pools: Mapping[str, PoolView]
    identity: str
    management: tuple[Network, ...] = ()
    """The networks that may read the members of pools over DNS."""

    @classmethod
    def of(
        cls,
        settings: Settings,
        zones: Mapping[WireName, PackedZone],
        pools: Mapping[str, PoolView],
        hostname: str,
    ) -> "Snapshot":
        """The snapshot of a config; `hostname` identifies us if the config does not."""
        return cls(
            ZoneSet(zones),
            pools,
            settings.server.identity or hostname,
            tuple(map(ipaddress.ip_network, settings.mgmt.allow)),
        )

    def with_pools(self, pools: Mapping[str, PoolView]) -> "Snapshot":
        """The same zones with other states of the pools."""
        return replace(self, pools=pools)

    def may_manage(self, address: bytes) -> bool:
        """Whether the packed source address may see the members of pools."""
        source = ipaddress.ip_address(address)
        return any(
            source in network
            for network in self.management
            if network.version == source.version
        )
