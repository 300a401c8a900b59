"""Rendering a reply's records once, so that it can be sent many times.

What is rendered depends on the question's name only through its length: owner and data
names that end in it point to it.  The same octets so serve every spelling of the name,
every message id, and clients with and without EDNS.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from dinamed.wire.constants import CLASS_IN, FLAG_TC, HEADER_SIZE, Type
from dinamed.wire.names import ROOT, WireName, ancestors

_FIXED = struct.Struct("!HHIH")
_POINTER_LIMIT = 0x4000
_MD, _MF, _MB, _MG, _MR, _MINFO = 3, 4, 7, 8, 9, 14
_ONE_NAME = frozenset({Type.NS, Type.CNAME, Type.PTR, _MD, _MF, _MB, _MG, _MR})
_TWO_NAMES = frozenset({Type.SOA, _MINFO})


class Section(IntEnum):
    """The sections of a message that hold records."""

    ANSWER = 0
    AUTHORITY = 1
    ADDITIONAL = 2


@dataclass(frozen=True, slots=True)
class CutPoint:
    """A place where a reply may be truncated: after an RRset."""

    end: int
    counts: tuple[int, int, int]
    required: bool
    """Whether leaving this RRset out makes the reply a truncated one."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The records of a reply, in wire form, behind a question of known length."""

    body: bytes
    counts: tuple[int, int, int]
    steps: tuple[CutPoint, ...]

    def cut(self, room: int) -> tuple[bytes, tuple[int, int, int], int]:
        """The RRsets that fit into `room` octets: body, counts, and the TC flag or 0.

        Whole RRsets go, the last first (RFC 2181 section 9): those that only help
        without a word, the others with TC.
        """
        if len(self.body) <= room:
            return self.body, self.counts, 0
        kept = list(self.steps)
        flag = 0
        while kept and kept[-1].end > room:
            if kept.pop().required:
                flag = FLAG_TC
        if not kept:
            return b"", (0, 0, 0), flag
        return self.body[: kept[-1].end], kept[-1].counts, flag


EMPTY = Rendered(b"", (0, 0, 0), ())


class Renderer:
    """Collects RRsets behind a question and compresses their names."""

    def __init__(self, name: WireName) -> None:
        """`name` is the question's; its case does not matter."""
        self._base = HEADER_SIZE + len(name) + 4
        self._body = bytearray()
        self._counts = [0, 0, 0]
        self._steps: list[CutPoint] = []
        self._offsets: dict[WireName, int] = {}
        self._seen: set[tuple[WireName, int]] = set()
        self._movable = False
        self._learn(name.lower(), HEADER_SIZE)

    def add(
        self,
        section: Section,
        owner: WireName,
        rrtype: int,
        ttl: int,
        rdatas: tuple[bytes, ...],
        required: bool = True,
        signatures: tuple[bytes, ...] = (),
    ) -> None:
        """Append an RRset, unless the reply has it already.

        `signatures` are the data of its RRSIG records, which stay or go with it.
        """
        key = (owner.lower(), rrtype)
        if key in self._seen:
            return
        self._seen.add(key)
        for rdata in rdatas:
            self._record(owner, rrtype, ttl, rdata)
        for rdata in signatures:
            self._record(owner, Type.RRSIG, ttl, rdata)
        self._counts[section] += len(rdatas) + len(signatures)
        self._steps.append(CutPoint(len(self._body), self._tally(), required))

    def _record(self, owner: WireName, rrtype: int, ttl: int, rdata: bytes) -> None:
        self._name(owner)
        self._body += _FIXED.pack(rrtype, CLASS_IN, ttl, 0)
        start = len(self._body)
        self._rdata(rrtype, rdata)
        struct.pack_into("!H", self._body, start - 2, len(self._body) - start)

    def reference(self, owner: WireName) -> bytes:
        """How a record appended next would write its owner name."""
        offset = self._offsets.get(owner.lower())
        if offset is None:
            return owner
        return (0xC000 | offset).to_bytes(2, "big")

    def behind(self) -> "Renderer":
        """One for records that follow others, which are of unknown size.

        It refers to the names that are known now, and to none of its own.
        """
        other = Renderer(ROOT)
        other._offsets = dict(self._offsets)
        other._seen = set(self._seen)
        other._movable = True
        return other

    def finish(self) -> Rendered:
        """The records that were collected."""
        return Rendered(bytes(self._body), self._tally(), tuple(self._steps))

    def _tally(self) -> tuple[int, int, int]:
        answer, authority, additional = self._counts
        return answer, authority, additional

    def _rdata(self, rrtype: int, rdata: bytes) -> None:
        # RFC 3597 section 4: only the types of RFC 1035 may have compressed names.
        if rrtype in _ONE_NAME:
            self._name(rdata)
        elif rrtype == Type.MX:
            self._body += rdata[:2]
            self._name(rdata[2:])
        elif rrtype in _TWO_NAMES:
            mname, rname = _two_names(rdata)
            self._name(mname)
            self._name(rname)
            self._body += rdata[len(mname) + len(rname) :]
        else:
            self._body += rdata

    def _name(self, name: WireName) -> None:
        position = 0
        for suffix in ancestors(name):
            if suffix == ROOT:
                break
            key = suffix.lower()
            offset = self._offsets.get(key)
            if offset is not None:
                self._body += name[:position]
                self._body += (0xC000 | offset).to_bytes(2, "big")
                self._learn_until(name, position)
                return
            position += 1 + suffix[0]
        self._body += name
        self._learn_until(name, position, 1)

    def _learn_until(self, name: WireName, position: int, tail: int = 2) -> None:
        """Remember the suffixes of the labels just written in full."""
        if self._movable:
            return
        start = self._base + len(self._body) - tail - position
        done = 0
        while done < position:
            offset = start + done
            if offset >= _POINTER_LIMIT:
                return
            self._offsets[name[done:].lower()] = offset
            done += 1 + name[done]

    def _learn(self, name: WireName, offset: int) -> None:
        for suffix in ancestors(name):
            if suffix != ROOT:
                self._offsets[suffix] = offset + len(name) - len(suffix)


def rdata_record(owner: bytes, rrtype: int, ttl: int, rdata: bytes) -> bytes:
    """A record of class IN with data that has no names to compress."""
    return owner + _FIXED.pack(rrtype, CLASS_IN, ttl, len(rdata)) + rdata


def _two_names(rdata: bytes) -> tuple[WireName, WireName]:
    first = _name_length(rdata, 0)
    second = _name_length(rdata, first)
    return rdata[:first], rdata[first:second]


def _name_length(rdata: bytes, position: int) -> int:
    while length := rdata[position]:
        position += 1 + length
    return position + 1
