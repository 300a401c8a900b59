"""Name servers of the model that tell each other of their hand-outs.

They say it as servers say it over a store: the same records, read by the same code.
"""

from collections.abc import Callable, Sequence

from dinamed.fleet.records import Codec, HandOuts
from dinamed.fleet.totals import ForeignTotals
from dinamed.simulator.scenario import Cut
from dinamed.simulator.servers import EPOCH, POOL, NameServer

WAY = 0.3
"""Seconds from one server through the store to another."""

MOST_RESOLVERS = 128
"""Resolvers that are told of at most in one publication."""

Put = Callable[[float, Callable[[float], object]], None]


class Fleet:
    """Has servers share every so many seconds, but while they are cut off.

    `put` has something done at a time of the model; `end` is its last second.
    """

    def __init__(
        self,
        servers: Sequence[NameServer],
        interval: float,
        cuts: Sequence[Cut],
        end: float,
        put: Put,
    ) -> None:
        self._servers = servers
        self._interval = interval
        self._cuts = cuts
        self._end = end
        self._put = put
        self._codec = Codec(HandOuts)
        self._totals = [ForeignTotals() for _ in servers]
        for number, server in enumerate(servers):
            server.accounting.share()
            # Each at its own time, as they were not started together.
            first = interval * (number + 1) / len(servers)
            put(first, self._publisher(number))

    def _publisher(self, number: int) -> Callable[[float], object]:
        def publish(now: float) -> None:
            self._publish(number, now)

        return publish

    def _publish(self, number: int, now: float) -> None:
        told = self._servers[number].accounting.given(MOST_RESOLVERS, EPOCH + now)
        value = self._codec.pack(HandOuts(now=EPOCH + now, boot=1, pools={POOL: told}))

        def arrive(later: float) -> None:
            for other in range(len(self._servers)):
                if other != number and not self._apart(number, other, now):
                    self._hear(other, str(number), value, later)

        self._put(now + WAY, arrive)
        if now + self._interval < self._end:
            self._put(now + self._interval, self._publisher(number))

    def _hear(self, number: int, sender: str, value: bytes, now: float) -> None:
        told = self._codec.read(value)
        age = EPOCH + now - told.now
        found = self._totals[number].take(sender, told, (POOL,), age)
        for news in found.values():
            self._servers[number].accounting.take(news, EPOCH + now)

    def _apart(self, one: int, other: int, now: float) -> bool:
        for cut in self._cuts:
            if cut.start <= now < cut.end:
                servers = cut.servers
                if not servers or (one + 1 in servers) or (other + 1 in servers):
                    return True
        return False
