"""The responder of a server, with all that is put around it."""

from dataclasses import dataclass

from dinamed.plans.engine import Engine
from dinamed.server.resolver import EngineResolver
from dinamed.server.responder import Logged, Sampled
from dinamed.server.timing import Timed, TimingSamples


@dataclass(frozen=True)
class Stack:
    """From the inside to the outside: who answers, who tells the query log, who takes
    the time."""

    resolver: EngineResolver
    sampled: Sampled
    """What listeners ask."""
    timed: Timed
    """The same for those queries that are timed."""
    samples: TimingSamples
    """What the timed ones have shown."""


def stack_of(engine: Engine, debug: bool = False) -> Stack:
    """What answers from an engine; with `debug` every query is logged."""
    resolver, samples = EngineResolver(engine), TimingSamples()
    sampled = Sampled(Logged(resolver) if debug else resolver)
    return Stack(resolver, sampled, Timed(sampled, engine, samples), samples)
