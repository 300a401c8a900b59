"""The words of entries that take several lines, in their plain spelling: SOA records."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.zones.plain cimport Rdata, Scope, read_owner
from dinamed.zones.plain_words cimport (
    is_digit,
    is_space,
    read_name,
    read_ttl,
)

cdef enum:
    SOA = 6
    NO_WORD = 0
    WORD = 1
    ODD = 2


# Where the next word of an entry is looked for, and the last one that was found.
cdef struct Words:
    const uint8_t *at
    const uint8_t *stop
    const uint8_t *word
    const uint8_t *end
    int depth               # of parentheses that are open


cdef inline int next_word(Words *words) noexcept nogil:
    """WORD, NO_WORD at the end of the entry, or ODD: it is not plain."""
    cdef const uint8_t *at = words.at
    cdef const uint8_t *stop = words.stop
    while at < stop:
        if is_space(at[0]):
            at += 1
        elif at[0] == 59:  # a remark
            while at < stop and at[0] != 10:
                if at[0] & 128:
                    return ODD
                at += 1
        elif at[0] == 10:
            if not words.depth:
                break
            at += 1
        elif at[0] == 40:
            words.depth += 1
            at += 1
        elif at[0] == 41:
            words.depth -= 1
            if words.depth < 0:
                return ODD
            at += 1
        else:
            words.word = at
            while at < stop and at[0] not in (32, 9, 10, 59, 40, 41):
                if not 33 <= at[0] <= 126 or at[0] in (34, 92):
                    return ODD
                at += 1
            words.end = words.at = at
            return WORD
    words.at = at
    return ODD if words.depth else NO_WORD


cdef inline uint32_t big32(const uint8_t *at) noexcept nogil:
    return (
        <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8
        | <uint32_t>at[3]
    )


cdef inline bint read_serial(
    const uint8_t *at, const uint8_t *end, uint32_t *out
) noexcept nogil:
    cdef uint64_t number = 0
    if end - at > 10:
        return False
    while at < end:
        if not is_digit(at[0]):
            return False
        number = number * 10 + at[0] - 48
        at += 1
    out[0] = <uint32_t>number
    return number >> 32 == 0


cdef inline bint read_soa_data(
    Words *words, const Scope *scope, Rdata *out
) noexcept nogil:
    """Two names, the serial, and four times."""
    cdef bint absolute
    cdef int i, size, _name
    cdef int64_t number
    cdef uint32_t serial = 0
    cdef uint8_t name[256]
    out.size = 0
    for _name in range(2):
        if next_word(words) != WORD:
            return False
        size = read_name(
            words.word, words.end, scope.origin, scope.origin_size, False, name,
            &absolute,
        )
        if not size or out.size + size + 20 > <int>sizeof(out.octets):
            return False
        memcpy(out.octets + out.size, name, size)
        out.size += size
    for i in range(5):  # the serial, then times
        if next_word(words) != WORD:
            return False
        if i > 0:
            number = read_ttl(words.word, words.end)
            if number < 0:
                return False
            serial = <uint32_t>number
        elif not read_serial(words.word, words.end, &serial):
            return False
        out.octets[out.size] = <uint8_t>(serial >> 24)
        out.octets[out.size + 1] = <uint8_t>(serial >> 16)
        out.octets[out.size + 2] = <uint8_t>(serial >> 8)
        out.octets[out.size + 3] = <uint8_t>serial
        out.size += 4
    return next_word(words) == NO_WORD


cdef inline bint read_soa(Words *words, Scope *scope, Rdata *out) noexcept nogil:
    """An entry that is the SOA of the zone, from the start of its line on.

    False: it is not, or not plain.  Else `words.at` is where its last line ends.
    """
    cdef int64_t ttl = -1
    cdef bint has_class = False, has_ttl = False
    words.depth = 0
    if words.at == words.stop or words.at[0] == 40:
        return False
    if not is_space(words.at[0]):
        if next_word(words) != WORD or not read_owner(words.word, words.end, scope):
            return False
    if scope.key_size:
        return False
    while True:
        if next_word(words) != WORD:
            return False
        if is_digit(words.word[0]):
            ttl = read_ttl(words.word, words.end)
            if ttl < 0 or has_ttl:
                return False
            has_ttl = True
        elif (
            words.end - words.word == 2 and not has_class
            and words.word[0] | 32 == 105 and words.word[1] | 32 == 110
        ):
            has_class = True
        else:
            break
    if (
        words.end - words.word != 3 or words.word[0] | 32 != 115
        or words.word[1] | 32 != 111 or words.word[2] | 32 != 97
    ):
        return False
    if not read_soa_data(words, scope, out):
        return False
    if has_ttl:
        scope.last_ttl = ttl
    if scope.default_ttl < 0:
        ttl = big32(out.octets + out.size - 4)
        scope.default_ttl = ttl
        scope.last_counts = True
    ttl = scope.default_ttl
    if scope.last_counts and scope.last_ttl >= 0:
        ttl = scope.last_ttl
    if has_ttl:
        ttl = scope.last_ttl
    out.type = SOA
    out.ttl = <uint32_t>ttl
    return True
