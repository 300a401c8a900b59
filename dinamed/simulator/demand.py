"""The clients of a simulation: when and behind which resolver their transfers begin."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from dinamed.simulator.scenario import Scenario
from dinamed.simulator.world import World, networks


class Arrival(NamedTuple):
    """A client behind `resolver` (0 is the largest) begins a transfer."""

    at: float
    resolver: int
    lasts: float


def shares(resolvers: int, exponent: float) -> list[float]:
    """The share of all demand behind each resolver, by Zipf's law."""
    raw = [(rank + 1.0) ** -exponent for rank in range(resolvers)]
    total = sum(raw)
    return [one / total for one in raw]


def arrivals(scenario: Scenario, rng: Random) -> Iterator[Arrival]:
    """All arrivals of a run in order: a Poisson process, exact to the moment.

    The sum of the processes of all resolvers is drawn, and for each arrival a
    resolver by its share, which is the same.  What the name servers answer has no
    influence, so with one seed all policies face the same clients.
    """
    if scenario.world is not None:
        yield from _of_world(scenario, scenario.world, rng)
        return
    cumulated = list(accumulate(shares(scenario.resolvers, scenario.zipf)))
    last = scenario.resolvers - 1
    mean = 1.0 / scenario.duration
    for start, end, factor in stretches(scenario):
        rate = scenario.arrival_rate * factor
        at = start
        # A Poisson process has no memory, so each stretch may start anew.
        while rate and (at := at + rng.expovariate(rate)) < end:
            resolver = min(bisect(cumulated, rng.random()), last)
            yield Arrival(at, resolver, rng.expovariate(mean))


def _of_world(scenario: Scenario, world: World, rng: Random) -> Iterator[Arrival]:
    """The arrivals of a world where demand follows the sun.

    They are drawn at the highest rate, and each is kept with the probability that its
    resolver's demand has of its own highest at that time (thinning).
    """
    nets = networks(world)
    cumulated = list(accumulate(net.share for net in nets))
    last = len(nets) - 1
    mean = 1.0 / scenario.duration
    highest = 1.0 + world.swing
    for start, end, factor in stretches(scenario):
        rate = scenario.arrival_rate * factor * highest
        at = start
        while rate and (at := at + rng.expovariate(rate)) < end:
            resolver = min(bisect(cumulated, rng.random()), last)
            lasts, lot = rng.expovariate(mean), rng.random()
            net = nets[resolver]
            if lot * highest * net.share < net.demand(world, at):
                yield Arrival(at, resolver, lasts)


def measured(scenario: Scenario) -> list[bool]:
    """Of which resolvers the name servers are told the round trips, by lot."""
    chance, share = Random(f"{scenario.seed} known"), scenario.rtt_known
    return [chance.random() < share for _ in range(scenario.resolvers)]


def farms(scenario: Scenario) -> list[int]:
    """How many caches share the address of each resolver.

    The largest resolvers are farms, as far as these have that share of the demand.
    """
    how = scenario.farms
    if how is None:
        return [1] * scenario.resolvers
    sizes, reached = [], 0.0
    for share in shares(scenario.resolvers, scenario.zipf):
        sizes.append(how.caches if reached < how.share else 1)
        reached += share
    return sizes


def query_rate(scenario: Scenario) -> float:
    """Queries per second as they are to be expected with the lower TTL.

    A resolver asks once in a TTL and the time until the next client comes.
    """
    rates = shares(scenario.resolvers, scenario.zipf)
    whole = scenario.arrival_rate
    return sum(1.0 / (scenario.ttl.low + 1.0 / (whole * rate)) for rate in rates)


def stretches(scenario: Scenario) -> Sequence[tuple[float, float, float]]:
    """Start, end and factor of the demand of each stretch of time in which it stays."""
    end = scenario.end
    crowd = scenario.crowd
    if crowd is None:
        return ((0.0, end, 1.0),)
    first, last = min(crowd.start, end), min(crowd.end, end)
    return ((0.0, first, 1.0), (first, last, crowd.factor), (last, end, 1.0))
