# The query log, written by a thread that does without the interpreter.


(
    LOG_DONE, LOG_STALE, LOG_POOL, LOG_PLACE, LOG_PYTHON, LOG_FAILED
) = range(6)
LOG_UNWANTED, LOG_UNREACHABLE = UNWANTED, UNREACHABLE


cdef class PoolText:
    """What the query log calls a pool and its members.

    `head` and `tail` are what stands round the members in the JSON of a line.  `hosts`
    has name, the same in JSON, and packed addresses of each, in the pool's order.
    """

    cdef PoolTextData data
    cdef bytes _name
    cdef bytes _head
    cdef bytes _tail
    cdef bytes _names
    cdef bytes _quoted
    cdef uint32_t *_ends

    def __cinit__(
        self, bytes name not None, bytes head not None, bytes tail not None,
        list hosts not None,
    ):
        cdef PoolTextData *data = &self.data
        cdef uint32_t i, number = 0, count = len(hosts), slots = 4
        cdef size_t total = 0
        cdef uint32_t ends = 0, quoted_ends = 0
        self._name, self._head, self._tail = name, head, tail
        self._names = b"".join([one[0] for one in hosts])
        self._quoted = b"".join([one[1] for one in hosts])
        self._ends = <uint32_t *>_new(2 * count * sizeof(uint32_t))
        for plain, quoted, addresses in hosts:
            ends += <uint32_t>len(plain)
            quoted_ends += <uint32_t>len(quoted)
            self._ends[number] = ends
            self._ends[count + number] = quoted_ends
            data.awkward = data.awkward or len(quoted) > LONGEST_NAME
            number += 1
            total += len(addresses)
        while slots < 2 * total:
            slots *= 2
        data.slots = <AddressSlot *>_new(slots * sizeof(AddressSlot))
        data.mask = slots - 1
        for i in range(count):
            for address in hosts[i][2]:
                self._add(i, address)
        data.awkward = data.awkward or len(head) + len(tail) > 2 * LONGEST_NAME
        data.name, data.name_size = <const uint8_t *><const char *>name, len(name)
        data.head, data.head_size = <const uint8_t *><const char *>head, len(head)
        data.tail, data.tail_size = <const uint8_t *><const char *>tail, len(tail)
        data.names = <const uint8_t *><const char *>self._names
        data.quoted = <const uint8_t *><const char *>self._quoted
        data.ends = self._ends
        data.quoted_ends = self._ends + count

    def __dealloc__(self):
        free(self.data.slots)
        free(self._ends)

    cdef int _add(self, uint32_t member, bytes address) except -1:
        cdef const uint8_t *octets = <const uint8_t *><const char *>address
        cdef uint32_t size = len(address), slot
        if size > 16:
            raise ValueError("not an address")
        slot = <uint32_t>fnv1a(octets, size) & self.data.mask
        while self.data.slots[slot].member:
            slot = (slot + 1) & self.data.mask
        self.data.slots[slot].member = member + 1
        self.data.slots[slot].size = size
        memcpy(self.data.slots[slot].address, octets, size)
        return 0


cdef int _set_text(Text *text, bytes octets) except -1:
    if <size_t>len(octets) > sizeof(text.octets):
        raise ValueError("too long a text")
    text.size = len(octets)
    memcpy(text.octets, <const char *>octets, text.size)
    return 0


cdef class LogWriter:
    """Writes what the threads of a plane have noted for the query log.

    For one thread, which is none of the plane's.  `octets` are the texts of the 256
    octets of labels, `types` and `rcodes` those of some numbers; all in JSON.
    """

    cdef LogState _state
    cdef Plane _plane
    cdef Tables _tables
    cdef list _pools
    cdef list _place_texts
    cdef bytes _head

    def __cinit__(
        self, Plane plane not None, list octets not None, dict types not None,
        dict rcodes not None,
    ):
        cdef LogState *state = &self._state
        cdef uint32_t number
        if len(octets) != 256:
            raise ValueError("not the texts of all octets")
        self._plane = plane
        state.shared = &plane.shared
        state.workers = plane.workers
        state.rows = plane.rows
        for number in range(256):
            _set_text(&state.texts.octets[number], octets[number])
        for key, value in types.items():
            number = type_slot(key)
            if number < TYPE_TEXTS:
                _set_text(&state.texts.types[number], value)
        for key, value in rcodes.items():
            if key < RCODE_TEXTS:
                _set_text(&state.texts.rcodes[<uint32_t>key], value)
        state.lines.octets = <uint8_t *>_new(LOG_BUFFER)
        state.frames.octets = <uint8_t *>_new(LOG_BUFFER)
        state.known.places = <PlaceSlot *>_new(PLACE_SLOTS * sizeof(PlaceSlot))
        self._pools = []
        self._place_texts = []

    def __dealloc__(self):
        free(self._state.lines.octets)
        free(self._state.frames.octets)
        free(self._state.known.places)
        free(self._state.known.pools)

    @property
    def written(self):
        """Notes that were written since the start."""
        return self._state.written

    @property
    def dropped(self):
        """Those that came too fast, or could not be written somewhere."""
        cdef uint64_t found = self._state.failed
        cdef int i
        for i in range(self._plane.rows):
            if self._plane.workers[i].kept.logged != NULL:
                found += plane_get(&self._plane.workers[i].kept.logged.dropped)
        return found

    @property
    def tables(self):
        """The tables that are served now."""
        return self._plane.tables

    def bind(
        self, Tables tables not None, list texts not None, bytes head not None,
        bint placed,
    ):
        """Read by these tables, whose pools are called `texts`.

        Those are None where nothing was told yet.  `head` begins each frame; without
        `placed` nobody's place is known.
        """
        cdef Known *known = &self._state.known
        cdef uint32_t i, count = len(texts)
        if ROUTES * <size_t>count != <size_t>len(tables.routes):
            raise ValueError("not the pools of these tables")
        if self._tables is not None and self._tables._trees is not tables._trees:
            self._forget_places()
        free(known.pools)
        known.pools = NULL
        known.pool_count = 0
        known.pools = <const PoolTextData **>_new(count * sizeof(void *))
        known.pool_count = count
        known.tables = &tables.data
        known.placed = placed
        for i in range(count):
            if texts[i] is not None:
                known.pools[i] = &(<PoolText>texts[i]).data
        self._tables, self._pools, self._head = tables, texts, head
        self._state.head = <const uint8_t *><const char *>head
        self._state.head_size = len(head)

    cdef void _forget_places(self) noexcept:
        memset(self._state.known.places, 0, PLACE_SLOTS * sizeof(PlaceSlot))
        self._place_texts = []

    def tell_pool(self, uint32_t number, PoolText text not None):
        """What a pool is called that `run` has asked for."""
        if number >= self._state.known.pool_count:
            raise ValueError("no such pool")
        self._pools[number] = text
        self._state.known.pools[number] = &text.data

    def tell_place(self, bytes text not None):
        """What to say of the place that `run` has asked for, as more of an object."""
        cdef ClientClass *place = &self._state.seen.client_class
        cdef uint64_t hash = fnv1a(<const uint8_t *>place.records, place.size) | 1
        cdef uint32_t slot = <uint32_t>(hash >> 8) & (PLACE_SLOTS - 1)
        cdef PlaceSlot *found
        if 2 * len(self._place_texts) >= PLACE_SLOTS:
            self._forget_places()
        while self._state.known.places[slot].hash:
            slot = (slot + 1) & (PLACE_SLOTS - 1)
        self._place_texts.append(text)
        found = &self._state.known.places[slot]
        found.hash = hash
        found.size = place.size
        found.text, found.text_size = <const uint8_t *><const char *>text, len(text)
        memcpy(found.key, <const uint8_t *>place.records, place.size)

    def run(self, int lines, int frames, int more_frames, double seconds):
        """Write what is noted to three descriptors; some may be LOG_UNWANTED.

        Ends after some seconds, or when there is something to say: what, and about
        which pool, client (packed address and prefix), exchange (which Python has to
        read), or which of the descriptors with what error.
        """
        cdef LogState *state = &self._state
        cdef double until = plane_monotonic() + seconds
        cdef SampleRing *samples
        cdef int verdict
        if state.known.tables == NULL:
            return LOG_STALE, None
        state.outputs[0] = lines
        state.outputs[1] = frames
        state.outputs[2] = more_frames
        with nogil:
            verdict = run_log(state, until)
        if verdict == LOG_POOL:
            return verdict, state.seen.pool_number
        if verdict == LOG_PLACE:
            return verdict, (
                <bytes>(<const char *>state.seen.client)[:state.seen.client_size],
                state.seen.client_prefix,
            )
        if verdict == LOG_PYTHON:
            samples = self._plane.workers[state.row].kept.logged
            found = _sample_of(<const AnswerSample *>peek(&samples.ring))
            pop(&samples.ring)
            return verdict, found
        if verdict == LOG_FAILED:
            return verdict, (state.failing, state.error)
        return verdict, None
