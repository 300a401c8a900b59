"""The model: clients behind caching resolvers, mirrors, reports, and name servers.

Exact events, no steps: a transfer begins at its moment; if the cache of its resolver
holds an answer, it goes where that says, else the resolver asks one of the name
servers and keeps the answer for its TTL.  Utilisations are looked at once a second.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random

from dinamed.pools.context import Client
from dinamed.simulator.demand import arrivals, farms, measured
from dinamed.simulator.fleet import Fleet
from dinamed.simulator.mirrors import Mirror
from dinamed.simulator.policies import Policy
from dinamed.simulator.reporting import Reporting
from dinamed.simulator.scenario import Scenario
from dinamed.simulator.servers import NameServer, client
from dinamed.simulator.world import Network, networks

STEP = 1.0
"""Seconds between two looks at the mirrors."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened in a run.

    `utilisation` has a series for each mirror, one value a second from the start of
    the run: its load as a share of its capacity, 0 while it is dead; `alive` the
    capacity in service at the same times.  From the end of the warm-up on are counted
    `queries`, `transfers`, and those of them that `failed`: that had to begin anew.
    `rtt` is the mean round trip of the transfers in ms; None without a world.  `ways`
    has the round trips of each second from the start: their number, and their sum.
    """

    scenario: Scenario
    policy: Policy
    utilisation: tuple[Sequence[float], ...]
    alive: Sequence[float]
    queries: int
    transfers: int
    failed: int
    rtt: float | None = None
    ways: tuple[Sequence[float], Sequence[float]] = ((), ())


def simulate(scenario: Scenario, policy: Policy) -> Trace:
    """Run the scenario under that policy; the same each time for the same seed."""
    return _SimulationRun(scenario, policy).run()


def worldly(scenario: Scenario) -> Sequence[Network]:
    """The resolvers of the world with its round trips; empty without one."""
    if scenario.world is None:
        return ()
    return networks(scenario.world, scenario.rtt_factor)


class _Agenda:
    """What is to be done, by time; of two at the same time the first put first."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Callable[[float], object]]] = []
        self._numbers = count()

    def put(self, at: float, do: Callable[[float], object]) -> None:
        heappush(self._entries, (at, next(self._numbers), do))

    def run(self, until: float) -> None:
        entries = self._entries
        while entries and entries[0][0] <= until:
            at, _, do = heappop(entries)
            do(at)


class _Cache:
    """A resolver: who it is, what it has in its cache, and until when."""

    __slots__ = ("client", "expires", "stretch", "where")

    def __init__(self, client: Client, stretch: float) -> None:
        self.client = client
        self.stretch = stretch
        self.expires = 0.0
        self.where: Sequence[int] = ()


class _SimulationRun:
    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self.scenario = scenario
        self.policy = policy
        real = scenario.real_capacities or scenario.capacities
        self.mirrors = [Mirror(one, scenario.flow) for one in real]
        self.servers = [
            NameServer(scenario, policy, self.chance(f"server {number}"))
            for number in range(scenario.servers)
        ]
        self.caches = [
            [_Cache(client(number), stretch) for _ in range(size)]
            for number, (stretch, size) in enumerate(
                zip(self.stretching(), farms(scenario), strict=True)
            )
        ]
        self.which_cache = self.chance("which cache")
        self.networks = worldly(scenario)
        if self.networks:
            self.tell_round_trips()
        self.which_server = self.chance("which server")
        self.which_mirror = self.chance("which mirror")
        self.utilisation = tuple(array("d") for _ in self.mirrors)
        self.alive = array("d")
        self.queries = self.transfers = self.failed = self.begun = 0
        self.waited_ms = 0.0
        self.ways = array("d"), array("d")
        self.of_second = [0.0, 0.0]
        self.agenda = _Agenda()
        self.plan()

    def chance(self, purpose: str) -> Random:
        """A source of chance of its own for each purpose.

        So that what one draws changes nothing for the others, and policies are
        compared on the same clients, reports and losses.
        """
        return Random(f"{self.scenario.seed} {purpose}")

    def plan(self) -> None:
        """Put on the agenda all that does not depend on clients."""
        put = self.agenda.put
        for outage in self.scenario.outages:
            index = outage.member - 1
            mirror, noticed = self.mirrors[index], self.scenario.detection

            def die(now: float, mirror: Mirror = mirror) -> None:
                for left, resolver in mirror.die(now):
                    self.failed += 1
                    self.try_again(now, left, resolver)

            def rise(now: float, mirror: Mirror = mirror) -> None:
                mirror.rise()

            def notice(now: float, index: int = index) -> None:
                # Whatever it is now: a short outage goes unnoticed.
                for server in self.servers:
                    server.health(index, self.mirrors[index].up, now)

            put(outage.start, die)
            put(outage.start + noticed, notice)
            put(outage.end, rise)
            put(outage.end + noticed, notice)
        if self.scenario.share and len(self.servers) > 1:
            scenario = self.scenario
            Fleet(self.servers, scenario.share, scenario.cuts, scenario.end, put)
        put(self.scenario.warm_up, self.start_counting)
        put(0.0, self.look)
        Reporting(
            self.scenario, self.mirrors, self.servers, self.chance("reports"), put
        )

    def run(self) -> Trace:
        """Let the clients come."""
        agenda = self.agenda
        for at, resolver, lasts in arrivals(self.scenario, self.chance("clients")):
            agenda.run(at)
            self.transfers += 1
            if not self.begin(at, lasts, resolver):
                self.failed += 1
        agenda.run(self.scenario.end)
        return Trace(
            self.scenario,
            self.policy,
            self.utilisation,
            self.alive,
            self.queries,
            self.transfers,
            self.failed,
            self.waited_ms / max(1, self.begun) if self.networks else None,
            self.ways,
        )

    def begin(self, at: float, lasts: float, resolver: int) -> bool:
        """A client begins a transfer; whether there was anyone at home."""
        caches = self.caches[resolver]
        cache = caches[0] if len(caches) == 1 else self.which_cache.choice(caches)
        if at >= cache.expires:
            self.ask(cache, at)
        where = cache.where
        place = where[0] if len(where) == 1 else self.which_mirror.choice(where)
        mirror = self.mirrors[place]
        if mirror.up:
            mirror.begin(at + lasts, resolver)
            if self.networks:
                self.travelled(self.networks[resolver].round_trips[place])
        else:
            self.try_again(at, lasts, resolver)
        return mirror.up

    def travelled(self, ms: float) -> None:
        """A transfer has begun that far away."""
        self.begun += 1
        self.waited_ms += ms
        self.of_second[0] += 1.0
        self.of_second[1] += ms

    def ask(self, cache: "_Cache", at: float) -> None:
        """A resolver asks one of the servers."""
        servers = self.servers
        server = servers[0] if len(servers) == 1 else self.which_server.choice(servers)
        cache.where, ttl = server.answer(cache.client, at)
        cache.expires = at + max(ttl, self.scenario.floor) * cache.stretch
        self.queries += 1

    def try_again(self, now: float, lasts: float, resolver: int) -> None:
        """A client that had no luck tries again after a while."""
        self.agenda.put(
            now + self.scenario.retry, lambda at: self.begin(at, lasts, resolver)
        )

    def tell_round_trips(self) -> None:
        """Give the servers the measured round trips of a share of the resolvers."""
        for (cache, *_), network, told in zip(
            self.caches, self.networks, measured(self.scenario), strict=True
        ):
            for server in self.servers:
                server.meet(cache.client, network.place)
                if told:
                    server.measured(cache.client, network.round_trips)

    def stretching(self) -> list[float]:
        """By how much each resolver stretches TTLs."""
        how = self.scenario.stretching
        if how is None:
            return [1.0] * self.scenario.resolvers
        chance = self.chance("stretching")
        return [
            how.factor if chance.random() < how.share else 1.0
            for _ in range(self.scenario.resolvers)
        ]

    def start_counting(self, now: float) -> None:
        """The warm-up is over."""
        self.queries = self.transfers = self.failed = self.begun = 0
        self.waited_ms = 0.0

    def look(self, now: float) -> None:
        """Record the utilisation of the mirrors, and the ways to them."""
        for series, mirror in zip(self.utilisation, self.mirrors, strict=True):
            series.append(mirror.load(now) / mirror.capacity)
        self.alive.append(sum(m.capacity for m in self.mirrors if m.up))
        for sums, one in zip(self.ways, self.of_second, strict=True):
            sums.append(one)
        self.of_second = [0.0, 0.0]
        if now + STEP < self.scenario.end:
            self.agenda.put(now + STEP, self.look)
