"""The world of a scenario: where mirrors and resolvers are, and what lies between them.

Demand follows the sun: behind the resolvers of a country it is `swing` times its mean
above that at one time of the day, and as much below it half a day later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi, sin
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, field

from dinamed.config.settings import Table
from dinamed.geo.countries import CONTINENT_OF
from dinamed.geo.place import Place


class World(Table, frozen=True, kw_only=True):
    """`[world]`: places, and the round trips between them.

    `mirrors` are the countries of the mirrors, `phases` the time at which a country's
    day begins as a share of the day, which lasts `day` seconds.  Each of `resolvers` is
    a line of a country, a share of the demand in millionths, and the round trips to all
    mirrors in ms.  `optimum` is the mean round trip of the linear programme, see
    `dinamed.simulator.optimum`; absent, it is worked out if scipy is there.
    """

    day: Annotated[float, Meta(ge=1, le=1e9)] = 86_400.0
    swing: Annotated[float, Meta(ge=0, le=1)] = 0.0
    mirrors: tuple[str, ...]
    phases: dict[str, float] = field(default_factory=dict)
    resolvers: tuple[str, ...]
    optimum: Annotated[float, Meta(gt=0)] | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A resolver and its clients: where they are, and how far everything is.

    `share` is that of all demand; `round_trips` are in ms, one for each mirror.
    """

    place: Place
    share: float
    phase: float
    round_trips: Sequence[float]

    def demand(self, world: World, at: float) -> float:
        """The share of the mean demand of all that there is at that time."""
        turn = at / world.day - self.phase
        return self.share * (1.0 + world.swing * sin(2.0 * pi * turn))


def place_of(country: str) -> Place:
    """The place of a country.

    @raise ValueError: there is no such country.
    """
    if country not in CONTINENT_OF:
        raise ValueError(f'"{country}" is not a country')
    return Place(country, CONTINENT_OF[country], source="scenario")


def network_of_line(line: str, world: World) -> Network:
    """Read a line of `resolvers`.

    @raise ValueError: in plain words what is wrong with it.
    """
    country, *rest = line.split() or [""]
    place = place_of(country)
    try:
        share, *round_trips = [float(word) for word in rest]
    except ValueError:
        raise ValueError("expected COUNTRY SHARE MS MS ...") from None
    if len(round_trips) != len(world.mirrors):
        raise ValueError(f"expected {len(world.mirrors)} round trips")
    if not share > 0 or not all(0 < ms < 1e5 for ms in round_trips):
        raise ValueError("shares and round trips must be above 0")
    phase = world.phases.get(country, 0.0)
    return Network(place, share / 1e6, phase, tuple(round_trips))


def networks(world: World, factor: float = 1.0) -> Sequence[Network]:
    """All resolvers, their shares made to add up to 1, round trips times a factor."""
    read = [network_of_line(line, world) for line in world.resolvers]
    total = sum(one.share for one in read)
    return [
        Network(
            one.place,
            one.share / total,
            one.phase,
            tuple(ms * factor for ms in one.round_trips),
        )
        for one in read
    ]


def mirror_places(world: World | None) -> Mapping[int, Place]:
    """The places of the mirrors by their number; none without a world."""
    if world is None:
        return MappingProxyType({})
    return {number: place_of(name) for number, name in enumerate(world.mirrors)}
