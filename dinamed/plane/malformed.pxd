"""What is wrong with a message: `dinamed.wire.query` in C, as far as it rejects.

A flood of broken messages must not keep Python busy, so they are judged here.
"""

from libc.stdint cimport uint8_t, uint32_t
from dinamed.plane.query cimport ACCEPT, TYPE_OPT, ParsedQuery, read_options
from dinamed.plane.octets cimport get16

cdef enum:
    QUERY = 0
    NOTIFY = 4
    UPDATE = 5
    MOST_NAME = 255
    MOST_LABEL = 63


cdef enum Fault:
    NO_FAULT         # or one that is answered with more than a header and a question
    UNKNOWN_OPCODE
    UNREADABLE       # up to the question
    BAD_RECORDS      # behind the question


cdef inline uint32_t skip_plain(
    const uint8_t *data, uint32_t size, uint32_t at
) noexcept nogil:
    """Where a name without pointers ends; 0 if it is none."""
    cdef uint32_t start = at
    while True:
        if at >= size or data[at] > MOST_LABEL:
            return 0
        if not data[at]:
            break
        at += 1 + data[at]
    at += 1
    return at if at - start <= MOST_NAME else 0


cdef inline uint32_t skip_any(
    const uint8_t *data, uint32_t size, uint32_t at
) noexcept nogil:
    """Where a name ends that may end in a pointer, which is not followed; 0 if none."""
    cdef uint32_t start = at
    while True:
        if at >= size:
            return 0
        if not data[at]:
            return at + 1
        if data[at] >= 0xC0:
            return at + 2 if at + 1 < size else 0
        if data[at] > MOST_LABEL:
            return 0
        at += 1 + data[at]
        if at - start > MOST_NAME:
            return 0


cdef inline bint bad_options(const uint8_t *at, uint32_t size) noexcept nogil:
    """Whether the options of an OPT record of version 0 break the format."""
    cdef ParsedQuery query
    query.family = query.cookie_size = 0
    return read_options(&query, at, size) != ACCEPT


cdef inline bint bad_records(
    const uint8_t *data, uint32_t size, uint32_t at, uint32_t skipped, uint32_t count
) noexcept nogil:
    """Whether what follows the question is not just these records, one OPT at most."""
    cdef uint32_t owner, length, index
    cdef bint found = False
    # Each record takes 11 octets or ends this, so counts that lie cost nothing.
    for index in range(skipped + count):
        owner = at
        at = skip_any(data, size, at)
        if not at or at + 10 > size:
            return True
        length = get16(data + at + 8)
        if at + 10 + length > size:
            return True
        if get16(data + at) == TYPE_OPT:
            if found or index < skipped or data[owner]:
                return True
            found = True
            # Options of other versions are not ours to judge.
            if not data[at + 5] and bad_options(data + at + 10, length):
                return True
        at += 10 + length
    return at != size


cdef inline uint32_t opt_anywhere(
    const uint8_t *data, uint32_t size
) noexcept nogil:
    """Where the OPT record of a message is, whatever else is wrong; 0 if nowhere."""
    cdef uint32_t questions = get16(data + 4), more = get16(data + 10)
    cdef uint32_t skipped = get16(data + 6) + get16(data + 8)
    cdef uint32_t at = 12, owner, index, _i
    # Each question and record takes some octets or ends this.
    for _i in range(questions):
        at = skip_any(data, size, at)
        if not at:
            return 0
        at += 4
    for index in range(skipped + more):
        owner = at
        at = skip_any(data, size, at)
        if not at or at + 10 > size:
            return 0
        at += 10 + get16(data + at + 8)
        if at > size:
            return 0
        if index >= skipped and not data[owner]:
            if get16(data + owner + 1) == TYPE_OPT:
                return owner
    return 0


cdef inline Fault fault_of(
    const uint8_t *data, uint32_t size, uint32_t *end
) noexcept nogil:
    """What is wrong with a message of 12 octets or more, and the end of its question."""
    cdef uint32_t opcode = (data[2] >> 3) & 0xF
    cdef uint32_t questions = get16(data + 4), answers = get16(data + 6)
    cdef uint32_t authorities = get16(data + 8), more = get16(data + 10)
    if opcode != QUERY and opcode != NOTIFY and opcode != UPDATE:
        return UNKNOWN_OPCODE
    if questions != 1:
        if questions or answers or authorities or opcode != QUERY or not more:
            return UNREADABLE
        return NO_FAULT  # perhaps it asks for a cookie
    if opcode == QUERY and (answers or authorities > 1):
        return UNREADABLE
    end[0] = skip_plain(data, size, 12)
    if not end[0] or end[0] + 4 > size:
        return UNREADABLE
    end[0] += 4
    if bad_records(data, size, end[0], answers + authorities, more):
        return BAD_RECORDS
    return NO_FAULT
