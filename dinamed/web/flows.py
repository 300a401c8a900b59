"""Where clients go: what a pool would give those that asked lately, and what it costs.

Each group of clients is drawn for some times without counting, so whatever stages a
pool has, the flows are what its clients get now.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from dinamed.geo.locator import Locates
from dinamed.geo.middles import drawn_at
from dinamed.geo.place import Place
from dinamed.pools.chain import Route
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Family, Member
from dinamed.pools.pool import PoolView
from dinamed.pools.stages.protocol import Prices
from dinamed.steering.round_trips import network_of

MOST_GROUPS = 48
DRAWS = 8
"""Draws for each group."""
GRID = 5.0
"""Degrees up to which clients of one country are one group."""


class ClientGroup(NamedTuple):
    """Clients of about one place: one of them, and their share of all."""

    place: Place
    address: bytes
    share: float


class Flow(NamedTuple):
    """Clients of a group that go to a member.

    `share` is that of all clients; `detour` the milliseconds that the member costs them
    more than the nearest one, None where costs are not known.
    """

    group: ClientGroup
    member: Member
    share: float
    detour: float | None


class Choices(NamedTuple):
    """The flows of a group, and the most that it would cost to send it elsewhere.

    `nearest` and `dearest` (ms) are None where costs are not known.
    """

    flows: tuple[Flow, ...]
    nearest: Member | None = None
    dearest: float | None = None


def groups_of(
    addresses: Iterable[bytes], locate: Callable[[bytes], Place]
) -> list[ClientGroup]:
    """The packed addresses by their places, the largest groups first."""
    counts: Counter[tuple[object, ...]] = Counter()
    latest: dict[tuple[object, ...], tuple[Place, bytes]] = {}
    for address in addresses:
        place = locate(address)
        at = drawn_at(place.location, place.country)
        if at is None:
            continue
        key = (place.country, round(at[0] / GRID), round(at[1] / GRID))
        counts[key] += 1
        latest[key] = (place, address)
    total = sum(counts.values())
    return [
        ClientGroup(*latest[key], count / total)
        for key, count in counts.most_common(MOST_GROUPS)
    ]


def choices_of(
    view: PoolView,
    groups: Iterable[ClientGroup],
    locator: Locates,
    now: float,
    rng: Random,
) -> Iterator[Choices]:
    """What each group gets of the pool; nothing where another pool stands in."""
    for group in groups:
        family: Family = 4 if len(group.address) == 4 else 6
        route = view.route(family)
        if route is None:
            continue
        client = Client.at(group.address)
        drawn: Counter[Member] = Counter()
        for _ in range(DRAWS):
            context = DrawContext(
                client, family, now, rng, count=False, ttl=view.ttl, locator=locator
            )
            drawn.update(route.draw(context, view.settings.answers))
        costs = _costs(route, group, now)
        yield _choices(view, group, drawn, costs)


def _costs(route: Route, group: ClientGroup, now: float) -> dict[Member, float]:
    """What each candidate costs the group, where the stage goes by that and knows."""
    if not isinstance(route.ready(route.folded), Prices):
        return {}
    network = network_of(group.address, len(group.address) * 8)
    row = route.facts.costs.row(network, group.place, now)
    return {one: row.ms[one.index] for one in route.folded} if row.ms else {}


def _choices(
    view: PoolView,
    group: ClientGroup,
    drawn: Counter[Member],
    costs: dict[Member, float],
) -> Choices:
    total = sum(drawn.values())
    least = min(costs.values(), default=0.0)
    flows = tuple(
        Flow(
            group,
            view.whole(member),
            group.share * count / total,
            costs[member] - least if member in costs else None,
        )
        for member, count in drawn.items()
    )
    if len(costs) < 2:
        return Choices(flows)
    nearest = min(costs, key=costs.__getitem__)
    return Choices(flows, view.whole(nearest), max(costs.values()) - least)


def short_of_room(
    choices: Sequence[Choices], prices: dict[Member, float]
) -> list[Member]:
    """The members whose price stands above every detour of the clients nearest to them.

    Elsewhere is no better then, however far: only more capacity helps.
    """
    dearest: dict[Member, float] = {}
    for one in choices:
        if one.nearest is not None and one.dearest is not None:
            dearest[one.nearest] = max(dearest.get(one.nearest, 0.0), one.dearest)
    return [member for member, ms in dearest.items() if prices.get(member, 0.0) > ms]
