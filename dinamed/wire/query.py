"""Reads the octets of a message into a `Query`, or a `Rejected` with its reply."""

import struct
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from dinamed.wire.constants import (
    CLASS_CH,
    COPIED_FLAGS,
    FLAG_QR,
    HEADER_SIZE,
    MAX_STREAM,
    MAX_UDP_EDNS,
    MAX_UDP_PLAIN,
    ExtendedError,
    Opcode,
    Rcode,
    Type,
)
from dinamed.wire.edns import (
    Edns,
    dnssec_ok_anywhere,
    extended_error,
    opt_record,
    read_additional,
)
from dinamed.wire.question import FormatError, Question, read_question

_HEADER = struct.Struct("!2s5H")
_OPCODES = frozenset(Opcode)


class Kind(Enum):
    """What a message is about, and so which way it goes."""

    DATA = 0
    """A query for data, with no records beside OPT."""
    SIGNED = 1
    """A query for data with other records: a signature, perhaps."""
    CHAOS = 2
    """A query for what the server says of itself (class CH)."""
    TRANSFER = 3
    """A query for a whole zone, or what has changed in it: AXFR, IXFR."""
    NOTIFY = 4
    UPDATE = 5


class Query(NamedTuple):
    """A well-formed message that asks something of us."""

    id: bytes
    flags: int
    opcode: int
    question: Question
    edns: Edns | None
    kind: Kind = Kind.DATA

    @property
    def copied_flags(self) -> int:
        """The flags that a reply takes over: QR set, the opcode, RD and CD."""
        return FLAG_QR | self.opcode << 11 | self.flags & COPIED_FLAGS

    @property
    def has_subnet(self) -> bool:
        """Whether the resolver named its client's network."""
        return self.edns is not None and self.edns.subnet is not None

    @property
    def dnssec_ok(self) -> bool:
        """Whether DO is set (RFC 3225): signatures and proofs are wanted."""
        return self.edns is not None and self.edns.do

    def limit(self, stream: bool) -> int:
        """The largest reply that may be sent, in octets."""
        if stream:
            return MAX_STREAM
        if self.edns is None:
            return MAX_UDP_PLAIN
        # RFC 6891 section 6.2.3: sizes below 512 count as 512.
        return max(MAX_UDP_PLAIN, min(self.edns.size, MAX_UDP_EDNS))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that gets a header alone as its reply, or no reply."""

    reply: bytes | None
    """None: silence."""
    cookie: bytes = b""
    """Of a message that asks for nothing but a server cookie (RFC 7873 section 5.4);
    for servers without cookies it is a malformed one."""
    do: bool = False


SILENCE = Rejected(None)
_TRANSFERS = frozenset((Type.IXFR, Type.AXFR))


def kind_of(opcode: int, question: Question, more: bool = False) -> Kind:
    """The kind of a message; `more`: it has records beside question and OPT."""
    if opcode != Opcode.QUERY:
        return Kind.NOTIFY if opcode == Opcode.NOTIFY else Kind.UPDATE
    if question.type in _TRANSFERS:
        return Kind.TRANSFER
    if more:
        return Kind.SIGNED
    return Kind.CHAOS if question.class_ == CLASS_CH else Kind.DATA


def query_of(question: Question, edns: Edns | None = None) -> Query:
    """A query that has not come as octets: id 0, no flags."""
    kind = kind_of(Opcode.QUERY, question)
    return Query(b"\0\0", 0, Opcode.QUERY, question, edns, kind)


def read_query(data: bytes) -> Query | Rejected:
    """Screen and read one message; never raises.

    * Runts and responses (QR=1) get silence, so that two servers cannot loop.
    * Opcodes other than QUERY, NOTIFY and UPDATE get NOTIMP.
    * A QDCOUNT other than 1 (RFC 9619), and whatever breaks the format, gets FORMERR;
      the cookie of one without a question is read.
    * An EDNS version other than 0 gets BADVERS (RFC 6891 section 6.1.3).

    All of these replies have an OPT record if one could be read in the message.
    """
    if len(data) < HEADER_SIZE:
        return SILENCE
    ident, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(
        data
    )
    if flags & FLAG_QR:
        return SILENCE
    opcode = flags >> 11 & 0xF
    copied = FLAG_QR | opcode << 11 | flags & COPIED_FLAGS
    if opcode not in _OPCODES:
        return Rejected(_not_implemented(data, ident, copied))
    if questions != 1:
        reply = _malformed(data, ident, copied)
        if questions or answers or authorities or not additionals or opcode:
            return Rejected(reply)
        return _without_question(data, additionals, reply)
    if opcode == Opcode.QUERY and (answers or authorities > 1):
        return Rejected(_malformed(data, ident, copied))
    try:
        question = read_question(data)
    except FormatError:
        return Rejected(_malformed(data, ident, copied))
    try:
        edns = read_additional(data, question.end, answers + authorities, additionals)
    except FormatError:
        return Rejected(_malformed(data, ident, copied, question))
    if edns is not None and edns.version:
        opt = opt_record(Rcode.BADVERS, edns.do)
        return Rejected(_bare(ident, copied, Rcode.BADVERS, question, opt))
    more = additionals != (edns is not None)
    kind = kind_of(opcode, question, more)
    return Query(ident, flags, opcode, question, edns, kind)


def _not_implemented(data: bytes, ident: bytes, copied: int) -> bytes:
    """NOTIMP, without the question: what messages of an unknown opcode hold there is
    not known.  The OPT, if there is one where queries have it, brings the reason."""
    opt = b""
    do = dnssec_ok_anywhere(data)
    if do is not None:
        why = extended_error(ExtendedError.NOT_SUPPORTED)
        opt = opt_record(Rcode.NOTIMP, do, why)
    return _bare(ident, copied, Rcode.NOTIMP, None, opt)


def _malformed(
    data: bytes, ident: bytes, copied: int, question: Question | None = None
) -> bytes:
    """FORMERR, with an OPT if the message has one (RFC 6891 section 7)."""
    do = dnssec_ok_anywhere(data)
    opt = b"" if do is None else opt_record(Rcode.FORMERR, do)
    return _bare(ident, copied, Rcode.FORMERR, question, opt)


def _without_question(data: bytes, additionals: int, reply: bytes) -> Rejected:
    try:
        edns = read_additional(data, HEADER_SIZE, 0, additionals)
    except FormatError:
        return Rejected(reply)
    if edns is None or edns.version:
        return Rejected(reply)
    return Rejected(reply, edns.cookie, edns.do)


def _bare(
    ident: bytes,
    flags: int,
    rcode: Rcode,
    question: Question | None = None,
    opt: bytes = b"",
) -> bytes:
    wire = question.wire if question else b""
    counts = (1 if question else 0, 0, 0, 1 if opt else 0)
    return _HEADER.pack(ident, flags | rcode & 0xF, *counts) + wire + opt
