# Small zones with nothing out of the ordinary: from their files to packed octets.

cdef enum:
    PACKED_ROOM = 1 << 20
    PACKED_HEAD = 72


cdef uint8_t *put_node(
    SmallZoneData *zone, const SmallOwner *owner, uint8_t *at, uint32_t *rrsets
) noexcept nogil:
    """One node with its RRsets, types in ascending order."""
    cdef uint32_t kind, next_kind = 0, next_record, found, ttl = 0
    cdef uint8_t *count_at
    cdef uint8_t *set_at
    cdef const SmallRecord *record
    cdef uint32_t sets = 0
    at[0] = <uint8_t>owner.size
    memcpy(at + 1, zone.octets + owner.key, owner.size)
    at += 1 + owner.size
    at[0] = (1 if not owner.first else 0) | (32 if owner.wildcard else 0)
    little_put16(at + 1, 0)
    count_at = at + 3
    at += 5
    while True:
        kind, next_kind, next_record = next_kind, 0x10000, owner.first
        while next_record:  # the lowest type above the last one
            record = &zone.records[next_record - 1]
            if kind < record.type < next_kind:
                next_kind = record.type
            next_record = record.next
        if next_kind == 0x10000:
            break
        set_at = at
        at += 12
        found, next_record = 0, owner.first
        while next_record:
            record = &zone.records[next_record - 1]
            if record.type == next_kind:
                ttl = record.ttl
                little_put16(at, record.size)
                memcpy(at + 2, zone.octets + record.rdata, record.size)
                at += 2 + record.size
                found += 1
            next_record = record.next
        little_put16(set_at, next_kind)
        little_put32(set_at + 2, ttl)
        little_put16(set_at + 6, found)
        little_put32(set_at + 8, <uint32_t>(at - set_at - 12))
        sets += 1
    little_put16(count_at, sets)
    rrsets[0] += sets
    return at


cdef bint put_index(
    SmallZoneData *zone, const uint32_t *offsets, uint8_t *at, uint32_t slots
) noexcept nogil:
    """The index of the owners; False where names were made to collide."""
    cdef uint32_t i, slot, probes
    memset(at, 0, 4 * slots)
    for i in range(zone.owner_count):
        slot = zone.owners[i].hash & (slots - 1)
        probes = 0
        while little32(at + 4 * slot):
            slot = (slot + 1) & (slots - 1)
            probes += 1
            if probes == 256:
                return False
        little_put32(at + 4 * slot, offsets[i])
    return True


cdef uint32_t pack_small(SmallZoneData *zone, uint8_t *out) noexcept nogil:
    """The packed zone, as `packer` writes it; its size, 0: not to be done here."""
    cdef uint32_t offsets[MOST_OWNERS]
    cdef uint32_t ordered[MOST_OWNERS]
    cdef uint32_t i, count = 0, rrsets = 0, slots = 4, pools_at, chain_at, negative = 0
    cdef uint32_t apex = 0, serial = 0
    cdef uint8_t *at = out + PACKED_HEAD
    cdef const SmallRecord *record
    cdef const uint8_t *numbers
    memcpy(at, zone.origin, zone.origin_size)
    at += zone.origin_size
    for i in range(zone.owner_count):
        if not zone.owners[i].size:
            apex = i
    offsets[apex] = <uint32_t>(at - out)
    at = put_node(zone, &zone.owners[apex], at, &rrsets)
    for i in range(zone.owner_count):
        if i != apex:
            offsets[i] = <uint32_t>(at - out)
            at = put_node(zone, &zone.owners[i], at, &rrsets)
    pools_at = <uint32_t>(at - out)
    little_put16(at, 0)
    at += 2
    chain_at = <uint32_t>(at - out)
    while (at - out) % 4:
        at[0] = 0
        at += 1
    while slots * 2 < zone.owner_count * 3:
        slots *= 2
    # The apex goes into the index first: exchange it with whoever is there.
    if apex:
        zone.owners[MOST_OWNERS - 1] = zone.owners[apex]
        i = apex
        while i:
            zone.owners[i] = zone.owners[i - 1]
            i -= 1
        zone.owners[0] = zone.owners[MOST_OWNERS - 1]
        ordered[0] = offsets[apex]
        for i in range(apex):
            ordered[i + 1] = offsets[i]
        memcpy(offsets, ordered, (apex + 1) * sizeof(uint32_t))
    if not put_index(zone, offsets, at, slots):
        return 0
    i = zone.owners[0].first
    while i:
        record = &zone.records[i - 1]
        if record.type == SOA:
            numbers = zone.octets + record.rdata + record.size - 20
            serial = big32(numbers)
            negative = min(record.ttl, big32(numbers + 16))
        i = record.next
    little_put32(out + 8, <uint32_t>(at - out) + 4 * slots)
    little_put32(out + 12, 4 if zone.wildcards else 0)
    little_put32(out + 16, zone.owner_count)
    little_put32(out + 20, rrsets)
    little_put32(out + 24, zone.record_count)
    little_put32(out + 28, PACKED_HEAD + zone.origin_size)
    little_put32(out + 32, pools_at)
    little_put32(out + 36, pools_at + 2)
    little_put32(out + 40, 0)
    little_put32(out + 44, <uint32_t>(at - out))
    little_put32(out + 48, slots)
    little_put32(out + 52, serial)
    little_put32(out + 56, negative)
    little_put32(out + 60, chain_at)
    little_put32(out + 64, 0)
    little_put16(out + 68, zone.depth)
    little_put16(out + 70, zone.origin_size)
    return <uint32_t>(at - out) + 4 * slots


cdef class SmallZoneBuilder:
    """Builds small zones, one after another.

    A zone is built only if there is nothing to be said about its file: no problem, no
    warning, no other file, no delegation.  Then the result is that of `build_zone`.
    """

    cdef SmallZoneData *zone
    cdef uint8_t *text
    cdef uint8_t *out
    cdef uint32_t crc[256]

    def __cinit__(self):
        fill_crc_table(self.crc)
        self.zone = <SmallZoneData *>malloc(sizeof(SmallZoneData))
        self.text = <uint8_t *>malloc(MOST_TEXT)
        self.out = <uint8_t *>malloc(PACKED_ROOM)
        if self.zone == NULL or self.text == NULL or self.out == NULL:
            raise MemoryError
        memcpy(self.out, b"dinamed2", 8)

    def __dealloc__(self):
        free(self.zone)
        free(self.text)
        free(self.out)

    def build(self, bytes origin not None, bytes path not None):
        """The packed zone `origin` of a file.

        None: it is large, or there may be something to be said about it.
        """
        cdef SmallZoneData *zone = self.zone
        cdef const char *name = path
        cdef int64_t size
        cdef uint32_t packed = 0
        if len(origin) > 255:
            raise ValueError("not a name")
        zone.crc, zone.origin, zone.origin_size = self.crc, origin, len(origin)
        with nogil:
            size = small_read(name, self.text, MOST_TEXT)
            if size > 0:
                packed = self._build(<uint32_t>size)
        if not packed:
            return None
        return (<char *>self.out)[:packed]

    cdef uint32_t _build(self, uint32_t size) noexcept nogil:
        cdef SmallZoneData *zone = self.zone
        zone.used = zone.record_count = zone.owner_count = zone.servers = 0
        zone.depth = 0
        zone.wildcards = False
        memset(zone.slots, 0, sizeof(zone.slots))
        if (
            not read_text(zone, self.text, self.text + size)
            or not enter_above(zone) or not check_zone(zone)
        ):
            return 0
        return pack_small(zone, self.out)


def file_states(list paths not None):
    """For each path the state of a regular file that may be read, else zeros.

    A state is device, inode, octets, and the time of the last change in nanoseconds of
    Unix time, as native integers of 64 bits.
    """
    cdef Py_ssize_t count = len(paths), i
    cdef bytearray states = bytearray(32 * count)
    cdef uint64_t *at = <uint64_t *>PyByteArray_AsString(states)
    cdef bytes path
    cdef const char *name
    for i in range(count):
        path = paths[i]
        name = path
        with nogil:
            small_look(name, at + 4 * i)
    return bytes(states)
