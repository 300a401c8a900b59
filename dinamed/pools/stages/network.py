"""`network`: members inside the client's own network."""

from dinamed.geo.proximity import of_network
from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import PLACE, PoolFacts


class NetworkStage:
    """Keeps the members whose `network` or `asn` is the client's."""

    depends = frozenset({PLACE})

    def __init__(self, argument: object = None) -> None:
        no_argument("network", argument)

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep those of the client's network, or all."""
        return of_network(candidates, context.place)
