# Prefixes with values, and the buckets of response rate limiting.


cdef class Prefixes:
    """Values by prefix: `entries` are packed addresses, lengths in bits, and values.

    Values are from 1 to 2**31 - 1; the longest prefix counts.
    """

    cdef Tree tree
    cdef uint32_t *_records     # while it grows; leaves have the highest bit set
    cdef uint32_t _room

    def __cinit__(self, list entries):
        cdef bytes address
        cdef uint32_t bits, value, i
        if not entries:
            return
        self.tree.octets = 8
        self.tree.root4 = self._split(LEAF)
        self.tree.root6 = self._split(LEAF)
        for address, bits, value in sorted(entries, key=_length_of_entry):
            if len(address) not in (4, 16) or bits > 8 * <uint32_t>len(address):
                raise ValueError("not a prefix")
            if not 0 < value < LEAF:
                raise ValueError("not a value of a prefix")
            self._enter(address, len(address), bits, LEAF | value)
        self._finish()

    def __dealloc__(self):
        free(self._records)

    cdef uint32_t _split(self, uint32_t leaf) except 0xFFFFFFFF:
        """A new node in the place of a leaf."""
        cdef uint32_t *grown
        cdef uint32_t node = self.tree.count
        if node == self._room:
            self._room = 2 * self._room or 64
            grown = <uint32_t *>realloc(self._records, <size_t>self._room * 8)
            if grown == NULL:
                raise MemoryError
            self._records = grown
        self._records[2 * node] = self._records[2 * node + 1] = leaf
        self.tree.count = node + 1
        return node

    cdef int _enter(
        self, const uint8_t *address, uint32_t size, uint32_t bits, uint32_t leaf
    ) except -1:
        """Shorter prefixes have to come before longer ones."""
        cdef uint32_t node = self.tree.root4 if size == 4 else self.tree.root6
        cdef uint32_t at, i, split
        if not bits:  # a root has no record that points at it: both halves are meant
            self._records[2 * node] = self._records[2 * node + 1] = leaf
            return 0
        for i in range(bits):
            at = 2 * node + ((address[i >> 3] >> (7 - (i & 7))) & 1)
            if i == bits - 1:
                self._records[at] = leaf
            elif self._records[at] & LEAF:
                split = self._split(self._records[at])
                self._records[at] = split
            node = self._records[at]
        return 0

    cdef void _finish(self) noexcept:
        """Spell the records as `tree.pxd` reads them."""
        cdef uint32_t i, record, count = self.tree.count
        cdef uint8_t *at = <uint8_t *>self._records
        # Where all of a family is alike, that depends on no bit of the address.
        self.tree.root4 = self._whole(self.tree.root4)
        self.tree.root6 = self._whole(self.tree.root6)
        for i in range(2 * count):
            record = self._records[i]
            if record & LEAF:
                record = count + (record & ~<uint32_t>LEAF)
            at[4 * i] = <uint8_t>(record >> 24)
            at[4 * i + 1] = <uint8_t>(record >> 16)
            at[4 * i + 2] = <uint8_t>(record >> 8)
            at[4 * i + 3] = <uint8_t>record
        self.tree.data = at

    cdef uint32_t _whole(self, uint32_t root) noexcept:
        cdef uint32_t record = self._records[2 * root]
        if record & LEAF and record == self._records[2 * root + 1]:
            return self.tree.count + (record & ~<uint32_t>LEAF)
        return root

    def value(self, const uint8_t[::1] address not None):
        """The value at a packed address, or 0, and how many bits it depends on."""
        cdef uint32_t depth = 0, value
        if address.shape[0] not in (4, 16):
            raise ValueError("not an address")
        value = tree_value(&self.tree, &address[0], address.shape[0], &depth)
        return value, depth


def _length_of_entry(entry):
    return entry[1]


cdef class RateTable:
    """Buckets that the threads and Python share: one row of counts for each.

    `rate` replies a second pass for each network and kind, and `burst` seconds of that
    at once.  Every `slip`-th of the others leaves truncated; 0: none.  `secret` are 16
    octets of chance, lest anyone finds kinds and networks that share a bucket.
    """

    cdef RateTableData table
    cdef Prefixes _exempt
    cdef int _rows

    def __cinit__(
        self, double rate, double burst, uint32_t slip, Prefixes exempt not None,
        bytes secret not None, int rows, uint32_t buckets=262144,
    ):
        cdef RateTableData *table = &self.table
        cdef double tick = <double>(1 << TICK_BITS)
        if rate <= 0 or len(secret) != 16 or rows < 1:
            raise ValueError("not the parts of limits")
        if buckets & (buckets - 1) or buckets < WAYS:
            raise ValueError("not a power of two")
        self._rows = rows
        self._exempt = exempt
        table.exempt = exempt.tree
        table.slip = slip
        memcpy(table.secret, <const char *>secret, 16)
        # A word has room for three days, of which half are in the past.
        table.step = <uint64_t>min(max(tick / rate + 0.5, 1.0), 2.0**38)
        table.ahead = <uint64_t>max(0.0, burst * tick - table.step) + TICKS_OF_GRAIN
        table.farthest = <uint64_t>max(burst * tick, table.step) + 2 * TICKS_OF_GRAIN
        table.sets = buckets // WAYS - 1
        table.buckets = <uint64_t *>_new(<size_t>buckets * sizeof(uint64_t))
        table.rows = <uint64_t *>_new(rows * RATE_ROW * sizeof(uint64_t))
        table.errors = kind_hash(table, b"e", 1)

    def __dealloc__(self):
        free(self.table.buckets)
        free(self.table.rows)

    def judge(self, bytes source not None, bytes kind not None, double now):
        """What becomes of a reply to a packed address, at Unix time `now`.

        0: it leaves, 1: it leaves truncated, 2: it does not.
        """
        cdef uint64_t ticks = <uint64_t>(now * (1 << TICK_BITS))
        if len(source) not in (4, 16):
            raise ValueError("not an address")
        return <int>judge(
            &self.table, kind_hash(&self.table, kind, len(kind)), source, len(source),
            ticks, (self._rows - 1) // 2,  # the row of `Plane.answer`
        )

    cdef uint64_t _sum(self, int column) noexcept:
        cdef int row
        cdef uint64_t total = 0
        for row in range(self._rows):
            total += plane_get(self.table.rows + row * RATE_ROW + column)
        return total

    @property
    def over(self):
        """Replies that were over the limit, exempt clients' apart."""
        return self._sum(OVER)

    @property
    def slipped(self):
        """Those of them that left truncated."""
        return self._sum(SLIPPED)
