# Packed zones with nothing of their own beside them: no object for each.

cdef enum:
    CHUNK = 1 << 16
    LONGEST_ORIGIN = 240    # as in `negatives`
    MOST_NEGATIVE = 600
    MOST_POINTERS = 3
    HEADER_SIZE = 72        # as in `dinamed.zones.layout`
    ZONE_IS_SIGNED = 8

cdef const uint8_t *OWN_MGMT = b"\x04mgmt"
cdef const uint8_t *OWN_STATUS = b"\x07_status"
cdef const uint8_t *OWN_COUNTRY = b"\x08_country"


# What a zone's negative answers are made of, as `negatives` tells it.
cdef struct Negative:
    uint8_t octets[MOST_NEGATIVE]
    uint32_t size
    uint16_t pointers[MOST_POINTERS]
    uint32_t pointer_count
    uint8_t special[2][64]
    uint32_t special_count
    uint8_t first[256]      # the name that was written before, in lower case
    uint32_t first_size
    uint32_t first_at       # where it stands in the octets
    uint32_t first_done     # up to where it was written in full


cdef uint32_t wire_size(const uint8_t *name) noexcept nogil:
    cdef uint32_t size = 0
    while name[size]:
        size += 1 + name[size]
    return size + 1


cdef void put_pointer(Negative *out, int offset) noexcept nogil:
    """A pointer that moves with the question's name; `offset` is for one of no octets."""
    put16(out.octets + out.size, <uint32_t>(0xC000 + offset) & 0xFFFF)
    out.pointers[out.pointer_count] = <uint16_t>out.size
    out.pointer_count += 1
    out.size += 2


cdef uint32_t place_of_suffix(
    const uint8_t *name, uint32_t size, const uint8_t *suffix, uint32_t left
) noexcept nogil:
    """Where a name of `size` octets goes on as a suffix of `left` octets; or `size`."""
    cdef uint32_t at = 0
    while name[at] and size - at > left:
        at += 1 + name[at]
    if size - at != left or not name[at] or memcmp(name + at, suffix, left):
        return size
    return at


cdef uint32_t put_name(
    Negative *out, const uint8_t *name, const uint8_t *lowered, uint32_t size,
    const uint8_t *origin, uint32_t origin_size,
) noexcept nogil:
    """A name, compressed; up to where it was written in full.

    By suffixes of the question's name, which ends in the origin, and of the first name.
    """
    cdef uint32_t at = 0, left, place
    while name[at]:
        left = size - at
        place = place_of_suffix(origin, origin_size, lowered + at, left)
        if place < origin_size:
            put_pointer(out, 12 - <int>left)
            return at
        place = place_of_suffix(out.first, out.first_size, lowered + at, left)
        if place < out.first_done:
            put_pointer(out, 16 + <int>(out.first_at + place))
            return at
        memcpy(out.octets + out.size, name + at, 1 + name[at])
        out.size += 1 + name[at]
        at += 1 + name[at]
    out.octets[out.size] = 0
    out.size += 1
    return at


cdef void note_special(
    Negative *out, const uint8_t *name, uint32_t size, const uint8_t *origin,
    uint32_t origin_size,
) noexcept nogil:
    """Keep the label next to the origin, if the name is below that."""
    cdef uint32_t at = 0, last = 0
    if size <= origin_size:
        return
    while name[at] and size - at > origin_size:
        last = at
        at += 1 + name[at]
    if size - at != origin_size or memcmp(name + at, origin, origin_size):
        return
    memcpy(out.special[out.special_count], name + last, 1 + name[last])
    out.special_count += 1


cdef bint make_negative(
    Negative *out, const Zone *zone, uint32_t ttl
) noexcept nogil:
    """The SOA as negative answers have it; False: not to be had here."""
    cdef bint alias
    cdef const uint8_t *rrset = rrset_of(zone, zone.apex, 6, &alias)
    cdef const uint8_t *name
    cdef uint8_t lowered[256]
    cdef uint32_t size, i, done, which, start
    out.size = out.pointer_count = out.special_count = 0
    out.first_size = out.first_at = out.first_done = 0
    out.first[0] = 0
    if rrset == NULL:
        return False
    put_pointer(out, 12 - <int>zone.size)
    memcpy(out.octets + 2, b"\0\x06\0\x01", 4)
    put16(out.octets + 6, ttl >> 16)
    put16(out.octets + 8, ttl & 0xFFFF)
    out.size = start = 12
    name = rrset + 14
    for which in range(2):
        size = wire_size(name)
        if size > 255:
            return False
        for i in range(size):
            lowered[i] = name[i] + (32 if 65 <= name[i] <= 90 else 0)
        note_special(out, lowered, size, zone.origin, zone.size)
        i = out.size
        done = put_name(out, name, lowered, size, zone.origin, zone.size)
        if not which:
            memcpy(out.first, lowered, size)
            out.first_size, out.first_at, out.first_done = size, i, done
        name += size
    memcpy(out.octets + out.size, name, 20)
    out.size += 20
    put16(out.octets + 10, out.size - start)
    return True


cdef class ZoneRun:
    """Packed zones without pools, signatures or targets: see `ZoneTable`.

    `buffers` are their octets.  Those that have something of their own all the same
    are `left`, by their places.  `subnet` holds for all.
    """

    cdef Zone *zones
    cdef readonly uint32_t count
    cdef readonly list left
    cdef list _buffers, _chunks
    cdef uint8_t *_chunk
    cdef uint32_t _used

    def __cinit__(self, list buffers not None, *, bint subnet):
        cdef uint32_t i
        cdef Py_buffer view
        cdef Negative *negative
        self._buffers, self._chunks, self.left = buffers, [], []
        self._used = CHUNK
        self.zones = <Zone *>_new(len(buffers) * sizeof(Zone))
        negative = <Negative *>malloc(sizeof(Negative))
        if negative == NULL:
            raise MemoryError
        try:
            for i in range(<uint32_t>len(buffers)):
                # To hold on to the object is enough: see `ZoneTable`.
                PyObject_GetBuffer(buffers[i], &view, PyBUF_SIMPLE)
                PyBuffer_Release(&view)
                if self._enter(
                    &self.zones[self.count], <const uint8_t *>view.buf, view.len,
                    negative,
                ):
                    self.zones[self.count].subnet = subnet
                    self.count += 1
                else:
                    self.left.append(i)
        finally:
            free(negative)

    cdef bint _enter(
        self, Zone *zone, const uint8_t *data, Py_ssize_t size, Negative *negative
    ) except -1:
        cdef uint32_t position = 0, i
        cdef uint8_t *at
        memset(zone, 0, sizeof(Zone))
        if size < HEADER_SIZE or memcmp(data, b"dinamed2", 8):
            return False
        if little32(data + 8) != <uint64_t>size or little32(data + 12) & ZONE_IS_SIGNED:
            return False
        zone.data = data
        zone.index = data + little32(data + 44)
        zone.mask = little32(data + 48) - 1
        zone.apex = little32(data + 28)
        zone.depth = little16(data + 68)
        zone.size = little16(data + 70)
        zone.origin = data + HEADER_SIZE
        if (
            zone.size < 2 or zone.size > LONGEST_ORIGIN
            or <uint64_t>little32(data + 44) + 4 * <uint64_t>little32(data + 48)
            != <uint64_t>size
            or little16(data + little32(data + 32))
        ):
            return False
        while zone.origin[position]:
            position += 1 + zone.origin[position]
            zone.labels += 1
        if not make_negative(negative, zone, little32(data + 56)):
            return False
        at = self._room(negative.size + 2 * MOST_POINTERS + 2 * 64)
        memcpy(at, negative.pointers, 2 * MOST_POINTERS)
        zone.pointers = <const uint16_t *>at
        zone.pointer_count = negative.pointer_count
        at += 2 * MOST_POINTERS
        memcpy(at, negative.octets, negative.size)
        zone.soa, zone.soa_size = at, negative.size
        at += negative.size
        zone.special[0], zone.special[1] = OWN_MGMT, OWN_STATUS
        zone.special[2] = OWN_COUNTRY
        for i in range(negative.special_count):
            memcpy(at, negative.special[i], 1 + negative.special[i][0])
            zone.special[3 + i] = at
            at += 1 + at[0]
        self._used = <uint32_t>(at - self._chunk)
        self._used += self._used & 1  # pointers are numbers of 16 bits
        return True

    cdef uint8_t *_room(self, uint32_t size) except NULL:
        """Room for so many octets, which is taken when `_used` says so."""
        if self._used + size > CHUNK:
            chunk = bytearray(CHUNK)
            self._chunks.append(chunk)
            self._chunk = <uint8_t *>PyByteArray_AsString(chunk)
            self._used = 0
        return self._chunk + self._used

    def __dealloc__(self):
        cdef uint32_t i
        if self.zones != NULL:
            for i in range(self.count):
                free_counts(self.zones[i].counts)
        free(self.zones)


cdef int _take_counts(
    list found, object origin, void *counts, uint32_t rows
) except -1:
    """Add to `found` what was counted in a zone since the last time."""
    cdef void **groups = <void **>counts
    cdef uint64_t *group
    cdef uint64_t number
    cdef uint32_t cell, half
    if groups == NULL:
        return 0
    for cell in range(<uint32_t>CELLS):
        group = <uint64_t *>plane_get_pointer(&groups[cell // TOGETHER])
        if group == NULL:
            continue
        for half in range(2):
            number = take_from(group, rows, cell % TOGETHER, half)
            if number:
                found.append((
                    origin, cell % MOST_COLUMNS, (0, 3, 5, 1)[cell // MOST_COLUMNS],
                    half == 1, number,
                ))
    return 0
