"""Telling secondaries that a zone has changed (RFC 1996)."""

import struct

from dinamed.transfers.records import Record, RecordWriter
from dinamed.wire.constants import CLASS_IN, FLAG_AA, FLAG_QR, Opcode, Type
from dinamed.wire.names import WireName

ATTEMPTS = 6
FIRST_WAIT = 2.0
"""Seconds for the first answer; each further wait is twice as long (section 3.6)."""

_HEADER = struct.Struct("!2s5H")
_QUESTION = struct.pack("!HH", Type.SOA, CLASS_IN)


def notify_message(ident: bytes, soa: Record) -> bytes:
    """A NOTIFY with the new SOA, not yet signed."""
    flags = Opcode.NOTIFY << 11 | FLAG_AA
    head = _HEADER.pack(ident, flags, 1, 0, 0, 0) + soa.owner + _QUESTION
    writer = RecordWriter(head, soa.owner, 512)
    writer.add(*soa)
    return writer.finish()


def soa_query(ident: bytes, origin: WireName) -> bytes:
    """A query for a zone's SOA."""
    return _HEADER.pack(ident, 0, 1, 0, 0, 0) + origin + _QUESTION


def transfer_query(ident: bytes, origin: WireName, have: Record | None) -> bytes:
    """A query for the zone: all of it, or what has changed since `have`."""
    rrtype = Type.AXFR if have is None else Type.IXFR
    head = _HEADER.pack(ident, 0, 1, 0, 0, 0) + origin
    head += struct.pack("!HH", rrtype, CLASS_IN)
    if have is None:
        return head
    # The serial alone counts; the names of its SOA need not go along.
    rdata = b"\0\0" + have.rdata[-20:]
    owner = b"\xc0\x0c"
    record = owner + struct.pack("!HHIH", Type.SOA, CLASS_IN, 0, len(rdata)) + rdata
    return head[:8] + b"\0\1" + head[10:] + record


def is_reply(data: bytes, request: bytes) -> bool:
    """Whether a message is the reply to a request: id, opcode, question."""
    if len(data) < 12 or data[:2] != request[:2]:
        return False
    flags = int.from_bytes(data[2:4], "big")
    if not flags & FLAG_QR or (flags ^ int.from_bytes(request[2:4], "big")) & 0x7800:
        return False
    end = 12
    while request[end]:
        end += 1 + request[end]
    question = request[12 : end + 5]
    # An error may come without the question.
    return data[4:6] == b"\0\0" or (
        data[4:6] == b"\0\1" and data[12 : end + 5].lower() == question.lower()
    )
