"""Signatures that were made, by exactly what they cover.

The key of an entry is a digest of the signed octets, which hold the times, the tag of
the key and the canonical RRset, and of the public key: so an entry can be neither for
other data nor out of date.  An RRset that changes is another entry.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol
from zlib import crc32

from dinamed.dnssec.keys import Key
from dinamed.generations import Generations

LIMIT = 1 << 17
"""Entries in the young generation: with those of the old one some 60 MB at most."""
DIGEST_SIZE = 16
Entry = tuple[bytes, bytes]
"""A digest, and the signature of what it stands for."""


class MadeAhead(Protocol):
    """Signatures that are there already."""

    def get(self, digest: bytes) -> bytes | None:
        """The signature of what a digest stands for; None if it is not there."""
        ...

    def __len__(self) -> int: ...


class Signatures:
    """A bounded store of signatures, where those used last stay, before one of those
    that were made ahead."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._found: Generations[bytes, bytes] = Generations(limit)
        self._ahead: MadeAhead | None = None
        self.made = 0
        """Signatures that were made since the start."""

    def signature(self, key: Key, data: bytes) -> bytes:
        """The signature of these octets; made if it is not known."""
        digest = digest_of(key, data)
        found = self._found.get(digest)
        if found is None and self._ahead is not None:
            found = self._ahead.get(digest)
        if found is None:
            # Whatever signing raises is no signature, and so is not kept.
            found = key.sign(data)
            self.made += 1
            self._found.put(digest, found)
        return found

    @property
    def ahead(self) -> int:
        """How many were made ahead."""
        return 0 if self._ahead is None else len(self._ahead)

    def take_ahead(self, ahead: MadeAhead) -> None:
        """Look here before a signature is made."""
        self._ahead = ahead

    def entries(self) -> Iterator[Entry]:
        """All signatures, to be saved."""
        return self._found.items()

    def restore(self, entries: Iterable[Entry]) -> None:
        """Know what was saved."""
        for digest, signature in entries:
            self._found.put(digest, signature)

    def __len__(self) -> int:
        return len(self._found)


def digest_of(key: Key, data: bytes) -> bytes:
    """The digest that identifies a signature's input, of 16 octets."""
    digest = hashlib.blake2b(key.dnskey, digest_size=DIGEST_SIZE)
    digest.update(data)
    return digest.digest()


def packed(entries: Iterable[Entry]) -> bytes:
    """Entries as they are saved: each its digest, the octets of its signature, and it.

    At the end stands a checksum of all.
    """
    body = b"".join(
        digest + len(signature).to_bytes(2, "big") + signature
        for digest, signature in entries
    )
    return body + crc32(body).to_bytes(4, "big")


def unpacked(data: bytes) -> Iterator[Entry]:
    """What `packed` has made; nothing if it is damaged."""
    body = data[:-4]
    if crc32(body).to_bytes(4, "big") != data[-4:]:
        return
    at = 0
    while at < len(body):
        digest = body[at : at + DIGEST_SIZE]
        at += DIGEST_SIZE
        size = int.from_bytes(body[at : at + 2], "big")
        at += 2
        yield digest, body[at : at + size]
        at += size
