"""`nearest`: the member nearest to the client, or the nearest few."""

from dinamed.generations import Generations
from dinamed.geo.distance import Location
from dinamed.geo.proximity import nearest
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.stages.protocol import PLACE, PoolFacts

REMEMBERED = 1024
"""How many outcomes are kept; databases have few locations, cities for the most."""


class NearestStage:
    """Keeps the nearest by great circle, and those just as far as the last of them.

    The argument is how many, 1 if left out.

    @raise ValueError: the argument is no whole number of at least 1.
    """

    depends = frozenset({PLACE})

    def __init__(self, argument: object = None) -> None:
        if argument is None:
            argument = 1
        if type(argument) is not int or argument < 1:
            raise ValueError("nearest takes a whole number of at least 1")
        self._count = argument
        self._remembered: Generations[tuple[Candidates, Location], Candidates]
        self._remembered = Generations(REMEMBERED)

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep the nearest."""
        place = context.place
        if place.location is None:
            return candidates
        key = (candidates, place.location)
        kept = self._remembered.get(key)
        if kept is None:
            kept = nearest(candidates, place, self._count)
            self._remembered.put(key, kept)
        return kept
