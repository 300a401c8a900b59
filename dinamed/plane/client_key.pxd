"""The keys by which `predictive` knows clients."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.resolver_table cimport KEY_SIZE


cdef inline void put_key(
    uint64_t *key, const uint8_t *address, uint32_t size, bint subnet, uint32_t bits
) noexcept nogil:
    """The key of a client, as `predictive` makes it."""
    cdef uint8_t *octets = <uint8_t *>key
    cdef uint32_t most = 4 if size == 4 else 8, used, i
    key[0] = key[1] = 0
    if not subnet:
        memcpy(octets, address, most)
        octets[KEY_SIZE - 1] = <uint8_t>most
        return
    used = (bits + 7) >> 3
    for i in range(used):
        octets[i] = address[i]
    if bits & 7:
        octets[used - 1] &= <uint8_t>(0xFF00 >> (bits & 7))
    octets[most] = <uint8_t>bits
    octets[KEY_SIZE - 1] = <uint8_t>(most + 1)


cdef inline void put_apart(uint64_t *key, uint32_t family) noexcept nogil:
    """Make it the key of a question that only one family can have, or neither (0)."""
    cdef uint8_t *octets = <uint8_t *>key
    cdef uint32_t size = octets[KEY_SIZE - 1]
    memcpy(
        octets + size,
        "v4only" if family == 1 else "v6only" if family == 2 else "family",
        6,
    )
    octets[KEY_SIZE - 1] = <uint8_t>(size + 6)
