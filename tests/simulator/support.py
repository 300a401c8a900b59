"""Small scenarios that run in no time, and how to ask for them."""

from msgspec.structs import replace

from dinamed.config.values import Ttl
from dinamed.simulator.figures import Figures, figures
from dinamed.simulator.model import Trace, simulate
from dinamed.simulator.policies import BUILT_IN
from dinamed.simulator.scenario import Scenario

SMALL = Scenario(
    capacities=(2.0, 1.0, 1.0),
    resolvers=50,
    flow=0.02,
    duration=30.0,
    ttl=Ttl(20, 20),
    report_interval=5.0,
    warm_up=200.0,
    measure=600.0,
    detection=10.0,
    retry=2.0,
)


def small(**changes: object) -> Scenario:
    """The small scenario with changes."""
    return replace(SMALL, **changes)


def trace_of(scenario: Scenario, policy: str = "weighted") -> Trace:
    """Run it under one policy."""
    return simulate(scenario, BUILT_IN[policy])


def figures_of(scenario: Scenario, policy: str = "weighted") -> Figures:
    """Run it, and work out the figures."""
    return figures(trace_of(scenario, policy))


def mean(values: object) -> float:
    """The mean of a series."""
    series = list(values)  # type: ignore[call-overload]
    return float(sum(series) / len(series))
