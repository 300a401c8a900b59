"""The names of large signed zones, put in order before the zones are served."""

from dinamed.config.settings import Settings
from dinamed.config.zone_rules import origin
from dinamed.dnssec.denial import Denial
from dinamed.server.signing_config import signing_config
from dinamed.zones.virtual import Names
from dinamed.zones.zoneset import ZoneSet

LEAST_NAMES = 10_000
"""Names of a zone below which that takes no time."""


def order_ahead(settings: Settings, zones: ZoneSet) -> None:
    """Have the order at hand for each zone that is to be signed; for a thread.

    A zone keeps its order, so nothing is done twice.
    """
    wanted = [zone for zone in settings.zones if zone.dnssec]
    if not wanted:
        return
    regional = signing_config(settings).regional
    for one in wanted:
        zone = zones.get(origin(one))
        if zone is not None and not zone.signed and zone.names >= LEAST_NAMES:
            Denial(Names(zone, regional), {}).put_in_order()
