"""What a thread for TCP holds: its connections, in order, and what becomes of them."""

from libc.stdint cimport uint32_t, uint64_t, uint8_t
from dinamed.plane.reply cimport RequestContext
from dinamed.plane.connection cimport (
    MOST_PENDING,
    UNWATCHED,
    Connection,
    Parcel,
    empty,
    holds_frame,
    parcel_of,
)
from dinamed.plane.connection_limits cimport ConnectionLimits, leave, limits_set
from dinamed.plane.samples cimport Samplers
from dinamed.plane.tables cimport TablesData
from dinamed.plane.tcp cimport (
    EPOLLIN,
    EPOLLOUT,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    close,
    tcp_abort,
    tcp_close,
    tcp_push,
    tcp_watch,
)
from dinamed.plane.worker cimport MOST_SOCKETS, Shared, Worker

cdef enum:
    READ_SIZE = 16384       # octets that one connection may ask at a turn
    OUTPUT_SIZE = 147456    # two of the longest replies and some more
    EVENTS = 64
    ACCEPTS = 32            # connections of one socket at a turn
    LONGEST_WAIT = 500      # milliseconds
    RING_WAIT = 10          # until the ring to Python is tried again
    EXHAUSTED_WAIT = 100    # until a connection is accepted again
    LISTENER = 0xFFFFFFFF   # in place of a connection's index, in events
    WAKER = 0xFFFFFFFE


cdef enum Phase:
    SERVING
    GIVING      # all connections are to leave, each once it is at rest
    FINISHING   # what was asked is answered, then it is over


cdef struct StreamThread:
    Worker *worker
    Shared *shared
    ConnectionLimits *limits
    uint32_t number         # of the owner in the limits
    int epoll
    int waker               # an eventfd
    uint64_t idle           # milliseconds; Python sets these
    uint64_t total
    uint64_t phase
    uint64_t patience
    uint64_t ended
    Parcel *arrived         # from Python: see `tcp_push`
    Parcel *given           # to Python: connections
    int listeners[MOST_SOCKETS]
    uint32_t listener_count
    bint accepting
    uint64_t paused_until
    Connection **table
    uint32_t table_room
    uint32_t table_size
    Connection *free
    Connection *oldest      # by the last use
    Connection *newest
    Connection *eldest      # by birth
    Connection *youngest
    uint64_t open
    bint waiting            # whether any waits for room in the ring
    # Of the present turn.
    uint64_t now
    RequestContext request
    const TablesData *tables
    Samplers samplers
    bint pushed             # whether there is something for Python
    uint8_t input[READ_SIZE]
    uint8_t output[OUTPUT_SIZE]


cdef inline void used_now(StreamThread *thread, Connection *one) noexcept nogil:
    """Put it last among those that may have been idle for too long."""
    one.used = thread.now
    if one.entry != NULL:
        limits_set(&one.entry.used, thread.now)
    if thread.newest == one:
        return
    if one.older != NULL:
        one.older.newer = one.newer
    elif thread.oldest == one:
        thread.oldest = one.newer
    if one.newer != NULL:
        one.newer.older = one.older
    one.older = thread.newest
    one.newer = NULL
    if thread.newest != NULL:
        thread.newest.newer = one
    thread.newest = one
    if thread.oldest == NULL:
        thread.oldest = one


cdef inline void unlink_birth(StreamThread *thread, Connection *one) noexcept nogil:
    if one.elder != NULL:
        one.elder.younger = one.younger
    else:
        thread.eldest = one.younger
    if one.younger != NULL:
        one.younger.elder = one.elder
    else:
        thread.youngest = one.elder


cdef inline void born_now(StreamThread *thread, Connection *one) noexcept nogil:
    one.born = thread.now
    one.elder = thread.youngest
    one.younger = NULL
    if thread.youngest != NULL:
        thread.youngest.younger = one
    else:
        thread.eldest = one
    thread.youngest = one


cdef inline void forget(StreamThread *thread, Connection *one) noexcept nogil:
    """Strike out a connection whose descriptor is closed, or another's."""
    if one.entry != NULL:
        leave(thread.limits, one.entry)
        one.entry = NULL
    if one.older != NULL:
        one.older.newer = one.newer
    else:
        thread.oldest = one.newer
    if one.newer != NULL:
        one.newer.older = one.older
    else:
        thread.newest = one.older
    unlink_birth(thread, one)
    empty(&one.unread)
    empty(&one.unsent)
    one.fd = -1
    one.serial += 1
    one.next = thread.free
    thread.free = one
    thread.open -= 1


cdef inline void abort_one(StreamThread *thread, Connection *one) noexcept nogil:
    tcp_abort(one.fd)
    forget(thread, one)


cdef inline void give_away(StreamThread *thread, Connection *one) noexcept nogil:
    """Leave a connection to Python, with what was read of it."""
    cdef Parcel *parcel = parcel_of(
        0, 0, one.fd, one.unread.octets, one.unread.size
    )
    if parcel == NULL:
        abort_one(thread, one)
        return
    if one.events != UNWATCHED:
        tcp_watch(thread.epoll, EPOLL_CTL_DEL, one.fd, 0, 0)
    forget(thread, one)
    tcp_push(&thread.given, parcel)
    thread.pushed = True


cdef inline void settle(StreamThread *thread, Connection *one) noexcept nogil:
    """See what comes next for a connection, which may be its end."""
    cdef uint32_t wanted = 0
    cdef bint at_rest = not one.pending and not one.unsent.size
    cdef uint64_t data
    if one.deaf:
        empty(&one.unread)
    if at_rest and one.deaf:
        tcp_close(one.fd)
        forget(thread, one)
        return
    if at_rest and one.leaving:
        give_away(thread, one)
        return
    if at_rest and one.eof and not holds_frame(one.unread.octets, one.unread.size):
        close(one.fd)
        forget(thread, one)
        return
    if one.unsent.size:
        wanted = EPOLLOUT
    elif not (
        one.eof or one.deaf or one.leaving or one.waits
        or one.pending >= MOST_PENDING
    ):
        wanted = EPOLLIN
    if wanted == one.events:
        return
    data = <uint64_t>one.serial << 32 | one.index
    if tcp_watch(
        thread.epoll, EPOLL_CTL_ADD if one.events == UNWATCHED else EPOLL_CTL_MOD,
        one.fd, wanted, data,
    ):
        abort_one(thread, one)
        return
    one.events = wanted
