"""The names that are bound to pools, and the zones, found by a part of them."""

from collections.abc import Iterator
from itertools import chain, islice

from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.web.server import Request

from dinamed.config.settings import Settings
from dinamed.web.member_search import number_of
from dinamed.web.messages import BoundName, FoundZones, ZoneStatus
from dinamed.web.parts import WebParts
from dinamed.web.resources import argument
from dinamed.web.slowly import gather
from dinamed.wire.names import to_text
from dinamed.zones.zoneset import ZoneSet

PIECE = 64
"""Zones that are looked at together."""
MOST = 500
USUAL = 20


class NamesPage:
    """Finds them, for suggestions and for the list of zones."""

    def __init__(self, parts: WebParts, cooperator: Cooperator) -> None:
        self._parts = parts
        self._cooperator = cooperator
        self._settings = parts.settings
        parts.applied.subscribe(self._take)

    def _take(self, settings: Settings) -> None:
        self._settings = settings

    def names(self, request: Request) -> tuple[BoundName, ...]:
        """The first bound names with that text in them.  Raises `HttpError` 400."""
        text = argument(request, b"find", "").lower()
        pool = argument(request, b"pool", "")
        most = number_of(request, b"most", USUAL, MOST)
        found: list[BoundName] = []
        for one in self._bound():
            if len(found) >= most:
                break
            if text in one.name and pool in ("", one.pool):
                found.append(one)
        return tuple(found)

    def _bound(self) -> Iterator[BoundName]:
        for zone in self._settings.zones:
            for owner, pool in zone.names.items():
                yield BoundName(_whole(owner, zone.name).lower(), pool)

    def zones(self, request: Request) -> Deferred[FoundZones]:
        """The first zones with that text in them.  Raises `HttpError` 400."""
        text = argument(request, b"find", "").lower()
        most = number_of(request, b"most", USUAL, MOST)
        pieces = zones_with(self._parts.engine.snapshot.zones, text)
        return gather(self._cooperator, pieces).addCallback(_first, most)


def zones_with(zones: ZoneSet, text: str = "") -> Iterator[list[ZoneStatus]]:
    """The zones with that text in their names in lower case, some at a time."""
    figures = zones.figures()
    while piece := list(islice(figures, PIECE)):
        yield [
            ZoneStatus(name, serial, records)
            for origin, serial, records in piece
            if text in (name := to_text(origin).lower())
        ]


def _first(pieces: list[list[ZoneStatus]], most: int) -> FoundZones:
    found = tuple(islice(chain.from_iterable(pieces), most))
    return FoundZones(sum(map(len, pieces)), found)


def _whole(owner: str, zone: str) -> str:
    """A name of a zone, with the zone's name after it and without a dot at the end."""
    zone = zone.rstrip(".")
    if owner in ("", "@"):
        return zone
    return owner.rstrip(".") if owner.endswith(".") else f"{owner}.{zone}".rstrip(".")
