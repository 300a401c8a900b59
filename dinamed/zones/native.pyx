# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Reading and packing zones in C: the plain lines, and the records while there are any.

`master`, `merge` and `packer` have the same in Python.  What is not plain is done
there, and the results are the same, octet for octet.
"""

from dinamed.zones.layout import COLLIDING, MOST_PROBES

from cpython.bytearray cimport (
    PyByteArray_AsString,
    PyByteArray_Resize,
    PyByteArray_Size,
)
from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memchr, memcmp, memcpy, memset
from dinamed.plane.octets cimport crc32, fill_crc_table, little16, little32
from dinamed.zones.plain cimport DOUBTFUL, RECORD, Rdata, Scope, read_line
from dinamed.zones.plain_words cimport AAAA, MX, NS, PTR, TXT, A, lower
from dinamed.zones.small_file cimport small_look, small_read
from dinamed.zones.small_words cimport SOA, big32
from dinamed.zones.small_zone cimport (
    MOST_OWNERS,
    MOST_TEXT,
    SmallOwner,
    SmallRecord,
    SmallZoneData,
    check_zone,
    enter_above,
    read_text,
)

EDITION = 4

cdef enum:
    HEAD = 16  # octets of RAW in `masterdata`
    UNIT = 4  # offsets count these
    MOST_MERGED = 64  # records of an owner that are merged here
    MOST_RRSET = 65535 - 12 - 5
    MOST_BODY = 1 << 18
    GROWTH = 1 << 20


# Both are followed by octets: the key, the rdata.
cdef struct StoredOwner:
    uint32_t hash
    uint32_t first  # offsets of records, in units
    uint32_t last
    uint8_t size


cdef struct StoredRecord:
    uint32_t next  # in units; 0: none
    uint8_t raw[HEAD]


cdef inline void little_put16(uint8_t *at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t>value
    at[1] = <uint8_t>(value >> 8)


cdef inline void little_put32(uint8_t *at, uint32_t value) noexcept nogil:
    little_put16(at, value)
    little_put16(at + 2, value >> 16)


cdef inline uint8_t *key_of(StoredOwner *owner) noexcept nogil:
    return <uint8_t *>owner + 13


cdef inline uint8_t *rdata_of(StoredRecord *record) noexcept nogil:
    return record.raw + HEAD


cdef inline uint32_t size_of(const StoredRecord *record) noexcept nogil:
    return little16(record.raw + 14)


cdef class RecordTable:
    """Raw records by relative, lowercased key, in the order in which owners came.

    What `masterdata.Records` is; all in one run of octets, and without an object for
    each.
    """

    cdef uint8_t *octets
    cdef uint64_t used, room  # in octets
    cdef uint32_t *slots  # offsets of owners, in units; 0: free
    cdef uint32_t mask
    cdef uint32_t *order
    cdef uint32_t owners, order_room
    cdef uint32_t crc[256]

    def __cinit__(self):
        fill_crc_table(self.crc)
        self.used = UNIT  # so that no offset is 0
        self.mask = 1023
        self.slots = <uint32_t *>calloc(self.mask + 1, sizeof(uint32_t))
        if self.slots == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.octets)
        free(self.slots)
        free(self.order)

    def __len__(self):
        return self.owners

    def __iter__(self):
        cdef uint32_t i
        for i in range(self.owners):
            yield self._key(i)

    def __contains__(self, bytes key not None):
        return self._find(key) != NULL

    def __getitem__(self, bytes key not None):
        """The records of an owner, as one run of `RAW` records."""
        cdef StoredOwner *owner = self._find(key)
        if owner == NULL:
            raise KeyError(key)
        return self._raw(owner)

    def add(self, bytes key not None, bytes raw not None):
        """Put a `RAW` record behind those of its owner."""
        cdef const uint8_t *at = raw
        if len(key) > 255 or len(raw) < HEAD or len(raw) != HEAD + little16(at + 14):
            raise ValueError("not a record")
        self._add(key, len(key), at, at + HEAD, len(raw) - HEAD)

    cdef bytes _key(self, uint32_t number):
        cdef StoredOwner *owner = self._owner(self.order[number])
        return (<char *>key_of(owner))[:owner.size]

    cdef bytes _raw(self, StoredOwner *owner):
        cdef list parts = []
        cdef uint32_t offset = owner.first
        cdef StoredRecord *record
        while offset:
            record = self._record(offset)
            parts.append((<char *>record.raw)[:HEAD + size_of(record)])
            offset = record.next
        return b"".join(parts)

    cdef StoredOwner *_owner(self, uint32_t offset) noexcept:
        return <StoredOwner *>(self.octets + <uint64_t>offset * UNIT)

    cdef StoredRecord *_record(self, uint32_t offset) noexcept:
        return <StoredRecord *>(self.octets + <uint64_t>offset * UNIT)

    cdef StoredOwner *_find(self, bytes key):
        cdef uint32_t size = len(key)
        cdef const uint8_t *at = key
        return self._look(at, size, crc32(self.crc, at, size), NULL)

    cdef StoredOwner *_look(
        self, const uint8_t *key, uint32_t size, uint32_t hash, uint32_t *slot
    ) noexcept:
        """The owner, or NULL and the free slot where it belongs."""
        cdef uint32_t at = hash & self.mask
        cdef StoredOwner *owner
        while self.slots[at]:
            owner = self._owner(self.slots[at])
            if (
                owner.hash == hash and owner.size == size
                and not memcmp(key_of(owner), key, size)
            ):
                return owner
            at = (at + 1) & self.mask
        if slot != NULL:
            slot[0] = at
        return NULL

    cdef uint32_t _take(self, uint64_t size) except 0:
        """Room for so many octets at the end; its offset."""
        cdef uint64_t room
        cdef uint64_t offset = self.used
        cdef void *octets
        size = (size + UNIT - 1) & ~<uint64_t>(UNIT - 1)
        if offset + size > self.room:
            # Large runs are moved by the page table, and pages not used cost nothing.
            room = self.room + self.room // 2 + size + GROWTH
            if room // UNIT > 0xFFFFFFFF:
                raise MemoryError("a zone of more than 16 GiB")
            octets = realloc(self.octets, room)
            if octets == NULL:
                raise MemoryError
            self.octets = <uint8_t *>octets
            self.room = room
        self.used = offset + size
        return <uint32_t>(offset // UNIT)

    cdef int _new_owner(
        self, const uint8_t *key, uint32_t size, uint32_t hash, uint32_t first
    ) except -1:
        cdef uint32_t offset = self._take(13 + size)
        cdef StoredOwner *owner = self._owner(offset)
        cdef uint32_t slot = 0
        cdef void *order
        owner.hash = hash
        owner.first = owner.last = first
        owner.size = size
        memcpy(key_of(owner), key, size)
        if self.owners == self.order_room:
            self.order_room += self.order_room // 2 + 1024
            order = realloc(self.order, <uint64_t>self.order_room * sizeof(uint32_t))
            if order == NULL:
                raise MemoryError
            self.order = <uint32_t *>order
        self.order[self.owners] = offset
        self.owners += 1
        if self.owners > self.mask // 2:
            self._grow()
        else:
            self._look(key, size, hash, &slot)
            self.slots[slot] = offset
        return 0

    cdef int _grow(self) except -1:
        cdef uint32_t i, at
        free(self.slots)
        self.mask = 2 * self.mask + 1
        self.slots = <uint32_t *>calloc(<uint64_t>self.mask + 1, sizeof(uint32_t))
        if self.slots == NULL:
            raise MemoryError
        for i in range(self.owners):
            at = self._owner(self.order[i]).hash & self.mask
            while self.slots[at]:
                at = (at + 1) & self.mask
            self.slots[at] = self.order[i]
        return 0

    cdef int _add(
        self, const uint8_t *key, uint32_t size, const uint8_t *raw,
        const uint8_t *rdata, uint32_t rdata_size,
    ) except -1:
        cdef uint32_t hash = crc32(self.crc, key, size)
        cdef uint32_t offset = self._take(sizeof(StoredRecord) + rdata_size)
        cdef StoredRecord *record = self._record(offset)
        cdef StoredOwner *owner
        record.next = 0
        memcpy(record.raw, raw, HEAD)
        memcpy(rdata_of(record), rdata, rdata_size)
        owner = self._look(key, size, hash, NULL)
        if owner == NULL:
            return self._new_owner(key, size, hash, offset)
        self._record(owner.last).next = offset
        owner.last = offset
        return 0

    def read_lines(
        self, bytes chunk not None, Py_ssize_t position, uint64_t place,
        bytes zone not None, bytes origin not None, bytes suffix,
        bytes key, object default_ttl, bint last_counts, object last_ttl,
        object ns_owners,
    ):
        """Take the plain lines of `chunk` from `position` on, up to one that is not.

        Lines end with LF, the last one with the chunk.  `place` is that of the line
        before; the others are as in `master._Scope`.  Returns the position of the line
        that is left (beyond the chunk: none), how many lines were taken, and the key
        and the last TTL that hold then.
        """
        cdef const uint8_t *start = chunk
        cdef const uint8_t *stop = start + len(chunk)
        cdef const uint8_t *at = start + position
        cdef const uint8_t *end
        cdef uint64_t lines = 0
        cdef uint8_t raw[HEAD]
        cdef Scope scope
        cdef Rdata rdata
        cdef int found
        scope.zone, scope.zone_size = zone, len(zone)
        scope.origin, scope.origin_size = origin, len(origin)
        scope.suffix_size = -1
        if suffix is not None:
            scope.suffix, scope.suffix_size = suffix, len(suffix)
        scope.default_ttl = -1 if default_ttl is None else default_ttl
        scope.last_ttl = -1 if last_ttl is None else last_ttl
        scope.last_counts = last_counts
        scope.key_size = -1
        if key is not None:
            scope.key_size = len(key)
            memcpy(scope.key, <const char *>key, scope.key_size)
        while at <= stop:
            end = <const uint8_t *>memchr(at, 10, stop - at)
            if end == NULL:
                end = stop
            found = read_line(at, end, &scope, &rdata)
            if found == DOUBTFUL:
                break
            lines += 1
            if found == RECORD:
                little_put16(raw, rdata.type)
                little_put32(raw + 2, rdata.ttl)
                little_put32(raw + 6, <uint32_t>(place + lines))
                little_put32(raw + 10, <uint32_t>((place + lines) >> 32))
                little_put16(raw + 14, rdata.size)
                self._add(
                    scope.key, scope.key_size, raw, rdata.octets, rdata.size
                )
                if rdata.type == NS:
                    ns_owners.add(<bytes>(<char *>scope.key)[:scope.key_size])
            at = end + 1
        return (
            at - start,
            lines,
            None if scope.key_size < 0 else (<char *>scope.key)[:scope.key_size],
            None if scope.last_ttl < 0 else scope.last_ttl,
        )

    def pack_nodes(
        self, bytearray out not None, object tree not None, object encode not None,
        dict names not None, dict pool_numbers not None,
    ):
        """Append the nodes of all owners but the apex to `out`, as `assemble` does.

        All owners have been entered in `tree`.  Returns their offsets and the hashes
        of their keys as native arrays of 32 bits, the offsets of those that are bound
        to a pool, and the numbers of RRsets and of records.
        """
        return _Writer(self, out, tree, encode, names, pool_numbers).write()

    def enter(self, object tree not None):
        """Enter all owners below the apex in `tree`, as `assemble` does."""
        cdef const uint8_t *above = NULL
        cdef uint32_t above_size = 0, i
        cdef StoredOwner *owner
        cdef const uint8_t *key
        for i in range(self.owners):
            owner = self._owner(self.order[i])
            if not owner.size:
                continue
            key = key_of(owner)
            # Next to the last one there is nothing new to be said, but of wildcards.
            if (
                above == NULL or above_size + 1 + key[0] != owner.size
                or memcmp(above, key + 1 + key[0], above_size)
                or (key[0] == 1 and key[1] == 42)
            ):
                tree.enter(self._key(i))
                above = key + 1 + key[0]
                above_size = owner.size - 1 - key[0]


def index(bytes offsets not None, bytes hashes not None):
    """The index of a packed zone, from native arrays, as a little-endian one.

    Raises ValueError if a name would lie too far behind its slot.
    """
    cdef uint32_t count = len(offsets) // 4, slots = 4, mask, i, at, probes
    cdef uint32_t most = MOST_PROBES
    cdef const uint32_t *from_offsets = <const uint32_t *><const char *>offsets
    cdef const uint32_t *from_hashes = <const uint32_t *><const char *>hashes
    while <uint64_t>slots * 2 < <uint64_t>count * 3:
        slots *= 2
    mask = slots - 1
    cdef bytearray table = bytearray(4 * <Py_ssize_t>slots)
    cdef uint8_t *octets = <uint8_t *>PyByteArray_AsString(table)
    for i in range(count):
        at = from_hashes[i] & mask
        probes = 0
        while little32(octets + 4 * <uint64_t>at):
            at = (at + 1) & mask
            probes += 1
            if probes == most:
                raise ValueError(COLLIDING)
        little_put32(octets + 4 * <uint64_t>at, from_offsets[i])
    return table


include "writing.pxi"
include "ordering.pxi"
include "small.pxi"
