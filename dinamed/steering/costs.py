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
from itertools import compress
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

    __slots__ = ("counts", "rows", "sums")

    def __init__(self, members: int) -> None:
        self.sums = [0.0] * members
        self.counts = [0] * members
        self.rows = 0

    def add(self, row: Row, sign: int) -> None:
        self.rows += sign
        for place, direct in enumerate(row.direct):
            if direct:
                self.sums[place] += sign * row.ms[place]
                self.counts[place] += sign


class _Sites:
    """The costs of members by where they stand, as far as the config says."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, object], tuple[float, int]] = {}

    def add(self, member: Sited, ms: float) -> None:
        """Take the cost of a member, for all that its site may be known by."""
        for site in _names_of_site(member):
            total, count = self._known.get(site, (0.0, 0))
            self._known[site] = total + ms, count + 1

    def mean(self, member: Sited) -> float | None:
        """The mean of its site; None where there is none, or nothing known of it."""
        site = next(iter(_names_of_site(member)), None)
        found = None if site is None else self._known.get(site)
        return None if found is None else found[0] / found[1]


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
            known = list(compress(row.ms, row.direct))
            yield from known[(-number - 1) % every :: every]
            number += len(known)

    def _drop(self, key: bytes | Place) -> None:
        row = self._rows.pop(key)
        for region in self._regions_of.pop(key):
            self._regions[region].add(row, -1)
            if not self._regions[region].rows:
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
        far = self._distances(place)
        found: list[tuple[float, str] | None] = [None] * len(far)
        table = self._round_trips
        floor = None
        by_network, by_area = table.knows_network(network), table.knows_area(place)
        for at, member in enumerate(self._members if by_network or by_area else ()):
            key = (self._pool, member.name)
            known = table.measured(key, network, now) if by_network else None
            if known is not None and (away := far[at]) is not None:
                above = max(0.0, known.ms - away)
                floor = above if floor is None else min(floor, above)
            if known is None and by_area:
                known = table.of_area(key, place, now)
            found[at] = None if known is None else (known.ms, known.source)
        for at, away in enumerate(far):
            if found[at] is None and away is not None:
                found[at] = (away + (floor or 0.0), "by distance")
        return found

    def _distances(self, place: Place) -> list[float | None]:
        """Milliseconds by the great circle to each member, worked out once a site."""
        here = place.location
        if here is None:
            return [None] * len(self._members)
        sites = {member.location for member in self._members}
        far = {
            site: None if site is None else great_circle(here, site) / KM_PER_MS
            for site in sites
        }
        return [far[member.location] for member in self._members]

    def _completed(
        self, found: Sequence[tuple[float, str] | None]
    ) -> tuple[Sequence[float], Sequence[str]]:
        """All costs with their biases; empty where none is known."""
        known = [one[0] for one in found if one is not None]
        if not known:
            return (), ()
        sites = _Sites()
        if len(known) < len(found):
            for member, one in zip(self._members, found, strict=True):
                if one is not None:
                    sites.add(member, one[0])
        everywhere = sum(known) / len(known)
        ms: list[float] = []
        sources: list[str] = []
        for member, one in zip(self._members, found, strict=True):
            if one is None:
                mean = sites.mean(member)
                if mean is None:
                    one = (everywhere, "mean of the other members")
                else:
                    one = (mean, "mean of its site")
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


def _names_of_site(member: Sited) -> list[tuple[str, object]]:
    """What the site of a member is known by, the most exact first."""
    named = (
        ("location", member.location),
        ("network", member.network),
        ("country", member.country),
    )
    return [one for one in named if one[1] is not None]
