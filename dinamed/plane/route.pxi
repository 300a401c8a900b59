# How members of a pool are drawn: the routes into pools.


cdef class Turns:
    """What each member of a pool has coming to it, shared by all routes and threads."""

    cdef TurnsData data

    def __cinit__(self, list credits not None):
        cdef uint32_t i
        self.data.size = len(credits)
        self.data.credits = <double *>_new(self.data.size * sizeof(double))
        for i in range(self.data.size):
            self.data.credits[i] = credits[i]

    def __dealloc__(self):
        free(self.data.credits)

    def credits(self):
        """Those of all."""
        cdef uint32_t i
        return [self.data.credits[i] for i in range(self.data.size)]


cdef class Route:
    """How members of one pool are drawn for one kind of answers.

    `records` are the records of each member without their owner, one behind the other,
    of `span` octets each; with a span of 0 each has one of its own size.  `identities`
    are numbers for their addresses.  `rows` is how many threads count hand-outs; with
    `quiet` none are.  `loads`, with the members' places there, is for those that go by
    load; `ranks` are priorities that count after shedding; among `best` of the lowest
    the lot decides.  `turns` is what is shared by those who take turns.  `serial` is a
    number of its own for each route BY_CLIENT, and `subs` holds the routes for its
    clients, by candidates.

    `number` stands for the pool.  `inner` has the places of the routes that members
    stand for in turn, NO_INNER for hosts; `fallback` that of the one that answers
    instead.  Where members have several addresses, an answer has as many as `more`, or
    one of each member, and with `rotates` begins with any.  `source` is for those who
    make levels.  For services `records6` are AAAA records, and `records` A records.
    The lot gives a `share` of the draws to the `other` route.
    """

    cdef RouteData data
    cdef readonly str pool
    cdef readonly tuple members
    cdef readonly dict subs
    cdef readonly Loads loads
    cdef readonly object source
    cdef readonly Route other
    cdef LevelTable levels
    cdef uint32_t _rows
    cdef Turns _turns

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
        uint64_t serial=0,
        Loads loads=None,
        list slots=[],
        list ranks=[],
        *,
        bint sheds=False,
        bint foresees=False,
        uint32_t best=0,
        uint64_t number=0,
        uint32_t ttl=0,
        uint32_t more=0,
        bint rotates=False,
        bint quiet=False,
        uint32_t span=0,
        list identities=[],
        list inner=[],
        uint32_t fallback=0,
        Turns turns=None,
        list turn_slots=[],
        object source=None,
        list records6=[],
        Route other=None,
        double share=0,
    ):
        cdef RouteData *data = &self.data
        cdef uint32_t size = len(members), i, end = 0
        cdef bytes record
        self.pool = pool
        self.source = source
        self.other = other
        if other is not None:
            self.data.other = &other.data
            self.data.share = share
        self.subs = {}
        data.serial = serial
        self.members = members
        self._rows = rows
        data.kind = <RouteKind>kind
        data.pool = number
        data.ttl = ttl
        data.fallback = fallback
        data.size = size
        data.answers = answers
        if not size:
            return
        data.span = span
        data.more = more
        data.rotates = rotates
        data.quiet = quiet
        data.stride = (size + 7) & ~<uint32_t>7
        data.weights = <double *>_new(size * sizeof(double))
        data.limits = <uint64_t *>_new(size * sizeof(uint64_t))
        data.aliases = <uint32_t *>_new(size * sizeof(uint32_t))
        data.seeds = <uint64_t *>_new(size * sizeof(uint64_t))
        data.records = <uint8_t *>_new(sum(map(len, records)))
        data.ends = <uint32_t *>_new(size * sizeof(uint32_t))
        data.identities = <uint64_t *>_new(size * sizeof(uint64_t))
        data.counts = <uint64_t *>_new(rows * data.stride * sizeof(uint64_t))
        data.booked = <uint64_t *>_new(size * sizeof(uint64_t))
        for i in range(size):
            record = records[i]
            if span and len(record) % span:
                raise ValueError("records of different sizes")
            memcpy(data.records + end, <const char *>record, len(record))
            end += len(record)
            data.ends[i] = end
            data.identities[i] = identities[i]
            data.weights[i] = weights[i]
            data.total += data.weights[i]
            if limits:
                data.limits[i] = limits[i]
                data.aliases[i] = aliases[i]
                if data.aliases[i] >= size:
                    raise ValueError("alias of no member")
            if seeds:
                data.seeds[i] = seeds[i]
        if records6:
            self._take_ipv6(records6)
        if loads is not None:
            self._load(loads, slots, ranks)
            data.load.sheds = sheds
            data.load.foresees = foresees
            data.load.best = best
        if inner:
            data.inner = <uint32_t *>_new(size * sizeof(uint32_t))
            for i in range(size):
                data.inner[i] = inner[i]
        if turns is not None:
            self._turns = turns
            data.turns = &turns.data
            data.turn_slots = <uint32_t *>_new(size * sizeof(uint32_t))
            for i in range(size):
                data.turn_slots[i] = turn_slots[i]
                if data.turn_slots[i] >= turns.data.size:
                    raise ValueError("a slot that there is not")
        if best > MOST_ANSWERS:
            raise ValueError("more than can be drawn")
        if data.answers > size or size and data.answers > MOST_ANSWERS:
            raise ValueError("more answers than can be drawn")

    cdef void _take_ipv6(self, list records) except *:
        cdef RouteData *data = &self.data
        cdef uint32_t i, end = 0
        cdef bytes record
        data.records6 = <uint8_t *>_new(sum(map(len, records)))
        data.ends6 = <uint32_t *>_new(data.size * sizeof(uint32_t))
        for i in range(data.size):
            record = records[i]
            if len(record) % SPAN6:
                raise ValueError("records of different sizes")
            memcpy(data.records6 + end, <const char *>record, len(record))
            end += len(record)
            data.ends6[i] = end

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
        free(self.data.ends)
        free(self.data.records6)
        free(self.data.ends6)
        free(self.data.identities)
        free(self.data.inner)
        free(self.data.turn_slots)
        free(self.data.counts)
        free(self.data.booked)

    @property
    def kind(self):
        """The rule by which members are drawn."""
        return self.data.kind

    @property
    def serial(self):
        """The number that clients' routes are known by; 0: they are as all others."""
        return self.data.serial

    cdef bint _news(self) noexcept:
        """Whether there are hand-outs that were not taken yet."""
        cdef uint32_t i
        for i in range(self.data.size):
            if self._sum(i) != self.data.booked[i]:
                return True
        return bool(self.subs) or (self.other is not None and self.other._news())

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
        if self.other is not None:
            found += self.other.take_counts()
        return found
