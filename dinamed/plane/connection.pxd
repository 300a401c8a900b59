"""One TCP connection: what it holds, and what it has on its way.

A connection at rest has no buffers.  What was read of a query that is not whole, or has
to wait, is kept in `unread`; what the other side was slow to take, in `unsent`.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove
from dinamed.plane.connection_limits cimport Entry
from dinamed.plane.octets cimport get16
from dinamed.plane.posix cimport plane_address
from dinamed.plane.tcp cimport MSG_DONTWAIT, MSG_NOSIGNAL, send, tcp_again

cdef enum:
    UNWATCHED = 0xFFFFFFFF  # `events` of a connection that epoll does not know
    MOST_PENDING = 16       # queries of one connection that Python has at a time
    LONGEST_FRAME = 65537


cdef struct Buffer:
    uint8_t *octets         # NULL: empty
    uint32_t size
    uint32_t room


cdef struct Connection:
    int fd
    uint32_t index          # its place in the thread's table
    uint32_t serial         # tells it from others that had or will have that place
    uint32_t events         # what epoll looks for
    uint32_t pending        # queries that Python has
    bint eof                # the other side asks nothing more
    bint deaf               # nothing more is answered
    bint leaving            # to Python, or to another process
    bint old                # its time was over once
    bint waits              # for room in the ring to Python
    bint ready              # on the list of those that have something to send
    uint64_t born           # milliseconds
    uint64_t used
    Entry *entry            # NULL: it is not counted (any longer)
    plane_address name
    uint32_t name_size
    Buffer unread
    Buffer unsent
    Connection *older       # by the last use
    Connection *newer
    Connection *elder       # by birth
    Connection *younger
    Connection *next        # of the free ones, and of those that are ready


cdef struct Parcel:
    # What passes between Python and a thread: a reply, a connection.
    Parcel *next            # has to be the first, see `tcp_push`
    uint32_t index          # the connection that is meant
    uint32_t serial
    int fd                  # of a connection that changes hands; -1: this is a reply
    bint silent             # the reply is none
    uint32_t size
    uint8_t octets[1]       # the reply, or what was read of the connection already


cdef inline bint have_room(Buffer *buffer, uint32_t wanted) noexcept nogil:
    """Make room for so many octets in all; False without memory."""
    cdef uint32_t room = buffer.room if buffer.room else 1024
    cdef uint8_t *grown
    if buffer.room >= wanted:
        return True
    while room < wanted:
        room *= 2
    grown = <uint8_t *>realloc(buffer.octets, room)
    if grown == NULL:
        return False
    buffer.octets = grown
    buffer.room = room
    return True


cdef inline void empty(Buffer *buffer) noexcept nogil:
    free(buffer.octets)
    buffer.octets = NULL
    buffer.size = buffer.room = 0


cdef inline bint append(
    Buffer *buffer, const uint8_t *octets, uint32_t size
) noexcept nogil:
    if not size:
        return True
    if not have_room(buffer, buffer.size + size):
        return False
    memcpy(buffer.octets + buffer.size, octets, size)
    buffer.size += size
    return True


cdef inline void drop_first(Buffer *buffer, uint32_t size) noexcept nogil:
    if size >= buffer.size:
        empty(buffer)
    elif size:
        buffer.size -= size
        memmove(buffer.octets, buffer.octets + size, buffer.size)


cdef inline bint holds_frame(const uint8_t *octets, uint32_t size) noexcept nogil:
    """Whether a whole message stands at the start."""
    return size >= 2 and size - 2 >= get16(octets)


cdef inline int send_some(
    Connection *one, const uint8_t *octets, uint32_t size
) noexcept nogil:
    """How many octets the system has taken; -1 if the connection is broken."""
    cdef uint32_t done = 0
    cdef ssize_t sent
    while done < size:
        sent = send(one.fd, octets + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent < 0:
            if tcp_again():
                break
            return -1
        done += <uint32_t>sent
    return <int>done


cdef inline bint send_or_keep(
    Connection *one, const uint8_t *octets, uint32_t size
) noexcept nogil:
    """Send behind what waits already; False if the connection is broken."""
    cdef int done = 0
    if not one.unsent.size:
        done = send_some(one, octets, size)
        if done < 0:
            return False
    return append(&one.unsent, octets + done, size - <uint32_t>done)


cdef inline bint send_kept(Connection *one) noexcept nogil:
    """Send of what waits as much as the system takes; False if it is broken."""
    cdef int done = send_some(one, one.unsent.octets, one.unsent.size)
    if done < 0:
        return False
    drop_first(&one.unsent, <uint32_t>done)
    return True


cdef inline Parcel *parcel_of(
    uint32_t index, uint32_t serial, int fd, const uint8_t *octets, uint32_t size
) noexcept nogil:
    """NULL without memory."""
    cdef Parcel *parcel = <Parcel *>malloc(sizeof(Parcel) + size)
    if parcel != NULL:
        parcel.index = index
        parcel.serial = serial
        parcel.fd = fd
        parcel.silent = False
        parcel.size = size
        if size:
            memcpy(parcel.octets, octets, size)
    return parcel
