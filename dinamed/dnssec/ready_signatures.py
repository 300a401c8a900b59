"""Signatures that were made ahead, in a file that is looked up where it is.

The file has a head, and entries of one size in the order of their digests: see
`dinamed.dnssec.signatures` for what a digest stands for.  Digests are as good as
random, so that a look-up finds its place by interpolation, in three or four steps.
Each entry has a checksum of its own: nothing has to be read before it is asked for.
"""

import struct
from collections.abc import Iterable, Iterator
from zlib import crc32

from dinamed.dnssec.signatures import DIGEST_SIZE, Entry

_MAGIC = b"dinamed ahead 1\n"
_HEAD = struct.Struct("!16sIQ")
"""The magic octets, the room of a signature in octets, and the number of entries."""
_TAIL = struct.Struct("!HI")
"""Behind a signature: its octets, and the checksum of digest and signature."""
_PLACE = 8
"""Octets of a digest that its place goes by."""
_MOST_STEPS = 64
"""Steps of a look-up; a file that needs more is not in order."""
_BUCKETS = 256


class ReadySignatures:
    """The signatures of one file; `data` is the file, most likely mapped.

    Raises `ValueError` if it is none.
    """

    def __init__(self, data: memoryview) -> None:
        if len(data) < _HEAD.size:
            raise ValueError("too short")
        magic, room, count = _HEAD.unpack_from(data)
        self._size = DIGEST_SIZE + room + _TAIL.size
        if magic != _MAGIC or len(data) != _HEAD.size + count * self._size:
            raise ValueError("not a file of signatures, or not all of it")
        self._data = data
        self._count: int = count
        self._room: int = room

    def __len__(self) -> int:
        return self._count

    def get(self, digest: bytes) -> bytes | None:
        """The signature of what the digest stands for; None if it is not there."""
        wanted = int.from_bytes(digest[:_PLACE], "big")
        low, high = 0, self._count
        least, most = 0, 1 << 8 * _PLACE
        for _ in range(_MOST_STEPS):
            if low >= high:
                return None
            middle = low + (wanted - least) * (high - low) // (most - least)
            at = _HEAD.size + middle * self._size
            found = int.from_bytes(self._data[at : at + _PLACE], "big")
            if found < wanted:
                low, least = middle + 1, found + 1
            elif found > wanted:
                high, most = middle, found
            else:
                return self._signature(at, digest)
        return None

    def _signature(self, at: int, digest: bytes) -> bytes | None:
        body = at + DIGEST_SIZE
        size, check = _TAIL.unpack_from(self._data, body + self._room)
        signature = bytes(self._data[body : body + size])
        if self._data[at:body] != digest or crc32(digest + signature) != check:
            return None
        return signature


class GatheredSignatures:
    """Entries for a file, in any order and each once; no signature is longer than
    `room` octets.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._size = DIGEST_SIZE + room + _TAIL.size
        # By the first octet of the digest: sorting some takes less than sorting all.
        self._buckets = [bytearray() for _ in range(_BUCKETS)]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, entry: Entry) -> None:
        """Take one."""
        digest, signature = entry
        self._buckets[digest[0]] += (
            digest
            + signature.ljust(self._room, b"\0")
            + _TAIL.pack(len(signature), crc32(digest + signature))
        )
        self._count += 1

    def pieces(self) -> Iterator[bytes]:
        """The file, in pieces."""
        yield _HEAD.pack(_MAGIC, self._room, self._count)
        for bucket in self._buckets:
            yield b"".join(sorted(self._entries(bucket)))

    def _entries(self, bucket: bytearray) -> Iterable[bytes]:
        size = self._size
        return (bytes(bucket[at : at + size]) for at in range(0, len(bucket), size))
