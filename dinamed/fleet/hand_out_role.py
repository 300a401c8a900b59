"""Hand-outs, leases and heavy resolvers: told to the other servers, heard of them."""

from collections.abc import Callable

from dinamed.fleet.records import Codec, HandOuts
from dinamed.fleet.roles import Sender, Steps, Values, chunk_of, chunks_for
from dinamed.fleet.totals import ForeignTotals
from dinamed.pools.manager import PoolManager
from dinamed.pools.shared import SharedHandOuts

MOST_RESOLVERS = 128
"""Resolvers of a pool that are told of at most in one publication."""

AT_ONCE = 8
"""Pools that are looked through, or booked, at a stretch."""


class HandOutRole:
    """The books of all pools, shared with the other servers."""

    name = "handouts"

    def __init__(
        self, manager: PoolManager, boot: int, seconds: Callable[[], float]
    ) -> None:
        self._manager = manager
        self._boot = boot
        self._seconds = seconds
        self._codec = Codec(HandOuts)
        self._totals = ForeignTotals()
        self._told: dict[str, int] = {}
        self._chunks = 1

    def values(self) -> Values:
        """Those pools of which something was handed out since the last time."""
        chunks: dict[str, dict[str, SharedHandOuts]] = {}
        views = self._manager.views
        for number, (pool, view) in enumerate(views.items()):
            if number % AT_ONCE == 0:
                yield None
            books = view.accounting
            whole = sum(books.totals.values())
            # The first time says where counting begins.
            if self._told.get(pool) == whole and books.told:
                continue
            books.share()
            self._told[pool] = whole
            given = books.given(MOST_RESOLVERS, self._seconds())
            chunks.setdefault(chunk_of(pool, self._chunks), {})[pool] = given
        self._told = {pool: n for pool, n in self._told.items() if pool in views}
        octets = 0
        for chunk, pools in chunks.items():
            value = HandOuts(now=self._seconds(), boot=self._boot, pools=pools)
            data = self._codec.pack(value)
            octets += len(data)
            yield chunk, data
        self._chunks = chunks_for(octets, self._chunks)

    def hear(self, sender: Sender, chunk: str, value: bytes) -> Steps:
        """Book what another server has handed out."""
        told = self._codec.read(value)
        views = self._manager.views
        for number, pool in enumerate(told.pools):
            if number % AT_ONCE == AT_ONCE - 1:
                yield
            view = views.get(pool)
            if view is None:
                continue
            now = self._seconds()
            age = sender.age(told.now, now)
            found = self._totals.take(sender.name, told, (pool,), age)
            for news in found.values():
                view.accounting.take(news, now)

    def lost(self, server: str) -> None:
        """Count from the next value of that server on."""
        self._totals.forget(server)

    def tick(self) -> None:
        """Leases end by themselves, and reports show hand-outs."""
