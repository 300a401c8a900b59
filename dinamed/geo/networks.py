"""The networks whose place the operator has set: `[geo.networks]`."""

from collections.abc import Mapping
from ipaddress import ip_network

from dinamed.config import places
from dinamed.geo.countries import CONTINENT_OF
from dinamed.geo.place import Place, merged
from dinamed.geo.prefixes import Network, PrefixTable


def network_table(networks: Mapping[str, places.GeoNetwork]) -> PrefixTable[Place]:
    """A table of what is known of each prefix.

    What an entry does not set is taken from the longest prefix around it that does,
    under the rule of `merged`.

    @raise ValueError: a key is no prefix, has bits beyond its length, or is the same
        prefix as another one.
    """
    found = [(ip_network(text), one) for text, one in networks.items()]
    found.sort(key=lambda entry: (entry[0].version, entry[0].prefixlen))
    known: dict[Network, Place] = {}
    for network, told in found:
        if network in known:
            raise ValueError(f"{network} stands there twice")
        known[network] = _inherited(network, _place(network, told), known)
    return PrefixTable(known.items())


def _place(network: Network, told: places.GeoNetwork) -> Place:
    country = told.country
    if country is None and told.region is not None:
        country = told.region[:2].upper()
    continent = told.continent
    if continent is None and country is not None:
        continent = CONTINENT_OF.get(country)
    return Place(
        country=country,
        continent=continent,
        region=told.region,
        location=told.location,
        network=told.network,
        asn=told.asn,
        source=f"networks {network}",
    )


def _inherited(network: Network, own: Place, known: Mapping[Network, Place]) -> Place:
    """The place filled up by what the next prefix around is known to be.

    That one has taken over from those around it already.
    """
    for length in range(network.prefixlen - 1, -1, -1):
        around = known.get(network.supernet(new_prefix=length))
        if around is not None:
            return merged(own, around)
    return own
