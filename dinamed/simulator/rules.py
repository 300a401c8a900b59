"""What must hold of a scenario beyond the types of its keys."""

from dinamed.config.reader import Reader, meant
from dinamed.config.values import shown
from dinamed.pools.stages.protocol import Registry
from dinamed.simulator import policies
from dinamed.simulator.scenario import (
    MOST_LOOKS,
    MOST_TRANSFERS,
    Crowd,
    Cut,
    Outage,
    Scenario,
    Silence,
)
from dinamed.simulator.world import World, network_of_line, place_of


def check(scenario: Scenario, reader: Reader, registry: Registry) -> None:
    """Report all that does not hold.

    What could not be read stands at its default here, and is not looked at.
    """
    if not scenario.capacities and reader.intact(("capacities",)):
        reader.report(("capacities",), "there must be a mirror at least")
    real = scenario.real_capacities
    if real and len(real) != len(scenario.capacities):
        message = f"{len(real)} for {len(scenario.capacities)} mirrors"
        reader.report(("real_capacities",), message)
    if reader.intact(()):
        _size(scenario, reader)
    if scenario.world is not None and reader.intact(("world",)):
        _world(scenario, scenario.world, reader)
    if reader.intact(("chains",)):
        _chains(scenario, reader, registry)
    if reader.intact(("policies",)) and reader.intact(("chains",)):
        _policies(scenario, reader)
    if reader.intact(("silences",)):
        for place, silence in enumerate(scenario.silences):
            _span(reader, silence, ("silences", place))
    if reader.intact(("cuts",)):
        _cuts(scenario, reader)
    if scenario.crowd is not None and reader.intact(("crowd",)):
        _span(reader, scenario.crowd, ("crowd",))
    if reader.intact(("outages",)):
        _outages(scenario, reader)


def _world(scenario: Scenario, world: World, reader: Reader) -> None:
    """Places must be known, and there must be one for each mirror and resolver."""
    mirrors, resolvers = len(scenario.capacities), scenario.resolvers
    if len(world.mirrors) != mirrors:
        message = f"{len(world.mirrors)} places for {mirrors} mirrors"
        reader.report(("world", "mirrors"), message)
    if len(world.resolvers) != resolvers:
        message = f"{len(world.resolvers)} lines for {resolvers} resolvers"
        reader.report(("world", "resolvers"), message)
    for place, name in enumerate(world.mirrors):
        try:
            place_of(name)
        except ValueError as error:
            reader.report(("world", "mirrors", place), str(error))
    for place, line in enumerate(world.resolvers):
        try:
            network_of_line(line, world)
        except ValueError as error:
            reader.report(("world", "resolvers", place), str(error))


def _size(scenario: Scenario, reader: Reader) -> None:
    """Refuse what no memory or patience would be enough for."""
    crowd = max(1.0, scenario.crowd.factor if scenario.crowd else 1.0)
    transfers = scenario.arrival_rate * crowd * scenario.end
    if transfers > MOST_TRANSFERS:
        message = f"too long for so many clients: up to {transfers:.2g} transfers"
        reader.report(("measure",), f"{message}, most is {MOST_TRANSFERS:.0e}")
    looks = scenario.end * len(scenario.capacities)
    if looks > MOST_LOOKS:
        message = f"too long for so many mirrors: {looks:.2g} mirror-seconds"
        reader.report(("measure",), f"{message}, most is {MOST_LOOKS:.0e}")


def _chains(scenario: Scenario, reader: Reader, registry: Registry) -> None:
    for name, select in scenario.chains.items():
        try:
            if name in policies.BUILT_IN:
                raise ValueError("there is a policy of that name already")
            policies.check(select, registry)
        except ValueError as error:
            reader.report(("chains", name), str(error))


def _policies(scenario: Scenario, reader: Reader) -> None:
    names = [*policies.BUILT_IN, *scenario.chains]
    for place, name in enumerate(scenario.policies):
        if name not in names:
            hint = meant(name, names) or f"; there are: {', '.join(names)}"
            reader.report(("policies", place), f"no policy {shown(name)}{hint}")
        elif name in scenario.policies[:place]:
            reader.report(("policies", place), f"{shown(name)} stands here twice")


def _span(
    reader: Reader, span: Outage | Silence | Cut | Crowd, path: tuple[str | int, ...]
) -> None:
    if span.end <= span.start:
        reader.report((*path, "end"), "must come after start")


def _cuts(scenario: Scenario, reader: Reader) -> None:
    for place, cut in enumerate(scenario.cuts):
        _span(reader, cut, ("cuts", place))
        if any(server > scenario.servers for server in cut.servers):
            message = f"there are only {scenario.servers} servers"
            reader.report(("cuts", place, "servers"), message)


def _outages(scenario: Scenario, reader: Reader) -> None:
    members = len(scenario.capacities)
    back: dict[int, float] = {}
    for place, outage in sorted(
        enumerate(scenario.outages), key=lambda pair: pair[1].start
    ):
        _span(reader, outage, ("outages", place))
        if outage.member > members:
            message = f"there are only {members} mirrors"
            reader.report(("outages", place, "member"), message)
        if outage.start < back.get(outage.member, 0.0):
            message = f"mirror {outage.member} is not back from another outage yet"
            reader.report(("outages", place, "start"), message)
        back[outage.member] = outage.end
