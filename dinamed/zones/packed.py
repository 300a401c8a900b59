"""Lookup in packed zones (RFC 1034 section 4.3.2, RFC 4592, RFC 6672)."""

import mmap
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple
from zlib import crc32

from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.layout import (
    DEAD,
    HEADER,
    HEADER_1,
    MAGIC,
    MAGIC_1,
    NODE,
    RRSET,
    WILDCARD,
    NodeFlag,
    ZoneFlag,
    decode_rrset,
    measure,
)
from dinamed.zones.model import RRset
from dinamed.zones.ordering import Ordered, in_order
from dinamed.zones.packer import pack

__all__ = ["MatchKind", "Node", "NodeFlag", "PackedZone", "RRset", "ZoneMatch", "pack"]

_CUT = int(NodeFlag.CUT)
_HAS_DNAME = int(NodeFlag.HAS_DNAME)
_BELOW = int(NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)
_OCCLUDED = _CUT | _BELOW
_WILDCARD = int(NodeFlag.HAS_WILDCARD)
_HASH = int(NodeFlag.HASH)


class MatchKind(Enum):
    """How a name relates to the data of a zone."""

    EXACT = "exact"
    WILDCARD = "wildcard"
    CUT = "cut"
    DNAME = "dname"
    MISSING = "missing"


class Node:
    """A name of the zone: its records, and the pool it is bound to.

    `flags` are `NodeFlag`s as a plain integer.  A node without records and pool is an
    empty non-terminal: it exists, and has no data of any type.
    """

    __slots__ = ("_count", "_data", "_offset", "_rrsets", "flags", "offset", "pool")

    def __init__(self, data: memoryview, offset: int, pools: tuple[str, ...]) -> None:
        self.offset = offset
        start = offset + 1 + data[offset]
        flags, pool, count = NODE.unpack_from(data, start)
        self.flags: int = flags
        self.pool: str | None = pools[pool - 1] if pool else None
        self._count: int = count
        self._data = data
        self._offset = start + NODE.size
        self._rrsets: Mapping[int, RRset] | None = None

    @property
    def rrsets(self) -> Mapping[int, RRset]:
        """The RRsets by type, types in ascending order; parsed on first use."""
        if self._rrsets is None:
            found: dict[int, RRset] = {}
            offset = self._offset
            for _ in range(self._count):
                rrset, offset = decode_rrset(self._data, offset)
                found[rrset.type] = rrset
            self._rrsets = MappingProxyType(found)
        return self._rrsets

    def get(self, rrtype: int) -> RRset | None:
        """The RRset of one type, or None."""
        return self.rrsets.get(rrtype)

    @property
    def types(self) -> tuple[int, ...]:
        """The types of the RRsets, in ascending order."""
        found = []
        offset = self._offset
        for _ in range(self._count):
            rrtype, _ttl, _records, size = RRSET.unpack_from(self._data, offset)
            found.append(rrtype)
            offset += RRSET.size + size
        return tuple(found)

    @property
    def key(self) -> bytes:
        """The relative key: the wire labels left of the origin."""
        start = self.offset + 1
        return bytes(self._data[start : start + self._data[self.offset]])

    def encoded(self) -> tuple[tuple[int, ...], int, bytes]:
        """The types, the number of records, and the RRsets as they are packed."""
        types = []
        records = 0
        offset = self._offset
        for _ in range(self._count):
            rrtype, _ttl, count, size = RRSET.unpack_from(self._data, offset)
            types.append(rrtype)
            records += count
            offset += RRSET.size + size
        return tuple(types), records, bytes(self._data[self._offset : offset])


class ZoneMatch(NamedTuple):
    """What a lookup found: see `PackedZone.find`."""

    kind: MatchKind
    name: WireName
    node: Node


class PackedZone:
    """One zone, immutable, read straight from its packed bytes.

    `buffer` is what `pack` made, or a mapping of a file that holds it.  `names` and
    `records` are counts; `names` includes empty non-terminals.  `depth` is the number
    of labels of the deepest name, relative to the origin.  Of the octets so many are
    `dead`: left over from names that were changed.  Raises ValueError when the
    buffer is not a packed zone.
    """

    def __init__(
        self, buffer: bytes | bytearray | memoryview | mmap.mmap, dead: int = 0
    ) -> None:
        data = memoryview(buffer).cast("B").toreadonly()
        self.outdated = data[:8] == MAGIC_1
        """Whether this is of the layout before, so that signatures are not found."""
        header = HEADER_1 if self.outdated else HEADER
        if len(data) < header.size or (data[:8] != MAGIC and not self.outdated):
            raise ValueError("not a packed zone")
        self.names: int
        self.rrsets: int
        self.records: int
        self.serial: int
        self.depth: int
        self._nodes_at: int
        self._index: Sequence[int]
        (
            _,
            size,
            flags,
            self.names,
            self.rrsets,
            self.records,
            self._nodes_at,
            self._pools_at,
            self._bound_at,
            self._bound,
            index_at,
            slots,
            self.serial,
            self._negative_ttl,
            *chain,
            self.depth,
            origin,
        ) = header.unpack_from(data)
        if size != len(data) or slots & (slots - 1) or index_at + 4 * slots != size:
            raise ValueError("packed zone is damaged")
        self.buffer = data
        self.dead = dead
        self._first = header.size + origin
        self.flags = ZoneFlag(flags)
        self.origin: WireName = bytes(data[header.size : header.size + origin])
        self.pools = self._read_pools()
        self._index = _numbers(data[index_at : index_at + 4 * slots])
        self._mask: int = slots - 1
        start, count = chain or (0, 0)
        self.chain = _numbers(data[start : start + 4 * count])
        """Offsets of the nodes that deny what does not exist, in their order."""
        self.signed = bool(flags & ZoneFlag.SIGNED)
        """Whether the zone's data have signatures (RRSIG records) beside them."""
        self._ordered: tuple[tuple[bytes, ...], Ordered] | None = None

    def _read_pools(self) -> tuple[str, ...]:
        data = self.buffer
        offset = self._pools_at
        count = data[offset] | data[offset + 1] << 8
        offset += 2
        pools = []
        for _ in range(count):
            end = offset + 1 + data[offset]
            pools.append(str(data[offset + 1 : end], "utf-8"))
            offset = end
        return tuple(pools)

    @cached_property
    def apex(self) -> Node:
        """The node of the origin."""
        return Node(self.buffer, self._nodes_at, self.pools)

    @cached_property
    def soa(self) -> RRset:
        """The SOA as it stands in the zone, for answers."""
        return self.apex.rrsets[Type.SOA]

    @cached_property
    def negative(self) -> RRset:
        """The SOA with the TTL of negative answers (RFC 2308 section 3)."""
        return self.soa._replace(ttl=self._negative_ttl)

    def node(self, relative: bytes) -> Node | None:
        """The node of a relative key (lowercased), if it has one.

        Occluded names have one too, and the owners of NSEC3 records.
        """
        offset = self._probe(relative)
        return Node(self.buffer, offset, self.pools) if offset else None

    def node_at(self, offset: int) -> Node:
        """The node at an offset, which must be that of a node."""
        return Node(self.buffer, offset, self.pools)

    def nodes(self) -> Iterator[tuple[bytes, Node]]:
        """All names and nodes, the apex first."""
        yield b"", self.apex
        offset, left = self._first, self.names - 1
        while left:
            found = measure(self.buffer, offset)
            if offset != self._nodes_at and found.pool != DEAD:
                left -= 1
                node = Node(self.buffer, offset, self.pools)
                yield node.key, node
            offset = found.end

    def in_order(self, further: tuple[bytes, ...], pure: bool = False) -> Ordered:
        """The names that own data and are not occluded, and further ones, in order.

        `further` are canonical forms of names that are not among them.  What was asked
        for last is kept, for it takes long in a large zone.  `pure`: make it in Python.
        """
        known = self._ordered
        if pure or known is None or known[0] != further:
            made = in_order(self.buffer, self._first, self._pools_at, further, pure)
            self._ordered = known = (further, made)
        return known[1]

    def order_like(self, other: "PackedZone") -> None:
        """Have the order at hand that was asked for of another zone; for a thread."""
        if other._ordered is not None:
            self.in_order(other._ordered[0])

    def bound(self) -> Iterator[tuple[bytes, Node]]:
        """The names that are bound to a pool, without a walk over all names."""
        end = self._bound_at + 4 * self._bound
        for offset in _numbers(self.buffer[self._bound_at : end]):
            node = Node(self.buffer, offset, self.pools)
            yield node.key, node

    def find(self, name: WireName) -> ZoneMatch:
        """Look up a lowercased absolute name at or below the origin.

        `EXACT`: the name exists, maybe without records.  `WILDCARD`: it does not, and
        the wildcard `match.name` stands for it.  `CUT`: the name is at or below the
        delegation `match.name` (so for DS at the cut itself look at `match.node`).
        `DNAME`: it is below `match.name`, which owns a DNAME.  `MISSING`: nothing of
        these; `match.name` is the closest encloser.

        A hit costs one probe of the index; a miss costs at most `depth` probes, and
        one more where a wildcard answers.
        """
        relative = name[: len(name) - len(self.origin)]
        offset = self._probe(relative)
        node = Node(self.buffer, offset, self.pools) if offset else None
        if node is not None and not node.flags & _HASH:
            if not node.flags & _OCCLUDED:
                return ZoneMatch(MatchKind.EXACT, name, node)
        else:
            relative, node = self._closest_encloser(relative)
            if not node.flags & (_OCCLUDED | _HAS_DNAME):
                if node.flags & _WILDCARD:
                    wildcard = WILDCARD + relative
                    source = self.node(wildcard)
                    assert source is not None
                    return ZoneMatch(MatchKind.WILDCARD, wildcard + self.origin, source)
                return ZoneMatch(MatchKind.MISSING, relative + self.origin, node)
        while node.flags & _BELOW:
            relative = relative[1 + relative[0] :]
            above = self.node(relative)
            assert above is not None
            node = above
        kind = MatchKind.CUT if node.flags & _CUT else MatchKind.DNAME
        return ZoneMatch(kind, relative + self.origin, node)

    def _probe(self, key: bytes) -> int:
        """The offset of the node with this key, or 0."""
        if not key:
            return self._nodes_at
        index = self._index
        mask = self._mask
        data = self.buffer
        size = len(key)
        slot = crc32(key) & mask
        while offset := index[slot]:
            if data[offset] == size and data[offset + 1 : offset + 1 + size] == key:
                return offset
            slot = (slot + 1) & mask
        return 0

    def _closest_encloser(self, relative: bytes) -> tuple[bytes, Node]:
        """The longest existing ancestor of a name that does not exist."""
        starts = []
        position = 0
        while position < len(relative):
            position += 1 + relative[position]
            starts.append(position)
        for start in starts[max(0, len(starts) - self.depth - 1) :]:
            key = relative[start:]
            offset = self._probe(key)
            if offset:
                node = Node(self.buffer, offset, self.pools)
                if not node.flags & _HASH:
                    return key, node
        raise AssertionError("the apex encloses every name")


def _numbers(view: memoryview) -> Sequence[int]:
    if sys.byteorder == "little":
        return view.cast("I")
    numbers = array("I", bytes(view))
    numbers.byteswap()
    return numbers
