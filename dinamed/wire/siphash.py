"""SipHash-2-4, the keyed hash of server cookies (RFC 9018 section 4.4)."""

import struct

_MASK = 2**64 - 1
_KEY = struct.Struct("<QQ")


def siphash24(key: bytes, data: bytes) -> bytes:
    """The hash of `data` under a key of 16 octets, as 8 octets (little-endian).

    @raise struct.error: the key has another length.
    """
    k0: int
    k1: int
    k0, k1 = _KEY.unpack(key)
    v0 = k0 ^ 0x736F6D6570736575
    v1 = k1 ^ 0x646F72616E646F6D
    v2 = k0 ^ 0x6C7967656E657261
    v3 = k1 ^ 0x7465646279746573
    size = len(data)
    # The last word holds what is left of the data, and its length in the top octet.
    padded = data + bytes(7 - size % 8) + bytes((size & 0xFF,))
    words: tuple[int, ...] = struct.unpack(f"<{len(padded) // 8}Q", padded)
    rounds = range(2)
    for left in range(len(words), -1, -1):
        if left:
            word = words[-left]
        else:
            word = 0
            v2 ^= 0xFF
            rounds = range(4)
        v3 ^= word
        # Written out, as calls would cost more than the rounds themselves.
        for _ in rounds:
            v0 = (v0 + v1) & _MASK
            v1 = ((v1 << 13) & _MASK | v1 >> 51) ^ v0
            v2 = (v2 + v3) & _MASK
            v3 = ((v3 << 16) & _MASK | v3 >> 48) ^ v2
            v0 = ((v0 << 32) & _MASK | v0 >> 32) + v3 & _MASK
            v2 = v2 + v1 & _MASK
            v1 = ((v1 << 17) & _MASK | v1 >> 47) ^ v2
            v3 = ((v3 << 21) & _MASK | v3 >> 43) ^ v0
            v2 = (v2 << 32) & _MASK | v2 >> 32
        v0 ^= word
    return (v0 ^ v1 ^ v2 ^ v3).to_bytes(8, "little")
