"""Response rate limiting: `dinamed.limits.responses` in C.

A bucket is one word: 24 bits that tell whose it is, and 40 bits of the time at which it
will be full again.  So threads share it without locks, by compare and exchange.  Eight
buckets are one cache line; a newcomer takes the place of the one that is full first.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.cookie cimport siphash24
from dinamed.plane.octets cimport mix, put16
from dinamed.plane.posix cimport plane_add, plane_exchange, plane_get
from dinamed.plane.tree cimport Tree, is_inside

cdef enum:
    TICK_BITS = 22          # a tick is 2**-22 of a second
    WAYS = 8
    RATE_ROW = 8            # words of one thread's counts, a cache line
    OVER = 0
    SLIPPED = 1


cdef enum RateAction:
    PASSES
    SLIPS       # leaves truncated and empty
    DROPS


cdef struct RateTableData:
    uint64_t *buckets
    uint32_t sets           # less one: a mask
    uint32_t slip
    uint64_t secret[2]
    uint64_t step           # ticks that one reply takes
    uint64_t ahead          # ticks that a bucket may be ahead to let one more through
    uint64_t farthest       # no bucket is farther ahead, unless the clock was set
    uint64_t errors         # the kind of errors
    Tree exempt
    uint64_t *rows          # counts by thread


cdef inline uint64_t kind_hash(
    const RateTableData *table, const uint8_t *kind, uint32_t size
) noexcept nogil:
    """A kind as `dinamed.plans.defence.Kinds` spells it, in 64 bits."""
    return siphash24(table.secret, kind, size)


cdef inline uint64_t answer_kind(
    const RateTableData *table, uint32_t rrtype, const uint8_t *key,
    const uint8_t *origin,
    uint32_t origin_size,
) noexcept nogil:
    """The kind of the answers from a node; `key` is its size and relative name."""
    cdef uint8_t kind[520]
    kind[0] = 97  # a
    put16(kind + 1, rrtype)
    memcpy(kind + 3, key + 1, key[0])
    memcpy(kind + 3 + key[0], origin, origin_size)
    return kind_hash(table, kind, 3 + key[0] + origin_size)


cdef inline uint64_t origin_kind(
    const RateTableData *table, const uint8_t *origin, uint32_t size
) noexcept nogil:
    """The kind of a zone's negative answers."""
    cdef uint8_t kind[256]
    kind[0] = 110  # n
    memcpy(kind + 1, origin, size)
    return kind_hash(table, kind, 1 + size)


cdef inline bint take(
    const RateTableData *table, uint64_t kind, const uint8_t *source, uint32_t size,
    uint64_t now,
) noexcept nogil:
    """Take one reply out of its bucket; False if there is not enough in it."""
    cdef uint64_t network = 0, key, tag, word, ahead, least, old = 0, left = 0
    cdef uint64_t time_mask = (<uint64_t>1 << 40) - 1
    cdef uint64_t *buckets
    cdef uint32_t i, slot = 0, _tries
    for i in range(<uint32_t>(3 if size == 4 else 7)):
        network = (network << 8) | source[i]
    key = mix(kind ^ mix((network << 8 | size) ^ table.secret[1]))
    buckets = table.buckets + (<uint32_t>key & table.sets) * WAYS
    tag = key & ~time_mask
    now &= time_mask
    # Whoever fails was overtaken by another thread that has come through.
    for _tries in range(8):
        least = <uint64_t>-1
        for i in range(<uint32_t>WAYS):
            word = plane_get(buckets + i)
            ahead = (word - now) & time_mask
            if ahead > table.farthest:
                ahead = 0
            if word & ~time_mask == tag:
                slot, old, left = i, word, ahead
                break
            if ahead < least:
                slot, old, least = i, word, ahead
        else:
            left = 0
        if left > table.ahead:
            return False
        word = (old if left else now) + table.step
        if plane_exchange(buckets + slot, old, tag | (word & time_mask)):
            break
    return True


cdef inline RateAction judge(
    const RateTableData *table, uint64_t kind, const uint8_t *source, uint32_t size,
    uint64_t now, uint32_t thread,
) noexcept nogil:
    """What becomes of a reply to a packed address, at a time in ticks."""
    cdef uint64_t *row = table.rows + thread * RATE_ROW
    if take(table, kind, source, size, now):
        return PASSES
    if is_inside(&table.exempt, source, size):
        return PASSES
    plane_add(row + OVER, 1)
    if table.slip and row[OVER] % table.slip == 0:
        plane_add(row + SLIPPED, 1)
        return SLIPS
    return DROPS
