"""The policies that a simulation compares: chains of the real stages, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dinamed.config.settings import StageSettings
from dinamed.config.stages import STAGES
from dinamed.config.values import Ttl
from dinamed.pools.chain import compile_chain
from dinamed.pools.stages.protocol import Registry
from dinamed.simulator.demand import query_rate
from dinamed.simulator.scenario import Scenario

SPAN = 12
"""Times the reference that an adaptive TTL is at most, and the inverse at least."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to choose: what `select` and `ttl` of the pool say.

    `adaptive` makes an adaptive TTL of a fixed one of the scenario.
    """

    name: str
    chain: tuple[StageSettings, ...]
    adaptive: Callable[[int], Ttl] | None = None

    def ttl(self, scenario: Scenario) -> Ttl:
        """The TTL of the pool."""
        given = scenario.ttl
        if self.adaptive is None or given.low != given.high:
            return given
        return self.adaptive(given.low)

    def select(self, scenario: Scenario) -> tuple[StageSettings, ...]:
        """The chain, its stages told of transfers what an operator would tell them."""
        return tuple(_told(stage, scenario) for stage in self.chain)


def adaptive_around(ttl: int) -> Ttl:
    """The range of an adaptive TTL where a fixed one was given: its mean in the middle.

    Not below 5 s if that can be: caches would not follow.
    """
    span = max(1, min(SPAN, ttl // 5))
    return Ttl(ttl // span, ttl * span)


def half_to_five(ttl: int) -> Ttl:
    """The range that the manual recommends: "30-300" where 60 was given."""
    return Ttl(max(1, ttl // 2), ttl * 5)


def _told(stage: StageSettings, scenario: Scenario) -> StageSettings:
    """The stage with an argument, unless it has one or takes none.

    `least` needs to know what a hand-out brings, and `predictive` how long a transfer
    lasts, and so does `spill`; the load of one they learn by themselves unless they are
    told.
    """
    if stage.argument is not None:
        return stage
    if stage.name == "least":
        clients = scenario.arrival_rate / query_rate(scenario)
        return StageSettings(stage.name, {"increment": scenario.flow * clients})
    if stage.name in ("predictive", "spill"):
        told = {"duration": scenario.duration * scenario.duration_factor}
        if scenario.flow_factor is not None:
            told["flow"] = scenario.flow * scenario.flow_factor
        return StageSettings(stage.name, told)
    return stage


BUILT_IN: Mapping[str, Policy] = MappingProxyType(
    {
        policy.name: policy
        for policy in (
            Policy("weighted", (StageSettings("weighted"),)),
            Policy("round-robin", (StageSettings("round-robin"),)),
            Policy("hash", (StageSettings("hash"),)),
            Policy("least", (StageSettings("least"),)),
            Policy(
                "shed+weighted",
                (StageSettings("shed", (0.6, 0.85)), StageSettings("weighted")),
            ),
            Policy("predictive", (StageSettings("predictive"),)),
            Policy("predictive+ttl", (StageSettings("predictive"),), adaptive_around),
            Policy(
                "country+predictive",
                (StageSettings("country"), StageSettings("predictive")),
            ),
            Policy("spill", (StageSettings("spill"),)),
            Policy("spill+ttl", (StageSettings("spill"),), half_to_five),
        )
    }
)


def known(scenario: Scenario) -> Mapping[str, Policy]:
    """All policies that the scenario may name: its own chains come last."""
    own = {
        name: Policy(name, tuple(map(_formed, select)))
        for name, select in scenario.chains.items()
    }
    return {**BUILT_IN, **own}


def chosen(scenario: Scenario) -> list[Policy]:
    """The policies to run, in the order asked for.

    @raise KeyError: the scenario names one that is not known.
    """
    policies = known(scenario)
    return [policies[name] for name in scenario.policies or policies]


def check(select: tuple[StageSettings, ...], registry: Registry) -> None:
    """Refuse a chain that can't be made.

    @raise ValueError: in plain words what is wrong with it.
    """
    compile_chain(tuple(map(_formed, select)), registry)


def _formed(stage: StageSettings) -> StageSettings:
    """The same with the argument in the stage's own form, as in a config.

    @raise ValueError: the argument doesn't fit.
    """
    kind = STAGES.get(stage.name)
    if kind is None or kind.argument is None or stage.argument is None:
        return stage
    return StageSettings(stage.name, kind.argument(stage.argument))
