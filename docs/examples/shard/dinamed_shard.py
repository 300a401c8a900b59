"""`{shard = 2}`: each client network gets two members, always the same ones.

A client that harms its members, by its load or by accident, then harms few others:
most other networks have at least one member that this one does not have.
"""

from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.stages.hashed import client_key, member_seed, mix, network_bits
from dinamed.pools.stages.protocol import CLIENT, PoolFacts


class Shard:
    """Keeps `argument` members by the client's network, /24 or /56."""

    depends = frozenset({CLIENT})

    def __init__(self, argument: object = None) -> None:
        if type(argument) is not int or argument < 1:
            raise ValueError("expected how many members a client network gets")
        self._size = argument

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Keep those whose hash with the client's network is the lowest."""
        bits = network_bits(context.client)
        context.used(bits)
        key = client_key(context.client, bits)
        scored = sorted(candidates, key=lambda one: mix(key ^ member_seed(one.name)))
        kept = frozenset(one.name for one in scored[: self._size])
        return tuple(one for one in candidates if one.name in kept)
