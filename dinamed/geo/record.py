"""From a database's record to a place: which fields to look at, and what they mean.

Databases differ in shape.  GeoLite2 has `country.iso_code`, others a flat
`country_code`; so each thing has paths that are tried in order.  A path is keys
joined by dots, a number counting the elements of a list.
"""

import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dinamed.geo.countries import CONTINENT_CODES, CONTINENT_OF, CONTINENTS
from dinamed.geo.place import Place

FieldPaths = Mapping[str, tuple[str, ...]]
Steps = tuple[str, tuple[str, ...]]

DEFAULT_PATHS: FieldPaths = MappingProxyType(
    {
        "country": ("country.iso_code", "country_code", "country"),
        "continent": ("continent.code", "continent_code", "continent"),
        "region": ("subdivisions.0.iso_code", "region_code", "subdivision_code"),
        "latitude": ("location.latitude", "latitude", "lat"),
        "longitude": ("location.longitude", "longitude", "lng", "lon"),
        "network": (),
        "asn": ("autonomous_system_number", "asn", "as_number"),
    }
)
"""Where each thing is looked for.  No database knows the operator's own networks, so
`network` has no path until one is set, to that of a provider's name for instance."""

_REGION = re.compile(r"[A-Za-z0-9]{1,3}")
_ASN = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_UNKNOWN = ("XX", "ZZ")  # what some databases say instead of nothing


class PlaceReader:
    """Reads records by paths; things that `paths` leaves out have the default ones.

    @raise ValueError: `paths` names a thing that there is not.
    """

    __slots__ = ("_paths",)

    def __init__(self, paths: FieldPaths = DEFAULT_PATHS) -> None:
        if unknown := sorted(set(paths) - set(DEFAULT_PATHS)):
            raise ValueError(f"no field is called {unknown[0]!r}")
        self._paths = {
            name: [_steps(path) for path in ways]
            for name, ways in {**DEFAULT_PATHS, **paths}.items()
        }

    def place(self, record: object, source: str) -> Place | None:
        """The place in a record, as known from `source`; None if there is none.

        Values that make no sense are left out.
        """
        if not isinstance(record, dict):
            return None
        paths = self._paths
        country = _country(_value(record, paths["country"]))
        continent = region = None
        if country is not None:
            # By the same table as the members', so that the two can meet.
            continent = CONTINENT_OF.get(country)
            region = _region(_value(record, paths["region"]), country)
        if continent is None:
            continent = _continent(_value(record, paths["continent"]))
        location = _location(
            _value(record, paths["latitude"]), _value(record, paths["longitude"])
        )
        network = _text(_value(record, paths["network"]))
        asn = _asn(_value(record, paths["asn"]))
        if (
            country is None
            and continent is None
            and location is None
            and network is None
            and asn is None
        ):
            return None
        return Place(country, continent, region, location, network, asn, source)


def _value(record: dict[str, object], paths: Iterable[Steps]) -> object:
    """The first text or number that one of the paths leads to."""
    for first, rest in paths:
        value = record.get(first)
        if value is None:
            continue
        for step in rest:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and step.isdecimal():
                at = int(step)
                value = value[at] if at < len(value) else None
            else:
                value = None
                break
        if isinstance(value, str | int | float):
            return value
    return None


def _steps(path: str) -> Steps:
    first, *rest = path.split(".")
    return first, tuple(rest)


def _country(value: object) -> str | None:
    if not isinstance(value, str) or len(value) != 2:
        return None
    if not (value.isascii() and value.isalpha()):
        return None
    code = value.upper()
    return None if code in _UNKNOWN else code


def _continent(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    name = value.lower().replace(" ", "-")
    return name if name in CONTINENTS else CONTINENT_CODES.get(value.upper())


def _region(value: object, country: str) -> str | None:
    """`us-ca`, from "CA", "US-CA" or the number that some countries count by."""
    code = str(value).removeprefix(f"{country}-")
    if not isinstance(value, str | int) or not _REGION.fullmatch(code):
        return None
    return f"{country}-{code}".lower()


def _location(latitude: object, longitude: object) -> tuple[float, float] | None:
    lat, lon = _degrees(latitude, 90), _degrees(longitude, 180)
    return None if lat is None or lon is None else (lat, lon)


def _degrees(value: object, most: int) -> float | None:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        degrees = float(value)
    except (ValueError, OverflowError):
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= most else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _asn(value: object) -> int | None:
    """A number from 1 to 2**32 - 1; 0 means that nobody announces the address."""
    if isinstance(value, str) and (match := _ASN.fullmatch(value)):
        value = int(match[1])
    return value if type(value) is int and 0 < value < 2**32 else None
