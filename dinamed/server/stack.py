"""The responder of a server, with the wrappers around it."""

from dataclasses import dataclass

from dinamed.plans.engine import Engine
from dinamed.server.resolver import EngineResolver
from dinamed.server.responder import Logged, Sampled
from dinamed.server.timing import Timed, TimingSamples


@dataclass(frozen=True)
class Stack:
    """The responders of a server, from the innermost to the outermost."""

    resolver: EngineResolver
    sampled: Sampled
    """The responder for listeners; it passes answers to the query log."""
    timed: Timed
    """The same, for the queries that are timed."""
    samples: TimingSamples
    """The times that it took."""


def stack_of(engine: Engine, debug: bool = False) -> Stack:
    """The responders of an engine; with `debug` they log every query."""
    resolver, samples = EngineResolver(engine), TimingSamples()
    sampled = Sampled(Logged(resolver) if debug else resolver)
    return Stack(resolver, sampled, Timed(sampled, engine, samples), samples)
