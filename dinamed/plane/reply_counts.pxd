"""Counts of the replies for the names of one zone, by type, rcode and thread.

There may be a hundred thousand zones, most of which nobody ever asks for.  So counts are
made when they are first needed, eight cells at a time: a cell for each column of a type
and each kind of rcode.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free
from dinamed.plane.posix cimport plane_add, plane_get, plane_get_pointer, plane_made

cdef enum:
    MOST_COLUMNS = 32
    RCODE_ROWS = 4       # NOERROR, NXDOMAIN, REFUSED, FORMERR
    CELLS = 128          # MOST_COLUMNS * RCODE_ROWS
    TOGETHER = 8         # cells that are made at a time: a cache line of a thread
    GROUPS = 16


cdef inline void count_in(
    void *counts, uint32_t rows, uint32_t thread, uint32_t cell
) noexcept nogil:
    """Add one to a cell.  `counts` is the address of the pointer to the counts.

    Without memory for it nothing is counted.
    """
    cdef void **groups = <void **>plane_made(counts, GROUPS * sizeof(void *))
    cdef uint64_t *group
    if groups == NULL:
        return
    # Behind the rows of the threads stand two of what was taken before.
    group = <uint64_t *>plane_made(
        groups + cell // TOGETHER, (rows + 2) * TOGETHER * sizeof(uint64_t)
    )
    if group != NULL:
        plane_add(group + thread * TOGETHER + cell % TOGETHER, 1)


cdef inline uint64_t take_from(
    uint64_t *group, uint32_t rows, uint32_t place, uint32_t half
) noexcept nogil:
    """What was counted since the last time at a place of a group.

    Of UDP, or in the other `half` of the rows of streams.
    """
    cdef uint32_t row, each = rows // 2
    cdef uint64_t *booked = group + (rows + half) * TOGETHER + place
    cdef uint64_t total = 0
    for row in range(half * each, (half + 1) * each):
        total += plane_get(group + row * TOGETHER + place)
    total -= booked[0]
    booked[0] += total
    return total


cdef inline void free_counts(void *counts) noexcept nogil:
    """Free counts that no thread looks at any more."""
    cdef void **groups = <void **>counts
    cdef uint32_t i
    if groups != NULL:
        for i in range(<uint32_t>GROUPS):
            free(groups[i])
    free(groups)
