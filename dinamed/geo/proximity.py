"""Which members suit a place: the rules behind `country`, `nearest` and `network`.

Each function keeps some of the members, in their order.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from dinamed.geo.countries import CONTINENT_OF
from dinamed.geo.distance import SAME, Location, great_circle
from dinamed.geo.place import Place


class Placed(Protocol):
    """What these rules look at in a member."""

    @property
    def country(self) -> str | None:
        """ISO 3166-1 code in upper case."""

    @property
    def location(self) -> Location | None:
        """Latitude and longitude in degrees."""

    @property
    def network(self) -> str | None:
        """Name of a network."""

    @property
    def asn(self) -> int | None:
        """Number of an autonomous system."""


Kept = TypeVar("Kept", bound=Placed)


def of_country(members: Sequence[Kept], place: Place) -> tuple[Kept, ...]:
    """Those in the client's country; else those on its continent; else those that
    are nowhere in particular (neither country nor location); else all."""
    if place.country is not None:
        kept = tuple(m for m in members if m.country == place.country)
        if kept:
            return kept
    if place.continent is not None:
        kept = tuple(
            m
            for m in members
            if m.country is not None and CONTINENT_OF.get(m.country) == place.continent
        )
        if kept:
            return kept
    anywhere = tuple(m for m in members if m.country is None and m.location is None)
    return anywhere or tuple(members)


def nearest(members: Sequence[Kept], place: Place, count: int = 1) -> tuple[Kept, ...]:
    """The `count` nearest to the client, and those just as far as the last of them.

    Members without a location are kept only where no member has one.  All are kept
    when the client's location is not known.
    """
    if place.location is None:
        return tuple(members)
    here = place.location
    far = [
        (great_circle(here, member.location), member)
        for member in members
        if member.location is not None
    ]
    if not far:
        return tuple(members)
    if len(far) > count:
        limit = sorted(distance for distance, _ in far)[count - 1] + SAME
        far = [(distance, member) for distance, member in far if distance < limit]
    return tuple(member for _, member in far)


def of_network(members: Sequence[Kept], place: Place) -> tuple[Kept, ...]:
    """Those of the client's network, by its name or its number; else all."""
    name, asn = place.network, place.asn
    kept = tuple(
        m
        for m in members
        if (name is not None and m.network == name)
        or (asn is not None and m.asn == asn)
    )
    return kept or tuple(members)
