"""Connections that come: from the sockets, from Python, and from another process."""

from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free, realloc
from dinamed.plane.connection cimport UNWATCHED, Connection, Parcel, append, send_kept
from dinamed.plane.connection_limits cimport NONE, admit, is_expected, next_displaced
from dinamed.plane.octets cimport put16
from dinamed.plane.posix cimport plane_address, plane_get, plane_port, plane_source
from dinamed.plane.stream_messages cimport go_on, read_some
from dinamed.plane.stream_thread cimport (
    ACCEPTS,
    EXHAUSTED_WAIT,
    GIVING,
    LISTENER,
    StreamThread,
    abort_one,
    born_now,
    used_now,
)
from dinamed.plane.tcp cimport (
    EPOLLEXCLUSIVE,
    EPOLLIN,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    close,
    read,
    tcp_abort,
    tcp_accept,
    tcp_exhausted,
    tcp_peer,
    tcp_take_all,
    tcp_watch,
)
from dinamed.plane.worker cimport wake


cdef inline Connection *new_connection(StreamThread *thread) noexcept nogil:
    """NULL without memory."""
    cdef Connection *one = thread.free
    cdef Connection **grown
    cdef uint32_t room
    if one != NULL:
        thread.free = one.next
        return one
    if thread.table_size == thread.table_room:
        room = 2 * thread.table_room if thread.table_room else 64
        grown = <Connection **>realloc(thread.table, room * sizeof(void *))
        if grown == NULL:
            return NULL
        thread.table = grown
        thread.table_room = room
    one = <Connection *>calloc(1, sizeof(Connection))
    if one != NULL:
        one.index = thread.table_size
        thread.table[thread.table_size] = one
        thread.table_size += 1
    return one


cdef inline bint is_local(const uint8_t *address, uint32_t size) noexcept nogil:
    """Whether it is one of this host's loopback."""
    cdef uint32_t i
    if size == 4:
        return address[0] == 127
    for i in range(15):
        if address[i]:
            return False
    return address[15] == 1


cdef inline void close_displaced(StreamThread *thread) noexcept nogil:
    """Close those that have to go for others."""
    cdef uint32_t index, serial
    cdef Connection *one
    while next_displaced(thread.limits, thread.number, &index, &serial):
        one = thread.table[index]
        if one.fd >= 0 and one.serial == serial:
            one.entry = NULL  # released already
            abort_one(thread, one)


cdef inline Connection *take_in(
    StreamThread *thread, int fd, const plane_address *name, uint32_t name_size
) noexcept nogil:
    """Make a connection of a descriptor; NULL if it is one too many, and so closed."""
    cdef Connection *one = new_connection(thread)
    cdef const uint8_t *address
    cdef uint32_t woken = NONE
    cdef uint32_t size
    cdef bint own
    if one == NULL:
        tcp_abort(fd)
        return NULL
    one.fd = fd
    one.name = name[0]
    one.name_size = name_size
    size = plane_source(&one.name, &address)
    one.entry = NULL
    own = is_local(address, size) and is_expected(
        thread.limits, <uint32_t>plane_port(&one.name)
    )
    if not own:
        one.entry = admit(
            thread.limits, address, size, thread.number, one.index, one.serial,
            thread.now, &woken,
        )
    if one.entry == NULL and not own:
        tcp_abort(fd)
        one.fd = -1
        one.next = thread.free
        thread.free = one
        return NULL
    one.events = UNWATCHED
    one.pending = 0
    one.eof = one.deaf = one.leaving = one.old = one.waits = one.ready = False
    one.older = one.newer = NULL
    born_now(thread, one)
    used_now(thread, one)
    thread.open += 1
    if woken == thread.number:
        close_displaced(thread)
    elif woken != NONE:
        wake(thread.limits.owners[woken].wake)
    return one


cdef inline void listen(StreamThread *thread, bint wanted) noexcept nogil:
    """Begin or cease to accept connections."""
    cdef uint32_t i
    if wanted == thread.accepting:
        return
    thread.accepting = wanted
    for i in range(thread.listener_count):
        tcp_watch(
            thread.epoll, EPOLL_CTL_ADD if wanted else EPOLL_CTL_DEL,
            thread.listeners[i], EPOLLIN | EPOLLEXCLUSIVE,
            <uint64_t>i << 32 | <uint32_t>LISTENER,
        )


cdef inline void accept_some(StreamThread *thread, int listener) noexcept nogil:
    cdef plane_address name
    cdef uint32_t name_size, _i
    cdef int fd
    cdef Connection *one
    for _i in range(<uint32_t>ACCEPTS):
        fd = tcp_accept(listener, &name, &name_size)
        if fd < 0:
            if not tcp_exhausted():
                return
            # There are no descriptors left: the one idle the longest gives way.
            if thread.oldest == NULL:
                listen(thread, False)
                thread.paused_until = thread.now + EXHAUSTED_WAIT
                return
            abort_one(thread, thread.oldest)
            continue
        one = take_in(thread, fd, &name, name_size)
        if one != NULL:
            read_some(thread, one)


cdef inline void adopt(StreamThread *thread, Parcel *parcel) noexcept nogil:
    """Take over a connection from Python, with what it has read."""
    cdef plane_address name
    cdef uint32_t name_size
    cdef Connection *one
    if tcp_peer(parcel.fd, &name, &name_size):
        close(parcel.fd)
        return
    one = take_in(thread, parcel.fd, &name, name_size)
    if one == NULL:
        return
    if not append(&one.unread, parcel.octets, parcel.size):
        abort_one(thread, one)
        return
    if plane_get(&thread.phase) == GIVING:
        one.leaving = True
    go_on(thread, one)


cdef inline void take_reply(
    StreamThread *thread, Parcel *parcel, Connection **ready
) noexcept nogil:
    """Keep a reply from Python to be sent; `ready` are those that have some."""
    cdef uint8_t frame[2]
    cdef Connection *one = thread.table[parcel.index]
    if one.fd < 0 or one.serial != parcel.serial:
        return  # it has gone meanwhile
    one.pending -= 1
    put16(frame, parcel.size)
    if parcel.silent:
        one.deaf = True
    elif not append(&one.unsent, frame, 2) or not append(
        &one.unsent, parcel.octets, parcel.size
    ):
        one.deaf = True
    used_now(thread, one)
    if not one.ready:
        one.ready = True
        one.next = ready[0]
        ready[0] = one


cdef inline void take_arrived(StreamThread *thread) noexcept nogil:
    """Take what Python has sent: replies first of all, then each out at one time."""
    cdef Parcel *parcel = <Parcel *>tcp_take_all(&thread.arrived)
    cdef Parcel *after
    cdef Parcel *connections = NULL
    cdef Connection *ready = NULL
    cdef Connection *one
    while parcel != NULL:
        after = parcel.next
        if parcel.fd < 0:
            take_reply(thread, parcel, &ready)
            free(parcel)
        else:
            parcel.next = connections
            connections = parcel
        parcel = after
    while ready != NULL:
        one = ready
        ready = one.next
        one.ready = False
        if not send_kept(one):
            abort_one(thread, one)
        else:
            go_on(thread, one)
    while connections != NULL:
        after = connections.next
        adopt(thread, connections)
        free(connections)
        connections = after


cdef inline void try_again(StreamThread *thread) noexcept nogil:
    """Go on with those that wait for room in the ring to Python."""
    cdef uint32_t i
    thread.waiting = False
    for i in range(thread.table_size):
        if thread.table[i].fd >= 0 and thread.table[i].waits:
            go_on(thread, thread.table[i])
