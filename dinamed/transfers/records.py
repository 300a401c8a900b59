"""Reading and writing records in messages about whole zones.

Transfers may hold millions of records, so this does not go through dnspython but for
types that are rare.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from dinamed.wire.constants import CLASS_IN, HEADER_SIZE, Type
from dinamed.wire.names import MAX_LABEL, MAX_NAME, WireName, to_text
from dinamed.wire.question import FormatError, skip_plain_name
from dinamed.zones.masterdata import type_text

_HEADER = struct.Struct("!2s5H")
_FIXED = struct.Struct("!HHIH")
_POINTER_LIMIT = 0x4000
_MAX_TTL = 2**31 - 1
_SRV_FIXED = 6

# Octets before the names in the data of types that may be compressed, the number of
# names, and the octets after them (RFC 3597 section 4).
_LAYOUT: dict[int, tuple[int, int, int]] = {
    Type.NS: (0, 1, 0),
    3: (0, 1, 0),  # MD
    4: (0, 1, 0),  # MF
    Type.CNAME: (0, 1, 0),
    Type.SOA: (0, 2, 20),
    7: (0, 1, 0),  # MB
    8: (0, 1, 0),  # MG
    9: (0, 1, 0),  # MR
    Type.PTR: (0, 1, 0),
    14: (0, 2, 0),  # MINFO
    Type.MX: (2, 1, 0),
    17: (0, 2, 0),  # RP
    18: (2, 1, 0),  # AFSDB
    21: (2, 1, 0),  # RT
    26: (2, 2, 0),  # PX
    Type.SRV: (_SRV_FIXED, 1, 0),
    36: (2, 1, 0),  # KX
    Type.DNAME: (0, 1, 0),
}
_LENGTH: dict[int, int] = {Type.A: 4, Type.AAAA: 16}
# Octets before a name, and nothing else where one could be, in the data of other types.
# Such names are not compressed; but old servers did, and such data is not to be copied.
_NAME_AT: dict[int, int] = {
    24: 18,  # SIG
    30: 0,  # NXT
    Type.RRSIG: 18,
    Type.NSEC: 0,
    Type.SVCB: 2,
    Type.HTTPS: 2,
    107: 2,  # LP
}
_MORE_NAMES = frozenset((35, 38, 45, 55, 58, 66, 260))
"""NAPTR, A6, IPSECKEY, HIP, TALINK, DSYNC, AMTRELAY: with names at other places."""
MOST_ODD = 5
"""Records with odd data that are told of, in one message."""


class Record(NamedTuple):
    """One record of class IN; the owner absolute and as it was written."""

    owner: WireName
    type: int
    ttl: int
    rdata: bytes


class AnyRecord(NamedTuple):
    """A record of any class, as UPDATE has them."""

    owner: WireName
    type: int
    class_: int
    ttl: int
    rdata: bytes


class MessageHeader(NamedTuple):
    """The header of a message."""

    id: bytes
    flags: int
    questions: int
    answers: int
    authorities: int
    additionals: int

    @property
    def rcode(self) -> int:
        """The lower bits of the rcode."""
        return self.flags & 0xF


def read_header(data: bytes) -> MessageHeader:
    """The header.  Raises `FormatError`."""
    if len(data) < HEADER_SIZE:
        raise FormatError("message is cut off")
    return MessageHeader(*_HEADER.unpack_from(data))


class RecordReader:
    """Reads the records of one message, from the question on.

    Every method raises `FormatError` for what is malformed.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.counts = read_header(data)
        self.position = HEADER_SIZE
        self.odd: list[str] = []
        """Records whose data were taken as octets: owner, type and reason of the first
        ones."""
        self._names: dict[int, WireName] = {}
        for _ in range(self.counts.questions):
            self.position = self._name(self.position)[1] + 4

    def records(self, count: int) -> Iterator[Record]:
        """The next records; all must be of class IN."""
        for record in self.any_records(count):
            if record.class_ != CLASS_IN:
                raise FormatError("record of another class")
            yield Record(record.owner, record.type, record.ttl, record.rdata)

    def any_records(self, count: int) -> Iterator[AnyRecord]:
        """The next records, whatever their class; without data for other than IN."""
        data = self.data
        for _ in range(count):
            owner, position = self._name(self.position)
            if position + 10 > len(data):
                raise FormatError("record is cut off")
            rrtype, rrclass, ttl, size = _FIXED.unpack_from(data, position)
            position += 10
            end = position + size
            if end > len(data):
                raise FormatError("record data is cut off")
            empty = not size and rrclass != CLASS_IN
            rdata = b"" if empty else self._data_of(owner, rrtype, position, end)
            # RFC 2181 section 8: the upper bit set means zero.
            yield AnyRecord(owner, rrtype, rrclass, ttl & _MAX_TTL, rdata)
            self.position = end

    def _name(self, position: int) -> tuple[WireName, int]:
        """The name at a position in full, and the position after it."""
        data = self.data
        start = position
        labels: list[bytes] = []
        length = 0
        end = 0
        try:
            while size := data[position]:
                if size >= 0xC0:
                    target = (size & 0x3F) << 8 | data[position + 1]
                    if not end:
                        end = position + 2
                    if target >= position:
                        raise FormatError("pointer that does not point back")
                    known = self._names.get(target)
                    if known is not None:
                        labels.append(known)
                        length += len(known)
                        break
                    position = target
                    continue
                if size > MAX_LABEL:
                    raise FormatError("label type other than a plain one")
                labels.append(data[position : position + 1 + size])
                position += 1 + size
                length += 1 + size
                if length > MAX_NAME:
                    raise FormatError("name longer than 255 octets")
            else:
                labels.append(b"\0")
                length += 1
                end = end or position + 1
        except IndexError:
            raise FormatError("name is cut off") from None
        if length > MAX_NAME:
            raise FormatError("name longer than 255 octets")
        name = b"".join(labels)
        if start < _POINTER_LIMIT:
            self._names[start] = name
        return name, end

    def _data_of(self, owner: WireName, rrtype: int, position: int, end: int) -> bytes:
        """The data of a record.  What is wrong with it names owner and type."""
        try:
            try:
                return self._rdata(rrtype, position, end)
            except _OddError as odd:
                rdata = self._octets(rrtype, position, end, str(odd))
                if len(self.odd) < MOST_ODD:
                    self.odd.append(f"{to_text(owner)} {type_text(rrtype)}: {odd}")
                return rdata
        except FormatError as error:
            what = f"{to_text(owner)} {type_text(rrtype)}"
            raise FormatError(f"{what}: {error}") from None

    def _octets(self, rrtype: int, position: int, end: int, why: str) -> bytes:
        """The data as they stand there, if no name in them can be compressed.

        RFC 3597 section 3: a server need not understand what it passes on.
        """
        rdata = self.data[position:end]
        before = _NAME_AT.get(rrtype)
        if rrtype in _MORE_NAMES:
            raise FormatError(why)
        if before is not None:
            skip_plain_name(rdata, before)
        return rdata

    def _rdata(self, rrtype: int, position: int, end: int) -> bytes:
        data = self.data
        size = _LENGTH.get(rrtype)
        if size is not None:
            if end - position != size:
                raise FormatError("an address of the wrong length")
            return data[position:end]
        layout = _LAYOUT.get(rrtype)
        if layout is not None:
            before, names, after = layout
            parts = [data[position : position + before]]
            position += before
            for _ in range(names):
                name, position = self._name(position)
                parts.append(name)
            if position + after != end:
                raise FormatError("record data of the wrong length")
            parts.append(data[position:end])
            return b"".join(parts)
        if rrtype == Type.TXT:
            return _text(data[position:end])
        return self._other(rrtype, position, end)

    def _other(self, rrtype: int, position: int, end: int) -> bytes:
        try:
            rdata = dns.rdata.from_wire(
                dns.rdataclass.IN,
                dns.rdatatype.RdataType.make(rrtype),
                self.data,
                position,
                end - position,
            )
            return rdata.to_wire() or b""
        except Exception as error:  # dnspython raises many kinds
            raise _OddError(_reason(error)) from None


class _OddError(FormatError):
    """Data that the reader of their type refuses, but that others may understand."""


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if not text or text == " ".join((type(error).__doc__ or "").split()):
        return "the data break the form of the type"
    return text[:100]


def _text(rdata: bytes) -> bytes:
    position = 0
    while position < len(rdata):
        position += 1 + rdata[position]
    if not rdata or position != len(rdata):
        raise _OddError("no strings")
    return rdata


class RecordWriter:
    """Writes records behind the head of a message, up to a limit.

    Owners are compressed, names in data are not.
    """

    def __init__(self, head: bytes, question: WireName | None, limit: int) -> None:
        self.count = 0
        self._body = bytearray(head)
        self._limit = limit
        self._offsets: dict[bytes, int] = {}
        if question is not None:
            self._learn(question.lower(), HEADER_SIZE)

    def add(self, owner: WireName, rrtype: int, ttl: int, rdata: bytes) -> bool:
        """Write one record; False if there is no room for it (but for the first)."""
        start = len(self._body)
        name = self._compressed(owner)
        size = len(name) + 10 + len(rdata)
        if start + size > self._limit and self.count:
            return False
        self._learn(owner.lower(), start, len(name))
        self._body += name
        self._body += _FIXED.pack(rrtype, CLASS_IN, ttl, len(rdata))
        self._body += rdata
        self.count += 1
        return True

    def finish(self, tail: bytes = b"") -> bytes:
        """The message; its head must leave the number of answers at 0."""
        self._body[6:8] = self.count.to_bytes(2, "big")
        return bytes(self._body + tail)

    def _compressed(self, owner: WireName) -> bytes:
        folded = owner.lower()
        position = 0
        while size := owner[position]:
            offset = self._offsets.get(folded[position:])
            if offset is not None:
                return owner[:position] + (0xC000 | offset).to_bytes(2, "big")
            position += 1 + size
        return owner

    def _learn(self, name: WireName, start: int, written: int = MAX_NAME) -> None:
        position = 0
        while name[position] and position < written:
            offset = start + position
            if offset >= _POINTER_LIMIT:
                return
            self._offsets.setdefault(name[position:], offset)
            position += 1 + name[position]
