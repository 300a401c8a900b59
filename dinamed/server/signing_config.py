"""What a config says that the chains of signed zones depend on."""

from collections.abc import Mapping
from dataclasses import dataclass

from dinamed.config.settings import Settings
from dinamed.config.zone_rules import origin
from dinamed.transfers.view import static_pools
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.targeting import Targeting


@dataclass(frozen=True)
class SigningConfig:
    """What the config says of signed zones beside their own tables."""

    pools: Mapping[str, frozenset[int]]
    """The types that each pool can ever answer."""
    regional: frozenset[str]
    """The pools that regions have names of."""
    moved: frozenset[WireName]
    """The zones that others may transfer: their serials go up with each refresh."""
    fetched: frozenset[WireName]
    """The secondary zones."""
    targeting: Mapping[WireName, Targeting]


def signing_config(settings: Settings) -> SigningConfig:
    """What a config says."""
    pools = {
        name: frozenset(int(one.type) for one in rrsets) | {int(Type.TXT)}
        for name, rrsets in static_pools(settings.pools).items()
    }
    zones = settings.zones
    return SigningConfig(
        pools,
        frozenset(pool.name for pool in settings.pools if pool.regions),
        frozenset(origin(zone) for zone in zones if zone.transfer or zone.notify),
        frozenset(origin(zone) for zone in zones if zone.primary),
        {targeting.origin: targeting for targeting in settings.targeting},
    )
