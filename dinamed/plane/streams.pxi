# TCP: the threads, and what passes between them and Python.


cdef class Streams:
    """The threads of a plane that serve TCP, as many as serve UDP.

    The limits on connections hold for all of them, and for those that Python has:
    `admit` takes one in.  `secret` are 16 octets of chance.
    """

    cdef Plane plane
    cdef StreamThread **_threads
    cdef ConnectionLimits limits

    def __cinit__(self, Plane plane not None, bytes secret not None):
        cdef int i
        cdef StreamThread *thread
        if len(secret) != 16:
            raise ValueError("a secret has 16 octets")
        self.plane = plane
        pthread_mutex_init(&self.limits.lock, NULL)
        memcpy(self.limits.secret, <const char *>secret, 16)
        self.limits.free = NONE
        self.limits.owners = <Owner *>_new((plane.threads + 1) * sizeof(Owner))
        self._threads = <StreamThread **>_new(plane.threads * sizeof(void *))
        # Python is an owner too, the last one.
        self.limits.owners[plane.threads].displaced = NONE
        self.limits.owners[plane.threads].wake = plane.shared.wake
        for i in range(plane.threads):
            thread = self._threads[i] = <StreamThread *>_new(sizeof(StreamThread))
            thread.worker = plane.workers[plane.threads + 1 + i]
            thread.shared = &plane.shared
            thread.limits = &self.limits
            thread.number = i
            thread.epoll = epoll_create1(EPOLL_CLOEXEC)
            thread.waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
            self.limits.owners[i].displaced = NONE
            self.limits.owners[i].wake = thread.waker
            if thread.epoll < 0 or thread.waker < 0:
                raise OSError("no descriptors for the threads of the plane")

    def __dealloc__(self):
        cdef int i
        if self._threads != NULL:
            for i in range(self.plane.threads):
                self._free(self._threads[i])
            free(self._threads)
        for i in range(<int>((self.limits.size + 1023) // 1024)):
            free(self.limits.chunks[i])
        free(self.limits.counts)
        free(self.limits.owners)
        pthread_mutex_destroy(&self.limits.lock)

    cdef void _free(self, StreamThread *thread) noexcept:
        cdef uint32_t i
        if thread == NULL:
            return
        self._drop(<Parcel *>tcp_take_all(&thread.arrived))
        self._drop(<Parcel *>tcp_take_all(&thread.given))
        for i in range(thread.table_size):
            if thread.table[i].fd >= 0:
                close(thread.table[i].fd)
            empty(&thread.table[i].unread)
            empty(&thread.table[i].unsent)
            free(thread.table[i])
        free(thread.table)
        if thread.epoll > 0:
            close(thread.epoll)
        if thread.waker > 0:
            close(thread.waker)
        free(thread)

    cdef void _drop(self, Parcel *parcel) noexcept:
        cdef Parcel *after
        while parcel != NULL:
            after = parcel.next
            if parcel.fd >= 0:
                close(parcel.fd)
            free(parcel)
            parcel = after

    def limit(self, uint32_t most, uint32_t per_prefix, uint32_t per_client):
        """How many connections there may be, from the next one on.

        In all, from one network (a /24 of IPv4, a /56 of IPv6) and from one address.
        """
        pthread_mutex_lock(&self.limits.lock)
        self.limits.most = most
        self.limits.per_prefix = per_prefix
        self.limits.per_client = per_client
        pthread_mutex_unlock(&self.limits.lock)

    def patience(self, double idle, double total):
        """How many seconds a connection may be idle, and open in all."""
        cdef int i
        for i in range(self.plane.threads):
            plane_set_seq(&self._threads[i].idle, <uint64_t>(idle * 1000))
            plane_set_seq(&self._threads[i].total, <uint64_t>(total * 1000))
            wake(self._threads[i].waker)

    def attach(self, int thread, int descriptor):
        """Give a thread a listening socket, before it runs; the caller closes it."""
        cdef StreamThread *one
        if not 0 <= thread < self.plane.threads:
            raise ValueError("no such thread")
        one = self._threads[thread]
        if one.listener_count == MOST_SOCKETS:
            raise ValueError("too many sockets")
        one.listeners[one.listener_count] = descriptor
        one.listener_count += 1

    def run(self, int thread):
        """The life of one thread: serves until `finish` or `give`."""
        if self.plane.tables is None or not 0 <= thread < self.plane.threads:
            raise ValueError("nothing to serve")
        cdef StreamThread *one = self._threads[thread]
        with nogil:
            run_streams(one)

    def finish(self, double patience):
        """Have the threads end once what was asked is answered, or after so long."""
        cdef int i
        for i in range(self.plane.threads):
            self._threads[i].patience = <uint64_t>(patience * 1000)
        self._begin(FINISHING)

    def give(self):
        """Have all connections left to Python, each once it is at rest, and end."""
        self._begin(GIVING)

    cdef void _begin(self, uint64_t phase) noexcept:
        cdef int i
        for i in range(self.plane.threads):
            plane_set_seq(&self._threads[i].phase, phase)
            wake(self._threads[i].waker)

    @property
    def ended(self):
        """Whether all threads have."""
        cdef int i
        for i in range(self.plane.threads):
            if not plane_get_seq(&self._threads[i].ended):
                return False
        return True

    @property
    def open(self):
        """Connections open now, Python's among them."""
        return plane_get(&self.limits.open)

    @property
    def refused(self):
        """Connections that were one too many from their address."""
        return plane_get(&self.limits.refused)

    @property
    def displaced(self):
        """Connections that had to go for others."""
        return plane_get(&self.limits.displaced)

    def admit(self, bytes source not None, uint32_t index):
        """Take in a connection of Python's from a packed address, known by an index.

        Its entry, for `touch` and `leave`; None if it is one too many.
        """
        cdef uint32_t woken
        cdef Entry *entry
        if len(source) not in (4, 16):
            raise ValueError("not an address")
        entry = admit(
            &self.limits, <const uint8_t *><const char *>source, len(source),
            self.plane.threads, index, 0, tcp_milliseconds(), &woken,
        )
        if woken != NONE:
            wake(self.limits.owners[woken].wake)
        return None if entry == NULL else entry.number

    def expect(self, uint32_t port):
        """Let a connection of our own from this port in, whatever the limits are.

        Returns what ends that.  Of too many at a time some are as all others.
        """
        def forget():
            expect(&self.limits, port, 0)

        expect(&self.limits, 0, port)
        return forget

    def touch(self, uint32_t entry):
        """Note that a connection was used."""
        limits_set(&entry_at(&self.limits, entry).used, tcp_milliseconds())

    def leave(self, uint32_t entry):
        """Strike a connection out, unless `take_displaced` has told of it."""
        leave(&self.limits, entry_at(&self.limits, entry))

    def take_displaced(self):
        """The indexes of Python's connections that have to go for others."""
        cdef uint32_t index, serial
        cdef list found = []
        while next_displaced(&self.limits, self.plane.threads, &index, &serial):
            found.append(index)
        return found

    def adopt(self, int thread, int descriptor, bytes read not None):
        """Leave a connection to a thread, with what was read of it; it is closed there.

        The descriptor must not block.
        """
        cdef StreamThread *one = self._threads[thread % self.plane.threads]
        cdef Parcel *parcel = parcel_of(
            0, 0, descriptor, <const uint8_t *><const char *>read, len(read)
        )
        if parcel == NULL:
            raise MemoryError
        tcp_push(&one.arrived, parcel)
        wake(one.waker)

    def take_given(self):
        """The connections that threads have left to Python.

        Descriptors, which are the caller's from here on, and what was read of each.
        """
        cdef int i
        cdef Parcel *parcel
        cdef Parcel *after
        cdef list found = []
        for i in range(self.plane.threads):
            parcel = <Parcel *>tcp_take_all(&self._threads[i].given)
            while parcel != NULL:
                after = parcel.next
                found.append((
                    parcel.fd, <bytes>(<const char *>parcel.octets)[:parcel.size]
                ))
                free(parcel)
                parcel = after
        return found

    def serve_punted(self, object respond, int most):
        """Have `respond(data, source, wanted)` answer what threads have handed over.

        At most `most` queries of each thread; returns whether there may be more.  If it
        raises, that is the end of the connection.
        """
        cdef int i, left
        cdef StreamThread *thread
        cdef const Punted *record
        cdef const uint8_t *address
        cdef const uint8_t *data
        cdef bint more = False
        for i in range(self.plane.threads):
            thread = self._threads[i]
            left = most
            while left:
                record = peek(thread.worker.ring)
                if record == NULL:
                    break
                left -= 1
                size = plane_source(&record.name, &address)
                data = <const uint8_t *>record + sizeof(Punted)
                reply = None
                try:
                    reply = respond(
                        <bytes>(<const char *>data)[:record.size],
                        <bytes>(<const char *>address)[:size],
                        record.wanted,
                    )
                finally:
                    if isinstance(reply, Later):
                        late = partial(self.post_late, i, record.index, record.serial)
                        reply.then(late)
                    else:
                        self._post(thread, record.index, record.serial, reply)
                    pop(thread.worker.ring)
            more = more or not left
        return more

    def post_late(
        self, int thread, uint32_t index, uint32_t serial, bytes reply not None
    ):
        """Send a reply that took a while, if its connection is still there."""
        self._post(self._threads[thread], index, serial, reply or None)

    cdef int _post(
        self, StreamThread *thread, uint32_t index, uint32_t serial, bytes reply
    ) except -1:
        """Send a reply to its connection; None ends that."""
        cdef Parcel *parcel
        cdef const uint8_t *octets = NULL
        cdef uint32_t size = 0
        if reply is not None:
            octets, size = <const uint8_t *><const char *>reply, len(reply)
        parcel = parcel_of(index, serial, -1, octets, size)
        if parcel == NULL:
            raise MemoryError
        parcel.silent = reply is None
        if tcp_push(&thread.arrived, parcel):
            wake(thread.waker)
        return 0
