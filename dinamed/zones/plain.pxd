"""Reading one line of a master file that is a record in its plain spelling.

What is taken here is a part of what `master` takes, with the same result; every line
in doubt is left to it.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy


cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char *text, void *address)
    int AF_INET6


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
    MOST_LINE = 65536
    MOST_TTL = 0x7FFFFFFF

    DOUBTFUL = 0
    RECORD = 1
    NOTHING = 2


# What holds for the line, as `master._Scope` has it; sizes below 0: there is none.
cdef struct Scope:
    const uint8_t *zone
    int zone_size
    const uint8_t *origin
    int origin_size
    const uint8_t *suffix
    int suffix_size
    int64_t default_ttl
    bint last_counts  # an implicit TTL is the last one, if there was one
    int64_t last_ttl
    uint8_t key[MOST_NAME + 1]
    int key_size


cdef struct Rdata:
    uint16_t type
    uint32_t ttl
    int size
    uint8_t octets[512]


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


cdef inline bint read_owner(
    const uint8_t *at, const uint8_t *end, Scope *scope
) noexcept nogil:
    """Take the owner's key into the scope; False: doubtful, and nothing is taken."""
    cdef uint8_t name[MOST_NAME + 1]
    cdef bint absolute
    cdef int size, i, below
    if end - at == 1 and at[0] == 64:  # the origin: @
        if scope.suffix_size < 0 or scope.suffix_size + scope.zone_size > MOST_NAME:
            return False
        memcpy(scope.key, scope.suffix, scope.suffix_size)
        scope.key_size = scope.suffix_size
        return True
    if scope.suffix_size < 0:
        size = read_name(at, end, NULL, 0, True, name, &absolute)
        if not absolute:
            return False
    else:
        size = read_name(
            at, end, scope.suffix, scope.suffix_size, True, name, &absolute
        )
    if not size:
        return False
    i = 0
    while i < size:
        name[i] = lower(name[i])  # lengths are below any letter
        i += 1
    if absolute:
        # What stands above the zone's name, label by label, makes the key.
        below = size - scope.zone_size
        i = 0
        while i < below:
            i += 1 + name[i]
        if i != below or memcmp(name + below, scope.zone, scope.zone_size):
            return False
        size = below
    elif size + scope.zone_size > MOST_NAME:
        return False
    memcpy(scope.key, name, size)
    scope.key_size = size
    return True


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


cdef inline bint read_text(
    const uint8_t *at, const uint8_t *end, Rdata *out
) noexcept nogil:
    """One string, with quotes or without."""
    cdef const uint8_t *stop
    if at < end and at[0] == 34:
        at += 1
        stop = at
        while stop < end and stop[0] != 34:
            if not (32 <= stop[0] <= 126 or stop[0] == 9) or stop[0] == 92:
                return False
            stop += 1
        if stop == end or not is_rest(stop + 1, end):
            return False
    else:
        stop = word_end(at, end)
        if stop == NULL or stop == at or not is_rest(stop, end):
            return False
    if stop - at > 255:
        return False
    out.octets[0] = <uint8_t>(stop - at)
    memcpy(out.octets + 1, at, stop - at)
    out.size = 1 + <int>(stop - at)
    return True


cdef inline bint read_rdata(
    const uint8_t *at, const uint8_t *end, const Scope *scope, Rdata *out
) noexcept nogil:
    """The data of a record of `out.type`, to the end of the line."""
    cdef const uint8_t *stop
    cdef int64_t number
    cdef int numbers, i
    cdef bint absolute
    cdef char text[48]
    if out.type == TXT:
        return read_text(at, end, out)
    numbers = 1 if out.type == MX else 3 if out.type == SRV else 0
    out.size = 2 * numbers
    for i in range(numbers):
        number = read_number(&at, end)
        if number < 0:
            return False
        out.octets[2 * i] = <uint8_t>(number >> 8)
        out.octets[2 * i + 1] = <uint8_t>number
    stop = word_end(at, end)
    if stop == NULL or stop == at or not is_rest(stop, end):
        return False
    if out.type == A:
        out.size = 4
        return read_ipv4(at, stop, out.octets)
    if out.type == AAAA:
        if stop - at >= <Py_ssize_t>sizeof(text):
            return False
        memcpy(text, at, stop - at)
        text[stop - at] = 0
        out.size = 16
        return inet_pton(AF_INET6, text, out.octets) == 1
    i = read_name(
        at, stop, scope.origin, scope.origin_size, False, out.octets + out.size,
        &absolute,
    )
    out.size += i
    return i > 0


cdef inline int read_line(
    const uint8_t *at, const uint8_t *end, Scope *scope, Rdata *out
) noexcept nogil:
    """RECORD: `out` has it, and the scope its owner; NOTHING stands here; DOUBTFUL."""
    cdef const uint8_t *owner = at
    cdef const uint8_t *owner_end
    cdef const uint8_t *word
    cdef int64_t ttl = -1
    cdef bint has_class = False
    if end - at > MOST_LINE:
        return DOUBTFUL
    if is_rest(at, end):
        return NOTHING
    owner_end = at
    if not is_space(at[0]):
        while owner_end < end and not is_space(owner_end[0]):
            owner_end += 1
    elif scope.key_size < 0:
        return DOUBTFUL
    at = owner_end
    while True:
        while at < end and is_space(at[0]):
            at += 1
        word = at
        while at < end and not is_space(at[0]):
            at += 1
        if at == end:
            return DOUBTFUL
        if is_digit(word[0]):
            if ttl >= 0:
                return DOUBTFUL
            ttl = read_ttl(word, at)
            if ttl < 0:
                return DOUBTFUL
        elif (
            not has_class and at - word == 2
            and word[0] | 32 == 105 and word[1] | 32 == 110
        ):
            has_class = True
        else:
            break
    out.type = type_of(word, at - word)
    if not out.type:
        return DOUBTFUL
    while at < end and is_space(at[0]):
        at += 1
    if not read_rdata(at, end, scope, out):
        return DOUBTFUL
    if ttl < 0:
        ttl = scope.default_ttl
        if scope.last_counts and scope.last_ttl >= 0:
            ttl = scope.last_ttl
        if ttl < 0:
            return DOUBTFUL
        if owner != owner_end and not read_owner(owner, owner_end, scope):
            return DOUBTFUL
    else:
        if owner != owner_end and not read_owner(owner, owner_end, scope):
            return DOUBTFUL
        scope.last_ttl = ttl
    out.ttl = <uint32_t>ttl
    return RECORD
