# Packed zones with something of their own: pools, signatures, targets.


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


cdef class _FormerLink:
    """Owns a link that has been replaced."""

    cdef Link *link

    def __dealloc__(self):
        free(self.link)


cdef Link *new_link(bytes owner, bytes nsec, bytes rrsig, uint64_t until) except NULL:
    """`owner` are labels left of the origin; the records come without their owner."""
    cdef Link *link
    if len(owner) > 255:
        raise ValueError("not the labels of a name")
    link = <Link *>calloc(1, sizeof(Link) + len(owner) + len(nsec) + len(rrsig))
    if link == NULL:
        raise MemoryError
    link.until = until
    link.owner = len(owner)
    link.nsec = len(nsec)
    link.rrsig = len(rrsig)
    memcpy(link.octets, <const char *>owner, link.owner)
    memcpy(link.octets + link.owner, <const char *>nsec, link.nsec)
    memcpy(link.octets + link.owner + link.nsec, <const char *>rrsig, link.rrsig)
    return link


cdef class ChainLinks:
    """What a chain has at its names, as far as it was asked for.

    Tables of a zone share it for as long as the records stay the same.
    """

    cdef void **_links
    cdef readonly ChainKeys keys
    cdef readonly uint32_t used

    def __cinit__(self, ChainKeys keys not None):
        self.keys = keys
        self._links = <void **>_new(keys.count * sizeof(void *))

    def lapsed(self, double now):
        """The places whose signatures were to be made anew before this Unix time."""
        cdef list found = []
        cdef uint32_t i
        cdef Link *link
        for i in range(self.keys.count if self.used else 0):
            link = <Link *>self._links[i]
            if link != NULL and <double>link.until <= now:
                found.append(i)
        return found

    def __dealloc__(self):
        cdef uint32_t i
        if self._links != NULL:
            for i in range(self.keys.count):
                free(self._links[i])
        free(self._links)


cdef class ZoneTable:
    """A packed zone, and what its negative answers are made of."""

    cdef Zone data
    cdef object _buffer
    cdef Chain _chain
    cdef readonly ChainLinks chain
    cdef readonly bytes origin
    cdef uint8_t *_soa
    cdef uint16_t *_pointers
    cdef list _special
    cdef bytes _regions

    def __cinit__(
        self,
        object buffer,
        bytes origin not None,
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
        bytes regions,
        bint subnet,
        bint signed,
        bint keyed,
        bint left,
        ChainLinks chain=None,
    ):
        cdef Zone *data = &self.data
        cdef uint32_t i, size = len(origin)
        cdef bytes label
        cdef Py_buffer view
        cdef size_t end
        if size > 255 or len(special) > SPECIAL or len(soa) > 600:
            raise ValueError("not the parts of a zone")
        if regions is not None:
            if b"\0" in regions:
                raise ValueError("not the labels of regions")
            i = 0
            while i < <uint32_t>len(regions):
                i += 1 + <uint8_t>regions[i]
            if i != <uint32_t>len(regions):
                raise ValueError("not the labels of regions")
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
        data.subnet = subnet
        data.signed = signed
        data.keyed = keyed
        data.left = left
        self.origin = origin
        data.origin = <const uint8_t *><const char *>origin
        if chain is not None:
            self.chain = chain
            self._chain.keys = <const uint8_t *><const char *>chain.keys._keys
            self._chain.starts = <const uint32_t *><const char *>chain.keys._starts
            self._chain.count = chain.keys.count
            self._chain.links = chain._links
            data.chain = &self._chain
        data.pools = <uint32_t *>_new((len(pools) + 1) * sizeof(uint32_t))
        for i in range(<uint32_t>len(pools)):
            data.pools[i + 1] = pools[i] + 1
        data.soa_size = len(soa)
        data.soa = self._soa = <uint8_t *>_new(data.soa_size)
        memcpy(self._soa, <const char *>soa, data.soa_size)
        data.pointer_count = len(pointers)
        self._pointers = <uint16_t *>_new(len(pointers) * sizeof(uint16_t))
        data.pointers = self._pointers
        for i in range(data.pointer_count):
            self._pointers[i] = pointers[i]
            if <uint32_t>self._pointers[i] + 2 > data.soa_size:
                raise ValueError("a pointer past the end")
        self._regions = regions
        if regions is not None:
            data.regions = <const uint8_t *><const char *>regions
        self._special = special
        for i in range(<uint32_t>len(special)):
            label = special[i]
            if not label or len(label) != label[0] + 1:
                raise ValueError("not a label")
            data.special[i] = <const uint8_t *><const char *>label

    def install_soa(self, bytes rrsig not None):
        """Say what signs the SOA in negative answers; what is there stays."""
        if self.chain is not None and self._chain.soa == NULL:
            plane_set_pointer(&self._chain.soa, new_link(b"", b"", rrsig, 0))

    def __dealloc__(self):
        free(self._chain.soa)
        free(self.data.pools)
        free(self._soa)
        free(self._pointers)
        free_counts(self.data.counts)
