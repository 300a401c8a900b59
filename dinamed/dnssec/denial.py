"""Proofs that names and types do not exist: a chain of NSEC over all names of a zone.

The chain holds the names that own data and are not below a cut or a DNAME, in
canonical order; names that only have names below them are denied by the record before
them (RFC 4035 section 2.3).  Nothing that is asked adds to it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property

from dinamed.dnssec.nsec import nsec_rrset
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.canonical import canonical_key
from dinamed.zones.layout import NodeFlag
from dinamed.zones.model import RRset
from dinamed.zones.virtual import Names

_NOT_IN_CHAIN = int(NodeFlag.EMPTY | NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)
_CUT = int(NodeFlag.CUT)
_AT_CUTS = frozenset({Type.NS, Type.DS})
_TEXT = frozenset({int(Type.TXT)})


class Denial:
    """The chain of one zone.

    `pools` has the types that names bound to a pool can ever answer, by its name, and
    `apex` the types that the apex has beside those of its data.
    """

    def __init__(
        self,
        names: Names,
        pools: Mapping[str, frozenset[int]],
        apex: Iterable[int] = (),
    ) -> None:
        self._names = names
        self._pools = pools
        self._apex = frozenset(apex)
        # RFC 9077: as long as any other negative answer.
        self.ttl = names.zone.negative.ttl

    @cached_property
    def _order(self) -> tuple[list[bytes], list[bytes]]:
        """The sort keys of the names, and their relative keys, in canonical order."""
        keys = [
            key
            for key, node in self._names.zone.nodes()
            if not node.flags & _NOT_IN_CHAIN
        ]
        keys += [
            key
            for key, virtual in self._names.virtual.items()
            if not virtual.node.flags & _NOT_IN_CHAIN
        ]
        pairs = sorted((canonical_key(key), key) for key in keys)
        return [order for order, _ in pairs], [key for _, key in pairs]

    def __len__(self) -> int:
        return len(self._order[1])

    @property
    def keys(self) -> list[bytes]:
        """The relative keys of all owners, in order; the apex comes first."""
        return self._order[1]

    def position(self, key: bytes) -> int:
        """Where the owner stands that is this name, or the last one before it."""
        return bisect_right(self._order[0], canonical_key(key)) - 1

    def record(
        self, position: int, without: int | None = None
    ) -> tuple[WireName, RRset]:
        """The owner at a position, and its NSEC, which leaves out `without`."""
        keys = self._order[1]
        key, following = keys[position], keys[(position + 1) % len(keys)]
        origin = self._names.zone.origin
        types = self.types(key)
        if without is not None:
            types = types - {without}
        return key + origin, nsec_rrset(following + origin, types, self.ttl)

    def matching(self, key: bytes) -> int | None:
        """Where this name stands as an owner; None if it owns no NSEC."""
        position = self.position(key)
        return position if self._order[1][position] == key else None

    def types(self, key: bytes) -> frozenset[int]:
        """The types of a name in the chain, but for NSEC and RRSIG."""
        virtual = self._names.virtual.get(key)
        if virtual is not None and virtual.own:
            return _TEXT
        node = self._names.zone.node(key) if virtual is None else virtual.node
        assert node is not None
        types = frozenset(node.types)
        if node.flags & _CUT:
            return types & _AT_CUTS
        if node.pool is not None:
            types |= self._pools[node.pool]
        return types if key else types | self._apex
