"""`hash`: the same member for the same client, by weighted rendezvous.

The function, in full, so that another engine can compute the same (all integers are
of 64 bits, unsigned, and wrap):

* `bits` = min(24 for IPv4 or 56 for IPv6, the client's prefix length);
* `key` = FNV-1a of the first (bits + 7) // 8 bytes of the client's address, the
  bits past `bits` cleared;
* `seed` = FNV-1a of the member's name in UTF-8, so the same in every pool;
* x = splitmix64(key ^ seed), that is x += 0x9e3779b97f4a7c15, then
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9, x = (x ^ x >> 27) * 0x94d049bb133111eb,
  x ^= x >> 31;
* u = ((x >> 12) + 0.5) / 2**52, so 0 < u < 1 without rounding;
* the score is ln(u) / weight, and the highest wins, the first where two are equal.

FNV-1a alone mixes the last bytes badly, and neighbouring networks differ just there;
splitmix64 makes up for it.  The client's part is computed once a question, and what
is left for each member is six integer operations and a logarithm.  u**(1/weight) is
the largest for member i with chance weight_i / sum, and a change of one weight moves
clients to or from that member alone.
"""

from collections.abc import Sequence
from heapq import nlargest
from math import log

from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.arguments import no_argument
from dinamed.pools.stages.protocol import CLIENT, NAME, PoolFacts
from dinamed.pools.stages.weighted import by_weight

MASK = 2**64 - 1
PREFIX_V4 = 24
PREFIX_V6 = 56


BY_NAME = "name"
"""The argument of `hash` that has it go by the question's name."""


def hash_stage(argument: object = None) -> "Hashed | HashedByName":
    """The stage `hash`, or `{hash = "name"}`.

    @raise ValueError: the argument is another.
    """
    if argument == BY_NAME:
        return HashedByName()
    return Hashed(argument)


class Hashed:
    """Picks the member whose score for the client's network is the highest.

    It does not depend on the family asked for, so a client gets the same host for
    both wherever the winner has both.
    """

    depends = frozenset({CLIENT})

    def __init__(self, argument: object = None) -> None:
        no_argument("hash", argument)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_Scores":
        """Make ready."""
        return _Scores(candidates)


class HashedByName:
    """Picks the member whose score for the name of the question is the highest.

    Under a wildcard each name so has a member of its own, the same for all clients.
    """

    depends = frozenset({NAME})

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "_ScoresByName":
        """Make ready."""
        return _ScoresByName(candidates)


class _Scores:
    __slots__ = ("_candidates", "_rows")

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._rows = [(member_seed(m.name), m.weight, (m,)) for m in candidates]

    def key(self, context: DrawContext) -> int:
        """The key of what the choice goes by; takes down that it does."""
        bits = network_bits(context.client)
        context.used(bits)
        return client_key(context.client, bits)

    def draw(self, context: DrawContext, count: int) -> Candidates:
        key = self.key(context)
        if count > 1:
            scored = [
                (log(uniform(key ^ seed)) / weight, -place)
                for place, (seed, weight, _) in enumerate(self._rows)
            ]
            best = nlargest(count, scored)
            return tuple(self._candidates[-place] for _, place in best)
        winner = self._rows[0][2]
        highest = float("-inf")
        for seed, weight, member in self._rows:
            # splitmix64 and u, as in `mix` and `uniform`, without the calls.
            x = ((key ^ seed) + 0x9E3779B97F4A7C15) & MASK
            x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
            x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
            score = log((((x ^ x >> 31) >> 12) + 0.5) * 2**-52) / weight
            if score > highest:
                winner, highest = member, score
        return winner

    def rank(self, now: float) -> Sequence[Member]:
        return by_weight(self._candidates)

    def odds(self, context: DrawContext) -> Sequence[float]:
        look = DrawContext(
            context.client,
            context.family,
            context.now,
            context.rng,
            count=False,
            name=context.name,
        )
        (winner,) = self.draw(look, 1)
        return tuple(float(member is winner) for member in self._candidates)


class _ScoresByName(_Scores):
    __slots__ = ()

    def key(self, context: DrawContext) -> int:
        return fnv1a(context.name)


def network_bits(client: Client) -> int:
    """How many bits of the client's address the choice goes by."""
    return min(PREFIX_V4 if len(client.address) == 4 else PREFIX_V6, client.prefix)


def client_key(client: Client, bits: int) -> int:
    """The key of the client's network of `bits` bits."""
    size = (bits + 7) // 8
    network = client.address[:size]
    if bits % 8:
        last = network[-1] & (0xFF00 >> bits % 8)
        network = network[:-1] + bytes((last & 0xFF,))
    return fnv1a(network)


def member_seed(name: str) -> int:
    """The seed of a member, from its name alone."""
    return fnv1a(name.encode())


def fnv1a(data: bytes) -> int:
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def mix(x: int) -> int:
    """Splitmix64: one step from state x."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return x ^ x >> 31


def uniform(x: int) -> float:
    """A number strictly between 0 and 1 out of `x`."""
    return ((mix(x) >> 12) + 0.5) * 2**-52
