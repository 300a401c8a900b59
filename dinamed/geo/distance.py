"""Distances on the surface of the Earth."""

from math import asin, cos, radians, sin, sqrt

EARTH = 6371.0088
"""The mean radius of the earth, in km."""

SAME = 1e-3
"""Distances that differ by less than this many km count as equal."""

Location = tuple[float, float]
"""Latitude and longitude in degrees."""


def great_circle(here: Location, there: Location) -> float:
    """Kilometres between two locations on a sphere, by the haversine formula."""
    lat1, lon1, lat2, lon2 = map(radians, (*here, *there))
    half_chord = (
        sin((lat2 - lat1) / 2) ** 2
        + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    )
    # Rounding may lead past 1 at the antipodes.
    return 2 * EARTH * asin(min(1.0, sqrt(half_chord)))
