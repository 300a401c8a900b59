"""How short round trips could be: the linear programme of a scenario with a world.

At each of `TIMES` times of the day, demand is divided among the mirrors so that the
mean round trip is the least while no mirror gets more than `FULL` of its capacity.
Clients of one resolver may be divided, and move at once, which no name server can do;
what does not fit anywhere is counted at `OVERFLOW_MS`.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from statistics import fmean

from dinamed.simulator.demand import measured
from dinamed.simulator.scenario import Scenario
from dinamed.simulator.world import networks

FULL = 0.85
TIMES = 24
OVERFLOW_MS = 2000.0


def optimum(scenario: Scenario) -> float | None:
    """The mean round trip in ms, weighted by demand.

    That of a shipped scenario stands in its file.  None without a world, and where it
    would have to be worked out but scipy is not installed.
    """
    world = scenario.world
    if world is None:
        return None
    if world.optimum is not None:
        return world.optimum * scenario.rtt_factor
    if find_spec("scipy") is None:
        return None
    return worked_out(scenario)


def as_known(scenario: Scenario) -> float:
    """The optimum of one who knows what the name servers are told; needs scipy.

    Of those whose round trips they are not told they know the means of the others of
    their country.
    """
    world = scenario.world
    assert world is not None
    nets = networks(world, scenario.rtt_factor)
    told = measured(scenario)
    seen = []
    for net in nets:
        known = [
            other.round_trips
            for other, knows in zip(nets, told, strict=True)
            if knows and other.place == net.place
        ]
        means = tuple(fmean(column) for column in zip(*known, strict=True))
        seen.append(means or net.round_trips)
    return worked_out(
        scenario,
        [
            net.round_trips if knows else means
            for net, means, knows in zip(nets, seen, told, strict=True)
        ],
    )


def worked_out(
    scenario: Scenario, seen: Sequence[Sequence[float]] | None = None
) -> float:
    """The optimum by the linear programme; needs scipy.

    With `seen` that goes by these round trips, one row a resolver, and the clients then
    meet those that there are.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, hstack, identity, kron

    world = scenario.world
    assert world is not None
    nets = networks(world, scenario.rtt_factor)
    cost = np.array([net.round_trips for net in nets])
    believed = cost if seen is None else np.array(seen)
    count, mirrors = cost.shape
    limits = FULL * np.array(scenario.capacities)
    whole = kron(identity(count), np.ones((1, mirrors)))
    equal = hstack([whole, csr_matrix((count, mirrors))]).tocsr()
    total = weight = 0.0
    for number in range(TIMES):
        at = number * world.day / TIMES
        demand = np.array([net.demand(world, at) for net in nets])
        demand *= scenario.offered * scenario.total
        limit = hstack([kron(demand[None, :], identity(mirrors)), -identity(mirrors)])
        price = np.concatenate(
            [(believed * demand[:, None]).ravel(), np.full(mirrors, OVERFLOW_MS)]
        )
        found = linprog(
            price,
            A_ub=limit.tocsr(),
            b_ub=limits,
            A_eq=equal,
            b_eq=np.ones(count),
            bounds=(0, None),
            method="highs",
        )
        shares = found.x[: count * mirrors].reshape(count, mirrors)
        total += float((shares * cost * demand[:, None]).sum())
        weight += float(demand.sum())
    return total / weight
