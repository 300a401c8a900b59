"""Text and numbers of the query log, put at the end of a buffer.

Nothing here looks whether there is room: `log_writer.pxi` begins no record without
enough of it.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef struct Text:
    uint32_t size
    uint8_t octets[28]


cdef struct LogText:
    uint8_t *octets
    uint32_t used
    uint32_t size


cdef inline void put_octets(
    LogText *out, const void *octets, uint32_t size
) noexcept nogil:
    memcpy(out.octets + out.used, octets, size)
    out.used += size


cdef inline void put_octet(LogText *out, uint32_t octet) noexcept nogil:
    out.octets[out.used] = <uint8_t>octet
    out.used += 1


cdef inline void put_text(LogText *out, const Text *text) noexcept nogil:
    put_octets(out, text.octets, text.size)


cdef inline void put_decimal(LogText *out, uint64_t value) noexcept nogil:
    """The digits of a number, without zeros in front."""
    cdef uint8_t digits[20]
    cdef uint32_t at = 20
    while True:
        at -= 1
        digits[at] = <uint8_t>(48 + value % 10)
        value //= 10
        if not value:
            break
    put_octets(out, digits + at, 20 - at)


cdef inline void put_digits(
    LogText *out, uint32_t value, uint32_t count
) noexcept nogil:
    """The last digits of a number, with zeros in front."""
    cdef uint32_t i
    for i in range(count):
        out.octets[out.used + count - 1 - i] = <uint8_t>(48 + value % 10)
        value //= 10
    out.used += count


cdef inline void put_hex(LogText *out, uint32_t value) noexcept nogil:
    """16 bits, without zeros in front."""
    cdef uint32_t digit
    cdef int shift = 12
    while shift and not value >> shift:
        shift -= 4
    while shift >= 0:
        digit = (value >> shift) & 15
        put_octet(out, 48 + digit if digit < 10 else 87 + digit)
        shift -= 4


cdef inline void put_address(
    LogText *out, const uint8_t *address, uint32_t size
) noexcept nogil:
    """The text of a packed address of 4 or 16 octets (RFC 5952)."""
    cdef uint32_t i, length, best = 8, longest = 1, start = 8
    cdef bint zero
    if size == 4:
        for i in range(4):
            if i:
                put_octet(out, 46)
            put_decimal(out, address[i])
        return
    for i in range(9):  # the first longest run of two zeros or more
        zero = i < 8 and not (address[2 * i] | address[2 * i + 1])
        if zero and start == 8:
            start = i
        elif not zero and start < 8:
            length = i - start
            if length > longest:
                best, longest = start, length
            start = 8
    i = 0
    while i < 8:
        if i == best:
            put_octets(out, b"::", 2)
            i += longest
            continue
        if i and i != best + longest:
            put_octet(out, 58)
        put_hex(out, (<uint32_t>address[2 * i] << 8) | address[2 * i + 1])
        i += 1


cdef inline void put_name(
    LogText *out, const Text *octet_texts, const uint8_t *name
) noexcept nogil:
    """A name in master file form, as text inside a string of JSON.

    `octet_texts` has the text of each octet of a label.
    """
    cdef uint32_t i
    if not name[0]:
        put_octet(out, 46)
    while name[0]:
        for i in range(1, 1 + <uint32_t>name[0]):
            put_text(out, &octet_texts[name[i]])
        put_octet(out, 46)
        name += 1 + name[0]


cdef inline uint32_t varint_size(uint64_t value) noexcept nogil:
    cdef uint32_t size = 1
    while value > 0x7F:
        value >>= 7
        size += 1
    return size


cdef inline void put_varint(LogText *out, uint64_t value) noexcept nogil:
    """A number of Protocol Buffers."""
    while value > 0x7F:
        put_octet(out, <uint32_t>(value & 0x7F | 0x80))
        value >>= 7
    put_octet(out, <uint32_t>value)


cdef inline void put_big32(LogText *out, uint32_t value) noexcept nogil:
    """In network order."""
    put_octet(out, value >> 24)
    put_octet(out, value >> 16 & 0xFF)
    put_octet(out, value >> 8 & 0xFF)
    put_octet(out, value & 0xFF)


cdef inline void put_little32(LogText *out, uint32_t value) noexcept nogil:
    put_octet(out, value & 0xFF)
    put_octet(out, value >> 8 & 0xFF)
    put_octet(out, value >> 16 & 0xFF)
    put_octet(out, value >> 24)
