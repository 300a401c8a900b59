"""The names that are bound to pools, and the zones, found by a part of them."""

from collections.abc import Iterator

from twisted.web.server import Request

from dinamed.config.settings import Settings
from dinamed.web.member_search import number_of
from dinamed.web.messages import BoundName, FoundZones, ZoneStatus
from dinamed.web.parts import WebParts
from dinamed.web.resources import argument
from dinamed.wire.names import to_text

MOST = 500
USUAL = 20


class NamesPage:
    """Finds them, for suggestions and for the list of zones."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
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

    def zones(self, request: Request) -> FoundZones:
        """The first zones with that text in them.  Raises `HttpError` 400."""
        text = argument(request, b"find", "").lower()
        most = number_of(request, b"most", USUAL, MOST)
        found = [
            (name, zone)
            for origin, zone in self._parts.engine.snapshot.zones.items()
            if text in (name := to_text(origin).lower())
        ]
        return FoundZones(
            len(found),
            tuple(
                ZoneStatus(name, zone.serial, zone.records)
                for name, zone in found[:most]
            ),
        )


def _whole(owner: str, zone: str) -> str:
    """A name of a zone, with the zone's name after it and without a dot at the end."""
    zone = zone.rstrip(".")
    if owner in ("", "@"):
        return zone
    return owner.rstrip(".") if owner.endswith(".") else f"{owner}.{zone}".rstrip(".")
