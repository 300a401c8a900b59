"""From raw records in the order of files to RRsets."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from dinamed.wire.constants import Type
from dinamed.zones.canonical import canonical_rdata
from dinamed.zones.layout import encode_rrset
from dinamed.zones.masterdata import RAW, MasterData
from dinamed.zones.model import RRset

_KEY = 25
BESIDE_CNAME = frozenset((Type.CNAME, _KEY, Type.RRSIG, Type.NSEC, Type.NSEC3))
"""What may stand beside a CNAME (RFC 2181 section 10.1, RFC 4035 section 2.5)."""
_SINGLE = frozenset((Type.CNAME, Type.DNAME, Type.SOA))
_MAX_RRSET = 65535 - 12 - 5  # what is left beside header and the shortest question

# count and size of an RRset of one record, by the octets of its rdata
_ONE = [struct.pack("<HI", 1, 2 + size) for size in range(256)]


class RawRecord(NamedTuple):
    """One record as the reader stored it; `place` is for problems."""

    type: int
    ttl: int
    place: int
    rdata: bytes


def raw_records(raw: bytes | bytearray) -> Iterator[RawRecord]:
    """The records at one owner, in the order of the files."""
    position = 0
    while position < len(raw):
        rrtype, ttl, place, size = RAW.unpack_from(raw, position)
        position += RAW.size
        yield RawRecord(rrtype, ttl, place, bytes(raw[position : position + size]))
        position += size


class Merger:
    """Turns raw records into encoded RRsets; notes problems in the data."""

    def __init__(self, data: MasterData) -> None:
        self.data = data

    def encode(self, key: bytes, raw: bytes | bytearray) -> tuple[int, int, bytes]:
        """One owner: number of RRsets, of records, and the encoded RRsets.

        Identical records are one; the lowest TTL of a set holds for all of it
        (RFC 2181 section 5.2).
        """
        size = raw[14] | raw[15] << 8
        if len(raw) == RAW.size + size and size < 256:
            # One record: only the place goes, count and size come.
            return 1, 1, b"".join((raw[:6], _ONE[size], raw[14:]))
        sets: dict[int, list[RawRecord]] = {}
        for record in raw_records(raw):
            sets.setdefault(record.type, []).append(record)
        if Type.CNAME in sets and not BESIDE_CNAME.issuperset(sets):
            self._problem(key, sets[Type.CNAME][-1], "CNAME beside other data")
        rrsets = [self._merge(key, sets[rrtype]) for rrtype in sorted(sets)]
        count = sum(len(rrset.rdatas) for rrset in rrsets)
        return len(rrsets), count, b"".join(map(encode_rrset, rrsets))

    def _merge(self, key: bytes, records: list[RawRecord]) -> RRset:
        rrtype = records[0].type
        kept = tuple(records)
        if len(kept) > 1:
            unique: dict[bytes, RawRecord] = {}
            for record in records:
                unique.setdefault(canonical_rdata(rrtype, record.rdata), record)
            kept = tuple(unique.values())
        if len(kept) > 1 and rrtype in _SINGLE:
            self._problem(key, kept[1], "a name has only one record of this type")
        octets = sum(len(record.rdata) + 12 for record in kept)
        if octets > _MAX_RRSET:
            self._problem(key, kept[0], "the RRset does not fit into any message")
            kept = kept[:1]
        ttl = min(record.ttl for record in records)
        self._check_ttls(key, records, ttl)
        return RRset(rrtype, ttl, tuple(record.rdata for record in kept))

    def _check_ttls(self, key: bytes, records: list[RawRecord], ttl: int) -> None:
        """Warn of TTLs that differ; those of signatures go by what they sign."""
        if records[0].type == Type.RRSIG:
            return
        other = next((one for one in records if one.ttl != records[0].ttl), None)
        if other is not None:
            owner = self.data.owner_text(key, other.type)
            message = f"the TTLs of these records differ; {ttl} is taken for all"
            self.data.warning_at(other.place, owner, message)

    def _problem(self, key: bytes, record: RawRecord, message: str) -> None:
        owner = self.data.owner_text(key, record.type)
        self.data.problem_at(record.place, owner, message)
