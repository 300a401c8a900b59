"""The place of a client, as far as it is known."""

from dataclasses import asdict, dataclass

from dinamed.geo.countries import CONTINENT_OF, CONTINENTS, REGION_GROUPS


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the world and in the network; None stands for what is not known.

    `country` is an ISO 3166-1 code in upper case, `continent` a name out of
    `CONTINENTS`, `region` an ISO 3166-2 code in lower case ("us-ca"), `location`
    latitude and longitude in degrees.  `network` is a name that the operator gave to
    a network, `asn` the number of the autonomous system.  `source` says in words who
    told, several joined by commas.
    """

    country: str | None = None
    continent: str | None = None
    region: str | None = None
    location: tuple[float, float] | None = None
    network: str | None = None
    asn: int | None = None
    source: str = ""

    @property
    def region_group(self) -> str | None:
        """The group that the region is in, such as "us-west", if it is in one."""
        return REGION_GROUPS.get(self.region) if self.region is not None else None

    @property
    def complete(self) -> bool:
        """Whether everything is known that there is to know."""
        return (
            self.country is not None
            and self.continent is not None
            and self.region is not None
            and self.location is not None
            and self.network is not None
            and self.asn is not None
        )

    def known(self) -> dict[str, object]:
        """The known fields by name, for JSON."""
        return {
            name: value
            for name, value in asdict(self).items()
            if value is not None and value != ""
        }


NOWHERE = Place()
"""Nothing is known."""


def merged(first: Place, second: Place) -> Place:
    """`first`, with what it leaves open taken from `second`.

    A source that puts the client elsewhere than the one before it is not believed
    about the region and the location there: two halves of two places are no place.
    """
    if first is NOWHERE:
        return second
    country, continent, region, location = (
        first.country,
        first.continent,
        first.region,
        first.location,
    )
    if _agree(first, second):
        country = country or second.country
        continent = continent or second.continent
        region = region or second.region
        location = location or second.location
    network = first.network if first.network is not None else second.network
    asn = first.asn if first.asn is not None else second.asn
    place = Place(country, continent, region, location, network, asn, first.source)
    if place == first:
        return first
    source = f"{first.source}, {second.source}" if first.source else second.source
    return Place(country, continent, region, location, network, asn, source)


def _agree(first: Place, second: Place) -> bool:
    """Whether both may speak of the same place."""
    if first.country and second.country:
        return first.country == second.country
    if first.continent and second.continent:
        return first.continent == second.continent
    return True


def place_named(name: str) -> Place | None:
    """The place that a label stands for: a country's code or a continent's name.

    None for any other label; case does not matter.
    """
    country = name.upper()
    if country in CONTINENT_OF:
        return Place(country, CONTINENT_OF[country], source=f"name {name}")
    continent = name.lower()
    if continent in CONTINENTS:
        return Place(continent=continent, source=f"name {name}")
    return None
