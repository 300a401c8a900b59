"""Reading one line of a master file that is a record in its plain spelling.

It accepts a part of what `master` accepts, with the same result, and leaves every line in
doubt to it.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy
from dinamed.zones.plain_words cimport (
    A,
    AAAA,
    MOST_NAME,
    MX,
    SRV,
    TXT,
    is_digit,
    is_rest,
    is_space,
    lower,
    read_ipv4,
    read_name,
    read_number,
    read_ttl,
    type_of,
    word_end,
)


cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char *text, void *address)
    int AF_INET6


cdef enum:
    MOST_LINE = 65536

    DOUBTFUL = 0
    RECORD = 1
    NOTHING = 2


# What holds for the line, as `scope.Scope` has it; sizes below 0: there is none.
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
