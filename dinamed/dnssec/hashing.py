"""Hashed names in NSEC3 chains (RFC 5155 section 5)."""

from base64 import b32hexencode
from hashlib import sha1

from dinamed.wire.names import WireName
from dinamed.zones.chain import HashRule


def hashed_key(name: WireName, rule: HashRule) -> bytes:
    """The relative key of the NSEC3 record of a name, which is in lower case.

    The order of such keys is that of the hashes.
    """
    digest = sha1(name + rule.salt, usedforsecurity=False).digest()
    for _ in range(rule.iterations):
        digest = sha1(digest + rule.salt, usedforsecurity=False).digest()
    return b"\x20" + b32hexencode(digest).lower()
