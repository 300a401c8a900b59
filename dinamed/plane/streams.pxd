"""A thread of the plane for TCP: it accepts, reads messages, and answers them."""

from libc.stdint cimport uint32_t, uint64_t
from dinamed.plane.reply cimport RequestContext
from dinamed.plane.connection cimport Connection, send_kept
from dinamed.plane.posix cimport (
    plane_add,
    plane_get,
    plane_get_double,
    plane_get_pointer,
    plane_get_seq,
    plane_monotonic,
    plane_now,
    plane_set_seq,
)
from dinamed.plane.samples cimport samplers_of
from dinamed.plane.stream_connections cimport (
    accept_some,
    close_displaced,
    listen,
    take_arrived,
    try_again,
)
from dinamed.plane.stream_messages cimport go_on, read_some
from dinamed.plane.stream_thread cimport (
    EVENTS,
    FINISHING,
    GIVING,
    LISTENER,
    LONGEST_WAIT,
    RING_WAIT,
    SERVING,
    WAKER,
    StreamThread,
    abort_one,
    born_now,
    settle,
    unlink_birth,
    used_now,
)
from dinamed.plane.tables cimport TablesData
from dinamed.plane.tcp cimport (
    EPOLLERR,
    EPOLLHUP,
    EPOLLIN,
    EPOLLOUT,
    EPOLL_CTL_ADD,
    epoll_event,
    epoll_wait,
    read,
    tcp_milliseconds,
    tcp_watch,
)
from dinamed.plane.worker cimport TIMED, Worker, take_time, wake


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
    thread.samplers = samplers_of(&worker.samplers)


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
