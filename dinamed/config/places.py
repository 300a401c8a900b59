"""`[geo]`: databases and networks that say where clients are."""

import difflib
import re
from collections.abc import Iterator
from ipaddress import IPv6Network, ip_network
from typing import Annotated

import msgspec
from msgspec import Meta

from dinamed.config import values
from dinamed.config.lines import Path
from dinamed.config.values import FilePath, shown
from dinamed.geo.countries import CONTINENTS, COUNTRIES
from dinamed.geo.unwrap import EMBEDDED
from dinamed.zones.targeting import KINDS

_REGION = re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{1,3}")


def country(text: str) -> str:
    """The code of a country that there is, in upper case."""
    code = values.country(text)
    if code == "UK":
        raise ValueError('the code of the United Kingdom is "GB"')
    if code not in COUNTRIES:
        raise ValueError(f"{shown(text)} is no country of ISO 3166-1")
    return code


def continent(text: str) -> str:
    """A continent's name, in lower case."""
    name = text.lower()
    if name not in CONTINENTS:
        near = difflib.get_close_matches(name, CONTINENTS, 1)
        hint = f'did you mean "{near[0]}"?' if near else "one of " + _listed()
        raise ValueError(f"{shown(text)} is no continent; {hint}")
    return name


def _listed() -> str:
    return ", ".join(CONTINENTS)


def region(text: str) -> str:
    """A subdivision's code (ISO 3166-2), in lower case: `us-ca`."""
    if not _REGION.fullmatch(text):
        raise ValueError(f'expected a code such as "us-ca", got {shown(text)}')
    country(text[:2])
    return text.lower()


def target(text: str) -> str:
    """A kind of targets, or one place that everybody is taken to be in."""
    if text in KINDS or text in CONTINENTS or text.upper() in COUNTRIES:
        return text
    near = difflib.get_close_matches(text, KINDS, 1)
    hint = f'did you mean "{near[0]}"?' if near else "one of " + ", ".join(KINDS)
    raise ValueError(f"{shown(text)} is no kind of targets; {hint}")


def paths(raw: object) -> tuple[str, ...]:
    """One path into a database's records, or a list to be tried in order."""
    ways = raw if isinstance(raw, list) else [raw]
    for way in ways:
        if not isinstance(way, str) or not all(way.split(".")):
            raise ValueError(
                'expected keys joined by dots such as "country.iso_code", '
                f"or a list of that, got {shown(way)}"
            )
    return tuple(ways)


Asn = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Continent = Annotated[str, Meta(extra={"form": continent})]
Country = Annotated[str, Meta(extra={"form": country})]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Name = Annotated[str, Meta(extra={"form": values.network})]
Paths = Annotated[tuple[str, ...], Meta(extra={"read": paths})]
Region = Annotated[str, Meta(extra={"form": region})]


class GeoTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TOML table."""


class GeoFields(GeoTable, frozen=True, kw_only=True):
    """`[geo.fields]`: paths into the databases' records; None: the default."""

    country: Paths | None = None
    continent: Paths | None = None
    region: Paths | None = None
    latitude: Paths | None = None
    longitude: Paths | None = None
    network: Paths | None = None
    asn: Paths | None = None


class GeoNetwork(GeoTable, frozen=True, kw_only=True):
    """`[geo.networks] "PREFIX" = {...}`."""

    country: Country | None = None
    continent: Continent | None = None
    region: Region | None = None
    location: tuple[Latitude, Longitude] | None = None
    network: Name | None = None
    asn: Asn | None = None


class Geo(GeoTable, frozen=True, kw_only=True):
    """`[geo]`.  Paths of files in it are already absolute, or relative to nothing."""

    databases: tuple[FilePath, ...] = ()
    fields: GeoFields = GeoFields()
    networks: dict[str, GeoNetwork] = {}


def problems(geo: Geo) -> Iterator[tuple[Path, str]]:
    """Problems beyond the types of the keys: where below `[geo]`, and why.

    The files are not looked at.
    """
    seen: dict[str, int] = {}
    for at, file in enumerate(geo.databases):
        if seen.setdefault(file, at) != at:
            yield ("databases", at), f"{file} stands here twice"
    spelled: dict[str, str] = {}
    for text, network in geo.networks.items():
        path: Path = ("networks", text)
        try:
            prefix = values.prefix(text)
        except ValueError as refusal:
            yield path, str(refusal)
            continue
        first = spelled.setdefault(prefix, text)
        if first != text:
            yield path, f'the same prefix as "{first}"'
        if why := _never_met(prefix):
            yield path, why
        yield from _contradictions(network, path)


def _never_met(prefix: str) -> str:
    """Why no client is ever looked up by this prefix; "" if one may be."""
    network = ip_network(prefix)
    if isinstance(network, IPv6Network):
        for around in EMBEDDED:
            if network.subnet_of(around):
                return (
                    f"clients in {around} are looked up by the IPv4 address "
                    "that is in theirs: write the IPv4 prefix"
                )
    return ""


def _contradictions(network: GeoNetwork, path: Path) -> Iterator[tuple[Path, str]]:
    if network == GeoNetwork():
        yield path, "says nothing; give a country, location, network or asn"
    if (
        network.region is not None
        and network.country is not None
        and network.region[:2].upper() != network.country
    ):
        yield (*path, "region"), f"{network.region} is not in {network.country}"
