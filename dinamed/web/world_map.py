"""The map of the dashboard: where members are, and where clients go."""

from collections.abc import Mapping
from random import Random

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.web.server import Request

from dinamed.geo.distance import Location
from dinamed.geo.locator import Locates
from dinamed.geo.middles import drawn_at
from dinamed.geo.place import Place
from dinamed.pools.manager import UnknownPoolError
from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.web.flows import Choices, Flow, choices_of, groups_of, short_of_room
from dinamed.web.live import first_members
from dinamed.web.member_metrics import forecasts, prices
from dinamed.web.parts import WebParts
from dinamed.web.resources import HttpError, argument
from dinamed.web.slowly import gather
from dinamed.web.trouble import kind_of

MOST_DRAWN = 300
SPILL = 1.0
"""Milliseconds of detour from which on clients count as spilled."""


class MapMember(msgspec.Struct, frozen=True):
    """One member of a `WorldMap`."""

    name: str
    at: Location | None
    """Latitude and longitude; None if nobody knows."""
    kind: str
    used: float | None
    """Load, or what is foreseen if that is more, as a share of the capacity."""
    price: float | None
    """Milliseconds."""
    short: bool
    """Its price stands above every detour: it needs more capacity."""


class MapFlow(msgspec.Struct, frozen=True):
    """Clients that go to a member."""

    at: Location
    country: str
    member: str
    share: float
    """Of all clients."""
    detour: float | None
    """Milliseconds that this costs more than the nearest member; None: not known."""


class WorldMap(msgspec.Struct, frozen=True):
    """`GET /api/v1/map`."""

    pool: str
    members: tuple[MapMember, ...]
    flows: tuple[MapFlow, ...]
    spilled: float | None
    """Share of the clients that do not go to the nearest; None: costs are not known."""
    detour: float | None
    """Milliseconds that this costs a client in the mean."""


class MapPage:
    """Draws up maps, a group of clients at a time."""

    def __init__(self, parts: WebParts, cooperator: Cooperator) -> None:
        self._parts = parts
        self._cooperator = cooperator

    def draw(self, request: Request) -> Deferred[WorldMap]:
        """The map of one pool.  Raises `HttpError` 400 or 404."""
        try:
            view = self._parts.pools.view(argument(request, b"pool"))
        except UnknownPoolError as error:
            raise HttpError(404, str(error)) from None
        locator = self._parts.engine.snapshot.locator

        def locate(address: bytes) -> Place:
            return locator.locate(address, len(address) * 8).place

        groups = groups_of(self._parts.stack.samples.recent, locate)
        now = self._parts.clock()
        # The same draws for the same state: arcs must not flicker.
        choices = choices_of(view, groups, locator, now, Random(0))
        made = gather(self._cooperator, choices)
        return made.addCallback(_map_of, view, locator, now)


def _map_of(
    choices: list[Choices], view: PoolView, locator: Locates, now: float
) -> WorldMap:
    priced = dict(prices(view, now))
    short = short_of_room(choices, priced)
    foreseen = forecasts(view, now)
    flows = [flow for one in choices for flow in one.flows]
    known = [flow for flow in flows if flow.detour is not None]
    spilled = detour = None
    if known:
        total = sum(flow.share for flow in known)
        far = [flow for flow in known if (flow.detour or 0.0) >= SPILL]
        spilled = sum(flow.share for flow in far) / total
        detour = sum(flow.share * (flow.detour or 0.0) for flow in known) / total
    return WorldMap(
        view.name,
        tuple(
            MapMember(
                member.name,
                _where(member, locator),
                kind_of(view, member, foreseen, now),
                _used(view, member, foreseen, now),
                priced.get(member),
                member in short,
            )
            for member in first_members(view, MOST_DRAWN, now)
        ),
        tuple(_flow(flow) for flow in flows),
        spilled,
        detour,
    )


def _where(member: Member, locator: Locates) -> Location | None:
    at = drawn_at(member.location, member.country)
    for address in () if at is not None else member.addresses(0)[:1]:
        place = locator.locate(address, len(address) * 8).place
        at = drawn_at(place.location, place.country)
    return at


def _used(
    view: PoolView, member: Member, foreseen: Mapping[Member, float], now: float
) -> float | None:
    load = view.load_of(member, now)
    ahead = foreseen.get(member)
    if load is None and ahead is None:
        return None
    return max(load or 0.0, ahead or 0.0) / member.capacity


def _flow(flow: Flow) -> MapFlow:
    place = flow.group.place
    at = drawn_at(place.location, place.country)
    assert at is not None  # other clients are in no group
    return MapFlow(at, place.country or "", flow.member.name, flow.share, flow.detour)
