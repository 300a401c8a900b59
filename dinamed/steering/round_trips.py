"""Measured round trips, by client network and member.

A network is the /24 of an IPv4 address or the /48 of an IPv6 address.  Beside the table
of networks stand two small ones, by autonomous system and by country: what is known
there serves for networks of which nothing is known themselves.

The memory is bounded.  A network that is new is on probation, in a small part of the
table where the oldest makes room; it moves to the rest when a sample comes again a
minute later or more, and there whoever was silent for the longest makes room.  So a
flood of made-up networks turns over the small part alone.  The cells of all networks
together, one for each member that was measured from there, are bounded too.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

from dinamed.geo.place import Place
from dinamed.steering.recent import median_ms, when, with_sample
from dinamed.steering.recent_round_trips import RecentRoundTrips

CAPACITY = 65_536
"""Networks that are remembered."""

MOST_CELLS = 524_288
"""Cells of all networks together, at about 100 octets each."""

PROBATION = 8
"""One in so many of them is room for newcomers at least."""

RETURN = 60.0
"""Seconds after which a newcomer that is heard of again is one no more."""

MOST_SYSTEMS = 16_384
MOST_COUNTRIES = 512

KEEP = 7 * 86_400.0
"""Seconds for which a measurement counts."""

NETWORK_SAMPLES = 8
AREA_SAMPLES = 32
MOST_TIMES = 4
"""A sample that stands for many measurements counts as so many at most."""

Key = tuple[str, str]
"""Pool and member."""

Name = TypeVar("Name", bytes, int, str)
"""What a row is found by: a network, a system or a country."""


class Known(NamedTuple):
    """A measured cost: `ms` is a median, `age` in seconds, `source` in words."""

    ms: float
    age: float
    source: str


def network_of(address: bytes, prefix: int) -> bytes | None:
    """The network of a packed address of which `prefix` bits are known.

    3 octets for IPv4, 6 for IPv6; None if fewer bits are known.
    """
    octets = 3 if len(address) == 4 else 6
    return address[:octets] if prefix >= octets * 8 else None


class _Row:
    """What is known of one network, system or country."""

    __slots__ = ("cells", "first")

    def __init__(self, at: float) -> None:
        self.cells: dict[Key, bytes] = {}
        self.first = at

    def add(self, key: Key, ms: float, times: int, at: float, size: int) -> int:
        """Take a sample; returns how many cells that has added."""
        kept = self.cells.get(key, b"")
        self.cells[key] = with_sample(kept, ms, times, at, size)
        return not kept


class RoundTrips:
    """All measured round trips of a server.

    Times are seconds of a clock that never goes back.  `edition` goes up with each
    sample, so that who has derived something knows when to look again.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = max(PROBATION, capacity)
        # Plain dicts find their oldest entry slowly once many before it are gone.
        self._known: OrderedDict[bytes, _Row] = OrderedDict()
        self._new: OrderedDict[bytes, _Row] = OrderedDict()
        self._systems: OrderedDict[int, _Row] = OrderedDict()
        self._countries: OrderedDict[str, _Row] = OrderedDict()
        self._cells = 0
        self.edition = 0
        self.samples = 0
        """Samples taken since the start."""
        self._told: RecentRoundTrips | None = None

    def __len__(self) -> int:
        """How many networks are known."""
        return len(self._known) + len(self._new)

    def share(self) -> RecentRoundTrips:
        """What was told to this server of late, for other servers; from now on."""
        if self._told is None:
            self._told = RecentRoundTrips()
        return self._told

    def add(
        self,
        key: Key,
        network: bytes,
        ms: float,
        count: int,
        at: float,
        place: Place,
        *,
        foreign: bool = False,
    ) -> None:
        """Take one sample: the mean or median of `count` measurements, at least 1.

        `network` is as `network_of` gives it, `place` where that network is.  What is
        `foreign` another server was told, and it is not told on.
        """
        times = min(MOST_TIMES, count.bit_length())
        if self._told is not None and not foreign:
            self._told.add(network, key, ms, times, at)
        row = self._row(network, at)
        self._cells += row.add(key, ms, times, at, NETWORK_SAMPLES)
        while self._cells > MOST_CELLS and len(self) > 1:
            self._drop_oldest(self._new or self._known)
        if place.asn is not None:
            row = _area(self._systems, place.asn, MOST_SYSTEMS, at)
            row.add(key, ms, times, at, AREA_SAMPLES)
        if place.country is not None:
            row = _area(self._countries, place.country, MOST_COUNTRIES, at)
            row.add(key, ms, times, at, AREA_SAMPLES)
        self.edition += 1
        self.samples += 1

    def knows_network(self, network: bytes | None) -> bool:
        """Whether anything was measured from this network, however long ago."""
        return network in self._known or network in self._new

    def knows_area(self, place: Place) -> bool:
        """Whether anything was measured from the AS or the country."""
        return place.asn in self._systems or place.country in self._countries

    def measured(self, key: Key, network: bytes | None, now: float) -> Known | None:
        """The round trip measured between this network and that member."""
        if network is None:
            return None
        row = self._known.get(network) or self._new.get(network)
        return _cell(row, key, now, "measured")

    def of_area(self, key: Key, place: Place, now: float) -> Known | None:
        """The round trip measured from the client's AS, else from its country."""
        if place.asn is not None:
            source = f"median of AS{place.asn}"
            found = _cell(self._systems.get(place.asn), key, now, source)
            if found is not None:
                return found
        if place.country is None:
            return None
        source = f"median of {place.country}"
        return _cell(self._countries.get(place.country), key, now, source)

    def forget(self, keep: Mapping[str, frozenset[str]]) -> None:
        """Forget all members but these, by pool, and the networks left empty."""
        _keep(self._known, keep)
        _keep(self._new, keep)
        _keep(self._systems, keep)
        _keep(self._countries, keep)
        rows = (*self._known.values(), *self._new.values())
        self._cells = sum(len(row.cells) for row in rows)
        self.edition += 1

    def networks(self) -> Iterator[tuple[bytes, Mapping[Key, bytes]]]:
        """All networks that are not on probation, for saving and sharing."""
        for network, row in self._known.items():
            yield network, row.cells

    def restore(self, network: bytes, cells: Mapping[Key, bytes]) -> None:
        """Take back a network that was saved, unless it is known already."""
        if network in self._known or len(self._known) >= self._most_known:
            return
        row = _Row(max(map(when, cells.values()), default=0))
        row.cells.update(cells)
        newcomer = self._new.pop(network, None)
        self._cells += len(row.cells) - (len(newcomer.cells) if newcomer else 0)
        self._known[network] = row
        self.edition += 1

    @property
    def _most_known(self) -> int:
        return self._capacity - self._capacity // PROBATION

    def _row(self, network: bytes, at: float) -> _Row:
        row = self._known.get(network)
        if row is not None:
            # In the order in which they were last heard of, the longest silent first.
            self._known.move_to_end(network)
            return row
        row = self._new.get(network)
        if row is None:
            while len(self) >= self._capacity and self._new:
                self._drop_oldest(self._new)
            row = self._new[network] = _Row(at)
        elif at - row.first >= RETURN:
            del self._new[network]
            if len(self._known) >= self._most_known:
                self._drop_oldest(self._known)
            self._known[network] = row
        return row

    def _drop_oldest(self, table: OrderedDict[bytes, _Row]) -> None:
        self._cells -= len(table.popitem(last=False)[1].cells)


def _area(table: OrderedDict[Name, _Row], name: Name, most: int, at: float) -> _Row:
    """The row of a system or a country; the longest silent one makes room."""
    row = table.pop(name, None)
    if row is None:
        if len(table) >= most:
            table.popitem(last=False)
        row = _Row(at)
    table[name] = row
    return row


def _cell(row: _Row | None, key: Key, now: float, source: str) -> Known | None:
    cell = None if row is None else row.cells.get(key)
    if cell is None or now - when(cell) > KEEP:
        return None
    return Known(median_ms(cell), max(0.0, now - when(cell)), source)


def _keep(table: dict[Name, _Row], keep: Mapping[str, frozenset[str]]) -> None:
    for row in table.values():
        for key in [key for key in row.cells if key[1] not in keep.get(key[0], ())]:
            del row.cells[key]
    for name in [name for name, row in table.items() if not row.cells]:
        del table[name]
