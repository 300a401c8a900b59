"""A packed zone with a few names changed, for what the change costs.

`dinamed.transfers.rebuild` goes through all names; here the octets are copied as they
are, the nodes that have changed go behind the others, and the index is told where they
are.  What is no longer used stays as dead octets until the zone is rebuilt.
"""

import sys
from collections.abc import Iterable, Mapping
from zlib import crc32

from dinamed.wire.constants import Type
from dinamed.zones.layout import (
    DEAD,
    HEADER,
    MOST_PROBES,
    NODE,
    WILDCARD,
    NodeFlag,
    ZoneFlag,
    encode_rrset,
    measure,
)
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone

Changes = Mapping[bytes, Iterable[RRset]]
"""All RRsets of the names that change, by relative key in lower case."""

MOST_NAMES = 4096
"""Names in one change; more are as well rebuilt."""
MOST_DEAD = 0.25
"""The share of a zone's octets that may be dead."""

_ELSEWHERE = frozenset((Type.DNAME, Type.NSEC, Type.NSEC3, Type.NSEC3PARAM, Type.RRSIG))
"""Types that say something of other names, or of the whole zone."""
_BELOW = int(NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)
_WILDCARD = int(NodeFlag.HAS_WILDCARD)
_POOL, _EMPTY = int(NodeFlag.POOL), int(NodeFlag.EMPTY)


class Children:
    """How many names lie right below each name of a zone, empty ones included.

    They are counted when that is first asked for, which takes a walk over all names;
    from then on patches keep the counts right.
    """

    def __init__(self, zone: PackedZone) -> None:
        self.zone = zone
        self._counts: dict[bytes, int] | None = None

    def of(self, key: bytes) -> int:
        """The names right below a name."""
        if self._counts is None:
            self._counts = {}
            self._take({key: 1 for key, _ in self.zone.nodes() if key}, self._counts)
        return self._counts.get(key, 0)

    def follow(self, zone: PackedZone, news: Mapping[bytes, int]) -> None:
        """Be those of another zone, to which names have come (1) and gone (-1)."""
        self.zone = zone
        if self._counts is not None:
            self._take(news, self._counts)

    @staticmethod
    def _take(news: Mapping[bytes, int], counts: dict[bytes, int]) -> None:
        for key, more in news.items():
            parent = key[1 + key[0] :]
            count = counts.get(parent, 0) + more
            if count:
                counts[parent] = count
            else:
                counts.pop(parent, None)


class _CannotPatchError(Exception):
    """The zone has to be rebuilt."""


def patched(
    zone: PackedZone, changes: Changes, children: Children
) -> PackedZone | None:
    """The zone with the changed names as `changes` has them.

    `children` are those of the zone, and then of the new one.  None, with nothing
    done, if the change reaches beyond the names themselves (delegations, DNAME, what
    belongs to signed zones), or if it is time to rebuild the zone.
    """
    wanted = {
        key: sorted(rrset for rrset in rrsets if rrset.rdatas)
        for key, rrsets in changes.items()
    }
    if not _is_local(zone, wanted):
        return None
    patch = _Patch(zone, children)
    try:
        for key, rrsets in wanted.items():
            patch.set(key, rrsets)
        result = patch.finish()
    except _CannotPatchError:
        return None
    children.follow(result, patch.news)
    return result


def _is_local(zone: PackedZone, wanted: Mapping[bytes, list[RRset]]) -> bool:
    if (
        sys.byteorder != "little"
        or zone.outdated
        or zone.signed
        or len(zone.chain)
        or len(wanted) > MOST_NAMES
        or zone.dead > MOST_DEAD * len(zone.buffer)
    ):
        return False
    for key, rrsets in wanted.items():
        node = zone.node(key)
        types = {rrset.type for rrset in rrsets}
        if not key and Type.SOA not in types:
            return False
        if node is not None:
            types.update(node.rrsets)
        if types & _ELSEWHERE or (key and Type.NS in types):
            return False
    return True


class _Patch:
    """The new run of octets as it grows."""

    def __init__(self, zone: PackedZone, children: Children) -> None:
        self._zone = zone
        self._children = children
        header = HEADER.unpack_from(zone.buffer)
        (
            self._flags,
            self._names,
            self._rrsets,
            self._records,
            self._apex_at,
            self._pools_at,
            self._bound_at,
            bound,
            index_at,
            _slots,
            self._serial,
            self._negative,
            self._chain_at,
            _chain,
            self._depth,
            _origin,
        ) = header[2:]
        self._out = bytearray(zone.buffer[: self._pools_at])
        self._bound = zone.buffer[self._bound_at : self._bound_at + 4 * bound].cast("I")
        self._moved: dict[int, int] = {}
        """Of nodes that are bound to pools, the offsets before and now."""
        self._index = bytearray(zone.buffer[index_at:])
        self._table = memoryview(self._index).cast("I")
        self._dead = zone.dead
        self.news: dict[bytes, int] = {}
        """Names that have come (1), and gone (-1)."""

    def set(self, key: bytes, rrsets: list[RRset]) -> None:
        """Give a name these RRsets, in the order of their types."""
        offset = self._find(key)
        if not offset:
            if rrsets:
                self._create(key, rrsets)
            return
        pool = measure(self._out, offset).pool
        self._forget(offset)
        if rrsets or pool or not key or self._below(key):
            self._replace(key, offset, rrsets, pool)
        else:
            self._remove(key, offset)

    def finish(self) -> PackedZone:
        """All of it."""
        out, zone = self._out, self._zone
        pools_at = len(out)
        out += zone.buffer[self._pools_at : self._bound_at]
        bound_at = len(out)
        for offset in self._bound:
            out += self._moved.get(offset, offset).to_bytes(4, "little")
        chain_at = len(out)
        out += bytes(-len(out) % 4)
        index_at = len(out)
        self._table.release()
        out += self._index
        if len(out) >= 1 << 32:
            raise _CannotPatchError
        HEADER.pack_into(
            out,
            0,
            bytes(zone.buffer[:8]),
            len(out),
            self._flags,
            self._names,
            self._rrsets,
            self._records,
            self._apex_at,
            pools_at,
            bound_at,
            len(self._bound),
            index_at,
            len(self._index) // 4,
            self._serial,
            self._negative,
            chain_at,
            0,
            self._depth,
            len(zone.origin),
        )
        return PackedZone(out, self._dead)

    def _create(self, key: bytes, rrsets: list[RRset]) -> None:
        """A name that was not there, and those above it that were not either."""
        parent = key[1 + key[0] :]
        above = self._find(parent)
        if not above:
            self._create(parent, [])
            above = self._find(parent)
        flags = self._passed_down(above)
        if key[:2] == WILDCARD:
            self._out[above + 1 + self._out[above]] |= _WILDCARD
            self._flags |= ZoneFlag.WILDCARDS
        depth, at = 0, 0
        while at < len(key):
            at += 1 + key[at]
            depth += 1
        self._depth = max(self._depth, depth)
        offset = self._append(key, flags, 0, rrsets)
        self._insert(key, offset)
        self._names += 1
        self.news[key] = self.news.get(key, 0) + 1

    def _passed_down(self, offset: int) -> int:
        """The flags that a name has from the one right above it."""
        flags = self._out[offset + 1 + self._out[offset]]
        if flags & _BELOW:
            return flags & _BELOW
        if flags & NodeFlag.CUT:
            return int(NodeFlag.BELOW_CUT)
        return int(NodeFlag.BELOW_DNAME) if flags & NodeFlag.HAS_DNAME else 0

    def _replace(self, key: bytes, old: int, rrsets: list[RRset], pool: int) -> None:
        flags = self._out[old + 1 + self._out[old]] & ~(_POOL | _EMPTY)
        offset = self._append(key, flags, pool, rrsets)
        if pool:
            self._moved[self._first_place(old)] = offset
        if key:
            self._table[self._slot(key)] = offset
        else:
            self._apex_at = offset
            soa = next(rrset for rrset in rrsets if rrset.type == Type.SOA)
            self._serial = int.from_bytes(soa.rdatas[0][-20:-16], "big")
            minimum = int.from_bytes(soa.rdatas[0][-4:], "big")
            self._negative = min(soa.ttl, minimum)
        self._kill(old)

    def _first_place(self, offset: int) -> int:
        """Where a node that may have been moved before was in the zone."""
        for first, now in self._moved.items():
            if now == offset:
                return first
        return offset

    def _remove(self, key: bytes, offset: int) -> None:
        """Take a name away, and those above it that were there for it alone."""
        self._take_out(self._slot(key))
        self._kill(offset)
        self._names -= 1
        self.news[key] = self.news.get(key, 0) - 1
        parent = key[1 + key[0] :]
        above = self._find(parent)
        if key[:2] == WILDCARD:
            self._out[above + 1 + self._out[above]] &= ~_WILDCARD
        if (
            parent
            and self._out[above + 1 + self._out[above]] & _EMPTY
            and not self._below(parent)
        ):
            self._remove(parent, above)

    def _below(self, key: bytes) -> int:
        """How many names lie right below a name by now."""
        mine = sum(
            more
            for one, more in self.news.items()
            if len(one) > len(key) and one[1 + one[0] :] == key
        )
        return self._children.of(key) + mine

    def _append(self, key: bytes, flags: int, pool: int, rrsets: list[RRset]) -> int:
        """A node behind all others; its offset."""
        if pool:
            flags |= _POOL
        elif not rrsets:
            flags |= _EMPTY
        offset = len(self._out)
        head = bytes((len(key),)) + key + NODE.pack(flags, pool, len(rrsets))
        self._out += head + b"".join(map(encode_rrset, rrsets))
        self._rrsets += len(rrsets)
        self._records += sum(len(rrset.rdatas) for rrset in rrsets)
        return offset

    def _forget(self, offset: int) -> None:
        """Count the records of a node no more."""
        held = measure(self._out, offset)
        self._rrsets -= held.rrsets
        self._records -= held.records
        self._dead += held.end - offset

    def _kill(self, offset: int) -> None:
        """Have walks pass over a node."""
        start = offset + 1 + self._out[offset]
        flags, _, count = NODE.unpack_from(self._out, start)
        NODE.pack_into(self._out, start, flags, DEAD, count)

    # The index.

    def _find(self, key: bytes) -> int:
        """The offset of a name's node, or 0."""
        return int(self._table[self._slot(key)]) if key else self._apex_at

    def _slot(self, key: bytes) -> int:
        """The slot of a name, or the free one where it would be."""
        mask = len(self._table) - 1
        slot = crc32(key) & mask
        node = bytes((len(key),)) + key
        for _ in range(MOST_PROBES):
            offset = self._table[slot]
            if not offset or self._out.startswith(node, offset):
                return slot
            slot = (slot + 1) & mask
        raise _CannotPatchError

    def _insert(self, key: bytes, offset: int) -> None:
        if (self._names + 1) * 3 > len(self._table) * 2:
            raise _CannotPatchError
        self._table[self._slot(key)] = offset

    def _take_out(self, hole: int) -> None:
        """Free a slot, and close the gap: what lies behind was perhaps pushed there."""
        table, mask = self._table, len(self._table) - 1
        slot = hole
        for _ in range(MOST_PROBES):
            slot = (slot + 1) & mask
            offset = table[slot]
            if not offset:
                break
            start = offset + 1
            home = crc32(self._out[start : start + self._out[offset]]) & mask
            if (slot - home) & mask >= (slot - hole) & mask:
                table[hole] = offset
                hole = slot
        else:
            raise _CannotPatchError
        table[hole] = 0
