"""EDNS (RFC 6891): reading the OPT record of a query, building that of a reply."""

import struct
from dataclasses import dataclass

from dinamed.wire.constants import (
    EDNS_DO,
    HEADER_SIZE,
    MAX_UDP_EDNS,
    EdnsOption,
    Type,
)
from dinamed.wire.cookies import is_legal
from dinamed.wire.question import FormatError, skip_name
from dinamed.wire.subnet import ClientSubnet, read_subnet


@dataclass(frozen=True, slots=True)
class Edns:
    """What the OPT record of a query asks for."""

    size: int
    """UDP payload size the sender accepts, as sent."""
    version: int
    do: bool
    """DNSSEC OK (RFC 3225)."""
    nsid: bool = False
    subnet: ClientSubnet | None = None
    cookie: bytes = b""
    """Client cookie, with the server cookie if there is one (RFC 7873)."""
    keepalive: bool = False
    """Whether the client asks how long it may keep a stream open (RFC 7828)."""


def read_additional(
    data: bytes, position: int, skipped: int, count: int
) -> Edns | None:
    """Read what follows the question: `skipped` records, then the additional section.

    The message must end with the last record.  Records other than OPT are passed
    over.  Raises `FormatError` for a second OPT, an OPT whose owner is not the root,
    records or options that reach past the end, and octets after the last record.
    """
    found: Edns | None = None
    for index in range(skipped + count):
        owner = position
        position = skip_name(data, position)
        if position + 10 > len(data):
            raise FormatError("record is cut off")
        rrtype, rrclass, ttl, length = struct.unpack_from("!HHIH", data, position)
        position += 10
        if position + length > len(data):
            raise FormatError("record data is cut off")
        if rrtype == Type.OPT:
            if found is not None or index < skipped or data[owner]:
                raise FormatError("misplaced OPT record")
            found = _read_opt(rrclass, ttl, data[position : position + length])
        position += length
    if position != len(data):
        raise FormatError("octets after the last record")
    return found


def dnssec_ok_anywhere(data: bytes) -> bool | None:
    """DO of the OPT record of a message, whatever else is wrong with that.

    None if no OPT record can be read: then the reply has none either.  Its options are
    not looked at (RFC 6891 section 7: what is wrong with them is told with an OPT).
    """
    questions, *skipped, count = struct.unpack_from("!4H", data, 4)
    position = HEADER_SIZE
    try:
        for _ in range(questions):
            position = skip_name(data, position) + 4
        for index in range(sum(skipped) + count):
            owner = position
            position = skip_name(data, position) + 10
            if position > len(data):
                return None
            rrtype, _, ttl, length = struct.unpack_from("!HHIH", data, position - 10)
            position += length
            if position > len(data):
                return None
            if rrtype == Type.OPT and index >= sum(skipped) and not data[owner]:
                return bool(ttl & EDNS_DO)
    except FormatError:
        pass
    return None


def _read_opt(size: int, ttl: int, options: bytes) -> Edns:
    version = ttl >> 16 & 0xFF
    do = bool(ttl & EDNS_DO)
    if version:
        # RFC 6891 section 6.1.3: the format of other versions is not ours to judge.
        return Edns(size, version, do)
    nsid = False
    subnet: ClientSubnet | None = None
    cookie = b""
    keepalive = False
    position = 0
    while position < len(options):
        if position + 4 > len(options):
            raise FormatError("EDNS option is cut off")
        code, length = struct.unpack_from("!HH", options, position)
        position += 4
        if position + length > len(options):
            raise FormatError("EDNS option data is cut off")
        if code == EdnsOption.NSID:
            nsid = True  # RFC 5001 section 2.2: data in a query is ignored
        elif code == EdnsOption.CLIENT_SUBNET:
            if subnet is not None:
                raise FormatError("two client subnets")
            subnet = read_subnet(options[position : position + length])
        elif code == EdnsOption.COOKIE:
            if not is_legal(length):
                raise FormatError("impossible cookie")
            # RFC 7873 section 5.2: only the first one counts.
            cookie = cookie or options[position : position + length]
        elif code == EdnsOption.TCP_KEEPALIVE:
            keepalive = True
        position += length
    return Edns(size, version, do, nsid, subnet, cookie, keepalive)


def opt_record(rcode: int, do: bool, options: bytes = b"") -> bytes:
    """The OPT record of a reply; `rcode` may be one of the extended ones."""
    return (
        struct.pack(
            "!BHHBBHH",
            0,
            Type.OPT,
            MAX_UDP_EDNS,
            rcode >> 4,
            0,
            EDNS_DO if do else 0,
            len(options),
        )
        + options
    )


def option(code: EdnsOption, data: bytes) -> bytes:
    """One option in wire form."""
    return struct.pack("!HH", code, len(data)) + data


def keepalive_option(seconds: float) -> bytes:
    """How long a stream may be idle (RFC 7828 section 3.1), in steps of 100 ms."""
    units = min(0xFFFF, int(seconds * 10))
    return option(EdnsOption.TCP_KEEPALIVE, units.to_bytes(2, "big"))


def extended_error(info_code: int) -> bytes:
    """An Extended DNS Error option without text (RFC 8914 section 2)."""
    return option(EdnsOption.EXTENDED_ERROR, info_code.to_bytes(2, "big"))
