"""The settings of a simulation: the tables of a scenario file, typed and frozen.

All times are in seconds, counted from the start of the run (the warm-up is part of
it).  Capacities, loads and the flow of a transfer are in one unit of the user's
choice; the shipped scenarios use Gbit/s.
"""

from typing import Annotated

from msgspec import Meta, field

from dinamed.config.settings import ReadStage, ReadTtl, Table
from dinamed.config.values import Ttl
from dinamed.simulator.world import World

MOST_RESOLVERS = 2**20
MOST_SERVERS = 64
MOST_TRANSFERS = 1e8
MOST_LOOKS = 1e8

# Within these no sum overflows, and no step of time is too small to be one.
Amount = Annotated[float, Meta(ge=1e-6, le=1e9)]
Period = Annotated[float, Meta(ge=0.1, le=1e9)]
Times = Annotated[float, Meta(ge=0.001, le=1000)]
From0 = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Sharing = Annotated[float, Meta(ge=0, le=3600)]
Factor = Annotated[float, Meta(ge=1, le=1000)]


class Outage(Table, frozen=True, kw_only=True):
    """`[[outages]]`: a mirror is dead from `start` to `end`.

    `member` counts from 1 in the order of `capacities`.
    """

    member: Annotated[int, Meta(ge=1)]
    start: From0
    end: From0


class Silence(Table, frozen=True, kw_only=True):
    """`[[silences]]`: no report at all gets through from `start` to `end`."""

    start: From0
    end: From0


class Cut(Table, frozen=True, kw_only=True):
    """`[[cuts]]`: from `start` to `end` these servers hear nothing of the others.

    `servers` count from 1; without any, each is alone.
    """

    start: From0
    end: From0
    servers: tuple[Annotated[int, Meta(ge=1)], ...] = ()


class Stretching(Table, frozen=True, kw_only=True):
    """`[stretching]`: this share of the resolvers keeps answers so much longer."""

    share: Share
    factor: Factor


class Farms(Table, frozen=True, kw_only=True):
    """`[farms]`: resolvers with this share of the demand are so many caches each."""

    share: Share
    caches: Annotated[int, Meta(ge=1, le=1024)]


class Crowd(Table, frozen=True, kw_only=True):
    """`[crowd]`: from `start` to `end` there are `factor` times as many clients."""

    start: From0
    end: From0
    factor: Annotated[float, Meta(ge=0, le=1000)]


class Scenario(Table, frozen=True, kw_only=True):
    """A whole scenario.  The defaults are those of the scenario `steady`.

    `flow` is the load of one transfer and `duration` how long one lasts on average;
    `offered` is the demand as a share of all capacity.  `report_noise` is the sigma of
    a log-normal factor on each report.  Reports come `report_delay` late, and say so
    where they are `report_stamped`; they are the mean of the last `report_average`.
    Resolvers keep answers for `floor` at least.  The mirrors can do `real_capacities`,
    if these are given, while the name servers are told `capacities`.  The name servers
    are told `duration` times `duration_factor`, and `flow` times `flow_factor`; without
    that they learn the flow.  They tell each other of their hand-outs every `share`
    seconds; 0 is never.  A dead mirror, or one that is back, is noticed after
    `detection`; its clients try again every `retry`.  `chains` are policies of the
    user's own, as in the `select` of a pool.  Without `policies` all are run.

    With a `world` mirrors and resolvers have places, and demand follows the sun.  Round
    trips are those of the world times `rtt_factor`; the name servers are told those of
    the share `rtt_known` of the resolvers.
    """

    about: str = ""
    seed: int = 1
    capacities: tuple[Amount, ...] = (10.0, 10.0, 10.0, 10.0, 4.0, 4.0, 1.0, 1.0)
    resolvers: Annotated[int, Meta(ge=1, le=MOST_RESOLVERS)] = 1000
    zipf: Annotated[float, Meta(ge=0, le=10)] = 1.0
    flow: Amount = 0.02
    duration: Period = 300.0
    offered: Times = 0.7
    ttl: ReadTtl = Ttl(60, 60)
    answers: Annotated[int, Meta(ge=1, le=65535)] = 1
    report_interval: Period = 10.0
    report_loss: Share = 0.0
    report_noise: Annotated[float, Meta(ge=0, le=3)] = 0.0
    report_delay: From0 = 0.0
    report_stamped: bool = True
    report_average: Annotated[float, Meta(ge=0, le=1e5)] = 0.0
    floor: From0 = 0.0
    real_capacities: tuple[Amount, ...] = ()
    warm_up: Annotated[float, Meta(ge=0, le=1e9)] = 3600.0
    measure: Annotated[float, Meta(ge=1, le=1e9)] = 7200.0
    servers: Annotated[int, Meta(ge=1, le=MOST_SERVERS)] = 1
    share: Sharing = 0.0
    flow_factor: Times | None = None
    duration_factor: Times = 1.0
    detection: From0 = 30.0
    retry: Period = 10.0
    policies: tuple[str, ...] = ()
    chains: dict[str, tuple[ReadStage, ...]] = field(default_factory=dict)
    outages: tuple[Outage, ...] = ()
    silences: tuple[Silence, ...] = ()
    cuts: tuple[Cut, ...] = ()
    stretching: Stretching | None = None
    crowd: Crowd | None = None
    farms: Farms | None = None
    world: World | None = None
    rtt_factor: Times = 1.0
    rtt_known: Share = 1.0

    @property
    def total(self) -> float:
        """The capacity of all mirrors together."""
        return sum(self.capacities)

    @property
    def arrival_rate(self) -> float:
        """Transfers that begin per second, by Little's law."""
        return self.offered * self.total / (self.flow * self.duration)

    @property
    def end(self) -> float:
        """When the run ends."""
        return self.warm_up + self.measure
