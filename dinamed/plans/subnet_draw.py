"""Replies made ready for messages that differ in the client subnet alone."""

from dataclasses import replace

from dinamed.plans.context import QueryContext
from dinamed.plans.draw import Draw, choose, reply_of_choice
from dinamed.plans.moment import Present
from dinamed.plans.plan import PoolAnswer
from dinamed.pools.context import Client
from dinamed.wire.subnet import ClientSubnet

_TAILS = tuple(
    (size, bytes((0, 8, 0, 4 + size, 0, family, 8 * size, 0)))
    for family, size in ((1, 3), (2, 7), (1, 4), (2, 6), (2, 8))
)
"""The usual client subnets, up to their address: /24, /56, /32, /48 and /64."""


def subnet_tail(data: bytes) -> int:
    """Octets of the address of the client subnet that a message seems to end with.

    0 without one, and for unusual ones.  Two messages that differ in nothing but this
    address are read alike.
    """
    for size, tail in _TAILS:
        if data[-8 - size : -size] == tail:
            return size
    return 0


class SubnetDraw(Draw):
    """A draw made ready, for UDP queries that end with a client subnet."""

    __slots__ = ("_bits", "_octets")

    def __init__(
        self, present: Present, plan: PoolAnswer, context: QueryContext, size: int
    ) -> None:
        """`size` is the number of octets of the subnet's address."""
        super().__init__(present, plan, context)
        self._bits = 8 * size
        self._octets = 4 if size <= 4 else 16
        self._opt = self._opt[: -1 - size]

    def reply_to(self, ident: bytes, source: bytes, address: bytes) -> bytes:
        """One reply, for a client of the network whose address begins so."""
        moment = self._present()
        plan = self._plan
        honoured = plan.subnet and moment.snapshot.honours_subnet_from(source)
        if honoured:
            whole = address.ljust(self._octets, b"\0")
            client = Client(whole, self._bits, True)
        else:
            client = Client(source, len(source) * 8)
        choice = choose(moment, plan, client, self._name)
        scope = min(choice.scope, self._bits) if honoured else 0
        opt = self._opt + bytes((scope,)) + address
        return self._quickly(ident, moment, choice, opt) or (
            ident
            + reply_of_choice(
                moment, plan, choice._replace(scope=scope), self._asked(address)
            )[2:]
        )

    def _asked(self, address: bytes) -> QueryContext:
        """The query as it came from that network."""
        context = self._context
        edns = context.query.edns
        assert edns is not None and edns.subnet is not None
        subnet = ClientSubnet(edns.subnet.family, self._bits, address)
        query = context.query._replace(edns=replace(edns, subnet=subnet))
        return replace(context, query=query)
