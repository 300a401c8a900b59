"""The bytes of a packed zone.

A packed zone is one run of bytes that is written once and then only read: from memory,
from a mapped file, by Python or by C.  All integers are unsigned and little-endian; all
offsets count octets from the start of the run.  No structure but the index is aligned.
Every name is stored *relative*: its lowercased wire labels left of the zone's origin,
without the root's zero octet, so the apex is the empty key.

Header, 72 octets at offset 0::

     0  8 octets  magic, "dinamed2"
     8  u32  size       octets of the whole run
    12  u32  flags      see `ZoneFlag`
    16  u32  nodes      number of nodes, empty non-terminals included
    20  u32  rrsets     number of RRsets
    24  u32  records    number of records
    28  u32  apex_at    offset of the node of the apex
    32  u32  pools_at   offset of the pools
    36  u32  bound_at   offset of the bound names
    40  u32  bound      number of bound names
    44  u32  index_at   offset of the index, a multiple of 4
    48  u32  slots      number of slots in the index, a power of two
    52  u32  serial     of the SOA
    56  u32  negative   TTL of negative answers: min(SOA TTL, SOA MINIMUM)
    60  u32  chain_at   offset of the chain
    64  u32  chain      number of names in the chain
    68  u16  depth      labels in the deepest key
    70  u16  origin     octets in the origin's name
    72  the origin, an absolute wire name with its zero octet, lowercased

Nodes follow each other without gaps from behind the origin on, the apex first but in
zones that were changed without being packed anew (`dinamed.zones.patch`)::

    u8   octets in the key, then the key
    u8   flags, see `NodeFlag`
    u16  pool: 0, or 1 + the place of the pool in the list of pools, or `DEAD`
    u16  number of RRsets, then the RRsets, types in ascending order

An RRset::

    u16  type
    u32  TTL
    u16  number of records
    u32  octets that follow for this RRset; then for each record
         u16 octets of rdata, then the rdata, uncompressed

Pools: u16 number of pools, then for each u8 octets of its name and the name in UTF-8.

Bound names: an array of u32, the offsets of the nodes that are bound to a pool.

Chain: an array of u32, the offsets of the nodes that deny what does not exist: the
owners of NSEC records in canonical order (RFC 4034 section 6.1), or, with
`ZoneFlag.HASHED`, those of the NSEC3 records that go by the zone's NSEC3PARAM, in the
order of their hashes.  Zones that are not signed have none.

Index: open addressing with linear probing.  An array of u32, each 0 (free) or the
offset of a node.  A key is looked for from slot ``crc32(key) & (slots - 1)`` on (the
CRC-32 of zlib), and is missing when a free slot comes first.  At least a third of the
slots is free, and no name lies more than `MOST_PROBES` slots behind its own: a zone
with names that were made to collide is refused.
"""

import struct
from enum import IntFlag
from typing import NamedTuple

from dinamed.zones.model import RRset

MAGIC = b"dinamed2"
HEADER = struct.Struct("<8s15I2H")
MAGIC_1 = b"dinamed1"
"""Of the layout before, in which saved copies of secondary zones may stand: it has no
chain, and no flags for signed zones."""
HEADER_1 = struct.Struct("<8s13I2H")
NODE = struct.Struct("<BHH")
RRSET = struct.Struct("<HIHI")
RDATA = struct.Struct("<H")

WILDCARD = b"\x01*"
MOST_PROBES = 1024
"""Slots that a name may lie behind its own.  Names do not come near that by chance."""
COLLIDING = "names in it were made to collide in its index"
DEAD = 0xFFFF
"""As the pool of a node that is no longer one of the zone's."""


class ZoneFlag(IntFlag):
    """What a lookup in this zone has to reckon with.

    `SIGNED`: the SOA has a signature, so answers to those who set DO have theirs.
    `HASHED`: the chain is one of NSEC3 records.
    """

    CUTS = 1
    DNAMES = 2
    WILDCARDS = 4
    SIGNED = 8
    HASHED = 16


class NodeFlag(IntFlag):
    """What a lookup has to know of a name besides its records.

    `CUT`: owns NS records below the apex (RFC 9499 section 7).  `BELOW_CUT`: lies
    below a cut, so it is at most glue.  `HAS_DNAME`, `BELOW_DNAME`: likewise for
    DNAME (RFC 6672).  Where cuts and DNAMEs are nested, only the one nearest to the
    apex counts.  `EMPTY`: no records and no pool here, only names below
    (RFC 4592 section 2.2.2).  `HAS_WILDCARD`: the name `*` exists right below.
    `HASH`: owns NSEC3 records alone, so it is no name that exists (RFC 5155
    section 7.2.8).
    """

    EMPTY = 1
    CUT = 2
    BELOW_CUT = 4
    HAS_DNAME = 8
    BELOW_DNAME = 16
    HAS_WILDCARD = 32
    POOL = 64
    HASH = 128


class Measure(NamedTuple):
    """What a node holds: number of its pool, RRsets, records; the offset after it."""

    pool: int
    rrsets: int
    records: int
    end: int


def measure(data: bytes | bytearray | memoryview, offset: int) -> Measure:
    """Look how far the node at an offset reaches."""
    start = offset + 1 + data[offset]
    _, pool, count = NODE.unpack_from(data, start)
    end = start + NODE.size
    records = 0
    for _ in range(count):
        _, _, number, size = RRSET.unpack_from(data, end)
        records += number
        end += RRSET.size + size
    return Measure(pool, count, records, end)


def encode_rrset(rrset: RRset) -> bytes:
    """One RRset as it stands inside a node."""
    body = b"".join([RDATA.pack(len(rdata)) + rdata for rdata in rrset.rdatas])
    return RRSET.pack(rrset.type, rrset.ttl, len(rrset.rdatas), len(body)) + body


def decode_rrset(
    data: bytes | bytearray | memoryview, offset: int
) -> tuple[RRset, int]:
    """The RRset at `offset`, and the offset after it."""
    rrtype, ttl, count, _ = RRSET.unpack_from(data, offset)
    offset += RRSET.size
    rdatas = []
    for _ in range(count):
        start = offset + 2
        offset = start + data[offset] + (data[offset + 1] << 8)
        rdatas.append(bytes(data[start:offset]))
    return RRset(rrtype, ttl, tuple(rdatas)), offset
