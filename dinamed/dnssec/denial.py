"""Proofs that names and types do not exist: a chain of NSEC over all names of a zone.

The chain holds the names that own data and are not below a cut or a DNAME, in
canonical order; names that only have names below them are denied by the record before
them (RFC 4035 section 2.3).  Nothing that is asked adds to it.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dinamed.dnssec.nsec import nsec_rrset
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.layout import NodeFlag
from dinamed.zones.model import RRset
from dinamed.zones.order import NameOrder
from dinamed.zones.virtual import Names

_NOT_IN_CHAIN = int(NodeFlag.EMPTY | NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)
_CUT = int(NodeFlag.CUT)
_AT_CUTS = frozenset({Type.NS, Type.DS})
_TEXT = frozenset({int(Type.TXT)})


class Denial:
    """The chain of one zone.

    `pools` has the types that names bound to a pool can ever answer, by its name, and
    `apex` the types that the apex has beside those of its data.  `others` are the types
    that further names can answer, or names beside their data, by relative key.  `order`
    is that of the names if it is known.
    """

    def __init__(
        self,
        names: Names,
        pools: Mapping[str, frozenset[int]],
        apex: Iterable[int] = (),
        others: Mapping[bytes, frozenset[int]] = MappingProxyType({}),
        order: NameOrder | None = None,
    ) -> None:
        self.names = names
        self.pools = pools
        self.apex = frozenset(apex)
        self.others = others
        self._order = order
        # RFC 9077: as long as any other negative answer.
        self.ttl = names.zone.negative.ttl

    @property
    def order(self) -> NameOrder:
        """The names in their order; the apex comes first."""
        if self._order is None:
            self._order = self._ordered()
        return self._order

    def put_in_order(self) -> None:
        """Have the order at hand, here and for others of the same zone."""
        self._order = self.order

    def _ordered(self) -> NameOrder:
        further = {
            key
            for key, virtual in self.names.virtual.items()
            if not virtual.node.flags & _NOT_IN_CHAIN
        }
        for key in self.others:
            node = self.names.zone.node(key)
            if node is None or node.flags & _NOT_IN_CHAIN:
                further.add(key)
        return NameOrder(self.names.zone, further)

    def with_apex(self, apex: Iterable[int]) -> "Denial":
        """The same names in the same order, with these types at the apex."""
        return Denial(self.names, self.pools, apex, self.others, self.order)

    def is_like(self, other: "Denial") -> bool:
        """Whether another one's records are the same for sure."""
        return self is other or (
            self.names is other.names
            and self.pools == other.pools
            and self.apex == other.apex
            and self.others == other.others
        )

    def __len__(self) -> int:
        return len(self.order)

    def position(self, key: bytes) -> int:
        """Where the owner stands that is this name, or the last one before it."""
        return self.order.position(key)

    def key(self, position: int) -> bytes:
        """The relative key of the owner at a position."""
        return self.order.key(position)

    def record(
        self, position: int, without: int | None = None
    ) -> tuple[WireName, RRset]:
        """The owner at a position, and its NSEC, which leaves out `without`."""
        key, following = self.key(position), self.key((position + 1) % len(self))
        origin = self.names.zone.origin
        types = self.types(key)
        if without is not None:
            types = types - {without}
        return key + origin, nsec_rrset(following + origin, types, self.ttl)

    def matching(self, key: bytes) -> int | None:
        """Where this name stands as an owner; None if it owns no NSEC."""
        position = self.position(key)
        return position if self.key(position) == key else None

    def types(self, key: bytes) -> frozenset[int]:
        """The types of a name in the chain, but for NSEC and RRSIG."""
        virtual = self.names.virtual.get(key)
        if virtual is not None and virtual.own:
            return _TEXT
        others = self.others.get(key, frozenset())
        node = self.names.zone.node(key) if virtual is None else virtual.node
        if node is None:
            return others
        types = frozenset(node.types) | others
        if node.flags & _CUT:
            return types & _AT_CUTS
        if node.pool is not None:
            types |= self.pools[node.pool]
        return types if key else types | self.apex
