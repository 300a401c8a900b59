"""An exchange as a frame of dnstap: `dinamed.querylog.dnstap` in C."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from dinamed.plane.log_exchange cimport ReadExchange
from dinamed.plane.log_text cimport (
    LogText,
    put_big32,
    put_little32,
    put_octet,
    put_octets,
    put_varint,
    varint_size,
)
from dinamed.plane.posix cimport plane_port
from dinamed.plane.samples cimport AnswerSample

cdef enum:
    AUTH_RESPONSE = 2
    # Fields of `Message` by their numbers and wire types, as octets in front of them.
    TYPE = 0x08
    FAMILY = 0x10
    PROTOCOL = 0x18
    QUERY_ADDRESS = 0x22
    QUERY_PORT = 0x30
    QUERY_SECONDS = 0x40
    QUERY_NANOSECONDS = 0x4D
    QUERY_MESSAGE = 0x52
    QUERY_ZONE = 0x5A
    RESPONSE_SECONDS = 0x60
    RESPONSE_NANOSECONDS = 0x6D
    RESPONSE_MESSAGE = 0x72
    # And of `Dnstap`.
    EXTRA = 0x1A
    MESSAGE = 0x72
    KIND = 0x78
    A_MESSAGE = 1


cdef inline uint32_t delimited_size(uint32_t size) noexcept nogil:
    """Octets of a field of so many octets, with what is in front."""
    return 1 + varint_size(size) + size


cdef inline void put_delimited(
    LogText *out, uint32_t field, const void *octets, uint32_t size
) noexcept nogil:
    put_octet(out, field)
    put_varint(out, size)
    put_octets(out, octets, size)


cdef inline uint32_t message_size(
    const AnswerSample *record, const ReadExchange *seen, uint32_t port, uint64_t seconds
) noexcept nogil:
    """Octets of the `Message` of an exchange."""
    cdef uint32_t size = 6 + delimited_size(seen.source_size)
    if port:
        size += 1 + varint_size(port)
    size += 2 * (1 + varint_size(seconds) + 5)
    size += delimited_size(record.query) + delimited_size(record.reply)
    if seen.zone != NULL:
        size += delimited_size(seen.zone.size)
    return size


cdef inline void put_extra(LogText *out, const ReadExchange *seen) noexcept nogil:
    """The names of pool and members."""
    cdef uint32_t i, member, start, size = seen.pool.name_size
    for i in range(seen.member_count):
        member = seen.members[i]
        start = seen.pool.ends[member - 1] if member else 0
        size += 1 + seen.pool.ends[member] - start
    put_octet(out, EXTRA)
    put_varint(out, size)
    put_octets(out, seen.pool.name, seen.pool.name_size)
    for i in range(seen.member_count):
        member = seen.members[i]
        start = seen.pool.ends[member - 1] if member else 0
        put_octet(out, 32)
        put_octets(out, seen.pool.names + start, seen.pool.ends[member] - start)


cdef inline void put_times(
    LogText *out, uint32_t seconds_field, uint32_t rest_field, uint64_t ticks
) noexcept nogil:
    put_octet(out, seconds_field)
    put_varint(out, ticks >> 22)
    put_octet(out, rest_field)
    put_little32(out, <uint32_t>((ticks & 0x3FFFFF) * 1953125 >> 13))


cdef inline void put_frame(
    LogText *out, const uint8_t *head, uint32_t head_size, const AnswerSample *record,
    const ReadExchange *seen,
) noexcept nogil:
    """One data frame; `head` is what each begins with: identity and version."""
    cdef uint32_t at = out.used, size
    cdef uint32_t port = <uint32_t>plane_port(&record.name)
    out.used += 4
    put_octets(out, head, head_size)
    if seen.pool != NULL:
        put_extra(out, seen)
    put_octet(out, MESSAGE)
    put_varint(out, message_size(record, seen, port, record.ticks >> 22))
    put_octet(out, TYPE)
    put_octet(out, AUTH_RESPONSE)
    put_octet(out, FAMILY)
    put_octet(out, 1 if seen.source_size == 4 else 2)
    put_octet(out, PROTOCOL)
    put_octet(out, 2 if record.stream else 1)
    put_delimited(out, QUERY_ADDRESS, seen.source, seen.source_size)
    if port:
        put_octet(out, QUERY_PORT)
        put_varint(out, port)
    put_times(out, QUERY_SECONDS, QUERY_NANOSECONDS, record.ticks)
    put_delimited(out, QUERY_MESSAGE, seen.query_octets, record.query)
    if seen.zone != NULL:
        put_delimited(out, QUERY_ZONE, seen.zone.origin, seen.zone.size)
    put_times(out, RESPONSE_SECONDS, RESPONSE_NANOSECONDS, record.ticks)
    put_delimited(out, RESPONSE_MESSAGE, seen.reply, record.reply)
    put_octet(out, KIND)
    put_octet(out, A_MESSAGE)
    size = out.used
    out.used = at
    put_big32(out, size - at - 4)
    out.used = size
