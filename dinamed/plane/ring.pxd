"""A queue of records on their way out of one thread, as queries for the Python engine.

One writer, one reader, no locks.  A record never wraps; what would goes to the start,
behind a mark of 0 octets.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.posix cimport (
    PLANE_CONTROL,
    plane_address,
    plane_get_seq,
    plane_set_seq,
)

cdef enum:
    RING_SIZE = 1048576     # octets of the ring of queries
    RING_ALIGN = 16


cdef struct Punted:
    uint32_t total      # octets of the record, a multiple of 16; 0: go to the start
    uint32_t size       # octets of the query, which follows
    uint32_t wanted      # 0: nothing, 1: a plan, 2: a client, 3: levels, 4: a probe
    uint32_t index      # of a datagram the descriptor, else the connection
    uint32_t serial     # of the connection
    uint32_t name_size
    uint32_t control_size
    plane_address name
    uint8_t control[PLANE_CONTROL]


cdef struct Ring:
    uint64_t head       # where the reader is
    uint8_t pad[56]
    uint64_t tail       # where the writer is
    uint64_t size       # octets of the data, a power of two
    uint8_t data[1]


cdef inline uint8_t *reserve(
    Ring *ring, uint32_t size, uint64_t *tail
) noexcept nogil:
    """Room for a record of so many octets, whose first four are their number already.

    NULL if there is none.  `tail` is what `ring.tail` has to be once it is written.
    """
    cdef uint64_t head = plane_get_seq(&ring.head)
    cdef uint32_t at = <uint32_t>(ring.tail & (ring.size - 1)), skipped = 0
    cdef uint32_t total = (size + RING_ALIGN - 1) & ~<uint32_t>(RING_ALIGN - 1)
    if at + total > ring.size:
        skipped = <uint32_t>ring.size - at
    if ring.tail + skipped + total - head > ring.size:
        return NULL
    if skipped:
        (<Punted *>(ring.data + at)).total = 0
        at = 0
    (<Punted *>(ring.data + at)).total = total
    tail[0] = ring.tail + skipped + total
    return ring.data + at


cdef inline bint push(
    Ring *ring, const plane_address *name, uint32_t name_size, const uint8_t *control,
    uint32_t control_size, const uint8_t *query, uint32_t size, uint32_t index,
    uint32_t serial, uint32_t wanted,
) noexcept nogil:
    """False if there is no room."""
    cdef uint64_t tail
    cdef Punted *record = <Punted *>reserve(
        ring, <uint32_t>sizeof(Punted) + size, &tail
    )
    if record == NULL:
        return False
    record.size = size
    record.wanted = wanted
    record.index = index
    record.serial = serial
    record.name_size = name_size
    record.control_size = control_size
    record.name = name[0]
    if control_size:
        memcpy(record.control, control, control_size)
    memcpy(<uint8_t *>record + sizeof(Punted), query, size)
    plane_set_seq(&ring.tail, tail)
    return True


cdef inline const Punted *peek(Ring *ring) noexcept nogil:
    """The oldest record, or NULL."""
    cdef uint64_t head = ring.head
    cdef uint32_t at
    cdef const Punted *record
    if head == plane_get_seq(&ring.tail):
        return NULL
    at = <uint32_t>(head & (ring.size - 1))
    record = <const Punted *>(ring.data + at)
    if record.total == 0:
        plane_set_seq(&ring.head, head + ring.size - at)
        record = <const Punted *>ring.data
    return record


cdef inline void pop(Ring *ring) noexcept nogil:
    """Give back the room of the record that `peek` has shown."""
    cdef uint32_t at = <uint32_t>(ring.head & (ring.size - 1))
    cdef const Punted *record = <const Punted *>(ring.data + at)
    plane_set_seq(&ring.head, ring.head + record.total)
