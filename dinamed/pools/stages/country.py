"""`country`: the client's country, else its continent, else the rest of the world."""

from dinamed.geo.proximity import of_country
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import PLACE, PoolFacts


class CountryStage:
    """Keeps the members in the client's country; else those on its continent; else
    those that are nowhere in particular."""

    depends = frozenset({PLACE})

    def __init__(self, argument: object = None) -> None:
        no_argument("country", argument)

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep those that suit the client's place."""
        return of_country(candidates, context.place)
