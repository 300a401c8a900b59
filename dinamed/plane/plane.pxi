# The threads, and what they share.


def rows_of(int threads):
    """How many rows of counts so many threads need: see `Plane`."""
    return 2 * (threads + 1)


cdef int send_to(const Punted *record, bytes reply) except -1:
    """Send a reply to whom a record is from.  UDP may lose: nobody waits for room."""
    cdef msghdr message
    cdef iovec part
    part.iov_base = <void *><const char *>reply
    part.iov_len = len(reply)
    memset(&message, 0, sizeof(message))
    message.msg_name = <void *>&record.name
    message.msg_namelen = record.name_size
    message.msg_iov = &part
    message.msg_iovlen = 1
    message.msg_control = <void *>record.control
    message.msg_controllen = record.control_size
    sendmsg(<int>record.index, &message, MSG_DONTWAIT)
    return 0


cdef class Plane:
    """The threads' common state; `seeds` are octets of chance, 8 for each row.

    Rows are what threads count in: one for each that serves UDP and one for `answer`,
    then the same again for streams.
    """

    cdef Shared shared
    cdef Worker **workers
    cdef readonly int threads
    cdef readonly int rows
    cdef uint8_t *_output
    cdef readonly Tables tables
    cdef list _retired

    def __cinit__(self, int threads, bytes seeds, int wake_descriptor):
        cdef int i
        cdef Worker *worker
        if threads < 0 or len(seeds) < 8 * rows_of(threads):
            raise ValueError("too few seeds")
        self.threads = threads
        self.rows = rows_of(threads)
        self._retired = []
        self.shared.log_seen = FOREVER
        self.shared.wake = wake_descriptor
        self._output = <uint8_t *>_new(OUTPUT_SIZE)
        self.workers = <Worker **>_new(self.rows * sizeof(void *))
        for i in range(self.rows):
            worker = self.workers[i] = <Worker *>_new(sizeof(Worker))
            worker.number = i
            worker.seen = FOREVER
            memcpy(&worker.rng, <const char *>seeds + 8 * i, 8)
            if i % (threads + 1) < threads:
                worker.ring = <Ring *>_new(sizeof(Ring) + RING_SIZE)
                worker.ring.size = RING_SIZE
            if i < threads:
                worker.batch = <Batch *>_new(sizeof(Batch))

    def __dealloc__(self):
        cdef int i
        if self.workers == NULL:
            return
        for i in range(self.rows):
            if self.workers[i] != NULL:
                free(self.workers[i].ring)
                free(self.workers[i].kept.places)
                free(self.workers[i].kept.logged)
                free(self.workers[i].batch)
            free(self.workers[i])
        free(self.workers)
        free(self._output)

    def attach(self, int thread, int descriptor):
        """Give a thread a socket, before it runs.  It stays the caller's to close."""
        cdef Worker *worker
        if not 0 <= thread < self.threads:
            raise ValueError("no such thread")
        worker = self.workers[thread]
        if worker.socket_count == MOST_SOCKETS:
            raise ValueError("too many sockets")
        worker.sockets[worker.socket_count].fd = descriptor
        worker.sockets[worker.socket_count].events = POLLIN
        worker.socket_count += 1

    def run(self, int thread):
        """The life of one thread: serves until `stop`.  `serve` must come first."""
        if self.tables is None or not 0 <= thread < self.threads:
            raise ValueError("nothing to serve")
        cdef Shared *shared = &self.shared
        cdef Worker *worker = self.workers[thread]
        if worker.socket_count:
            with nogil:
                run_worker(shared, worker)

    def stop(self, bint drain=True):
        """Have the threads end within 200 ms, once the sockets' queues are empty.

        Without `drain` at once, for somebody else reads the same sockets.
        """
        plane_set_seq(&self.shared.stopping, 1 if drain else 2)

    def serve(self, Tables tables not None):
        """Answer from these tables from the next batch on."""
        self._swap(&self.shared.tables, &tables.data, self.tables)
        self.tables = tables

    def replace(self, uint32_t slot, Route route not None):
        """Draw by another route in this slot of the present tables."""
        cdef Tables tables = self.tables
        if tables is None or slot >= <uint32_t>len(tables.routes):
            raise ValueError("no such slot")
        self._swap(&tables.data.routes[slot], &route.data, tables.routes[slot])
        tables.routes[slot] = route

    def publish(self, Route route not None, LevelTable levels not None):
        """Have a route go by these levels."""
        levels.settle(route)
        self._swap(<void *>&route.data.load.levels, &levels.data, route.levels)
        route.levels = levels

    def withdraw(self, Route route not None):
        """Have Python asked for the levels of a route again."""
        self._swap(<void *>&route.data.load.levels, NULL, route.levels)
        route.levels = None

    def grow(self, Loads loads not None, uint32_t most):
        """Let more resolvers be remembered, up to `most`, if they are many now."""
        cdef ResolverTable old = loads.table
        cdef ResolverTable new = old.bigger(most)
        if new is not None:
            self._swap(<void *>&loads.data.resolvers, &new.data, old)
            loads.table = new

    def accept_probes(self, bytes probe not None):
        """Answer datagrams that are `probe`, before any thread runs.

        Its last octet says who: 0 the thread, 1 Python, whom it is handed to as what
        to learn is 4.  Neither is counted anywhere.
        """
        if len(probe) != PROBE_SIZE:
            raise ValueError("not a probe")
        memcpy(self.shared.probe, <const char *>probe, PROBE_SIZE - 1)
        self.shared.probed = True

    def turns(self):
        """How often each thread has looked for queries, at least every 0.5 s.

        Those for UDP, then those for TCP.
        """
        cdef int i
        return [
            plane_get(&self.workers[i].turns)
            for i in range(self.rows) if i % (self.threads + 1) < self.threads
        ]

    def set_clock(self, double ahead):
        """Say how far the pools' steady clock is ahead of time.monotonic()."""
        plane_set_double(&self.shared.ahead, ahead)

    def install_plan(self, Plan made not None):
        """Remember the plan of a question, and forget all others when there are many.

        A question that is known keeps its plan, unless that was for a time.
        """
        cdef Tables tables = self.tables
        cdef _Plans plans = tables._plans
        cdef InstalledPlan *plan = made.plan
        cdef InstalledPlan *other
        cdef _OldPlan old
        cdef uint32_t slot
        if plan == NULL or not plan.size:
            raise ValueError("a plan of no question")
        made.check(tables)
        if plans.used * 2 >= tables._slots or plans.octets > 128 * tables._slots:
            plans = _Plans(tables._slots)
            self._swap(&tables.data.installed, plans.slots, tables._plans)
            tables._plans = plans
        slot = plans.slot_for(plan)
        other = <InstalledPlan *>plans.slots[slot]
        if other == NULL:
            plans.add(slot, plan)
        elif other.until:
            old = _OldPlan()
            self._swap(&plans.slots[slot], plan, old)
            old.plan = other
        else:
            return
        made.plan = NULL

    def install_client_plan(
        self, bytes name not None, uint32_t rrtype, bint do, bytes address not None,
        uint32_t prefix, Plan made not None, *, uint32_t scope=0,
        uint32_t sources_asked=0,
    ):
        """Remember the plan of a question for a client, or for all at its place.

        The question's own plan is a PLAN_BY_CLIENT, or this does nothing.  `scope` is
        the least that the answer depends on; of the place so many sources were
        `sources_asked`.
        """
        cdef Tables tables = self.tables
        cdef ClientClass found
        cdef InstalledClient *known
        cdef const InstalledPlan *above = tables.find_plan(name, rrtype, do)
        if len(address) not in (4, 16) or prefix > 8 * <uint32_t>len(address):
            raise ValueError("not an address")
        if above == NULL or above.kind != CLIENT_PLAN or made.plan == NULL:
            return
        made.check(tables)
        cdef const uint8_t *key = <const uint8_t *><const char *>address
        cdef uint32_t size = len(address)
        if above.placed and prefix and tables.data.trees != NULL:
            class_of(tables.data.trees, key, size, prefix, &found)
            key, size, prefix = <const uint8_t *>found.records, found.size, OF_CLASS
        known = self._new_client(above.serial, key, size, prefix, 0)
        if known != NULL:
            known.scope = scope
            known.sources_asked = sources_asked
            known.plan = made.plan
            made.plan = NULL
            tables._clients.install_client(known)

    def forget(self):
        """Forget all plans and clients, for something that they go by has changed."""
        cdef Tables tables = self.tables
        cdef _Plans plans = _Plans(tables._slots)
        cdef _Plans clients = _Plans(CLIENTS * tables._slots, True)
        self._swap(&tables.data.installed, plans.slots, tables._plans)
        tables._plans = plans
        self._swap(&tables.data.known, clients.slots, tables._clients)
        tables._clients = clients

    def install_region(
        self, uint32_t slot, uint64_t region, Route route not None, costs=(),
    ):
        """Remember by which route answers are drawn for all clients in a region."""
        self._install(
            slot, <const uint8_t *>&region, 8, OF_REGION, route, 0, 0, costs
        )

    def install_signature(
        self, bytes owner not None, uint32_t rrtype, list members not None,
        bytes record not None,
    ):
        """Remember the signature of an RRset, and forget all others when there are many.

        `owner` is the one that is signed, in lower case; `members` are the data of the
        records where they are drawn, else empty.  `record` is without its owner.
        """
        cdef Tables tables = self.tables
        cdef _Plans signatures = tables._signatures
        cdef Signature *signature
        cdef uint64_t total = 0
        cdef bytes rdata
        if signatures.used * 2 > signatures.mask:
            signatures = _Plans(signatures.mask + 1)
            self._swap(&tables.data.signatures, signatures.slots, tables._signatures)
            tables._signatures = signatures
        for rdata in members:
            total += member_hash(<const uint8_t *><const char *>rdata, len(rdata))
        signature = <Signature *>calloc(1, sizeof(Signature) + len(record))
        if signature == NULL:
            raise MemoryError
        signature.hash = set_hash(
            fnv1a(<const uint8_t *><const char *>owner, len(owner)), rrtype, total
        )
        signature.size = len(record)
        memcpy(signature.octets, <const char *>record, signature.size)
        signatures.install_signature(signature)

    def install_link(
        self, ChainLinks chain not None, uint32_t place, bytes owner not None,
        bytes nsec not None, bytes rrsig not None, uint64_t until,
    ):
        """Say what a chain has at a place, in the stead of what was there.

        `owner` are labels left of the origin; the records come without their owner.
        The signature is to be made anew at `until`, in seconds of Unix time.
        """
        cdef _FormerLink former = None
        cdef Link *link
        if place >= chain.keys.count:
            raise ValueError("no such place")
        link = new_link(owner, nsec, rrsig, until)
        if chain._links[place] != NULL:
            former = _FormerLink()
            former.link = <Link *>chain._links[place]
        else:
            chain.used += 1
        self._swap(&chain._links[place], link, former)

    def install_client(
        self, uint32_t slot, bytes address not None, uint32_t prefix,
        Route route not None, uint32_t scope, costs=(),
    ):
        """Remember by which route a client's answers are drawn, where that is BY_CLIENT.

        `address` is packed, 4 or 16 octets; `costs` are in milliseconds, one for each
        member of the route, or none.  When there are many, all are forgotten.
        """
        if len(address) not in (4, 16) or prefix > 128:
            raise ValueError("not an address")
        self._install(
            slot, <const uint8_t *><const char *>address, len(address), prefix, route,
            scope, 0, costs,
        )

    def forget_clients(self):
        """Have Python asked again about every client."""
        cdef Tables tables = self.tables
        cdef _Plans clients = _Plans(tables._clients.mask + 1, True)
        self._swap(&tables.data.known, clients.slots, tables._clients)
        tables._clients = clients

    def install_class(
        self, uint32_t slot, bytes address not None, uint32_t prefix,
        Route route not None, uint32_t sources_asked,
    ):
        """The same for all clients at the place of this one, for routes BY_PLACE.

        So many sources were `sources_asked` for that place: on these depends the scope.
        """
        cdef Tables tables = self.tables
        cdef ClientClass found
        if len(address) not in (4, 16) or prefix > 8 * <uint32_t>len(address):
            raise ValueError("not an address")
        if tables._trees is None or sources_asked > tables._trees.data.count:
            raise ValueError("no such places")
        class_of(
            &tables._trees.data, <const uint8_t *><const char *>address,
            len(address), prefix, &found,
        )
        self._install(
            slot, <const uint8_t *>found.records, found.size, OF_CLASS, route, 0,
            sources_asked, (),
        )

    cdef int _install(
        self, uint32_t slot, const uint8_t *key, uint32_t size, uint32_t prefix,
        Route route, uint32_t scope, uint32_t sources_asked, costs,
    ) except -1:
        cdef Tables tables = self.tables
        cdef Route above = tables.routes[slot]
        cdef InstalledClient *known
        cdef uint32_t i, place, cost_count = len(costs)
        cdef uint16_t *nearest
        if cost_count and cost_count != route.data.size:
            raise ValueError("not the costs of that route")
        if not any(route is sub for sub in above.subs.values()):
            raise ValueError("nobody keeps that route")
        known = self._new_client(above.data.serial, key, size, prefix, cost_count)
        if known == NULL:
            return 0
        known.scope = scope
        known.sources_asked = sources_asked
        known.route = &route.data
        known.cost_count = cost_count
        for i in range(cost_count):
            known.costs[i] = costs[i]
        if cost_count > 2 * NEAREST:
            nearest = <uint16_t *>(&known.costs[0] + cost_count)
            order = sorted(range(cost_count), key=costs.__getitem__)
            for i, place in enumerate(order):
                nearest[i] = <uint16_t>place
            known.nearest = nearest
        tables._clients.install_client(known)
        return 0

    cdef InstalledClient *_new_client(
        self, uint64_t serial, const uint8_t *key, uint32_t size, uint32_t prefix,
        uint32_t cost_count,
    ) except? NULL:
        """Room for one that is not known yet, and so many costs; NULL if it is."""
        cdef Tables tables = self.tables
        cdef _Plans clients = tables._clients
        cdef InstalledClient *known
        if installed_client(&tables.data, serial, key, size, prefix) != NULL:
            return NULL
        if clients.used * 2 > clients.mask or clients.octets > OCTETS_OF_CLIENTS:
            clients = _Plans(clients.mask + 1, True)
            self._swap(&tables.data.known, clients.slots, tables._clients)
            tables._clients = clients
        known = <InstalledClient *>calloc(
            1,
            sizeof(InstalledClient) + cost_count * (sizeof(float) + sizeof(uint16_t)),
        )
        if known == NULL:
            raise MemoryError
        known.serial = serial
        known.size = size
        known.prefix = prefix
        memcpy(known.address, key, size)
        known.hash = client_hash(
            tables.data.salt, serial, known.address, size, prefix
        )
        return known

    cdef int _swap(self, void *at, const void *new, object old) except -1:
        """Have threads find `new` at this pointer from now on.

        `old` owns what they found there before, and is kept until all of them have
        moved on; None if nothing was there.  This is the one way to take something
        out of use, for the order matters: a thread that notes the new epoch and then
        reads the pointer has to find `new`, else `old` is freed under its eyes.
        If this raises, nothing has changed.
        """
        cdef uint64_t epoch = self.shared.epoch + 1
        if old is not None:
            self._retired.append((epoch, old))
        plane_set_pointer(at, <void *>new)
        plane_set_seq(&self.shared.epoch, epoch)
        return 0

    def reclaim(self):
        """Let go of what no thread looks at any more; the routes and tables among it.

        Their last counts are still to be taken.
        """
        cdef uint64_t oldest = plane_get_seq(&self.shared.log_seen), seen
        cdef int i
        for i in range(self.rows):
            seen = plane_get_seq(&self.workers[i].seen)
            if seen < oldest:
                oldest = seen
        cdef list gone = [old for epoch, old in self._retired if epoch <= oldest]
        if gone:
            self._retired = [pair for pair in self._retired if pair[0] > oldest]
        cdef list routes = [], all_tables = []
        for old in gone:
            if isinstance(old, Tables):
                kept = set(map(id, self.tables.routes))
                routes += [r for r in (<Tables>old).routes if id(r) not in kept]
                all_tables.append(old)
            elif isinstance(old, Route):
                routes.append(old)
        return routes, all_tables

    @property
    def retired(self):
        """How many parts wait for threads to move on."""
        return len(self._retired)

    def take_counts(self):
        """The hand-outs since the last call: pool, member, number."""
        return self.take_slice(0, SIZE_MAX)[0]

    def take_slice(self, size_t slot, size_t most):
        """From the route at `slot` on, hand-outs of some more than `most` members.

        And the slot of the next route, 0 after the last one.
        """
        cdef list found = []
        cdef list routes = [] if self.tables is None else self.tables.routes
        cdef Route route
        cdef size_t total = len(routes)
        while slot < total and <size_t>len(found) < most:
            route = routes[slot]
            if route._news():
                found += route.take_counts()
            slot += 1
        return found, slot if slot < total else 0

    cdef Worker *_request_of(
        self, RequestContext *request, bytes source, double now, double time,
        bint stream
    ) except NULL:
        """The row that Python counts in; `request` becomes one of this address."""
        cdef Worker *worker = self.workers[
            self.rows - 1 if stream else self.threads
        ]
        if self.tables is None or len(source) not in (4, 16):
            raise ValueError("nothing to answer")
        request.address = <const uint8_t *><const char *>source
        request.size = len(source)
        request.rng = &worker.rng
        request.thread = worker.number
        request.stream = stream
        request.now = <uint32_t>now
        request.ticks = <uint64_t>(now * (1 << TICK_BITS))
        request.time = time
        return worker

    def answer(
        self, bytes data not None, bytes source not None, double now=0, double time=0,
        bint stream=False,
    ):
        """What a thread would do with one message: reply, and what to learn.

        The reply is None for what goes to the engine in Python, and empty for
        silence.  `source` is a packed address, IPv4 as 4 octets; `now` Unix time, and
        `time` that of the pools' steady clock.  It is not counted but by its zone.
        """
        cdef RequestContext request
        cdef int size
        self._request_of(&request, source, now, time, stream)
        if len(data) > 65535:
            raise ValueError("no message is that long")
        size = answer(
            &self.tables.data, &request, <const uint8_t *><const char *>data,
            len(data), self._output,
        )
        if size == LIMITED:
            return b"", 0
        if size < 0:
            return None, PUNT_FOR_PLAN + 1 - size if size <= PUNT_FOR_PLAN else 0
        return <bytes>(<const char *>self._output)[:size], 0

    def answer_frames(
        self, bytes data not None, bytes source not None, int port, double now,
        double time,
    ):
        """Answer the messages of a stream that stand in front of `data`, in frames.

        This ends before the first one that is not whole, or is Python's, and once
        there are more than 64 KiB of replies.  How many octets were answered, the
        frames of the replies, and what to learn from the first one that is left.
        """
        cdef RequestContext request
        cdef Worker *worker = self._request_of(&request, source, now, time, True)
        cdef const uint8_t *octets = <const uint8_t *><const char *>data
        cdef uint32_t size = len(data), at = 0, used = 0, length
        cdef uint8_t *out
        cdef int found = 0
        cdef plane_address name
        plane_name(&name, request.address, request.size, port)
        while used + LONGEST_FRAME <= OUTPUT_SIZE and holds_frame(
            octets + at, size - at
        ):
            length = get16(octets + at)
            out = self._output + used
            found = answer(
                &self.tables.data, &request, octets + at + 2, length, out + 2
            )
            if found <= 0:
                break
            put16(out, <uint32_t>found)
            plane_add(&worker.queries, 1)
            plane_add(&worker.answered, 1)
            plane_add(&worker.rcodes[out[5] & 15], 1)
            sample(
                &worker.samplers, &worker.rng, &name, True, octets + at + 2, length,
                out + 2, <uint32_t>found, request.ticks,
            )
            used += 2 + <uint32_t>found
            at += 2 + length
        return (
            at, <bytes>(<const char *>self._output)[:used],
            PUNT_FOR_PLAN + 1 - found if found <= PUNT_FOR_PLAN else 0,
        )

    def serve_punted(self, object respond, int most):
        """Have `respond(data, source, wanted)` answer what threads have handed over.

        At most `most` queries of each thread; returns whether there may be more.  A
        query whose answering raises is gone too, so that it is in nobody's way.
        """
        cdef int i, left
        cdef Worker *worker
        cdef const Punted *record
        cdef const uint8_t *address
        cdef const uint8_t *data
        cdef bint more = False
        cdef object reply
        for i in range(self.threads):
            worker = self.workers[i]
            left = most
            while left:
                record = peek(worker.ring)
                if record == NULL:
                    break
                left -= 1
                try:
                    size = plane_source(&record.name, &address)
                    data = <const uint8_t *>record + sizeof(Punted)
                    reply = respond(
                        <bytes>(<const char *>data)[:record.size],
                        <bytes>(<const char *>address)[:size],
                        record.wanted,
                    )
                    if isinstance(reply, Later):
                        reply.then(partial(
                            self.send_late,
                            <bytes>(<const char *>record)[:sizeof(Punted)],
                        ))
                    elif reply is not None:
                        send_to(record, reply)
                finally:
                    pop(worker.ring)
            more = more or not left
        return more

    def send_late(self, bytes record not None, bytes reply not None):
        """Send a reply that took a while to whom a record of the ring was from.

        Nothing is sent once the threads have ended, for the sockets may be closed.
        """
        if len(record) != sizeof(Punted):
            raise ValueError("not a record")
        if reply and not plane_get_seq(&self.shared.stopping):
            send_to(<const Punted *><const char *>record, reply)

    def set_sampling(self, double share):
        """From now on write this share of the answers down, for `take_samples`; 0: none.

        The first call that asks for any reserves 1 MiB for each row.
        """
        cdef int i
        for i in range(self.rows):
            _sample_to(
                <void **>&self.workers[i].samplers.places,
                <void **>&self.workers[i].kept.places, share, SAMPLES_SIZE,
            )

    def set_logging(self, double share):
        """The same for a `LogWriter`, which has more room: 4 MiB for each row."""
        cdef int i
        for i in range(self.rows):
            _sample_to(
                <void **>&self.workers[i].samplers.logged,
                <void **>&self.workers[i].kept.logged, share, LOG_SIZE,
            )

    def take_samples(self, int most):
        """Answers that were written down: time, source, port, stream, query, reply.

        At most `most` of each thread.  And how many were dropped since the start.
        """
        cdef list found = []
        cdef int i, left
        cdef uint64_t dropped = 0
        cdef SampleRing *samples
        cdef const AnswerSample *record
        for i in range(self.rows):
            samples = self.workers[i].kept.places
            if samples == NULL:
                continue
            dropped += plane_get(&samples.dropped)
            left = most
            while left:
                record = <const AnswerSample *>peek(&samples.ring)
                if record == NULL:
                    break
                left -= 1
                found.append(_sample_of(record))
                pop(&samples.ring)
        return found, dropped

    def times(self):
        """How long batches took, one of 64: counts by bin, and the sum in seconds.

        Bin n holds those of less than 2**n ticks of 2**-22 s, the last one all others.
        """
        cdef int i, slot
        cdef list bins = [0] * TIME_BINS
        cdef uint64_t sum = 0
        for i in range(self.rows):
            sum += plane_get(&self.workers[i].time_sum)
            for slot in range(TIME_BINS):
                bins[slot] += plane_get(&self.workers[i].times[slot])
        return bins, sum / TICKS_A_SECOND

    def counters(self):
        """Sums over the threads since the start, by name; rcodes as "rcode N"."""
        cdef dict found = dict.fromkeys(
            ("queries", "answered", "silent", "limited", "handed", "dropped"), 0
        )
        cdef int i, rcode
        cdef Worker *worker
        for i in range(self.rows):
            worker = self.workers[i]
            found["queries"] += plane_get(&worker.queries)
            found["answered"] += plane_get(&worker.answered)
            found["silent"] += plane_get(&worker.silent)
            found["limited"] += plane_get(&worker.limited)
            found["handed"] += plane_get(&worker.handed)
            found["dropped"] += plane_get(&worker.dropped)
            for rcode in range(16):
                count = plane_get(&worker.rcodes[rcode])
                if count:
                    key = f"rcode {rcode}"
                    found[key] = found.get(key, 0) + count
        return found
