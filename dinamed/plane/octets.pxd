"""Integers in octets, hashes and chance: what all the rest is made of."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef inline uint32_t get16(const uint8_t *at) noexcept nogil:
    """Network order."""
    return (<uint32_t>at[0] << 8) | at[1]


cdef inline void put16(uint8_t *at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t>(value >> 8)
    at[1] = <uint8_t>value


cdef inline uint32_t little16(const uint8_t *at) noexcept nogil:
    return (<uint32_t>at[1] << 8) | at[0]


cdef inline uint32_t little32(const uint8_t *at) noexcept nogil:
    return (little16(at + 2) << 16) | little16(at)


cdef inline uint64_t mix(uint64_t x) noexcept nogil:
    """Splitmix64: one step from state x."""
    x += <uint64_t>0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return x ^ (x >> 31)


cdef inline uint64_t chance(uint64_t *state) noexcept nogil:
    """64 bits of chance; the state is a counter, so its period is 2**64."""
    cdef uint64_t x = state[0]
    state[0] = x + <uint64_t>0x9E3779B97F4A7C15
    return mix(x)


cdef inline uint32_t below(uint64_t *state, uint32_t limit) noexcept nogil:
    """A number below `limit`, off by at most limit / 2**32 (Lemire)."""
    return <uint32_t>(((chance(state) >> 32) * limit) >> 32)


cdef inline double unit(uint64_t *state) noexcept nogil:
    """From 0 up to, but not including, 1."""
    return <double>(chance(state) >> 11) * (1.0 / 9007199254740992.0)


cdef inline uint64_t fnv1a(const uint8_t *data, uint32_t size) noexcept nogil:
    """FNV-1a of 64 bits."""
    cdef uint64_t value = <uint64_t>0xCBF29CE484222325
    cdef uint32_t i
    for i in range(size):
        value = (value ^ data[i]) * <uint64_t>0x100000001B3
    return value


cdef inline void fill_crc_table(uint32_t *table) noexcept nogil:
    """For `crc32`, the CRC-32 of zlib."""
    cdef uint32_t i, _bit, value
    for i in range(256):
        value = i
        for _bit in range(8):
            value = (value >> 1) ^ (<uint32_t>0xEDB88320 if value & 1 else 0)
        table[i] = value


cdef inline uint32_t crc32(
    const uint32_t *table, const uint8_t *data, uint32_t size
) noexcept nogil:
    cdef uint32_t value = <uint32_t>0xFFFFFFFF
    cdef uint32_t i
    for i in range(size):
        value = (value >> 8) ^ table[(value ^ data[i]) & 0xFF]
    return value ^ <uint32_t>0xFFFFFFFF
