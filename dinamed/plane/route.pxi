# How members of a pool are drawn: the routes into pools.


cdef class Route:
    """How members of one pool are drawn for one family of addresses.

    `records` are the members' records without their owner, all of one size.  `rows`
    is how many threads count hand-outs, `start` the credits that round robin begins
    with, for each thread.  `loads`, with the members' places there, is for those that go
    by load; `ranks` are priorities that count after shedding.  `serial` is a number of
    its own for each route BY_CLIENT, and `subs` holds the routes for its clients, by
    candidates.  `source` is for those who make levels.
    """

    cdef RouteData data
    cdef readonly str pool
    cdef readonly tuple members
    cdef readonly dict subs
    cdef readonly Loads loads
    cdef readonly object source
    cdef LevelTable levels
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
        Loads loads=None,
        list slots=[],
        list ranks=[],
        *,
        bint sheds=False,
        bint foresees=False,
        object source=None,
    ):
        cdef RouteData *data = &self.data
        cdef uint32_t size = len(members), i
        cdef bytes record
        self.pool = pool
        self.source = source
        self.subs = {}
        data.serial = serial
        self.members = members
        self._rows = rows
        data.kind = <RouteKind>kind
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
        if loads is not None:
            self._load(loads, slots, ranks)
            data.load.sheds = sheds
            data.load.foresees = foresees
        if start:
            data.credits = <double *>_new(rows * size * sizeof(double))
            for i in range(rows * size):
                data.credits[i] = start[i]
        if data.answers > size or size and data.answers > MOST_ANSWERS:
            raise ValueError("more answers than can be drawn")

    cdef void _load(self, Loads loads, list slots, list ranks) except *:
        cdef RouteLoad *load = &self.data.load
        cdef uint32_t i, size = self.data.size
        self.loads = loads
        load.loads = &loads.data
        load.low = loads.data.low
        load.high = loads.data.low + loads.data.width - 1
        load.slots = <uint16_t *>_new(size * sizeof(uint16_t))
        if ranks:
            load.ranks = <double *>_new(size * sizeof(double))
        for i in range(size):
            load.slots[i] = slots[i]
            if load.slots[i] >= loads.size:
                raise ValueError("a slot that there is not")
            if ranks:
                load.ranks[i] = ranks[i]

    def __dealloc__(self):
        free(self.data.load.slots)
        free(self.data.load.ranks)
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
