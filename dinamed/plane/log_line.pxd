"""An exchange as a line of JSON: `dinamed.querylog.lines` in C."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.log_exchange cimport ReadExchange
from dinamed.plane.log_text cimport (
    LogText,
    Text,
    put_address,
    put_decimal,
    put_digits,
    put_name,
    put_octet,
    put_octets,
    put_text,
)
from dinamed.plane.octets cimport get16
from dinamed.plane.posix cimport plane_port
from dinamed.plane.samples cimport AnswerSample

cdef enum:
    PLAIN_TYPES = 512       # types whose texts stand in a table, by their numbers
    FIRST_HIGH = 32768      # and of the higher ones, for which there are two more
    TYPE_TEXTS = 514
    RCODE_TEXTS = 32


cdef struct LineTexts:
    # What Python calls things, all of it ready to stand in JSON.
    Text octets[256]        # of a label
    Text types[TYPE_TEXTS]  # of size 0 where the number alone is known
    Text rcodes[RCODE_TEXTS]
    # The second that the last line was of, and its text without what is behind.
    uint64_t second
    Text time


cdef inline uint32_t type_slot(uint32_t rrtype) noexcept nogil:
    """Where the text of a type stands; TYPE_TEXTS if it has none."""
    if rrtype < PLAIN_TYPES:
        return rrtype
    if rrtype >= FIRST_HIGH and rrtype < FIRST_HIGH + TYPE_TEXTS - PLAIN_TYPES:
        return rrtype - FIRST_HIGH + PLAIN_TYPES
    return TYPE_TEXTS


cdef inline void set_second(LineTexts *texts, uint64_t second) noexcept nogil:
    """Work out the date of a second of Unix time (days from civil, Hinnant)."""
    cdef uint64_t days = second // 86400 + 719468
    cdef uint32_t rest = <uint32_t>(second % 86400)
    cdef uint64_t era = days // 146097
    cdef uint32_t of_era = <uint32_t>(days - era * 146097)
    cdef uint32_t year = (
        of_era - of_era // 1460 + of_era // 36524 - of_era // 146096
    ) // 365
    cdef uint32_t of_year = of_era - (365 * year + year // 4 - year // 100)
    cdef uint32_t shifted = (5 * of_year + 2) // 153
    cdef uint32_t month = shifted + 3 if shifted < 10 else shifted - 9
    cdef LogText out
    out.octets = texts.time.octets
    out.used = 0
    put_digits(&out, year + <uint32_t>era * 400 + (1 if month <= 2 else 0), 4)
    put_octet(&out, 45)
    put_digits(&out, month, 2)
    put_octet(&out, 45)
    put_digits(&out, of_year - (153 * shifted + 2) // 5 + 1, 2)
    put_octet(&out, 84)  # T
    put_digits(&out, rest // 3600, 2)
    put_octet(&out, 58)
    put_digits(&out, rest // 60 % 60, 2)
    put_octet(&out, 58)
    put_digits(&out, rest % 60, 2)
    put_octet(&out, 46)
    texts.time.size = out.used
    texts.second = second


cdef inline void put_time(
    LogText *out, LineTexts *texts, uint64_t ticks
) noexcept nogil:
    """Unix time in 2**-22 s as text in milliseconds, cut from the nearest microsecond."""
    cdef uint64_t second = ticks >> 22
    cdef uint64_t scaled = (ticks & 0x3FFFFF) * 15625  # in 2**-16 microseconds
    cdef uint64_t micro = scaled >> 16
    cdef uint64_t rest = scaled & 0xFFFF
    if rest > 0x8000 or (rest == 0x8000 and micro & 1):
        micro += 1
    if micro == 1000000:
        micro = 0
        second += 1
    if second != texts.second:
        set_second(texts, second)
    put_text(out, &texts.time)
    put_digits(out, <uint32_t>(micro // 1000), 3)
    put_octet(out, 90)  # Z


cdef inline void put_question(
    LogText *out, const LineTexts *texts, const ReadExchange *seen
) noexcept nogil:
    """What was asked, and how."""
    cdef uint32_t slot = type_slot(seen.query.type)
    put_octets(out, b'","name":"', 10)
    put_name(out, texts.octets, seen.query_octets + 12)
    put_octets(out, b'","class":"IN","type":"', 23)
    if slot < TYPE_TEXTS and texts.types[slot].size:
        put_text(out, &texts.types[slot])
    else:
        put_octets(out, b"TYPE", 4)
        put_decimal(out, seen.query.type)
    put_octet(out, 34)
    if not seen.query.edns:
        return
    put_octets(out, b',"edns":', 8)
    put_decimal(out, get16(seen.query_octets + seen.query.end + 3))
    if seen.query.do:
        put_octets(out, b',"do":true', 10)
    if seen.query.family:
        put_octets(out, b',"subnet":"', 11)
        put_address(out, seen.query.address, 4 if seen.query.family == 1 else 16)
        put_octet(out, 47)
        put_decimal(out, seen.query.prefix)
        put_octet(out, 34)


cdef inline void put_pool(LogText *out, const ReadExchange *seen) noexcept nogil:
    """The pool, and its members that were named."""
    cdef uint32_t i, member, start
    put_octets(out, seen.pool.head, seen.pool.head_size)
    for i in range(seen.member_count):
        member = seen.members[i]
        start = seen.pool.quoted_ends[member - 1] if member else 0
        if i:
            put_octet(out, 44)
        put_octets(
            out, seen.pool.quoted + start, seen.pool.quoted_ends[member] - start
        )
    put_octets(out, seen.pool.tail, seen.pool.tail_size)


cdef inline void put_line(
    LogText *out, LineTexts *texts, const AnswerSample *record,
    const ReadExchange *seen,
) noexcept nogil:
    """One object, with its end of line; what is not known is left out."""
    cdef int port = plane_port(&record.name)
    put_octets(out, b'{"time":"', 9)
    put_time(out, texts, record.ticks)
    put_octets(out, b'","client":"', 12)
    put_address(out, seen.source, seen.source_size)
    if port:
        put_octets(out, b'","port":', 9)
        put_decimal(out, <uint64_t>port)
        put_octets(out, b',"transport":"', 14)
    else:
        put_octets(out, b'","transport":"', 15)
    put_octets(out, b"tcp" if record.stream else b"udp", 3)
    if seen.readable:
        put_question(out, texts, seen)
    else:
        put_octet(out, 34)
    put_octets(out, b',"rcode":"', 10)
    if seen.rcode < RCODE_TEXTS and texts.rcodes[seen.rcode].size:
        put_text(out, &texts.rcodes[seen.rcode])
    else:
        put_octets(out, b"rcode ", 6)
        put_decimal(out, seen.rcode)
    put_octets(out, b'","size":', 9)
    put_decimal(out, record.reply)
    if seen.reply[2] & 2:
        put_octets(out, b',"truncated":true', 17)
    if seen.zone != NULL:
        put_octets(out, b',"zone":"', 9)
        put_name(out, texts.octets, seen.zone.origin)
        put_octet(out, 34)
    if seen.pool != NULL:
        put_pool(out, seen)
    if seen.scope >= 0:
        put_octets(out, b',"scope":', 9)
        put_decimal(out, <uint64_t>seen.scope)
    if seen.place != NULL:
        put_octets(out, seen.place.text, seen.place.text_size)
    put_octets(out, b"}\n", 2)
