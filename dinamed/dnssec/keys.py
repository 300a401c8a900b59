"""Keys of zones, and the records that tell of them (RFC 4034 sections 2 and 5)."""

import hashlib
import struct
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from dinamed.dnssec.algorithms import (
    PrivateKey,
    Sign,
    generate,
    public_octets,
    signer_of,
)
from dinamed.dnssec.numbers import Algorithm
from dinamed.wire.names import WireName, to_text

ZONE_KEY = 0x0100
REVOKED = 0x0080
SECURE_ENTRY = 0x0001
CSK_FLAGS = ZONE_KEY | SECURE_ENTRY
ZSK_FLAGS = ZONE_KEY
_PROTOCOL = 3
_SHA256 = 2
_DIGESTS = {1: hashlib.sha1, _SHA256: hashlib.sha256, 4: hashlib.sha384}
"""By the kinds that DS records name."""
_HEAD = struct.Struct("!HBB")
_DS_HEAD = struct.Struct("!HBB")
_TRIES = 64
"""New keys that are thrown away for their tag before that is taken for a fault."""

DELETE_CDS = _DS_HEAD.pack(0, 0, 0) + b"\0"
"""RFC 8078 section 4: the parent is to remove its DS."""
DELETE_CDNSKEY = _HEAD.pack(0, _PROTOCOL, 0) + b"\0"


class KeyFault(ValueError):  # noqa: N818
    """A key is not usable here; the message says why."""


@dataclass(frozen=True)
class Key:
    """One key pair of a zone.

    `flags` are those of its DNSKEY: `CSK_FLAGS` where the DS of the parent points to
    it, `ZSK_FLAGS` where it signs data under another key.
    """

    zone: WireName
    flags: int
    algorithm: Algorithm
    private: PrivateKey

    @cached_property
    def dnskey(self) -> bytes:
        """The data of its DNSKEY record."""
        head = _HEAD.pack(self.flags, _PROTOCOL, self.algorithm)
        return head + public_octets(self.private)

    @cached_property
    def tag(self) -> int:
        """The key tag (RFC 4034 appendix B)."""
        return tag_of(self.dnskey)

    @cached_property
    def ds(self) -> bytes:
        """The data of the DS record for it, with SHA-256 (RFC 4509)."""
        return ds_of(self.zone, self.dnskey)

    @cached_property
    def sign(self) -> Sign:
        """What signs with it."""
        return signer_of(self.private, self.algorithm)

    @cached_property
    def signature_size(self) -> int:
        """Octets of its signatures."""
        return len(self.sign(b""))

    @property
    def secure_entry(self) -> bool:
        """Whether a DS may point to it: a KSK or a CSK."""
        return bool(self.flags & SECURE_ENTRY)

    @property
    def label(self) -> str:
        """As key files are named: algorithm and tag."""
        return f"+{self.algorithm:03}+{self.tag:05}"


def tag_of(dnskey: bytes) -> int:
    """The tag of the key in a DNSKEY record's data."""
    total = sum(dnskey[::2]) * 256 + sum(dnskey[1::2])
    return (total + (total >> 16)) & 0xFFFF


def ds_of(zone: WireName, dnskey: bytes) -> bytes:
    """The data of the DS record for a DNSKEY record's data, with SHA-256."""
    digest = hashlib.sha256(zone.lower() + dnskey).digest()
    return _DS_HEAD.pack(tag_of(dnskey), dnskey[3], _SHA256) + digest


def judged(
    zone: WireName, records: Iterable[bytes], dnskeys: Iterable[bytes]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The tags in the data of DS records; apart from them those that only seem good.

    The latter have the tag of a key of ours, but not its digest.  Digests of unknown
    kinds are left out, as validators leave them out.
    """
    known = {tag_of(dnskey): dnskey for dnskey in dnskeys}
    good: list[int] = []
    false: list[int] = []
    for record in records:
        tag, _, kind = _DS_HEAD.unpack_from(record)
        dnskey = known.get(tag)
        if kind not in _DIGESTS:
            continue
        if dnskey is None:
            good.append(tag)
            continue
        digest = _DIGESTS[kind](zone.lower() + dnskey).digest()
        fits = record == _DS_HEAD.pack(tag, dnskey[3], kind) + digest
        (good if fits else false).append(tag)
    return tuple(dict.fromkeys(good)), tuple(dict.fromkeys(false))


def ds_text(zone: WireName, ds: bytes, ttl: int | None = None) -> str:
    """A DS record as master files have it."""
    tag, algorithm, kind = _DS_HEAD.unpack_from(ds)
    age = "" if ttl is None else f"{ttl} "
    digest = ds[_DS_HEAD.size :].hex().upper()
    return f"{to_text(zone)} {age}IN DS {tag} {algorithm} {kind} {digest}"


def dnskey_text(zone: WireName, dnskey: bytes, ttl: int | None = None) -> str:
    """A DNSKEY record as master files have it."""
    flags, protocol, algorithm = _HEAD.unpack_from(dnskey)
    age = "" if ttl is None else f"{ttl} "
    public = b64encode(dnskey[_HEAD.size :]).decode()
    return f"{to_text(zone)} {age}IN DNSKEY {flags} {protocol} {algorithm} {public}"


def collides(tag: int, others: Iterable[int]) -> bool:
    """Whether a validator could take a key for one of the others, even revoked.

    Validators bound the work they do for keys with the same tag (CVE-2023-50387).
    """
    near = {tag, (tag + REVOKED) & 0xFFFF, (tag - REVOKED) & 0xFFFF}
    return not near.isdisjoint(others)


def make_key(
    zone: WireName,
    algorithm: Algorithm,
    others: Iterable[int] = (),
    flags: int = CSK_FLAGS,
    generate: Callable[[Algorithm], PrivateKey] = generate,
) -> Key:
    """A new key with a tag unlike those of the `others`.

    Raises `KeyFault` if no such key comes, which no working source of chance does.
    """
    known = frozenset(others)
    for _ in range(_TRIES):
        key = Key(zone.lower(), flags, algorithm, generate(algorithm))
        if not collides(key.tag, known):
            return key
    raise KeyFault("no new key has a tag of its own")
