"""The data of SVCB and HTTPS records (RFC 9460), as far as address hints go."""

import struct
from collections.abc import Collection, Mapping, Sequence

from dinamed.wire.names import ROOT, WireName

MANDATORY = 0
IPV4_HINT = 4
IPV6_HINT = 6
_PAIR = struct.Struct("!HH")


class BadService(ValueError):  # noqa: N818
    """The data is no SVCB data."""


def target(rdata: bytes) -> WireName:
    """The TargetName as it stands there.  Raises `BadService`."""
    position = 2
    while position < len(rdata) and rdata[position]:
        position += 1 + rdata[position]
    if position >= len(rdata):
        raise BadService("the target name is cut off")
    return rdata[2 : position + 1]


def is_alias(rdata: bytes) -> bool:
    """Whether a record is in AliasMode (section 2.4.2)."""
    return rdata[:2] == b"\0\0"


def serves_itself(rdata: bytes, owner: WireName) -> bool:
    """Whether a record in ServiceMode is about the host of its own name.

    `owner` is in lower case.  False for what is no SVCB data.
    """
    try:
        name = target(rdata)
        _parameters(rdata[2 + len(name) :])  # hints can be put among these alone
        return not is_alias(rdata) and name.lower() in (ROOT, owner)
    except BadService:
        return False


def named_target(rdata: bytes, owner: WireName) -> WireName | None:
    """The name, in lower case, whose addresses a record leads to (section 2.5).

    None where there are none to be found, or for what is no SVCB data.
    """
    try:
        name = target(rdata).lower()
    except BadService:
        return None
    if name != ROOT:
        return name
    return None if is_alias(rdata) else owner


def with_hints(rdata: bytes, hints: Mapping[int, Sequence[bytes]]) -> bytes:
    """The data with these address hints in the place of those it has.

    `hints` has packed addresses by key, `IPV4_HINT` or `IPV6_HINT`; none: no hint, and
    the key is not mandatory then.  Raises `BadService`.
    """
    given = {key: b"".join(addresses) for key, addresses in hints.items() if addresses}
    first, second, third = round_hints(rdata, given.keys())
    return (
        first
        + _parameter(IPV4_HINT, given)
        + second
        + _parameter(IPV6_HINT, given)
        + third
    )


def round_hints(rdata: bytes, given: Collection[int]) -> tuple[bytes, bytes, bytes]:
    """The data round the address hints: before that of IPv4, between both, behind.

    `given` are the keys of the hints that will be there; the others are not mandatory
    then.  Raises `BadService`.
    """
    start = 2 + len(target(rdata))
    parameters = _parameters(rdata[start:])
    for key in (IPV4_HINT, IPV6_HINT):
        parameters.pop(key, None)
    if MANDATORY in parameters:
        needed = parameters.pop(MANDATORY)
        keys = [needed[at : at + 2] for at in range(0, len(needed), 2)]
        known = parameters.keys() | given
        kept = [key for key in keys if int.from_bytes(key) in known]
        if kept:
            parameters[MANDATORY] = b"".join(kept)
    # Section 2.2: in ascending order of the keys.
    ordered = sorted(parameters)
    pieces = (
        [key for key in ordered if key < IPV4_HINT],
        [key for key in ordered if IPV4_HINT < key < IPV6_HINT],
        [key for key in ordered if key > IPV6_HINT],
    )
    first, second, third = (
        b"".join(_parameter(key, parameters) for key in keys) for keys in pieces
    )
    return rdata[:start] + first, second, third


def _parameter(key: int, values: Mapping[int, bytes]) -> bytes:
    """A parameter with its key and length; nothing for one that has no value."""
    value = values.get(key)
    return b"" if value is None else _PAIR.pack(key, len(value)) + value


def with_parameter(rdata: bytes, key: int, value: bytes) -> bytes:
    """The data with a parameter in place of the one it has.  Raises `BadService`."""
    start = 2 + len(target(rdata))
    parameters = {**_parameters(rdata[start:]), key: value}
    return rdata[:start] + b"".join(
        _PAIR.pack(one, len(data)) + data for one, data in sorted(parameters.items())
    )


def _parameters(data: bytes) -> dict[int, bytes]:
    found = {}
    position = 0
    while position < len(data):
        if position + 4 > len(data):
            raise BadService("a parameter is cut off")
        key, length = _PAIR.unpack_from(data, position)
        position += 4
        if position + length > len(data):
            raise BadService("a parameter's value is cut off")
        found[key] = data[position : position + length]
        position += length
    return found
