"""A thread of the plane for TCP: it accepts, reads messages, and answers them.

As over UDP, but that a reply may be as long as a stream allows, that what Python
answers comes back later and out of order (RFC 7766 section 6.2.1.1), and that a
connection for which there is a long reply goes to Python altogether.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from dinamed.plane.answer cimport PUNT_FOR_PLAN, DROP, RequestContext, answer
from dinamed.plane.query cimport TYPE_AXFR, TYPE_IXFR
from dinamed.plane.connection cimport (
    LONGEST_FRAME,
    MOST_PENDING,
    UNWATCHED,
    Connection,
    Parcel,
    append,
    drop_first,
    empty,
    have_room,
    holds_frame,
    parcel_of,
    send_kept,
    send_or_keep,
)
from dinamed.plane.connection_limits cimport (
    NONE,
    ConnectionLimits,
    admit,
    is_expected,
    leave,
    limits_set,
    next_displaced,
)
from dinamed.plane.samples cimport SampleRing, sample
from dinamed.plane.octets cimport get16, put16
from dinamed.plane.posix cimport (
    plane_add,
    plane_address,
    plane_get,
    plane_get_double,
    plane_get_pointer,
    plane_get_seq,
    plane_monotonic,
    plane_now,
    plane_port,
    plane_set_seq,
    plane_source,
)
from dinamed.plane.ring cimport push
from dinamed.plane.tables cimport TablesData
from dinamed.plane.tcp cimport (
    EPOLLERR,
    EPOLLEXCLUSIVE,
    EPOLLHUP,
    EPOLLIN,
    EPOLLOUT,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    MSG_DONTWAIT,
    close,
    epoll_event,
    epoll_wait,
    read,
    recv,
    tcp_abort,
    tcp_accept,
    tcp_again,
    tcp_close,
    tcp_exhausted,
    tcp_milliseconds,
    tcp_peer,
    tcp_push,
    tcp_take_all,
    tcp_watch,
)
from dinamed.plane.worker cimport (
    HANDED_PROBE,
    MOST_SOCKETS,
    TIMED,
    Shared,
    Worker,
    probe_of,
    take_time,
    wake,
)

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
    SampleRing *samples
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


cdef inline bint is_transfer(const uint8_t *data, uint32_t size) noexcept nogil:
    """Whether a message asks for a whole zone, so that the reply may be long."""
    cdef uint32_t at = 12, rrtype
    while at < size and data[at]:
        if data[at] > 63:
            return False
        at += 1 + data[at]
    if at + 5 > size:
        return False
    rrtype = get16(data + at + 1)
    return rrtype == TYPE_AXFR or rrtype == TYPE_IXFR


cdef inline bint hand_over(
    StreamThread *thread, Connection *one, const uint8_t *data, uint32_t size,
    uint32_t learn,
) noexcept nogil:
    """Leave a message to Python; False if it has to wait, and so what follows."""
    if is_transfer(data, size):
        one.leaving = True
        return False
    if not push(
        thread.worker.ring, &one.name, one.name_size, NULL, 0, data, size, one.index,
        one.serial, learn,
    ):
        one.waits = thread.waiting = True
        return False
    if learn != HANDED_PROBE:
        plane_add(&thread.worker.handed, 1)
    one.pending += 1
    thread.pushed = True
    return True


cdef inline uint32_t serve_frame(
    StreamThread *thread, Connection *one, const uint8_t *data, uint32_t size,
    uint8_t *out, uint32_t *written,
) noexcept nogil:
    """Answer one message, if it can be; whether that is done with."""
    cdef Worker *worker = thread.worker
    cdef int found = answer(thread.tables, &thread.request, data, size, out + 2)
    cdef int probe = -1
    written[0] = 0
    if found == DROP:
        probe = probe_of(thread.shared, data, size, out + 2)
    if probe >= 0:  # our own, which counts nowhere
        put16(out, <uint32_t>probe)
        written[0] = 2 + <uint32_t>probe if probe else 0
        return probe or hand_over(thread, one, data, size, HANDED_PROBE)
    if found > 0:
        put16(out, <uint32_t>found)
        written[0] = 2 + <uint32_t>found
        plane_add(&worker.answered, 1)
        plane_add(&worker.rcodes[out[5] & 15], 1)
        if thread.samples != NULL:
            sample(
                thread.samples, &worker.rng, &one.name, True, data, size, out + 2,
                <uint32_t>found, thread.request.ticks,
            )
    elif found == DROP:
        # What is not answered is no query: nothing good can follow it.
        one.deaf = True
        plane_add(&worker.silent, 1)
    elif not hand_over(
        thread, one, data, size,
        <uint32_t>(PUNT_FOR_PLAN + 1 - found) if found <= PUNT_FOR_PLAN else 0,
    ):
        return False
    plane_add(&worker.queries, 1)
    return True


cdef inline int serve_frames(
    StreamThread *thread, Connection *one, const uint8_t *octets, uint32_t size
) noexcept nogil:
    """Answer the whole messages that stand in front, as far as that may be now.

    How many octets these are; -1 if the connection is broken.
    """
    cdef uint32_t at = 0, length, used = 0, written
    thread.request.size = plane_source(&one.name, &thread.request.address)
    while holds_frame(octets + at, size - at):
        if one.deaf or one.leaving or one.pending >= MOST_PENDING:
            break
        if used + LONGEST_FRAME > OUTPUT_SIZE:
            if not send_or_keep(one, thread.output, used):
                return -1
            used = 0
            if one.unsent.size:
                break
        length = get16(octets + at)
        if not serve_frame(
            thread, one, octets + at + 2, length, thread.output + used, &written
        ):
            break
        used += written
        at += 2 + length
    if used and not send_or_keep(one, thread.output, used):
        return -1
    if at:
        used_now(thread, one)
    return <int>at


cdef inline void go_on(StreamThread *thread, Connection *one) noexcept nogil:
    """Answer what was read and had to wait, if it need not any longer."""
    cdef int done = 0
    one.waits = False
    if one.unread.size and not one.unsent.size:
        done = serve_frames(thread, one, one.unread.octets, one.unread.size)
        if done < 0:
            abort_one(thread, one)
            return
        drop_first(&one.unread, <uint32_t>done)
    settle(thread, one)


cdef inline void read_some(StreamThread *thread, Connection *one) noexcept nogil:
    """Read once, and answer what is whole."""
    cdef uint8_t *octets = thread.input
    cdef uint32_t room = READ_SIZE
    cdef ssize_t got
    cdef int done
    if one.unread.size:
        if not have_room(&one.unread, one.unread.size + 2048):
            abort_one(thread, one)
            return
        octets = one.unread.octets + one.unread.size
        room = one.unread.room - one.unread.size
    got = recv(one.fd, octets, room, MSG_DONTWAIT)
    if got < 0:
        if tcp_again():
            settle(thread, one)
        else:
            abort_one(thread, one)
        return
    if not got:
        one.eof = True
        settle(thread, one)
        return
    if one.unread.size:
        one.unread.size += <uint32_t>got
        go_on(thread, one)
        return
    done = serve_frames(thread, one, octets, <uint32_t>got)
    if done < 0 or (
        not one.deaf
        and not append(&one.unread, octets + done, <uint32_t>got - <uint32_t>done)
    ):
        abort_one(thread, one)
        return
    settle(thread, one)


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
    cdef uint32_t name_size, i
    cdef int fd
    cdef Connection *one
    for i in range(<uint32_t>ACCEPTS):
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


cdef inline void expire(StreamThread *thread) noexcept nogil:
    """End those that were idle, or here, for too long."""
    cdef uint64_t idle = plane_get(&thread.idle), total = plane_get(&thread.total)
    cdef Connection *one
    while thread.oldest != NULL and thread.now >= thread.oldest.used + idle:
        abort_one(thread, thread.oldest)
    while thread.eldest != NULL and thread.now >= thread.eldest.born + total:
        one = thread.eldest
        if one.old:
            abort_one(thread, one)
            continue
        one.old = one.deaf = True
        unlink_birth(thread, one)
        born_now(thread, one)
        settle(thread, one)


cdef inline void begin_phase(StreamThread *thread, uint64_t phase) noexcept nogil:
    """Accept nothing more, and let all connections go when they may."""
    cdef Connection *one = thread.eldest
    cdef Connection *after
    listen(thread, False)
    while one != NULL:
        after = one.younger
        if phase == GIVING:
            one.leaving = True
        else:
            one.deaf = True
            one.leaving = False
        settle(thread, one)
        one = after


cdef inline int patience(StreamThread *thread, uint64_t deadline) noexcept nogil:
    """Milliseconds until there is something to do, if nothing happens."""
    cdef uint64_t until = thread.now + LONGEST_WAIT, one
    if thread.waiting:
        return RING_WAIT
    if deadline and deadline < until:
        until = deadline
    if thread.paused_until and thread.paused_until < until:
        until = thread.paused_until
    if thread.oldest != NULL:
        one = thread.oldest.used + plane_get(&thread.idle)
        if one < until:
            until = one
        one = thread.eldest.born + plane_get(&thread.total)
        if one < until:
            until = one
    return <int>(until - thread.now) + 1 if until > thread.now else 0


cdef inline void begin_turn(StreamThread *thread) noexcept nogil:
    cdef Worker *worker = thread.worker
    cdef RequestContext *request = &thread.request
    thread.now = tcp_milliseconds()
    request.rng = &worker.rng
    request.thread = worker.number
    request.stream = True
    request.now = plane_now(&request.ticks)
    request.time = plane_monotonic() + plane_get_double(&thread.shared.ahead)
    # What was taken out of use at a later epoch than this is not freed meanwhile.
    plane_set_seq(&worker.seen, plane_get_seq(&thread.shared.epoch))
    thread.tables = <const TablesData *>plane_get_pointer(&thread.shared.tables)
    thread.samples = <SampleRing *>plane_get_pointer(&worker.samples)


cdef inline void end_turn(StreamThread *thread, uint64_t before) noexcept nogil:
    cdef Worker *worker = thread.worker
    plane_set_seq(&worker.seen, <uint64_t>-1)
    if worker.queries != before:
        worker.batches += 1
        if worker.batches % TIMED == 1:
            take_time(worker, thread.request.ticks)
    if thread.pushed:
        thread.pushed = False
        wake(thread.shared.wake)


cdef inline void happened(
    StreamThread *thread, uint32_t events, uint64_t data
) noexcept nogil:
    """Deal with one event."""
    cdef uint32_t index = <uint32_t>data, serial = <uint32_t>(data >> 32)
    cdef uint64_t count
    cdef Connection *one
    if index == <uint32_t>LISTENER:
        if thread.accepting:
            accept_some(thread, thread.listeners[serial])
        return
    if index == <uint32_t>WAKER:
        read(thread.waker, &count, sizeof(count))
        return
    one = thread.table[index]
    if one.fd < 0 or one.serial != serial:
        return  # closed earlier in this turn
    if one.unsent.size and events & EPOLLOUT:
        if send_kept(one):
            used_now(thread, one)  # it reads, be it slowly
            go_on(thread, one)
        else:
            abort_one(thread, one)
    elif events & EPOLLIN and one.events == EPOLLIN:
        read_some(thread, one)
    elif events & (EPOLLERR | EPOLLHUP):
        abort_one(thread, one)


cdef inline void run_streams(StreamThread *thread) noexcept nogil:
    """Serve until told to stop, and all connections are gone."""
    cdef epoll_event events[EVENTS]
    cdef uint64_t phase, before, acted = SERVING, deadline = 0
    cdef int count, i
    thread.now = tcp_milliseconds()
    tcp_watch(
        thread.epoll, EPOLL_CTL_ADD, thread.waker, EPOLLIN, <uint32_t>WAKER
    )
    listen(thread, True)
    while True:
        plane_add(&thread.worker.turns, 1)
        count = epoll_wait(thread.epoll, events, EVENTS, patience(thread, deadline))
        before = thread.worker.queries
        begin_turn(thread)
        for i in range(count):
            happened(thread, events[i].events, events[i].data.u64)
        take_arrived(thread)
        close_displaced(thread)
        if thread.waiting:
            try_again(thread)
        if thread.paused_until and thread.now >= thread.paused_until:
            thread.paused_until = 0
            listen(thread, acted == SERVING)
        expire(thread)
        phase = plane_get_seq(&thread.phase)
        if phase != acted:
            acted = phase
            begin_phase(thread, phase)
            if phase == FINISHING:
                deadline = thread.now + thread.patience
        end_turn(thread, before)
        if phase != SERVING and (
            not thread.open or (deadline and thread.now >= deadline)
        ):
            break
    while thread.oldest != NULL:
        abort_one(thread, thread.oldest)
    plane_set_seq(&thread.ended, 1)
    wake(thread.shared.wake)
