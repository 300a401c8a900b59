"""The messages of a zone transfer (RFC 5936, RFC 1995)."""

import struct
from collections.abc import Callable, Iterable, Iterator

from dinamed.transfers.journal import Delta, serial_of
from dinamed.transfers.records import Record, RecordReader, RecordWriter
from dinamed.transfers.serial import newer
from dinamed.transfers.tsig import Signer
from dinamed.transfers.view import View
from dinamed.wire.constants import FLAG_AA, MAX_STREAM, Type
from dinamed.wire.query import Query
from dinamed.wire.question import FormatError

MESSAGE_SIZE = 16_000
"""Octets in one message, so that all owners in it can be compressed; a record that is
longer has a message for itself."""

_HEADER = struct.Struct("!2s5H")


def whole_zone(view: View) -> Iterator[Record]:
    """The records of a full transfer: the SOA comes first and last."""
    yield view.soa
    yield from view.records()
    yield view.soa


def increment(deltas: Iterable[Delta], current: Record) -> Iterator[Record]:
    """The records of an incremental transfer (RFC 1995 section 4)."""
    yield current
    for delta in deltas:
        yield delta.old
        yield from delta.removed
        yield delta.new
        yield from delta.added
    yield current


def incremental(
    view: View, serial: int, since: Callable[[int, int], list[Delta] | None]
) -> Iterator[Record]:
    """The records for a secondary that has `serial`: none, differences, or all.

    `since` is `Journal.since`.  Whoever is ahead of us has nothing to get here either.
    """
    if view.serial == serial or newer(serial, view.serial):
        return iter((view.soa,))
    deltas = since(serial, view.serial)
    if deltas is None:
        return whole_zone(view)
    return increment(deltas, view.soa)


def messages(
    query: Query,
    records: Iterable[Record],
    opt: bytes,
    signer: Signer | None,
    seconds: Callable[[], float],
) -> Iterator[bytes]:
    """The messages of a reply with all these records, each made when it is asked for.

    The first has the question, and `opt` if the query had one.
    """
    overhead = signer.overhead if signer is not None else 0
    writer = _begin(query, True, len(opt) + overhead)
    tail = opt
    for record in records:
        if not writer.add(*record):
            yield _finish(writer, tail, signer, seconds)
            writer = _begin(query, False, overhead)
            tail = b""
            writer.add(*record)
    yield _finish(writer, tail, signer, seconds)


def _begin(query: Query, first: bool, reserved: int) -> RecordWriter:
    flags = query.copied_flags | FLAG_AA
    head = _HEADER.pack(query.id, flags, first, 0, 0, 0)
    if not first:
        return RecordWriter(head, None, MESSAGE_SIZE - reserved)
    question = query.question
    return RecordWriter(head + question.wire, question.key, MESSAGE_SIZE - reserved)


def _finish(
    writer: RecordWriter,
    tail: bytes,
    signer: Signer | None,
    seconds: Callable[[], float],
) -> bytes:
    message = writer.finish(tail)
    if tail:
        message = message[:10] + b"\0\1" + message[12:]
    if signer is not None:
        message = signer.sign(message, seconds())
    if len(message) > MAX_STREAM:
        raise ValueError("a record that fits into no message")
    return message


def serial_asked(query: Query, data: bytes) -> int:
    """The serial that an IXFR query says the secondary has.

    Raises `FormatError` when the SOA is not there (RFC 1995 section 3).
    """
    reader = RecordReader(data)
    if reader.counts.authorities != 1:
        raise FormatError("IXFR without the serial")
    (soa,) = reader.records(1)
    if soa.type != Type.SOA or soa.owner.lower() != query.question.key:
        raise FormatError("IXFR without the serial")
    return serial_of(soa)
