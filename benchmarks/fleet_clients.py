"""Clients behind caching resolvers, in real time: they load members as answers say.

The world is that of the simulator: resolvers whose demand is as unequal as Zipf has it,
transfers that last a while, reports at each interval.  Only, everything goes five times
as fast, and the servers are real.
"""

import heapq
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.fleet_servers import CAPACITIES, Asker
from tests.daemon.watched import WatchedDaemon

NAME = "ftp.example.org"
RESOLVERS = 1000
DURATION = 60.0
FLOW = 0.02
"""Load of one transfer."""

REPORTS = 2.0
LOOK = 0.2


@dataclass
class _Resolver:
    asker: Asker
    where: int = 0
    expires: float = 0.0


@dataclass
class CrowdFigures:
    """Of the busiest member at each look: its load as a share of its capacity."""

    busiest: list[float] = field(default_factory=list)
    questions: int = 0

    @property
    def under90(self) -> float:
        """The share of the time in which nobody was over 90 %."""
        return sum(one < 0.9 for one in self.busiest) / len(self.busiest)

    @property
    def mean(self) -> float:
        """The mean share of the busiest one."""
        return sum(self.busiest) / len(self.busiest)


class Crowd:
    """All clients.  `offered` is the share of all capacity that they ask for."""

    def __init__(
        self, servers: Sequence[WatchedDaemon], offered: float, seed: int
    ) -> None:
        self._servers = servers
        self._rng = random.Random(seed)
        self._resolvers = [
            _Resolver(Asker(NAME, f"127.1.{n >> 8}.{n & 255}"))
            for n in range(1, RESOLVERS + 1)
        ]
        self._weights = [1.0 / number for number in range(1, RESOLVERS + 1)]
        self._rate = offered * sum(CAPACITIES) / (FLOW * DURATION)
        self._loads = [0.0] * len(CAPACITIES)
        self._ends: list[tuple[float, int]] = []

    def run(self, warm_up: float, seconds: float) -> CrowdFigures:
        """Come, ask and load, for so many seconds after a warm-up."""
        figures = CrowdFigures()
        begun = now = time.monotonic()
        arrival, report, look = now, now, begun + warm_up
        while now < begun + warm_up + seconds:
            due = min(arrival, report, look)
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
                now = time.monotonic()
            while self._ends and self._ends[0][0] <= now:
                self._loads[heapq.heappop(self._ends)[1]] -= FLOW
            if arrival <= now:
                self._arrive(now, figures)
                arrival += self._rng.expovariate(self._rate)
            if report <= now:
                self._report()
                report += REPORTS
            if look <= now:
                shares = zip(self._loads, CAPACITIES, strict=True)
                figures.busiest.append(max(load / size for load, size in shares))
                look += LOOK
        return figures

    def _arrive(self, now: float, figures: CrowdFigures) -> None:
        """A client comes to its resolver, which asks if it has no answer any more."""
        (one,) = self._rng.choices(self._resolvers, self._weights)
        if now >= one.expires:
            server = self._rng.choice(self._servers)
            address, ttl = one.asker.ask(server.port)
            one.where, one.expires = int(address.rsplit(".", 1)[1]), now + ttl
            figures.questions += 1
        self._loads[one.where] += FLOW
        end = now + self._rng.expovariate(1.0 / DURATION)
        heapq.heappush(self._ends, (end, one.where))

    def _report(self) -> None:
        """Each member tells its load to one of the servers."""
        for number, server in enumerate(self._servers):
            mine = range(number, len(CAPACITIES), len(self._servers))
            server.push(
                *(
                    {"pool": "mirrors", "member": f"m{one}", "load": self._loads[one]}
                    for one in mine
                )
            )

    def close(self) -> None:
        """Go home."""
        for one in self._resolvers:
            one.asker.close()
