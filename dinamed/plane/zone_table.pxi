# Packed zones, and the counts of the replies from them.


cdef class ReplyCounters:
    """How many replies went out for the names of one zone, by type and rcode.

    `label` says which; `rows` is how many threads count, of which the second half do
    so for streams.
    """

    cdef uint64_t *counts
    cdef uint64_t *booked
    cdef uint32_t _rows
    cdef readonly str label

    def __cinit__(self, str label, int rows):
        self.label = label
        self._rows = rows
        self.counts = <uint64_t *>_new(rows * COUNTERS_SIZE * sizeof(uint64_t))
        self.booked = <uint64_t *>_new(2 * COUNTERS_SIZE * sizeof(uint64_t))

    def __dealloc__(self):
        free(self.counts)
        free(self.booked)

    def take(self):
        """The replies since the last call.

        Column of the type, rcode, whether over a stream, number.
        """
        cdef uint32_t cell, row, half, first
        cdef uint32_t rows = self._rows // 2
        cdef uint64_t total
        cdef list found = []
        for half in range(2):
            first = half * rows
            for cell in range(<uint32_t>COUNTERS_SIZE):
                total = 0
                for row in range(first, first + rows):
                    total += plane_get(self.counts + row * COUNTERS_SIZE + cell)
                if total != self.booked[half * COUNTERS_SIZE + cell]:
                    found.append((
                        cell % MOST_COLUMNS,
                        (0, 3, 5, 1)[cell // MOST_COLUMNS],
                        half == 1,
                        total - self.booked[half * COUNTERS_SIZE + cell],
                    ))
                    self.booked[half * COUNTERS_SIZE + cell] = total
        return found


cdef class ChainKeys:
    """The names of a zone's chain in canonical form, in order: what outlasts links."""

    cdef bytes _keys
    cdef bytes _starts
    cdef readonly uint32_t count

    def __cinit__(self, bytes keys not None, bytes starts not None):
        cdef const uint32_t *numbers = <const uint32_t *><const char *>starts
        cdef uint32_t i
        if len(starts) < 8 or len(starts) & 3:
            raise ValueError("not the starts of names")
        self._keys = keys
        self._starts = starts
        self.count = len(starts) // 4 - 1
        for i in range(self.count):
            if numbers[i] > numbers[i + 1]:
                raise ValueError("a name begins before the last one ends")
        if numbers[self.count] != <uint32_t>len(keys) or numbers[1]:
            raise ValueError("the first name is the apex, and the last one the end")


cdef class ZoneTable:
    """A packed zone, and what its negative answers are made of."""

    cdef Zone data
    cdef object _buffer
    cdef Chain _chain
    cdef readonly ChainKeys chain
    cdef readonly bytes origin
    cdef readonly ReplyCounters reply_counters

    def __cinit__(
        self,
        ReplyCounters reply_counters not None,
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
        bint signed,
        bint keyed,
        bint left,
        ChainKeys chain=None,
    ):
        cdef Zone *data = &self.data
        cdef uint32_t i, size = len(origin)
        cdef bytes label
        cdef Py_buffer view
        cdef size_t end
        if size > 255 or len(special) > SPECIAL or len(soa) > 600:
            raise ValueError("not the parts of a zone")
        self.reply_counters = reply_counters
        data.counts = reply_counters.counts
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
        data.signed = signed
        data.keyed = keyed
        data.left = left
        memcpy(data.origin, <const char *>origin, size)
        self.origin = origin
        if chain is not None:
            self.chain = chain
            self._chain.keys = <const uint8_t *><const char *>chain._keys
            self._chain.starts = <const uint32_t *><const char *>chain._starts
            self._chain.count = chain.count
            self._chain.links = <void **>_new(chain.count * sizeof(void *))
            data.chain = &self._chain
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

    def install_link(
        self, int place, bytes owner not None, bytes nsec not None, bytes rrsig not None
    ):
        """Say what the chain has at a place, or with -1 the signature of the SOA.

        `owner` are labels left of the origin; the records come without their owner.
        What is there stays: tables are made anew before a signature changes.
        """
        cdef Link *link
        cdef void **at
        if self.chain is None or place >= <int>self.chain.count or len(owner) > 255:
            raise ValueError("no such place")
        at = &self._chain.soa if place < 0 else &self._chain.links[place]
        if at[0] != NULL:
            return
        link = <Link *>calloc(1, sizeof(Link) + len(owner) + len(nsec) + len(rrsig))
        if link == NULL:
            raise MemoryError
        link.owner = len(owner)
        link.nsec = len(nsec)
        link.rrsig = len(rrsig)
        memcpy(link.octets, <const char *>owner, link.owner)
        memcpy(link.octets + link.owner, <const char *>nsec, link.nsec)
        memcpy(link.octets + link.owner + link.nsec, <const char *>rrsig, link.rrsig)
        plane_set_pointer(at, link)

    def __dealloc__(self):
        cdef uint32_t i
        if self._chain.links != NULL:
            for i in range(self._chain.count):
                free(self._chain.links[i])
        free(self._chain.links)
        free(self._chain.soa)
        free(self.data.pools)
        free(self.data.soa)
        free(self.data.pointers)
