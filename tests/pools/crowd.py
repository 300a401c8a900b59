"""A small model of clients behind caching resolvers, to close the loop in tests.

Mirrors of 10, 10, 4 and 1 units; resolvers with demand by Zipf's law; in steps of a
second clients come and go, caches ask the pool, and mirrors report what they carry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, sqrt
from random import Random

from dinamed.config import settings
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.manager import PoolManager
from dinamed.pools.stages.registry import builtin_stages
from tests.pools.support import loaded, pool

CAPACITIES = (10.0, 10.0, 4.0, 1.0)
RESOLVERS = 200
DURATION = 300.0  # seconds
FLOW = 0.01  # units of load


@dataclass(frozen=True)
class Figures:
    """Shares of time that the busiest was under 90 %, and its mean utilisation."""

    under90: float
    mean: float


class Crowd:
    """The model, and its own picture of the mirrors."""

    def __init__(
        self,
        stage: settings.StageSettings,
        *,
        seed: int = 1,
        ttl: int | tuple[int, int] = 60,
        lost: float = 0.0,
    ) -> None:
        self.rng = Random(seed)
        self.lost = lost
        members = tuple(
            settings.MemberSettings(
                name=f"m{number}", addresses=(f"192.0.2.{number}",), weight=capacity
            )
            for number, capacity in enumerate(CAPACITIES, 1)
        )
        table = pool("p", *members, select=(stage,), ttl=ttl)
        self.start = 1e9
        self.manager = PoolManager([table], self.start, builtin_stages())
        total = 0.7 * sum(CAPACITIES) / FLOW / DURATION
        shares = [1 / rank for rank in range(1, RESOLVERS + 1)]
        self.rates = [total * share / sum(shares) for share in shares]
        self.clients = [Client.at(bytes((10, 0, n, 1))) for n in range(RESOLVERS)]
        self.where = [0] * RESOLVERS
        self.expires = [0.0] * RESOLVERS
        self.transfers = [0.0] * len(CAPACITIES)
        self.queries = 0
        self.busiest: list[float] = []
        self.offset = 0.0
        """What is wrong with the time of day."""

    def run(
        self, seconds: int, each: Callable[[int], None] | None = None
    ) -> list[float]:
        """Let the time pass; the busiest mirror's utilisation each second."""
        begin = len(self.busiest)
        for time in range(begin, begin + seconds):
            if each is not None:
                each(time)
            self.step(time)
        return self.busiest[begin:]

    def figures(self, warm_up: int = 1200, seconds: int = 1800) -> Figures:
        """Measure after a warm-up."""
        self.run(warm_up)
        busiest = self.run(seconds)
        under = sum(one < 0.9 for one in busiest) / len(busiest)
        return Figures(under, sum(busiest) / len(busiest))

    def step(self, time: int) -> None:
        """One second."""
        rng, now = self.rng, self.start + time + self.offset
        left = exp(-1 / DURATION)
        self.transfers = [
            max(0.0, one * left + rng.gauss(0, sqrt(one * left * (1 - left))))
            for one in self.transfers
        ]
        if time % 10 == 0:
            for number, one in enumerate(self.transfers, 1):
                if rng.random() >= self.lost:
                    report = loaded(one * FLOW, now)
                    self.manager.report("p", f"m{number}", report, now=now)
        view = self.manager.view("p")
        for number, rate in enumerate(self.rates):
            if (come := poisson(rng, rate)) == 0:
                continue
            if self.expires[number] <= time:
                choice = view.choose(DrawContext(self.clients[number], 4, now, rng))
                self.queries += 1
                self.where[number] = choice.members[0].index
                self.expires[number] = time + choice.ttl
            self.transfers[self.where[number]] += come
        used = zip(self.transfers, CAPACITIES, strict=True)
        self.busiest.append(max(one * FLOW / capacity for one, capacity in used))


def poisson(rng: Random, mean: float) -> int:
    """How many come in a second."""
    limit, product, number = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        number += 1
    return number
