"""Round trips: each server tells those that it was told itself in the last minutes.

A value has all of them, so one that never came costs nothing.  A cell counts as one
more sample, once for each time that a newer one has come to it.
"""

from collections.abc import Callable, Iterator

from dinamed.fleet.records import BadRecordError, Codec, SharedRoundTrips
from dinamed.fleet.roles import Sender, Steps, Values
from dinamed.geo.place import Place
from dinamed.pools.manager import PoolManager
from dinamed.steering.recent import median_ms, sample_count, when
from dinamed.steering.recent_round_trips import MOST_RECENT, Pair
from dinamed.steering.round_trips import KEEP

AT_ONCE = 256
"""Cells that are looked through, or taken, at a stretch."""


class RoundTripRole:
    """The table of round trips, shared with the other servers.

    `locate` says where a packed address is.
    """

    name = "round_trips"

    def __init__(
        self,
        manager: PoolManager,
        locate: Callable[[bytes], Place],
        seconds: Callable[[], float],
    ) -> None:
        self._manager = manager
        self._locate = locate
        self._seconds = seconds
        self._codec = Codec(SharedRoundTrips)
        self._recent = manager.round_trips.share()
        self._heard: dict[str, dict[Pair, int]] = {}

    def values(self) -> Values:
        """All round trips that this server was told of late."""
        views = self._manager.views
        pools: dict[str, dict[str, dict[bytes, bytes]]] = {}
        told = self._recent.fresh(self._seconds())
        for number, ((network, (pool, member)), cell) in enumerate(told, 1):
            if number % AT_ONCE == 0:
                yield None
            if pool in views and member in views[pool].member_states:
                members = pools.setdefault(pool, {})
                members.setdefault(member, {})[network] = cell
        yield "0", self._codec.pack(SharedRoundTrips(pools=pools))

    def hear(self, sender: Sender, chunk: str, value: bytes) -> Steps:
        """Take what is new of it, as far as there are such members here."""
        told = self._codec.read(value)
        before = self._heard.get(sender.name, {})
        heard: dict[Pair, int] = {}
        try:
            for pair, cell in _pairs(told):
                if len(heard) >= MOST_RECENT:
                    raise BadRecordError("more round trips than a server tells")
                heard[pair] = _sound(pair, cell)
                if heard[pair] > before.get(pair, -1):
                    self._take(sender, pair, cell)
                if len(heard) % AT_ONCE == 0:
                    yield
        finally:
            self._heard[sender.name] = heard

    def _take(self, sender: Sender, pair: Pair, cell: bytes) -> None:
        network, (pool, member) = pair
        view = self._manager.views.get(pool)
        if view is None or member not in view.member_states:
            return
        now = self._seconds()
        age = sender.age(when(cell), now)
        if age > KEEP:
            return
        place = self._locate(network.ljust(4 if len(network) == 3 else 16, b"\0"))
        count = 1 << sample_count(cell) - 1
        self._manager.round_trips.add(
            pair[1], network, median_ms(cell), count, now - age, place, foreign=True
        )

    def lost(self, server: str) -> None:
        """What it said stays, and fades by its age."""
        self._heard.pop(server, None)

    def tick(self) -> None:
        """Round trips fade by themselves."""


def _pairs(told: SharedRoundTrips) -> Iterator[tuple[Pair, bytes]]:
    for pool, members in told.pools.items():
        for member, cells in members.items():
            for network, cell in cells.items():
                yield (network, (pool, member)), cell


def _sound(pair: Pair, cell: bytes) -> int:
    """The time of a cell's newest sample.

    @raise BadRecordError: it is no cell, or not of a network.
    """
    if len(pair[0]) not in (3, 6) or not 5 <= len(cell) <= 255:
        raise BadRecordError("not a round trip of a network")
    return when(cell)
