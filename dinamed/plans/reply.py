"""The octets of replies."""

import struct

from dinamed.plans.context import QueryContext
from dinamed.plans.plan import Fixed
from dinamed.wire.constants import (
    FLAG_AA,
    HEADER_SIZE,
    EdnsOption,
    Rcode,
    Type,
)
from dinamed.wire.edns import extended_error, opt_record, option
from dinamed.wire.query import Query
from dinamed.wire.render import EMPTY, CutPoint, Rendered

_FLAGS_AND_COUNTS = struct.Struct("!5H")
_RECORD = struct.Struct("!HHIH")
Counts = tuple[int, int, int]
QUESTION_NAME = b"\xc0\x0c"
"""A pointer to the question's name."""
NSID_MAX = 128
"""Octets of the identity that NSID tells: with the longest name and all other options
a reply without records still fits into 512."""


def opt_of(
    query: Query, fixed: Fixed | None, identity: str, scope: int, extra: bytes = b""
) -> bytes:
    """The OPT record of the reply; nothing when the query had none.

    `scope` is the number of bits of the client subnet that the answer depends on;
    `extra` are more options, which come last.
    """
    edns = query.edns
    if edns is None:
        return b""
    options = b""
    if edns.nsid:
        options += option(EdnsOption.NSID, identity.encode()[:NSID_MAX])
    if edns.subnet is not None:
        options += edns.subnet.reply_option(min(scope, edns.subnet.source))
    if fixed is not None and fixed.extended_error is not None:
        options += extended_error(fixed.extended_error)
    rcode = fixed.rcode if fixed is not None else Rcode.NOERROR
    return opt_record(rcode, edns.do, options + extra)


def reply_of(
    context: QueryContext,
    identity: str,
    records: Rendered,
    fixed: Fixed | None = None,
    scope: int = 0,
) -> bytes:
    """The whole message that answers a query with these records.

    Rcode, AA and the extended error are those of `fixed`; without it, of success.
    `scope` is the number of bits of the client subnet that the answer depends on.
    """
    query = context.query
    opt = opt_of(query, fixed, identity, scope, context.extra)
    rcode = fixed.rcode if fixed is not None else Rcode.NOERROR
    authoritative = fixed is None or fixed.authoritative
    return assemble(query, rcode, authoritative, records, opt, context.limit)


def without_records(query: Query, flags: int, rcode: int, opt: bytes) -> bytes:
    """A reply with the question and OPT alone."""
    flags |= query.copied_flags | rcode & 0xF
    head = _FLAGS_AND_COUNTS.pack(flags, 1, 0, 0, bool(opt))
    return b"".join((query.id, head, query.question.wire, opt))


def assemble(
    query: Query,
    rcode: int,
    authoritative: bool,
    records: Rendered,
    opt: bytes,
    limit: int,
) -> bytes:
    """The whole message, its records cut to `limit` octets at RRset boundaries."""
    question = query.question.wire
    room = limit - HEADER_SIZE - len(question) - len(opt)
    body, (answer, authority, additional), truncated = records.cut(room)
    flags = query.copied_flags | truncated | rcode & 0xF
    if authoritative:
        flags |= FLAG_AA
    counts = (1, answer, authority, additional + bool(opt))
    head = _FLAGS_AND_COUNTS.pack(flags, *counts)
    return b"".join((query.id, head, question, body, opt))


def with_answers(
    before: Rendered, records: list[bytes], after: Rendered = EMPTY
) -> Rendered:
    """One more answer RRset behind an alias chain, and what follows it."""
    body = before.body + b"".join(records)
    answer, authority, additional = before.counts
    counts = (answer + len(records), authority, additional)
    made = Rendered(body, counts, (*before.steps, CutPoint(len(body), counts, True)))
    return joined(made, after) if after.body else made


def joined(first: Rendered, second: Rendered) -> Rendered:
    """The records of both, the second ones rendered by `Renderer.behind`."""
    shift = len(first.body)
    steps = tuple(
        CutPoint(shift + step.end, _sum(first.counts, step.counts), step.required)
        for step in second.steps
    )
    counts = _sum(first.counts, second.counts)
    return Rendered(first.body + second.body, counts, first.steps + steps)


def _sum(one: Counts, other: Counts) -> Counts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def address_record(owner: bytes, family: int, ttl: int, address: bytes) -> bytes:
    """An A or AAAA record."""
    rrtype = Type.A if family == 4 else Type.AAAA
    return owner + _RECORD.pack(rrtype, 1, ttl, len(address)) + address


def text_rdata(text: str) -> bytes:
    """The data of a TXT record, in as many character-strings as the text needs."""
    raw = text.encode()
    if 0 < len(raw) < 256:
        return bytes((len(raw),)) + raw
    parts = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
    return b"".join(bytes((len(part),)) + part for part in parts)


def text_record(owner: bytes, class_: int, ttl: int, text: str) -> bytes:
    """A TXT record."""
    rdata = text_rdata(text)
    return owner + _RECORD.pack(Type.TXT, class_, ttl, len(rdata)) + rdata
