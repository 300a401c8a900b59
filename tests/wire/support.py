"""Queries octet by octet, for the tests of several rooms."""

import struct

from dinamed.wire.names import from_text

QUESTION = from_text("www.Example.org.") + b"\0\1\0\1"


def header(
    flags: int = 0x0100,
    questions: int = 1,
    answers: int = 0,
    authorities: int = 0,
    additionals: int = 0,
    ident: bytes = b"\x12\x34",
) -> bytes:
    """The header of a message."""
    return ident + struct.pack(
        "!5H", flags, questions, answers, authorities, additionals
    )


def opt(
    options: bytes = b"", size: int = 1232, version: int = 0, flags: int = 0
) -> bytes:
    """An OPT record as a client sends it."""
    return struct.pack("!BHHBBHH", 0, 41, size, 0, version, flags, len(options)) + (
        options
    )


def option(code: int, data: bytes) -> bytes:
    """An EDNS option."""
    return struct.pack("!HH", code, len(data)) + data


def edns_query(options: bytes = b"", size: int = 1232, **fields: int) -> bytes:
    """A query for `QUESTION` with an OPT record."""
    return header(additionals=1) + QUESTION + opt(options, size, **fields)
