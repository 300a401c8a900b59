"""A thread of the plane for UDP: from its sockets, through the tables, and back."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from dinamed.plane.answer cimport answer
from dinamed.plane.reply cimport DROP, LIMITED, PUNT_FOR_PLAN, RequestContext
from dinamed.plane.samples cimport Samplers, sample, samplers_of
from dinamed.plane.posix cimport (
    MSG_DONTWAIT,
    MSG_WAITFORONE,
    PLANE_BATCH,
    PLANE_CONTROL,
    iovec,
    mmsghdr,
    plane_add,
    plane_address,
    plane_echo,
    plane_get_double,
    plane_get_pointer,
    plane_get_seq,
    plane_monotonic,
    plane_now,
    plane_send,
    plane_set_seq,
    plane_source,
    poll,
    pollfd,
    recvmmsg,
    write,
)
from dinamed.plane.ring cimport Ring, push
from dinamed.plane.tables cimport TablesData

cdef enum:
    TIMED = 64           # of so many batches the time of one is taken
    TIME_BINS = 24
    QUERY_MAX = 4096     # what is longer is cut, and so malformed
    QUERY_STRIDE = 4160  # not 4096, lest all queries share a cache set
    REPLY_STRIDE = 1344
    MOST_SOCKETS = 256
    PATIENCE = 200       # milliseconds between looks at the stop flag
    PROBE_SIZE = 29      # octets of a probe: the last one says who has to answer it
    PROBE_NATIVE = 0
    PROBE_PYTHON = 1
    HANDED_PROBE = 4     # instead of what to learn


cdef struct Batch:
    mmsghdr received[PLANE_BATCH]
    mmsghdr sent[PLANE_BATCH]
    iovec queries[PLANE_BATCH]
    iovec replies[PLANE_BATCH]
    plane_address names[PLANE_BATCH]
    uint8_t control[PLANE_BATCH * PLANE_CONTROL]
    uint8_t query_octets[PLANE_BATCH * QUERY_STRIDE]
    uint8_t reply_octets[PLANE_BATCH * REPLY_STRIDE]


cdef struct Shared:
    # What all threads see; `tables` is swapped as a whole.
    TablesData *tables
    uint64_t epoch
    uint64_t log_seen   # the epoch that the writer of the query log began at, all ones
    uint64_t stopping
    double ahead        # of the pools' steady clock, before that of the system
    int wake            # an eventfd: there is something for Python
    uint8_t probe[PROBE_SIZE - 1]  # how the probes of this process begin
    bint probed         # whether it sends any


cdef struct Worker:
    uint64_t seen       # the epoch at the start of the batch, all ones between batches
    uint64_t turns      # how often the thread has looked for queries
    uint64_t rng
    uint64_t queries
    uint64_t answered
    uint64_t silent
    uint64_t limited    # not sent, for there were too many of them
    uint64_t handed
    uint64_t dropped    # because the ring was full
    uint64_t rcodes[16]
    uint64_t batches
    uint64_t times[TIME_BINS]  # of batches, by the number of bits of their ticks
    uint64_t time_sum          # in ticks
    uint32_t number
    uint32_t socket_count
    pollfd sockets[MOST_SOCKETS]
    Ring *ring
    Samplers samplers          # what is wanted now
    Samplers kept              # the same and what was, to be taken and freed by Python
    Batch *batch


cdef inline void prepare(Batch *batch, uint32_t i) noexcept nogil:
    """Make the place of one datagram ready for the next one."""
    batch.received[i].msg_hdr.msg_namelen = sizeof(plane_address)
    batch.received[i].msg_hdr.msg_controllen = PLANE_CONTROL


cdef inline void prepare_all(Batch *batch) noexcept nogil:
    cdef uint32_t i
    memset(batch, 0, sizeof(Batch))
    for i in range(<uint32_t>PLANE_BATCH):
        batch.queries[i].iov_base = &batch.query_octets[i * QUERY_STRIDE]
        batch.queries[i].iov_len = QUERY_MAX
        batch.received[i].msg_hdr.msg_iov = &batch.queries[i]
        batch.received[i].msg_hdr.msg_iovlen = 1
        batch.received[i].msg_hdr.msg_name = &batch.names[i]
        batch.received[i].msg_hdr.msg_control = &batch.control[i * PLANE_CONTROL]
        batch.replies[i].iov_base = &batch.reply_octets[i * REPLY_STRIDE]
        batch.sent[i].msg_hdr.msg_iov = &batch.replies[i]
        batch.sent[i].msg_hdr.msg_iovlen = 1
        prepare(batch, i)


cdef inline void take_time(Worker *worker, uint64_t began) noexcept nogil:
    """Count how long a batch took, from the socket and back to it."""
    cdef uint64_t now
    cdef uint32_t bits = 0
    plane_now(&now)
    now = now - began if now > began else 0  # the clock may be set meanwhile
    plane_add(&worker.time_sum, now)
    while now and bits < TIME_BINS - 1:
        now >>= 1
        bits += 1
    plane_add(&worker.times[bits], 1)


cdef inline int probe_of(
    const Shared *shared, const uint8_t *data, uint32_t size, uint8_t *out
) noexcept nogil:
    """The reply to a probe of this process, as `answer` has it: 0 is for Python.

    -1 for what is no probe.  A probe is a response with a secret, which no other way
    would get an answer.
    """
    if (
        not shared.probed or size != PROBE_SIZE
        or memcmp(data, shared.probe, PROBE_SIZE - 1)
        or data[PROBE_SIZE - 1] > PROBE_PYTHON
    ):
        return -1
    if data[PROBE_SIZE - 1] == PROBE_PYTHON:
        return 0
    memcpy(out, data, PROBE_SIZE)
    return PROBE_SIZE


cdef inline void serve_batch(
    Shared *shared, Worker *worker, int fd, uint32_t count
) noexcept nogil:
    """Answer what was received, or hand it over."""
    cdef Batch *batch = worker.batch
    cdef RequestContext request
    cdef uint32_t i, replies = 0, probes = 0, probes_answered = 0
    cdef bint pushed = False, probe
    cdef int size
    cdef uint8_t *out
    cdef TablesData *tables
    cdef Samplers samplers
    request.rng = &worker.rng
    request.thread = worker.number
    request.stream = False
    request.now = plane_now(&request.ticks)
    request.time = plane_monotonic() + plane_get_double(&shared.ahead)
    # What was taken out of use at a later epoch than this is not freed meanwhile.
    plane_set_seq(&worker.seen, plane_get_seq(&shared.epoch))
    tables = <TablesData *>plane_get_pointer(&shared.tables)
    samplers = samplers_of(&worker.samplers)
    for i in range(count):
        request.size = plane_source(&batch.names[i], &request.address)
        out = &batch.reply_octets[replies * REPLY_STRIDE]
        size = answer(
            tables, &request, &batch.query_octets[i * QUERY_STRIDE],
            batch.received[i].msg_len, out,
        )
        probe = False
        if size == DROP:
            size = probe_of(
                shared, &batch.query_octets[i * QUERY_STRIDE],
                batch.received[i].msg_len, out,
            )
            if size < 0:
                plane_add(&worker.silent, 1)
                continue
            probe = True
            probes += 1
        if size == LIMITED:
            plane_add(&worker.limited, 1)
            continue
        if batch.received[i].msg_hdr.msg_controllen:
            batch.received[i].msg_hdr.msg_controllen = plane_echo(
                &batch.received[i].msg_hdr
            )
        if size > 0:
            batch.replies[replies].iov_len = <size_t>size
            batch.sent[replies].msg_hdr.msg_name = &batch.names[i]
            batch.sent[replies].msg_hdr.msg_namelen = (
                batch.received[i].msg_hdr.msg_namelen
            )
            batch.sent[replies].msg_hdr.msg_control = (
                batch.received[i].msg_hdr.msg_control
            )
            batch.sent[replies].msg_hdr.msg_controllen = (
                batch.received[i].msg_hdr.msg_controllen
            )
            replies += 1
            if probe:
                probes_answered += 1
                continue
            plane_add(&worker.rcodes[out[3] & 15], 1)
            sample(
                &samplers, &worker.rng, &batch.names[i], False,
                &batch.query_octets[i * QUERY_STRIDE], batch.received[i].msg_len,
                out, <uint32_t>size, request.ticks,
            )
        elif probe:
            pushed = pushed | push(
                worker.ring, &batch.names[i], batch.received[i].msg_hdr.msg_namelen,
                &batch.control[i * PLANE_CONTROL],
                <uint32_t>batch.received[i].msg_hdr.msg_controllen,
                &batch.query_octets[i * QUERY_STRIDE], batch.received[i].msg_len,
                <uint32_t>fd, 0, HANDED_PROBE,
            )
        elif push(
            worker.ring, &batch.names[i], batch.received[i].msg_hdr.msg_namelen,
            &batch.control[i * PLANE_CONTROL],
            <uint32_t>batch.received[i].msg_hdr.msg_controllen,
            &batch.query_octets[i * QUERY_STRIDE], batch.received[i].msg_len,
            <uint32_t>fd, 0,
            <uint32_t>(PUNT_FOR_PLAN + 1 - size) if size <= PUNT_FOR_PLAN else 0,
        ):
            plane_add(&worker.handed, 1)
            pushed = True
        else:
            plane_add(&worker.dropped, 1)
    plane_set_seq(&worker.seen, <uint64_t>-1)
    plane_add(&worker.queries, count - probes)
    plane_add(&worker.answered, replies - probes_answered)
    if replies:
        plane_send(fd, batch.sent, replies)
    worker.batches += 1
    if worker.batches % TIMED == 1:
        take_time(worker, request.ticks)
    if pushed:
        wake(shared.wake)
    for i in range(count):
        prepare(batch, i)


cdef inline void wake(int fd) noexcept nogil:
    """Tell Python that there is something for it."""
    cdef uint64_t one = 1
    # A full counter, the one way this can fail, wakes as well.
    write(fd, &one, sizeof(one))


cdef inline bint receive(
    Shared *shared, Worker *worker, int fd, int flags
) noexcept nogil:
    """Serve one batch; False if there was none."""
    cdef int count = recvmmsg(fd, worker.batch.received, PLANE_BATCH, flags, NULL)
    if count <= 0:
        return False
    serve_batch(shared, worker, fd, <uint32_t>count)
    return True


cdef inline void run_worker(Shared *shared, Worker *worker) noexcept nogil:
    """Serve until told to stop, and then what is left in the queues."""
    cdef uint32_t i
    prepare_all(worker.batch)
    while not plane_get_seq(&shared.stopping):
        plane_add(&worker.turns, 1)
        if worker.socket_count == 1:
            # The socket has a time limit, so this ends.
            receive(shared, worker, worker.sockets[0].fd, MSG_WAITFORONE)
            continue
        if poll(worker.sockets, worker.socket_count, PATIENCE) <= 0:
            continue
        for i in range(worker.socket_count):
            if worker.sockets[i].revents:
                receive(shared, worker, worker.sockets[i].fd, MSG_DONTWAIT)
    if plane_get_seq(&shared.stopping) != 1:
        return
    for i in range(worker.socket_count):
        while receive(shared, worker, worker.sockets[i].fd, MSG_DONTWAIT):
            pass
