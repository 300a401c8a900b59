"""What other servers have handed out since they told the last time.

Each tells totals that only grow while it runs.  So a value that never came costs
delay, not hand-outs; and after a new start the first value is where counting begins.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dinamed.fleet.records import HandOuts
from dinamed.pools.shared import ForeignHandOuts, SharedHandOuts

MOST_LAPSE = 600.0
"""Seconds over which hand-outs that were told late are spread at most."""


@dataclass(slots=True)
class _Told:
    boot: int
    at: float
    totals: dict[str, int]


class ForeignTotals:
    """The last totals of every server, by pool.

    The memory goes by servers, pools and members; `keep` bounds it.
    """

    def __init__(self) -> None:
        self._told: dict[str, dict[str, _Told]] = {}

    def keep(self, servers: Iterable[str]) -> None:
        """Forget all servers but these."""
        self._told = {one: self._told[one] for one in servers if one in self._told}

    def forget(self, server: str) -> None:
        """Begin to count anew with the next value of that server."""
        self._told.pop(server, None)

    def take(
        self, server: str, told: HandOuts, pools: Iterable[str], age: float
    ) -> dict[str, ForeignHandOuts]:
        """What that server has handed out of these pools since it told of them before.

        `age` is how many seconds ago it said so.
        """
        known = self._told.setdefault(server, {})
        found = {}
        for pool in pools:
            if pool in told.pools:
                news = self._take(known, pool, told, age)
                if news is not None:
                    found[pool] = news
        return found

    def _take(
        self, known: dict[str, _Told], pool: str, told: HandOuts, age: float
    ) -> ForeignHandOuts | None:
        said: SharedHandOuts = told.pools[pool]
        before = known.get(pool)
        known[pool] = _Told(told.boot, told.now, said.totals)
        if before is None or before.boot != told.boot:
            return ForeignHandOuts({}, 0.0, age, said.leases, said.resolvers)
        lapse = told.now - before.at
        if lapse <= 0.0:
            # An older value, or the same again.
            known[pool] = before
            return None
        counts = {
            member: total - before.totals.get(member, 0)
            for member, total in said.totals.items()
            if total > before.totals.get(member, 0)
        }
        lapse = min(lapse, MOST_LAPSE)
        return ForeignHandOuts(counts, lapse, age, said.leases, said.resolvers)
