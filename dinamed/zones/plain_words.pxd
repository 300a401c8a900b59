"""Reading the words of a plain line of a master file: names, numbers, types."""

from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.string cimport memcmp, memcpy

cdef enum:
    A = 1
    NS = 2
    CNAME = 5
    PTR = 12
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33

    MOST_NAME = 255
    MOST_LABEL = 63
    MOST_TTL = 0x7FFFFFFF


cdef inline bint is_space(uint8_t octet) noexcept nogil:
    return octet == 32 or octet == 9


cdef inline bint is_digit(uint8_t octet) noexcept nogil:
    return 48 <= octet <= 57


cdef inline bint is_letter(uint8_t octet) noexcept nogil:
    return 97 <= octet | 32 <= 122


cdef inline bint is_plain(uint8_t octet) noexcept nogil:
    """What stands in names: letters, digits, hyphen, underscore."""
    return is_letter(octet) or is_digit(octet) or octet == 45 or octet == 95


cdef inline uint8_t lower(uint8_t octet) noexcept nogil:
    return octet + 32 if 65 <= octet <= 90 else octet


cdef inline int read_name(
    const uint8_t *at, const uint8_t *end, const uint8_t *origin, int origin_size,
    bint star, uint8_t *out, bint *absolute,
) noexcept nogil:
    """The name that fills a word, in wire form with its origin; 0: doubtful."""
    cdef int size = 0, length = 0, start = 0
    absolute[0] = False
    if at == end:
        return 0
    out[0] = 0
    while at < end:
        if at[0] == 46:  # a dot
            if not length:
                return 0
            out[start] = <uint8_t>length
            start += 1 + length
            length = 0
            if at + 1 == end:
                absolute[0] = True
        elif is_plain(at[0]) or (star and at[0] == 42):
            length += 1
            if length > MOST_LABEL or start + 1 + length >= MOST_NAME:
                return 0
            out[start + length] = at[0]
        else:
            return 0
        at += 1
    if absolute[0]:
        out[start] = 0
        return start + 1
    out[start] = <uint8_t>length
    size = start + 1 + length
    if size + origin_size > MOST_NAME:
        return 0
    memcpy(out + size, origin, origin_size)
    return size + origin_size


cdef inline int64_t read_ttl(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """A TTL, plain or with units; below 0: doubtful."""
    cdef int64_t total = 0, number = 0
    cdef int digits = 0
    cdef bint units = False
    while at < end:
        if is_digit(at[0]):
            number = number * 10 + at[0] - 48
            digits += 1
            if digits > 9:
                return -1
        else:
            if not digits:
                return -1
            if at[0] == 119:
                number *= 604800
            elif at[0] == 100:
                number *= 86400
            elif at[0] == 104:
                number *= 3600
            elif at[0] == 109:
                number *= 60
            elif at[0] != 115:
                return -1
            total += number
            number = digits = 0
            units = True
            if total > MOST_TTL:
                return -1
        at += 1
    if units:
        return -1 if digits else total
    return number


cdef inline int64_t read_number(
    const uint8_t **at, const uint8_t *end
) noexcept nogil:
    """A number of 16 bits and the space after it; below 0: doubtful."""
    cdef int64_t number = 0
    cdef const uint8_t *start = at[0]
    while at[0] < end and is_digit(at[0][0]):
        number = number * 10 + at[0][0] - 48
        at[0] += 1
        if at[0] - start > 5:
            return -1
    if at[0] == start or at[0] == end or not is_space(at[0][0]) or number > 65535:
        return -1
    while at[0] < end and is_space(at[0][0]):
        at[0] += 1
    return number


cdef inline bint read_ipv4(
    const uint8_t *at, const uint8_t *end, uint8_t *out
) noexcept nogil:
    """As inet_pton() reads it."""
    cdef int part, number, digits
    for part in range(4):
        number = digits = 0
        while at < end and is_digit(at[0]):
            if digits and not number:
                return False  # a leading zero
            number = number * 10 + at[0] - 48
            digits += 1
            if number > 255:
                return False
            at += 1
        if not digits:
            return False
        out[part] = <uint8_t>number
        if part < 3:
            if at == end or at[0] != 46:
                return False
            at += 1
    return at == end


cdef inline uint16_t type_of(const uint8_t *at, Py_ssize_t size) noexcept nogil:
    """The type of a mnemonic in one case throughout; 0: none of ours."""
    cdef uint8_t word[5]
    cdef Py_ssize_t i
    if size > 5:
        return 0
    for i in range(size):
        if not is_letter(at[i]) or (at[i] ^ at[0]) & 32:
            return 0
        word[i] = at[i] | 32
    if size == 1:
        return A if word[0] == 97 else 0
    if size == 2:
        if word[0] == 110 and word[1] == 115:
            return NS
        return MX if word[0] == 109 and word[1] == 120 else 0
    if size == 3:
        if not memcmp(word, "ptr", 3):
            return PTR
        if not memcmp(word, "txt", 3):
            return TXT
        return SRV if not memcmp(word, "srv", 3) else 0
    if size == 4:
        return AAAA if not memcmp(word, "aaaa", 4) else 0
    return CNAME if size == 5 and not memcmp(word, "cname", 5) else 0


cdef inline bint is_rest(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Whether nothing follows but space and a remark."""
    while at < end and is_space(at[0]):
        at += 1
    if at == end:
        return True
    if at[0] != 59:
        return False
    while at < end:
        if at[0] & 128:
            return False
        at += 1
    return True


cdef inline const uint8_t *word_end(
    const uint8_t *at, const uint8_t *end
) noexcept nogil:
    """Where a word ends that has nothing special in it; NULL: it has."""
    while at < end and not is_space(at[0]) and at[0] != 59:
        if not 33 <= at[0] <= 126 or at[0] in (34, 40, 41, 92):
            return NULL
        at += 1
    return at
