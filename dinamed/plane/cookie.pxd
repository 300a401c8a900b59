"""DNS cookies: `dinamed.wire.cookies` in C (RFC 7873, RFC 9018)."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.octets cimport put16

cdef enum:
    MOST_SECRETS = 8
    COOKIE_SIZE = 24
    MAX_AGE = 3600
    MAX_AHEAD = 300
    RENEW_AGE = 1800


cdef struct Secrets:
    uint32_t count      # 0: cookies are off
    bint required
    uint64_t keys[MOST_SECRETS][2]


cdef inline uint64_t rotate(uint64_t x, int bits) noexcept nogil:
    return (x << bits) | (x >> (64 - bits))


cdef inline uint64_t little64(const uint8_t *at, uint32_t size) noexcept nogil:
    """Up to 8 octets."""
    cdef uint64_t value = 0
    while size:
        size -= 1
        value = (value << 8) | at[size]
    return value


cdef inline void sip_round(uint64_t *v) noexcept nogil:
    v[0] += v[1]
    v[2] += v[3]
    v[1] = rotate(v[1], 13) ^ v[0]
    v[3] = rotate(v[3], 16) ^ v[2]
    v[0] = rotate(v[0], 32)
    v[2] += v[1]
    v[0] += v[3]
    v[1] = rotate(v[1], 17) ^ v[2]
    v[3] = rotate(v[3], 21) ^ v[0]
    v[2] = rotate(v[2], 32)


cdef inline uint64_t siphash24(
    const uint64_t *key, const uint8_t *data, uint32_t size
) noexcept nogil:
    """SipHash-2-4; its octets are those of the result in little-endian order."""
    cdef uint64_t v[4]
    cdef uint64_t word
    cdef uint32_t done = 0, left, _round
    v[0] = key[0] ^ <uint64_t>0x736F6D6570736575
    v[1] = key[1] ^ <uint64_t>0x646F72616E646F6D
    v[2] = key[0] ^ <uint64_t>0x6C7967656E657261
    v[3] = key[1] ^ <uint64_t>0x7465646279746573
    while True:
        left = size - done
        if left >= 8:
            word = little64(data + done, 8)
        else:
            word = little64(data + done, left) | (<uint64_t>size << 56)
        v[3] ^= word
        sip_round(v)
        sip_round(v)
        v[0] ^= word
        if left < 8:
            break
        done += 8
    v[2] ^= 0xFF
    for _round in range(4):
        sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


cdef inline void put_hash(uint8_t *at, uint64_t value) noexcept nogil:
    cdef uint32_t i
    for i in range(8):
        at[i] = <uint8_t>(value >> (8 * i))


cdef inline bint judge_cookie(
    const Secrets *secrets, const uint8_t *cookie, uint32_t size,
    const uint8_t *source, uint32_t source_size, uint32_t now, uint8_t *reply,
) noexcept nogil:
    """Whether a cookie was made here for this client; `reply` is what goes back."""
    cdef uint8_t data[32]
    cdef uint64_t given
    cdef int32_t age
    cdef uint32_t i
    cdef bint valid = False
    memcpy(data + 16, source, source_size)
    if size == COOKIE_SIZE and cookie[8] == 1:
        memcpy(data, cookie, 16)
        age = <int32_t>(
            now - (
                (<uint32_t>cookie[12] << 24) | (<uint32_t>cookie[13] << 16)
                | (<uint32_t>cookie[14] << 8) | cookie[15]
            )
        )
        if -MAX_AHEAD <= age and age <= MAX_AGE:
            given = little64(cookie + 16, 8)
            for i in range(secrets.count):
                if siphash24(secrets.keys[i], data, 16 + source_size) == given:
                    if i == 0 and age < RENEW_AGE:
                        memcpy(reply, cookie, COOKIE_SIZE)
                        return True
                    valid = True
                    break
    memcpy(data, cookie, 8)
    data[8] = 1
    data[9] = data[10] = data[11] = 0
    put16(data + 12, now >> 16)
    put16(data + 14, now & 0xFFFF)
    memcpy(reply, data, 16)
    put_hash(reply + 16, siphash24(secrets.keys[0], data, 16 + source_size))
    return valid
