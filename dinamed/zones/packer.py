"""Writing packed zones; `layout` says what the bytes mean."""

import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Generic, TypeVar
from zlib import crc32

from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.chain import NO_CHAIN, DenialChain, chain_of, is_signed
from dinamed.zones.layout import (
    COLLIDING,
    HEADER,
    MAGIC,
    MOST_PROBES,
    NODE,
    WILDCARD,
    NodeFlag,
    ZoneFlag,
    decode_rrset,
    encode_rrset,
)
from dinamed.zones.marks import Marks
from dinamed.zones.masterdata import NativeRecords, native
from dinamed.zones.model import RRset

OwnerData = TypeVar("OwnerData")
Encode = Callable[[bytes, OwnerData], tuple[int, int, bytes]]

_MAX_SIZE = 0xFFFFFFFF
_LENGTHS = [bytes((length,)) for length in range(256)]
_BELOW = int(NodeFlag.BELOW_CUT | NodeFlag.BELOW_DNAME)


def pack(
    origin: WireName,
    rrsets: Iterable[tuple[bytes, RRset]],
    names: Mapping[bytes, str],
    bare: Iterable[bytes] = (),
) -> bytes | bytearray:
    """Pack RRsets by relative key, and the pools that relative keys are bound to.

    Names in `bare` exist too, with or without data.  The keys must be lowercased.
    Raises ValueError when the apex has no SOA, when a name has two RRsets of one type,
    and when the result would pass 4 GiB.
    """
    owners: dict[bytes, list[RRset]] = {}
    for key, rrset in rrsets:
        owners.setdefault(key, []).append(rrset)
    for key in bare:
        if key not in names:
            owners.setdefault(key, [])
    marks = Marks.of(
        (key, tuple(rrset.type for rrset in sets)) for key, sets in owners.items()
    )

    def encode(key: bytes, sets: list[RRset]) -> tuple[int, int, bytes]:
        if len({rrset.type for rrset in sets}) != len(sets):
            raise ValueError(f"{key!r} has two RRsets of one type")
        sets.sort()
        records = sum(len(rrset.rdatas) for rrset in sets)
        return len(sets), records, b"".join(map(encode_rrset, sets))

    return assemble(origin, owners, encode, marks, names)


def assemble(
    origin: WireName,
    owners: Mapping[bytes, OwnerData],
    encode: Encode[OwnerData],
    marks: Marks,
    names: Mapping[bytes, str],
) -> bytes | bytearray:
    """Pack owners of any kind; `pack` is the plain case.

    `encode` turns a key and its owner into (RRsets, records, the encoded RRsets).
    Raises ValueError as `pack` does.
    """
    if b"" not in owners:
        raise ValueError("no SOA at the apex")
    return _Packer(origin, owners, encode, _Tree(marks), names).pack()


class _Packer(Generic[OwnerData]):
    """The run of octets as it grows, and what goes into the parts behind the nodes."""

    def __init__(
        self,
        origin: WireName,
        owners: Mapping[bytes, OwnerData],
        encode: Encode[OwnerData],
        tree: "_Tree",
        names: Mapping[bytes, str],
    ) -> None:
        self.origin = origin
        self.owners = owners
        self.encode = encode
        self.tree = tree
        self.names = dict(names)
        self.pools = sorted(set(names.values()))
        self.pool_numbers = {pool: at for at, pool in enumerate(self.pools, 1)}
        self.out = bytearray(HEADER.size) + origin
        self.offsets = array("I")
        self.hashes = array("I")
        self.bound = array("I")
        self.rrsets = self.records = 0

    def pack(self) -> bytes | bytearray:
        """All of it."""
        self._enter()
        nodes_at = len(self.out)
        body = self._owner(b"", self.owners[b""])
        apex = _decoded(self.rrsets, body)
        serial, negative = _soa_numbers(apex)
        self._nodes()
        out = self.out
        pools_at = len(out)
        self._pools()
        bound_at = len(out)
        out += _little(self.bound)
        index = _index(self.offsets, self.hashes)
        chain_at = len(out)
        ordered = self._chain(apex, index)
        slots = memoryview(index).cast("I")
        out += _little(array("I", [self._probe(slots, key) for key in ordered.keys]))
        out += bytes(-len(out) % 4)
        index_at = len(out)
        out += index
        if len(out) > _MAX_SIZE:
            raise ValueError("the zone is larger than 4 GiB")
        HEADER.pack_into(
            out,
            0,
            MAGIC,
            len(out),
            self.tree.zone_flags()
            | (ZoneFlag.SIGNED if is_signed(apex) else 0)
            | (ZoneFlag.HASHED if ordered.hashed else 0),
            len(self.offsets),
            self.rrsets,
            self.records,
            nodes_at,
            pools_at,
            bound_at,
            len(self.bound),
            index_at,
            (len(out) - index_at) // 4,
            serial,
            negative,
            chain_at,
            len(ordered.keys),
            self.tree.depth,
            len(self.origin),
        )
        return out

    def _enter(self) -> None:
        owners: Iterable[bytes] = self.owners
        if isinstance(owners, NativeRecords):
            owners.enter(self.tree)
            owners = ()
        for key in chain(owners, self.names):
            if key:
                self.tree.enter(key)

    def _nodes(self) -> None:
        """All nodes but the apex: those with data, those of pools only, empty ones."""
        owners, names = self.owners, self.names
        if isinstance(owners, NativeRecords):
            offsets, hashes, bound, rrsets, records = owners.pack_nodes(
                self.out, self.tree, self.encode, names, self.pool_numbers
            )
            self.offsets.frombytes(offsets)
            self.hashes.frombytes(hashes)
            self.bound.extend(bound)
            self.rrsets += rrsets
            self.records += records
        else:
            for key, owner in owners.items():
                if key:
                    self._owner(key, owner)
        for key in names:
            if key not in owners:
                self._emit(key, 0, b"")
        for key in self.tree.inner:
            if key and key not in owners and key not in names:
                self._emit(key, 0, b"")

    def _owner(self, key: bytes, owner: OwnerData) -> bytes:
        rrsets, records, body = self.encode(key, owner)
        self._emit(key, rrsets, body)
        self.rrsets += rrsets
        self.records += records
        return body

    def _emit(self, key: bytes, rrsets: int, body: bytes) -> None:
        flags = self.tree.flags(key)
        pool = 0
        offset = len(self.out)
        if key in self.names:
            flags |= NodeFlag.POOL
            pool = self.pool_numbers[self.names[key]]
            self.bound.append(offset)
        elif not rrsets:
            flags |= NodeFlag.EMPTY
        if offset > _MAX_SIZE:
            raise ValueError("the zone is larger than 4 GiB")
        self.offsets.append(offset)
        self.hashes.append(crc32(key))
        node = NODE.pack(flags, pool, rrsets)
        self.out += _LENGTHS[len(key)] + key + node + body

    def _chain(
        self, apex: Mapping[int, RRset], index: bytes | bytearray
    ) -> DenialChain:
        """The nodes that deny names, in the order of the chain."""
        marks = self.tree.marks
        if not (marks.nsec or marks.nsec3):
            return NO_CHAIN
        slots = memoryview(index).cast("I")

        def rrsets_at(key: bytes) -> Mapping[int, RRset]:
            start = self._probe(slots, key) + 1 + len(key)
            count = NODE.unpack_from(self.out, start)[2]
            return _decoded(count, self.out, start + NODE.size)

        return chain_of(apex, marks.nsec, marks.nsec3, rrsets_at)

    def _probe(self, slots: memoryview, key: bytes) -> int:
        """The offset of a node that there is."""
        if not key:
            return self.offsets[0]
        node = _LENGTHS[len(key)] + key
        slot = crc32(key) & (len(slots) - 1)
        while offset := struct.unpack("<I", slots[slot : slot + 1])[0]:
            if self.out.startswith(node, offset):
                return int(offset)
            slot = (slot + 1) & (len(slots) - 1)
        raise KeyError(key)

    def _pools(self) -> None:
        self.out += struct.pack("<H", len(self.pools))
        for pool in self.pools:
            raw = pool.encode()
            if len(raw) > 255:
                raise ValueError(f"the name of pool {pool!r} is too long")
            self.out += _LENGTHS[len(raw)] + raw


class _Tree:
    """What the names say about each other: depth, cuts and DNAMEs above, wildcards."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.cuts, self.dnames = marks.cuts, marks.dnames
        self.depth = 0
        # For each name that has names below it: depth << 8 | flags of its children.
        self.inner: dict[bytes, int] = {}
        self.wildcards: set[bytes] = set()
        self.inner[b""] = NodeFlag.BELOW_DNAME if b"" in marks.dnames else 0

    def enter(self, key: bytes) -> int:
        """Note a name below the apex, and return what its parent passes down."""
        parent = key[1 + key[0] :]
        passed = self.inner.get(parent)
        if passed is None:
            above = self.enter(parent)
            below = above & 0xFF
            if not below:
                if parent in self.cuts:
                    below = int(NodeFlag.BELOW_CUT)
                elif parent in self.dnames:
                    below = int(NodeFlag.BELOW_DNAME)
            passed = (above & ~0xFF) + 0x100 | below
            self.inner[parent] = passed
        if key.startswith(WILDCARD):
            self.wildcards.add(parent)
        depth = (passed >> 8) + 1
        if depth > self.depth:
            self.depth = depth
        return passed

    def flags(self, key: bytes) -> int:
        """The flags of a name, but for those that speak of its own data."""
        if key in self.marks.hashes and key not in self.inner:
            return int(NodeFlag.HASH)
        flags = self.inner[key[1 + key[0] :]] & 0xFF if key else 0
        if not flags:
            if key in self.cuts:
                flags = int(NodeFlag.CUT)
            elif key in self.dnames:
                flags = int(NodeFlag.HAS_DNAME)
        if key in self.wildcards:
            flags |= int(NodeFlag.HAS_WILDCARD)
        return flags

    def zone_flags(self) -> int:
        """The `ZoneFlag`s of the zone."""
        flags = ZoneFlag(0)
        if self.cuts:
            flags |= ZoneFlag.CUTS
        if self.dnames:
            flags |= ZoneFlag.DNAMES
        if self.wildcards:
            flags |= ZoneFlag.WILDCARDS
        return int(flags)


def _decoded(count: int, data: bytes | bytearray, offset: int = 0) -> dict[int, RRset]:
    """So many RRsets, as they are packed from an offset on, by type."""
    found: dict[int, RRset] = {}
    for _ in range(count):
        rrset, offset = decode_rrset(data, offset)
        found[rrset.type] = rrset
    return found


def _soa_numbers(apex: Mapping[int, RRset]) -> tuple[int, int]:
    """Serial and negative TTL (RFC 2308 section 3) from the apex's RRsets."""
    if Type.SOA not in apex:
        raise ValueError("no SOA at the apex")
    soa = apex[Type.SOA]
    numbers = struct.unpack("!5I", soa.rdatas[0][-20:])
    return numbers[0], min(soa.ttl, numbers[4])


def _index(offsets: "array[int]", hashes: "array[int]") -> bytes | bytearray:
    if native is not None:
        return native.index(offsets.tobytes(), hashes.tobytes())
    slots = 4
    while slots * 2 < len(offsets) * 3:
        slots *= 2
    mask = slots - 1
    table = array("I", bytes(4 * slots))
    for offset, hashed in zip(offsets, hashes, strict=True):
        slot = hashed & mask
        for _ in range(MOST_PROBES):
            if not table[slot]:
                break
            slot = (slot + 1) & mask
        else:
            raise ValueError(COLLIDING)
        table[slot] = offset
    return _little(table)


def _little(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
