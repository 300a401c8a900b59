"""What it costs a client to be sent to each member of a pool, in milliseconds.

The cost is the round trip, taken from the first of these that knows it:

1. measured from the client's network (`round_trips`);
2. the median of what was measured from its autonomous system, else from its country;
3. the great circle, 1 ms for 100 km, and what the client's network pays in any case:
   the least by which its measured round trips are longer than that;
4. the mean of the clients of its region: its autonomous system, country or continent;
5. for a member that is new to everybody, the mean of the others of its site, else of
   all others.

Where nothing is known for any member there is no cost, which is not the same as a cost
of 0: that would draw every such client to the members that nobody knows.  Each member's
`bias` is added to its cost.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from dinamed.geo.distance import Location, great_circle
from dinamed.geo.place import Place
from dinamed.steering.round_trips import RoundTrips

KM_PER_MS = 100.0
"""Kilometres of great circle that come to a millisecond of round trip."""

MOST_VALUES = 262_144
"""Costs that are remembered for a pool: clients times members."""

FEWEST_ROWS = 256
REFRESH = 60.0
"""Seconds after which a client's costs are looked at again, if anything was
measured."""

SPREAD_VALUES = 4096
"""Costs out of which quantiles are taken."""

Region = tuple[str, object]


class Sited(Protocol):
    """What costs depend on in a member."""

    @property
    def name(self) -> str:
        """Its name in the pool."""

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
    def bias(self) -> float:
        """Milliseconds that are added to its cost."""


class Row(NamedTuple):
    """The costs of one client, by the place of the member in the pool.

    `ms` is empty where nothing is known at all.  `sources` says in words where each
    comes from, and `direct` whether from the client itself (1 to 3 above).  `nearest`
    has all members in the order of their costs.
    """

    ms: Sequence[float]
    sources: Sequence[str]
    direct: Sequence[bool]
    nearest: Sequence[int]
    taken: float
    edition: int


class _Sum:
    """The costs of clients of one region, by member."""

    __slots__ = ("counts", "sums")

    def __init__(self, members: int) -> None:
        self.sums = [0.0] * members
        self.counts = [0] * members

    def add(self, row: Row, sign: int) -> None:
        for place, direct in enumerate(row.direct):
            if direct:
                self.sums[place] += sign * row.ms[place]
                self.counts[place] += sign


class Costs:
    """The costs of the clients of one pool.  The memory is bounded."""

    def __init__(
        self, pool: str, members: Sequence[Sited], round_trips: RoundTrips
    ) -> None:
        self._pool = pool
        self._members = tuple(members)
        self._round_trips = round_trips
        self._rows: OrderedDict[bytes | Place, Row] = OrderedDict()
        self._regions_of: dict[bytes | Place, tuple[Region, ...]] = {}
        self._regions: dict[Region, _Sum] = {}
        self._most = max(FEWEST_ROWS, MOST_VALUES // max(1, len(self._members)))
        self._latest = 0.0
        self._spread = 0.0
        self._spread_until = 0.0
        self._spread_rows = 0

    def row(self, network: bytes | None, place: Place, now: float) -> Row:
        """The costs of a client of this network (see `network_of`) in this place."""
        self._latest = now
        key = place if network is None else network
        row = self._rows.get(key)
        if row is not None and (
            now - row.taken < REFRESH or row.edition == self._round_trips.edition
        ):
            return row
        if row is not None:
            self._drop(key)
        elif len(self._rows) >= self._most:
            self._drop(next(iter(self._rows)))
        row = self._rows[key] = self._look(network, place, now)
        regions = self._regions_of[key] = _regions(place)
        for region in regions:
            if region not in self._regions:
                self._regions[region] = _Sum(len(self._members))
            self._regions[region].add(row, 1)
        return row

    @property
    def edition(self) -> int:
        """Goes up with each sample of any pool."""
        return self._round_trips.edition

    def spread(self) -> float:
        """The distance between the 10 % and the 90 % quantile of all known costs.

        In milliseconds; 0 where fewer than two are known.
        """
        now = self._latest
        rows = len(self._rows)
        if now < self._spread_until and rows < 1.1 * self._spread_rows + 8:
            return self._spread
        values = sorted(self._sample())
        self._spread = 0.0
        if len(values) > 1:
            last = len(values) - 1
            self._spread = values[round(0.9 * last)] - values[round(0.1 * last)]
        self._spread_until = now + REFRESH
        self._spread_rows = rows
        return self._spread

    def _sample(self) -> Iterator[float]:
        """Known costs, evenly out of all rows."""
        every = max(1, len(self._rows) * len(self._members) // SPREAD_VALUES)
        number = 0
        for row in self._rows.values():
            for ms, direct in zip(row.ms, row.direct, strict=False):
                number += direct
                if direct and number % every == 0:
                    yield ms

    def _drop(self, key: bytes | Place) -> None:
        row = self._rows.pop(key)
        for region in self._regions_of.pop(key):
            self._regions[region].add(row, -1)
            if not any(self._regions[region].counts):
                del self._regions[region]

    def _look(self, network: bytes | None, place: Place, now: float) -> Row:
        """Work out a row."""
        found = self._direct(network, place, now)
        direct = [one is not None for one in found]
        regions = [
            (region, self._regions[region])
            for region in _regions(place)
            if region in self._regions
        ]
        for at, one in enumerate(found):
            if one is None:
                found[at] = _mean_of_region(regions, at)
        ms, sources = self._completed(found)
        order = sorted(range(len(ms)), key=ms.__getitem__)
        return Row(ms, sources, direct, order, now, self._round_trips.edition)

    def _direct(
        self, network: bytes | None, place: Place, now: float
    ) -> list[tuple[float, str] | None]:
        """The costs that are known for this very client, without biases."""
        found: list[tuple[float, str] | None] = []
        table = self._round_trips
        far = [_distance_ms(place, member) for member in self._members]
        floor = None
        for member, away in zip(self._members, far, strict=True):
            key = (self._pool, member.name)
            known = table.measured(key, network, now)
            if known is not None and away is not None:
                above = max(0.0, known.ms - away)
                floor = above if floor is None else min(floor, above)
            if known is None:
                known = table.of_area(key, place, now)
            found.append(None if known is None else (known.ms, known.source))
        for at, away in enumerate(far):
            if found[at] is None and away is not None:
                found[at] = (away + (floor or 0.0), "by distance")
        return found

    def _completed(
        self, found: Sequence[tuple[float, str] | None]
    ) -> tuple[Sequence[float], Sequence[str]]:
        """All costs with their biases; empty where none is known."""
        known = [one[0] for one in found if one is not None]
        if not known:
            return (), ()
        ms: list[float] = []
        sources: list[str] = []
        for member, one in zip(self._members, found, strict=True):
            if one is None:
                site = [
                    other[0]
                    for neighbour, other in zip(self._members, found, strict=True)
                    if other is not None and _same_site(member, neighbour)
                ]
                among = site or known
                words = "its site" if site else "the other members"
                one = (sum(among) / len(among), f"mean of {words}")
            ms.append(max(0.0, one[0] + member.bias))
            sources.append(one[1])
        return tuple(ms), tuple(sources)


def _regions(place: Place) -> tuple[Region, ...]:
    """The regions of a place, the narrowest first."""
    named = (("AS", place.asn), ("country", place.country))
    regions: list[Region] = [one for one in named if one[1] is not None]
    if place.continent is not None:
        regions.append(("continent", place.continent))
    return tuple(regions)


def _mean_of_region(
    regions: Sequence[tuple[Region, _Sum]], at: int
) -> tuple[float, str] | None:
    for (kind, name), sums in regions:
        count = sums.counts[at]
        if count:
            words = f"AS{name}" if kind == "AS" else str(name)
            return sums.sums[at] / count, f"mean of {count} networks of {words}"
    return None


def _distance_ms(place: Place, member: Sited) -> float | None:
    if place.location is None or member.location is None:
        return None
    return great_circle(place.location, member.location) / KM_PER_MS


def _same_site(one: Sited, other: Sited) -> bool:
    """Whether two members stand in one place, as far as the config says."""
    if one.location is not None:
        return one.location == other.location
    if one.network is not None:
        return one.network == other.network
    return one.country is not None and one.country == other.country
