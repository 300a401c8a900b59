# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The extension: tables for the threads, and the threads themselves.

Everything here is called from one thread, the reactor's, but for `Plane.run`, which
is the life of a thread of the plane.  That one thread makes tables, swaps them, and
frees old ones once no thread can be looking at them.
"""

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset
from dinamed.plane.answer cimport LEARN, MEET, Source, answer
from dinamed.plane.cookie cimport MOST_SECRETS, little64
from dinamed.plane.draw cimport MOST_ANSWERS, Kind, RouteData
from dinamed.plane.octets cimport fill_crc_table, fnv1a
from dinamed.plane.posix cimport (
    MSG_DONTWAIT,
    POLLIN,
    iovec,
    msghdr,
    plane_get,
    plane_get_seq,
    plane_set_pointer,
    plane_set_seq,
    plane_source,
    sendmsg,
)
from dinamed.plane.ring cimport Handed, Ring, peek, pop
from dinamed.plane.tables cimport (
    DRAWN,
    FIXED,
    MOST_COLUMNS,
    TALLY_SIZE,
    TYPE_COLUMNS,
    Known,
    Learned,
    PlanKind,
    TablesData,
    client_hash,
    label_hash,
    plan_hash,
)
from dinamed.plane.worker cimport (
    MOST_SOCKETS,
    REPLY_STRIDE,
    Batch,
    Shared,
    Worker,
    run_worker,
)
from dinamed.plane.zone cimport SPECIAL, Zone

cdef extern from "stdlib.h":
    int posix_memalign(void **, size_t, size_t) nogil

cdef uint32_t CRC[256]
fill_crc_table(CRC)

ELSEWHERE, NOBODY, BY_WEIGHT, BY_HASH, IN_TURN, EVERYONE, BY_CLIENT = range(7)
EDITION = 1
MOST_DRAWN = MOST_ANSWERS
MOST_KEYS = MOST_SECRETS
PLAN_FIXED, PLAN_DRAWN, PLAN_LEFT = range(3)
FOREVER = <uint64_t>-1


cdef void *_new(size_t size) except NULL:
    """Zeroed octets on cache lines of their own, to be freed by `free`."""
    cdef void *found = NULL
    size = (size + 63) & ~<size_t>63
    if posix_memalign(&found, 64, size or 64):
        raise MemoryError
    memset(found, 0, size)
    return found


cdef class Route:
    """How members of one pool are drawn for one family of addresses.

    `records` are the members' records without their owner, all of one size.  `rows`
    is how many threads count hand-outs, `start` the credits that round robin begins
    with, for each thread.  `serial` is a number of its own for each route BY_CLIENT,
    and `subs` holds the routes for its clients, by candidates.
    """

    cdef RouteData data
    cdef readonly str pool
    cdef readonly tuple members
    cdef readonly dict subs
    cdef uint32_t _rows

    def __cinit__(
        self,
        str pool,
        int kind,
        int rows,
        tuple members=(),
        int answers=0,
        list records=[],
        list weights=[],
        list limits=[],
        list aliases=[],
        list seeds=[],
        list start=[],
        uint64_t serial=0,
    ):
        cdef RouteData *data = &self.data
        cdef uint32_t size = len(members), i
        cdef bytes record
        self.pool = pool
        self.subs = {}
        data.serial = serial
        self.members = members
        self._rows = rows
        data.kind = <Kind>kind
        data.size = size
        data.answers = answers
        if not size:
            return
        data.span = len(records[0])
        data.stride = (size + 7) & ~<uint32_t>7
        data.weights = <double *>_new(size * sizeof(double))
        data.limits = <uint64_t *>_new(size * sizeof(uint64_t))
        data.aliases = <uint32_t *>_new(size * sizeof(uint32_t))
        data.seeds = <uint64_t *>_new(size * sizeof(uint64_t))
        data.records = <uint8_t *>_new(size * data.span)
        data.counts = <uint64_t *>_new(rows * data.stride * sizeof(uint64_t))
        data.booked = <uint64_t *>_new(size * sizeof(uint64_t))
        for i in range(size):
            record = records[i]
            if <uint32_t>len(record) != data.span:
                raise ValueError("records of different sizes")
            memcpy(data.records + i * data.span, <const char *>record, data.span)
            data.weights[i] = weights[i]
            data.total += data.weights[i]
            if limits:
                data.limits[i] = limits[i]
                data.aliases[i] = aliases[i]
                if data.aliases[i] >= size:
                    raise ValueError("alias of no member")
            if seeds:
                data.seeds[i] = seeds[i]
        if start:
            data.credits = <double *>_new(rows * size * sizeof(double))
            for i in range(rows * size):
                data.credits[i] = start[i]
        if data.answers > size or size and data.answers > MOST_ANSWERS:
            raise ValueError("more answers than can be drawn")

    def __dealloc__(self):
        free(self.data.weights)
        free(self.data.limits)
        free(self.data.aliases)
        free(self.data.seeds)
        free(self.data.records)
        free(self.data.credits)
        free(self.data.counts)
        free(self.data.booked)

    cdef bint _news(self) noexcept:
        """Whether there are hand-outs that were not taken yet."""
        cdef uint32_t i
        for i in range(self.data.size):
            if self._sum(i) != self.data.booked[i]:
                return True
        return bool(self.subs)

    cdef uint64_t _sum(self, uint32_t member) noexcept:
        cdef uint64_t total = 0
        cdef uint32_t row
        for row in range(self._rows):
            total += plane_get(self.data.counts + row * self.data.stride + member)
        return total

    def take_counts(self):
        """The hand-outs since the last call: pool, member, number."""
        cdef uint32_t i
        cdef uint64_t total
        cdef list found = []
        for i in range(self.data.size):
            total = self._sum(i)
            if total != self.data.booked[i]:
                found.append((self.pool, self.members[i], total - self.data.booked[i]))
                self.data.booked[i] = total
        for sub in self.subs.values():
            found += (<Route>sub).take_counts()
        return found


cdef class Tally:
    """How many replies went out for the names of one zone, by type and rcode.

    `label` says which; `rows` is how many threads count.
    """

    cdef uint64_t *counts
    cdef uint64_t *booked
    cdef uint32_t _rows
    cdef readonly str label

    def __cinit__(self, str label, int rows):
        self.label = label
        self._rows = rows
        self.counts = <uint64_t *>_new(rows * TALLY_SIZE * sizeof(uint64_t))
        self.booked = <uint64_t *>_new(TALLY_SIZE * sizeof(uint64_t))

    def __dealloc__(self):
        free(self.counts)
        free(self.booked)

    def take(self):
        """The replies since the last call: column of the type, rcode, number."""
        cdef uint32_t cell, row
        cdef uint64_t total
        cdef list found = []
        for cell in range(TALLY_SIZE):
            total = 0
            for row in range(self._rows):
                total += plane_get(self.counts + row * TALLY_SIZE + cell)
            if total != self.booked[cell]:
                found.append((
                    cell % MOST_COLUMNS,
                    (0, 3, 5, 1)[cell // MOST_COLUMNS],
                    total - self.booked[cell],
                ))
                self.booked[cell] = total
        return found


cdef class ZoneTable:
    """A packed zone, and what its negative answers are made of."""

    cdef Zone data
    cdef object _buffer
    cdef readonly Tally tally

    def __cinit__(
        self,
        Tally tally not None,
        object buffer,
        bytes origin,
        uint32_t labels,
        uint32_t apex,
        uint32_t depth,
        uint32_t index,
        uint32_t slots,
        list pools,
        bytes soa,
        list pointers,
        list special,
        *,
        bint plain,
        bint subnet,
        bint left,
    ):
        cdef Zone *data = &self.data
        cdef uint32_t i, size = len(origin)
        cdef bytes label
        cdef Py_buffer view
        cdef size_t end
        if size > 255 or len(special) > SPECIAL or len(soa) > 600:
            raise ValueError("not the parts of a zone")
        self.tally = tally
        data.counts = tally.counts
        # To hold on to the object is enough, as nobody releases its memory by hand;
        # an open export would be in the way of the collection of cycles.
        self._buffer = buffer
        PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
        data.data = <const uint8_t *>view.buf
        end = view.len
        PyBuffer_Release(&view)
        if <size_t>index + 4 * <size_t>slots > end:
            raise ValueError("the index reaches past the end")
        data.index = data.data + index
        data.mask = slots - 1
        data.apex = apex
        data.depth = depth
        data.size = size
        data.labels = labels
        data.plain = plain
        data.subnet = subnet
        data.left = left
        memcpy(data.origin, <const char *>origin, size)
        data.pools = <uint32_t *>_new((len(pools) + 1) * sizeof(uint32_t))
        for i in range(<uint32_t>len(pools)):
            data.pools[i + 1] = pools[i] + 1
        data.soa_size = len(soa)
        data.soa = <uint8_t *>_new(data.soa_size)
        memcpy(data.soa, <const char *>soa, data.soa_size)
        data.pointer_count = len(pointers)
        data.pointers = <uint16_t *>_new(len(pointers) * sizeof(uint16_t))
        for i in range(data.pointer_count):
            data.pointers[i] = pointers[i]
            if <uint32_t>data.pointers[i] + 2 > data.soa_size:
                raise ValueError("a pointer past the end")
        for i in range(<uint32_t>len(special)):
            label = special[i]
            if len(label) > 64:
                raise ValueError("not a label")
            memcpy(data.special[i], <const char *>label, len(label))

    def __dealloc__(self):
        free(self.data.pools)
        free(self.data.soa)
        free(self.data.pointers)


cdef class _Plans:
    """Plans by question, or clients: open addressing, entries are only ever added."""

    cdef void **slots
    cdef uint32_t mask
    cdef uint32_t used
    cdef uint64_t octets

    def __cinit__(self, uint32_t slots):
        self.slots = <void **>_new(slots * sizeof(void *))
        self.mask = slots - 1

    def __dealloc__(self):
        cdef uint32_t i
        if self.slots != NULL:
            for i in range(self.mask + 1):
                free(self.slots[i])
        free(self.slots)

    cdef void add(self, Learned *plan) noexcept:
        """Take a plan over, unless there is one of the same question."""
        cdef uint32_t slot = <uint32_t>plan.hash & self.mask
        cdef Learned *other
        while self.slots[slot] != NULL:
            other = <Learned *>self.slots[slot]
            if (
                other.hash == plan.hash and other.type == plan.type
                and other.size == plan.size
                and memcmp(other.octets, plan.octets, plan.size) == 0
            ):
                free(plan)
                return
            slot = (slot + 1) & self.mask
        plane_set_pointer(&self.slots[slot], plan)
        self.used += 1
        self.octets += sizeof(Learned) + plan.size + plan.body + plan.before

    cdef void meet(self, Known *known) noexcept:
        """Take over what is known of a client."""
        cdef uint32_t slot = <uint32_t>known.hash & self.mask
        while self.slots[slot] != NULL:
            slot = (slot + 1) & self.mask
        plane_set_pointer(&self.slots[slot], known)
        self.used += 1


cdef class Tables:
    """A snapshot for the threads.

    `routes` holds for each pool that for IPv4 and then that for IPv6; `columns` the
    types that are counted one by one, from column 1 on.  `secrets` makes cookies, where
    there are any; `required` leaves the clients with bad ones to Python.
    """

    cdef TablesData data
    cdef readonly list zones
    cdef readonly list routes
    cdef readonly Tally tally
    cdef _Plans _plans
    cdef _Plans _clients
    cdef uint32_t _slots

    def __cinit__(
        self,
        list zones,
        list routes,
        Tally tally not None,
        list columns,
        bytes nsid,
        *,
        bint subnets,
        bint shut=False,
        tuple secrets=(),
        bint required=False,
        uint32_t slots=65536,
    ):
        cdef TablesData *data = &self.data
        cdef uint32_t i, size
        cdef const uint8_t *key
        cdef Route route
        if len(nsid) > 128 or slots & (slots - 1) or slots < 4:
            raise ValueError("not the parts of tables")
        self.zones = zones
        self.routes = routes
        self.tally = tally
        data.counts = tally.counts
        data.shut = shut
        if len(secrets) > MOST_SECRETS:
            raise ValueError("too many secrets")
        data.secrets.count = len(secrets)
        data.secrets.required = required
        for i in range(data.secrets.count):
            if len(secrets[i]) != 16:
                raise ValueError("a secret has 16 octets")
            key = <const uint8_t *><const char *><bytes>secrets[i]
            data.secrets.keys[i][0] = little64(key, 8)
            data.secrets.keys[i][1] = little64(key + 8, 8)
        if len(columns) >= MOST_COLUMNS:
            raise ValueError("too many types")
        for i in range(<uint32_t>len(columns)):
            size = columns[i]
            if size < TYPE_COLUMNS:
                data.columns[size] = <uint8_t>(i + 1)
        data.crc = CRC
        data.subnets = subnets
        data.nsid_size = len(nsid)
        memcpy(data.nsid, <const char *>nsid, data.nsid_size)
        data.routes = <RouteData **>_new(len(routes) * sizeof(void *))
        for i in range(<uint32_t>len(routes)):
            route = routes[i]
            data.routes[i] = &route.data
        size = 4
        while size < 2 * <uint32_t>len(zones):
            size *= 2
        data.zone_mask = size - 1
        data.zone_slots = <uint32_t *>_new(size * sizeof(uint32_t))
        data.zones = <Zone **>_new(len(zones) * sizeof(void *))
        for i in range(<uint32_t>len(zones)):
            self._enter(i)
        self._slots = slots
        self._plans = _Plans(slots)
        self._clients = _Plans(slots)
        data.learned = self._plans.slots
        data.known = self._clients.slots
        data.learned_mask = slots - 1

    cdef void _enter(self, uint32_t number):
        cdef ZoneTable table = self.zones[number]
        cdef Zone *zone = &table.data
        cdef uint32_t hash = <uint32_t>2166136261, slot, position = 0
        cdef list starts = []
        while zone.origin[position]:
            starts.append(position)
            position += 1 + <uint32_t>zone.origin[position]
        for position in reversed(starts):
            hash = label_hash(hash, zone.origin + position)
        slot = hash & self.data.zone_mask
        while self.data.zone_slots[slot]:
            slot = (slot + 1) & self.data.zone_mask
        self.data.zone_slots[slot] = number + 1
        self.data.zones[number] = zone
        if zone.labels > self.data.zone_labels:
            self.data.zone_labels = zone.labels

    def __dealloc__(self):
        free(self.data.routes)
        free(self.data.zone_slots)
        free(self.data.zones)

    @property
    def learned(self):
        """How many plans were learned and are still known."""
        return self._plans.used


cdef class Plane:
    """The threads' common state; `seeds` are octets of chance, 8 for each thread.

    There is one row more than threads, for `answer`.
    """

    cdef Shared shared
    cdef Worker **workers
    cdef readonly int threads
    cdef readonly Tables tables
    cdef list _retired

    def __cinit__(self, int threads, bytes seeds, int wake_descriptor):
        cdef int i
        cdef Worker *worker
        if threads < 0 or len(seeds) < 8 * (threads + 1):
            raise ValueError("too few seeds")
        self.threads = threads
        self._retired = []
        self.shared.wake = wake_descriptor
        self.workers = <Worker **>_new((threads + 1) * sizeof(void *))
        for i in range(threads + 1):
            worker = self.workers[i] = <Worker *>_new(sizeof(Worker))
            worker.number = i
            worker.seen = FOREVER
            memcpy(&worker.rng, <const char *>seeds + 8 * i, 8)
            if i < threads:
                worker.ring = <Ring *>_new(sizeof(Ring))
                worker.batch = <Batch *>_new(sizeof(Batch))

    def __dealloc__(self):
        cdef int i
        if self.workers == NULL:
            return
        for i in range(self.threads + 1):
            if self.workers[i] != NULL:
                free(self.workers[i].ring)
                free(self.workers[i].batch)
            free(self.workers[i])
        free(self.workers)

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

    def stop(self):
        """Have the threads end within 200 ms, once the sockets' queues are empty."""
        plane_set_seq(&self.shared.stopping, 1)

    def serve(self, Tables tables not None):
        """Answer from these tables from the next batch on."""
        cdef Tables old = self.tables
        self.tables = tables
        plane_set_pointer(&self.shared.tables, &tables.data)
        if old is not None:
            self._retire(old)

    def replace(self, uint32_t place, Route route not None):
        """Draw by another route at this place of the present tables."""
        cdef Tables tables = self.tables
        cdef object old
        if tables is None or place >= <uint32_t>len(tables.routes):
            raise ValueError("no such place")
        old = tables.routes[place]
        tables.routes[place] = route
        plane_set_pointer(&tables.data.routes[place], &route.data)
        self._retire(old)

    def learn(
        self, bytes name not None, uint32_t rrtype, int kind, *,
        uint32_t rcode=0, bint authoritative=False, int error=-1,
        tuple counts=(0, 0, 0), bytes body=b"", uint32_t route=0, bint subnet=False,
        tuple before_counts=(0, 0, 0), bytes before=b"", bytes owner=b"",
    ):
        """Remember the plan of a question, and forget all others when there are many.

        `name` is in lower case.  A question that is known keeps its plan.
        """
        cdef Tables tables = self.tables
        cdef Learned *plan
        cdef _Plans plans = tables._plans
        cdef size_t size = len(name) + len(body) + len(before) + len(owner)
        cdef uint8_t *at
        cdef int i
        if not 0 < len(name) <= 255 or size > 8192:
            raise ValueError("too long to be remembered")
        if kind == DRAWN and route + 2 > <uint32_t>len(tables.routes):
            raise ValueError("no such route")
        if plans.used * 2 >= tables._slots or plans.octets > 128 * tables._slots:
            self._retire(plans)
            plans = tables._plans = _Plans(tables._slots)
            plane_set_pointer(&tables.data.learned, plans.slots)
        plan = <Learned *>calloc(1, sizeof(Learned) + size)
        if plan == NULL:
            raise MemoryError
        plan.hash = plan_hash(<const uint8_t *><const char *>name, len(name), rrtype)
        plan.kind = <PlanKind>kind
        plan.size = len(name)
        plan.type = rrtype
        plan.rcode = rcode
        plan.authoritative = authoritative
        plan.error = error + 1
        plan.route = route
        plan.subnet = subnet
        for i in range(3):
            plan.counts[i] = counts[i]
            plan.before_counts[i] = before_counts[i]
        plan.body = len(body)
        plan.before = len(before)
        plan.owner = len(owner)
        at = plan.octets
        for part in (name, body, before, owner):
            memcpy(at, <const char *><bytes>part, len(<bytes>part))
            at += len(<bytes>part)
        plans.add(plan)

    def meet(
        self, uint32_t place, bytes address not None, uint32_t prefix,
        Route route not None, uint32_t scope,
    ):
        """Remember by which route a client's answers are drawn, where that is BY_CLIENT.

        `address` is packed, 4 or 16 octets.  When there are many, all are forgotten.
        """
        cdef Tables tables = self.tables
        cdef _Plans clients = tables._clients
        cdef Route above = tables.routes[place]
        cdef Known *known
        if len(address) not in (4, 16) or prefix > 128:
            raise ValueError("not an address")
        if not any(route is sub for sub in above.subs.values()):
            raise ValueError("nobody keeps that route")
        if clients.used * 2 >= tables._slots:
            self._retire(clients)
            clients = tables._clients = _Plans(tables._slots)
            plane_set_pointer(&tables.data.known, clients.slots)
        known = <Known *>calloc(1, sizeof(Known))
        if known == NULL:
            raise MemoryError
        known.serial = above.data.serial
        known.size = len(address)
        known.prefix = prefix
        known.scope = scope
        known.route = &route.data
        memcpy(known.address, <const char *>address, known.size)
        known.hash = client_hash(known.serial, known.address, known.size, prefix)
        clients.meet(known)

    cdef void _retire(self, object old):
        """Keep what threads may still look at, until they have all moved on."""
        cdef uint64_t epoch = self.shared.epoch + 1
        plane_set_seq(&self.shared.epoch, epoch)
        self._retired.append((epoch, old))

    def reclaim(self):
        """Let go of what no thread looks at any more; the routes and tallies among it.

        Their last counts are still to be taken.
        """
        cdef uint64_t oldest = FOREVER, seen
        cdef int i
        for i in range(self.threads):
            seen = plane_get_seq(&self.workers[i].seen)
            if seen < oldest:
                oldest = seen
        cdef list gone = [old for epoch, old in self._retired if epoch <= oldest]
        if gone:
            self._retired = [pair for pair in self._retired if pair[0] > oldest]
        cdef list routes = [], tallies = []
        for old in gone:
            if isinstance(old, Tables):
                kept = set(map(id, self.tables.routes))
                routes += [r for r in (<Tables>old).routes if id(r) not in kept]
                tallies += [zone.tally for zone in (<Tables>old).zones]
                tallies.append((<Tables>old).tally)
            elif isinstance(old, Route):
                routes.append(old)
        return routes, tallies

    @property
    def retired(self):
        """How many parts wait for threads to move on."""
        return len(self._retired)

    def take_counts(self):
        """The hand-outs since the last call: pool, member, number."""
        cdef list found = []
        cdef Route route
        if self.tables is not None:
            for route in self.tables.routes:
                if route._news():
                    found += route.take_counts()
        return found

    def answer(self, bytes data not None, bytes source not None, uint32_t now=0):
        """What a thread would do with one datagram: reply, and what to learn.

        The reply is None for what goes to the engine in Python, and empty for
        silence.  `source` is a packed address, IPv4 as 4 octets; `now` Unix time.
        """
        cdef Source asker
        cdef uint8_t out[REPLY_STRIDE]
        cdef Worker *worker = self.workers[self.threads]
        cdef int size
        if self.tables is None or len(source) not in (4, 16) or len(data) > 65535:
            raise ValueError("nothing to answer")
        asker.address = <const uint8_t *><const char *>source
        asker.size = len(source)
        asker.rng = &worker.rng
        asker.thread = worker.number
        asker.now = now
        size = answer(
            &self.tables.data, &asker, <const uint8_t *><const char *>data,
            len(data), out,
        )
        if size < 0:
            return None, 1 if size == LEARN else 2 if size == MEET else 0
        return <bytes>(<const char *>out)[:size], 0

    def serve_handed(self, object respond, int most):
        """Have `respond(data, source, learn)` answer what threads have handed over.

        At most `most` queries of each thread; returns whether there may be more.
        """
        cdef int i, left
        cdef Worker *worker
        cdef const Handed *record
        cdef const uint8_t *address
        cdef const uint8_t *data
        cdef msghdr message
        cdef iovec part
        cdef bint more = False
        cdef bytes reply
        for i in range(self.threads):
            worker = self.workers[i]
            left = most
            while left:
                record = peek(worker.ring)
                if record == NULL:
                    break
                left -= 1
                size = plane_source(&record.name, &address)
                data = <const uint8_t *>record + sizeof(Handed)
                reply = respond(
                    <bytes>(<const char *>data)[:record.size],
                    <bytes>(<const char *>address)[:size],
                    record.learn,
                )
                if reply is not None:
                    part.iov_base = <void *><const char *>reply
                    part.iov_len = len(reply)
                    memset(&message, 0, sizeof(message))
                    message.msg_name = <void *>&record.name
                    message.msg_namelen = record.name_size
                    message.msg_iov = &part
                    message.msg_iovlen = 1
                    message.msg_control = <void *>record.control
                    message.msg_controllen = record.control_size
                    # UDP may lose: nobody waits for room in a queue.
                    sendmsg(record.fd, &message, MSG_DONTWAIT)
                pop(worker.ring)
            more = more or not left
        return more

    def counters(self):
        """Sums over the threads since the start, by name; rcodes as "rcode N"."""
        cdef dict found = dict.fromkeys(
            ("queries", "answered", "silent", "handed", "dropped"), 0
        )
        cdef int i, rcode
        cdef Worker *worker
        for i in range(self.threads):
            worker = self.workers[i]
            found["queries"] += plane_get(&worker.queries)
            found["answered"] += plane_get(&worker.answered)
            found["silent"] += plane_get(&worker.silent)
            found["handed"] += plane_get(&worker.handed)
            found["dropped"] += plane_get(&worker.dropped)
            for rcode in range(16):
                count = plane_get(&worker.rcodes[rcode])
                if count:
                    key = f"rcode {rcode}"
                    found[key] = found.get(key, 0) + count
        return found
