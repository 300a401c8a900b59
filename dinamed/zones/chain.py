"""Which names deny what does not exist, and in which order: the chain of a zone.

A zone that was signed elsewhere brings NSEC records (RFC 4034 section 4) or NSEC3
records (RFC 5155).  In the packed zone the nodes that own them stand in a table in the
order of the chain, so that the one before any name is found by halving.
"""

import struct
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from dinamed.wire.constants import Type
from dinamed.zones.canonical import canonical_key
from dinamed.zones.model import RRset

SHA1 = 1
"""The one hash algorithm of NSEC3."""
MOST_ITERATIONS = 500
"""Further rounds of hashing that are carried out for a name.  RFC 9276 wants none, and
validators take what has more than these for unsigned."""
_FIXED = struct.Struct("!BBHB")


class HashRule(NamedTuple):
    """How names are hashed in an NSEC3 chain: as an NSEC3PARAM record has it."""

    iterations: int
    salt: bytes

    @classmethod
    def of(cls, rdata: bytes) -> "HashRule | None":
        """From NSEC3PARAM or NSEC3 data; None for what is not ours to follow."""
        if len(rdata) < _FIXED.size:
            return None
        algorithm, _flags, iterations, size = _FIXED.unpack_from(rdata)
        salt = rdata[_FIXED.size : _FIXED.size + size]
        if algorithm != SHA1 or iterations > MOST_ITERATIONS or len(salt) != size:
            return None
        return cls(iterations, salt)


class DenialChain(NamedTuple):
    """The relative keys of the owners, in the order of the chain."""

    keys: tuple[bytes, ...]
    hashed: bool


NO_CHAIN = DenialChain((), False)


def is_signed(apex: Mapping[int, RRset]) -> bool:
    """Whether the apex has a signature of its SOA."""
    signatures = apex.get(Type.RRSIG)
    if signatures is None:
        return False
    covered = int(Type.SOA).to_bytes(2)
    return any(rdata.startswith(covered) for rdata in signatures.rdatas)


def hash_rule(apex: Mapping[int, RRset]) -> HashRule | None:
    """By which rule the zone's NSEC3 chain goes; None: it has no such chain.

    Records with flags are of a chain that is not whole (RFC 5155 section 4.1.2).
    """
    params = apex.get(Type.NSEC3PARAM)
    if params is None:
        return None
    for rdata in params.rdatas:
        rule = HashRule.of(rdata) if rdata[1:2] == b"\0" else None
        if rule is not None:
            return rule
    return None


def chain_of(
    apex: Mapping[int, RRset],
    nsec: Collection[bytes],
    nsec3: Collection[bytes],
    rrsets_at: Callable[[bytes], Mapping[int, RRset]],
) -> DenialChain:
    """The chain of a zone, from the owners of its NSEC and NSEC3 records."""
    if not is_signed(apex):
        return NO_CHAIN
    rule = hash_rule(apex)
    if rule is not None:
        keys = sorted(
            key
            for key in nsec3
            if is_hash(key) and _goes_by(rrsets_at(key).get(Type.NSEC3), rule)
        )
        if keys:
            return DenialChain(tuple(keys), True)
    if b"" not in nsec:
        return NO_CHAIN
    return DenialChain(tuple(sorted(nsec, key=canonical_key)), False)


def is_hash(key: bytes) -> bool:
    """Whether a key may be that of an NSEC3 record: one label, 32 characters."""
    return len(key) == 33 and key[0] == 32


def _goes_by(rrset: RRset | None, rule: HashRule) -> bool:
    return rrset is not None and any(HashRule.of(one) == rule for one in rrset.rdatas)
