"""Notes of answers, on their way out of the thread that made them.

Each thread has a ring of them for the query log and one for the places that clients are
at.  What finds no room is dropped and counted: a log never holds up an answer.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.octets cimport chance
from dinamed.plane.posix cimport (
    plane_add,
    plane_address,
    plane_get_pointer,
    plane_set_seq,
)
from dinamed.plane.ring cimport Ring, reserve


cdef struct AnswerSample:
    # The first field is that of `Punted`, so that `peek` and `pop` are for both.
    uint32_t total
    uint32_t query      # octets of the query, which follows
    uint32_t reply      # octets of the reply, which follows that
    uint64_t ticks      # Unix time, see `plane_now`
    uint32_t stream     # whether over TCP or TLS
    plane_address name


cdef struct SampleRing:
    uint64_t threshold  # a lot above this is not noted
    uint64_t dropped
    Ring ring           # last, for its data follow


cdef struct Samplers:
    # NULL: nobody wants any now.
    SampleRing *places
    SampleRing *logged


cdef inline Samplers samplers_of(const Samplers *set_now) noexcept nogil:
    """What is wanted for the next answers; Python may change it at any time."""
    cdef Samplers found
    found.places = <SampleRing *>plane_get_pointer(<void *>&set_now.places)
    found.logged = <SampleRing *>plane_get_pointer(<void *>&set_now.logged)
    return found


cdef inline void sample(
    const Samplers *samplers, uint64_t *rng, const plane_address *name, bint stream,
    const uint8_t *query, uint32_t query_size, const uint8_t *reply,
    uint32_t reply_size, uint64_t ticks,
) noexcept nogil:
    """Write an answer down for those who want it."""
    if samplers.logged != NULL:
        write_down(
            samplers.logged, rng, name, stream, query, query_size, reply, reply_size,
            ticks,
        )
    if samplers.places != NULL:
        write_down(
            samplers.places, rng, name, stream, query, query_size, reply, reply_size,
            ticks,
        )


cdef inline void write_down(
    SampleRing *samples, uint64_t *rng, const plane_address *name, bint stream,
    const uint8_t *query, uint32_t query_size, const uint8_t *reply,
    uint32_t reply_size, uint64_t ticks,
) noexcept nogil:
    """Write an answer down, if the lot says so and there is room."""
    cdef uint64_t tail
    cdef AnswerSample *record
    if chance(rng) > samples.threshold:
        return
    record = <AnswerSample *>reserve(
        &samples.ring, <uint32_t>sizeof(AnswerSample) + query_size + reply_size, &tail
    )
    if record == NULL:
        plane_add(&samples.dropped, 1)
        return
    record.query = query_size
    record.reply = reply_size
    record.ticks = ticks
    record.stream = stream
    record.name = name[0]
    memcpy(<uint8_t *>record + sizeof(AnswerSample), query, query_size)
    memcpy(<uint8_t *>record + sizeof(AnswerSample) + query_size, reply, reply_size)
    plane_set_seq(&samples.ring.tail, tail)
