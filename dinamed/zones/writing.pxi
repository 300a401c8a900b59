# From a table of raw records to nodes: what `merge` and `assemble` do for each owner.


cdef class _Writer:
    cdef RecordTable table
    cdef bytearray out
    cdef object tree, encode
    cdef dict names, pool_numbers
    cdef list bound
    cdef bint flagged
    cdef uint64_t size
    cdef uint64_t rrsets, records
    cdef uint8_t *body
    cdef uint32_t kept[MOST_MERGED]

    def __cinit__(
        self, RecordTable table, bytearray out, object tree, object encode, dict names,
        dict pool_numbers,
    ):
        self.table, self.out, self.tree, self.encode = table, out, tree, encode
        self.names, self.pool_numbers = names, pool_numbers
        self.bound = []
        self.flagged = bool(
            tree.cuts or tree.dnames or tree.wildcards or tree.marks.hashes
        )
        self.body = <uint8_t *>malloc(MOST_BODY)
        if self.body == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.body)

    cdef object write(self):
        cdef RecordTable table = self.table
        cdef uint32_t total = table.owners, count = 0, i, sets, body_size
        cdef bytearray offsets = bytearray(4 * <Py_ssize_t>total)
        cdef bytearray hashes = bytearray(4 * <Py_ssize_t>total)
        cdef uint32_t *offset_at = <uint32_t *>PyByteArray_AsString(offsets)
        cdef uint32_t *hash_at = <uint32_t *>PyByteArray_AsString(hashes)
        cdef StoredOwner *owner
        cdef uint32_t flags, pool
        cdef const uint8_t *body
        cdef bytes key, encoded
        cdef uint64_t records
        self.size = PyByteArray_Size(self.out)
        for i in range(total):
            owner = table._owner(table.order[i])
            if not owner.size:
                continue
            if self.size > 0xFFFFFFFF:
                raise ValueError("the zone is larger than 4 GiB")
            flags = pool = 0
            if self.flagged or self.names:
                key = table._key(i)
                flags = self.tree.flags(key)
                if key in self.names:
                    flags |= 64
                    pool = self.pool_numbers[self.names[key]]
                    self.bound.append(self.size)
            sets, body_size = 0, 0
            records = self._merge(owner, &sets, &body_size)
            body = self.body
            if not records:
                sets, records, encoded = self.encode(table._key(i), table._raw(owner))
                body, body_size = encoded, len(encoded)
            offset_at[count] = <uint32_t>self.size
            hash_at[count] = owner.hash
            count += 1
            self.rrsets += sets
            self.records += records
            self._put(owner, flags, pool, sets, body, body_size)
        PyByteArray_Resize(self.out, self.size)
        del offsets[4 * <Py_ssize_t>count :]
        del hashes[4 * <Py_ssize_t>count :]
        return offsets, hashes, self.bound, self.rrsets, self.records

    cdef int _put(
        self, StoredOwner *owner, uint32_t flags, uint32_t pool, uint32_t sets,
        const uint8_t *body, uint32_t body_size,
    ) except -1:
        """One node; `out` is longer than what is written, until the end."""
        cdef uint64_t size = 1 + owner.size + 5 + body_size
        cdef uint8_t *at
        if self.size + size > <uint64_t>PyByteArray_Size(self.out):
            PyByteArray_Resize(
                self.out, self.size + size + GROWTH + self.table.used // 8
            )
        at = <uint8_t *>PyByteArray_AsString(self.out) + self.size
        at[0] = owner.size
        memcpy(at + 1, key_of(owner), owner.size)
        at += 1 + owner.size
        at[0] = <uint8_t>flags
        little_put16(at + 1, pool)
        little_put16(at + 3, sets)
        memcpy(at + 5, body, body_size)
        self.size += size
        return 0

    cdef uint32_t _merge(
        self, StoredOwner *owner, uint32_t *sets, uint32_t *body_size
    ) noexcept:
        """Encode the RRsets into `body`; how many records they have, 0: not here."""
        cdef StoredRecord *records[MOST_MERGED]
        cdef StoredRecord *record
        cdef uint32_t count = 0, i, j, total = 0, records_out = 0, size
        cdef uint32_t offset = owner.first
        cdef uint16_t kind
        while offset:
            record = self.table._record(offset)
            kind = little16(record.raw)
            if count == MOST_MERGED:
                return 0
            if record.next or count:
                if kind not in (A, AAAA, TXT, NS, PTR, MX):
                    return 0
            total += size_of(record) + 12
            # By type, those of one type in their order.
            i = count
            while i and little16(records[i - 1].raw) > kind:
                records[i] = records[i - 1]
                i -= 1
            records[i] = record
            count += 1
            offset = record.next
        if total > MOST_RRSET:
            return 0
        i, size = 0, 0
        while i < count:
            j = i
            while j < count and little16(records[j].raw) == little16(records[i].raw):
                if little32(records[j].raw + 2) != little32(records[i].raw + 2):
                    return 0  # Python warns of TTLs that differ
                j += 1
            records_out += self._rrset(records + i, j - i, &size)
            sets[0] += 1
            i = j
        body_size[0] = size
        return records_out

    cdef uint32_t _rrset(
        self, StoredRecord **records, uint32_t count, uint32_t *size
    ) noexcept:
        """One RRset at `size`: equal records once, the lowest TTL for all."""
        cdef uint8_t *head = self.body + size[0]
        cdef uint8_t *at = head + 12
        cdef uint32_t i, j, length, unique = 0, ttl = 0xFFFFFFFF
        cdef bint repeated
        for i in range(count):
            if little32(records[i].raw + 2) < ttl:
                ttl = little32(records[i].raw + 2)
            repeated = False
            for j in range(unique):
                if equal(records[self.kept[j]], records[i]):
                    repeated = True
                    break
            if repeated:
                continue
            self.kept[unique] = i
            unique += 1
            length = size_of(records[i])
            little_put16(at, length)
            memcpy(at + 2, rdata_of(records[i]), length)
            at += 2 + length
        memcpy(head, records[0].raw, 2)
        little_put32(head + 2, ttl)
        little_put16(head + 6, unique)
        little_put32(head + 8, <uint32_t>(at - head - 12))
        size[0] = <uint32_t>(at - self.body)
        return unique


cdef inline bint equal(StoredRecord *one, StoredRecord *other) noexcept nogil:
    """Whether two records of a type are the same: names compare without case."""
    cdef uint32_t size = size_of(one), i, exact = 0
    cdef uint16_t kind = little16(one.raw)
    cdef const uint8_t *a = rdata_of(one)
    cdef const uint8_t *b = rdata_of(other)
    if size != size_of(other):
        return False
    if kind == NS or kind == PTR:
        exact = 0
    elif kind == MX:
        exact = 2 if size > 2 else size
    else:
        exact = size
    if memcmp(a, b, exact):
        return False
    for i in range(exact, size):
        if lower(a[i]) != lower(b[i]):
            return False
    return True
