# What threads hand out by load, how full members are, and the resolvers that ask.


cdef class ResolverTable:
    """The resolvers of a pool and the demand behind each, in so many buckets of 8.

    `habits` are the constants of `dinamed.pools.resolvers` in the order of `Habits`.
    """

    cdef ResolverTableData data
    cdef readonly tuple habits
    cdef uint32_t rows

    def __cinit__(self, int rows, uint32_t buckets, uint64_t salt, tuple habits):
        cdef ResolverTableData *data = &self.data
        if not buckets or buckets & (buckets - 1):
            raise ValueError("not a power of two")
        self.rows = rows
        self.habits = habits
        (
            data.habits.smoothing, data.habits.pace_smoothing, data.habits.half_step,
            data.habits.longest_times, data.habits.longest_plus,
            data.habits.newcomer, data.habits.silent,
        ) = habits
        data.salt = salt
        data.mask = buckets - 1
        # What is never used is not filled with zeros, and takes no memory.
        data.buckets = <ResolverBucket *>calloc(buckets, sizeof(ResolverBucket))
        data.others = <double *>calloc(buckets * BUCKET_WAYS, LEASES * sizeof(double))
        data.sums = <Sums *>_new(rows * sizeof(Sums))
        if data.buckets == NULL or data.others == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.data.buckets)
        free(self.data.others)
        free(self.data.sums)

    @property
    def capacity(self):
        """How many there is room for."""
        return (<size_t>self.data.mask + 1) * BUCKET_WAYS

    def sums(self):
        """How many there are, how many have come back, and the sum of their rates."""
        cdef uint32_t row
        used, known, rates = 0, 0, 0.0
        for row in range(self.rows):
            used += self.data.sums[row].used
            known += self.data.sums[row].known
            rates += plane_get_double(&self.data.sums[row].rates)
        return used, known, rates

    cdef ResolverTable bigger(self, uint32_t most):
        """A table four times as big with the same resolvers, if this one is half full.

        The buckets of this one stay claimed, so that nobody learns into the old.
        """
        cdef ResolverTable made
        cdef ResolverBucket *bucket
        cdef ResolverBucket *to
        cdef ClientResolver *resolver
        cdef uint32_t i, way, index
        cdef uint64_t hash
        cdef size_t old
        cdef uint32_t buckets = self.data.mask + 1
        if buckets * 2 * BUCKET_WAYS > most or self.sums()[0] * 2 < self.capacity:
            return None
        buckets *= 4 if buckets * 4 * BUCKET_WAYS <= most else 2
        made = ResolverTable(<int>self.rows, buckets, self.data.salt, self.habits)
        for i in range(self.data.mask + 1):
            bucket = &self.data.buckets[i]
            while not plane_claim(&bucket.claim, CLAIM_TRIES):
                pass
            for way in range(<uint32_t>BUCKET_WAYS):
                if not bucket.tags[way]:
                    continue
                resolver = &bucket.resolvers[way]
                hash = key_hash(&self.data, resolver.key)
                to = &made.data.buckets[<uint32_t>hash & made.data.mask]
                index = 0
                while to.tags[index]:  # those of one bucket are at most as many
                    index += 1
                to.tags[index] = bucket.tags[way]
                to.resolvers[index] = resolver[0]
                old = <size_t>i * BUCKET_WAYS + way
                memcpy(
                    made.data.others
                    + LEASES
                    * ((<uint32_t>hash & made.data.mask) * <size_t>BUCKET_WAYS + index),
                    self.data.others + old * LEASES, LEASES * sizeof(double),
                )
                made.data.sums[0].used += 1
                if resolver.known:
                    made.data.sums[0].known += 1
                    made.data.sums[0].rates += resolver.rate
        return made


cdef void _put_key(uint64_t *key, bytes octets) except *:
    if not 0 < len(octets) < KEY_SIZE:
        raise ValueError("not a key")
    key[0] = key[1] = 0
    memcpy(key, <const char *>octets, len(octets))
    (<uint8_t *>key)[KEY_SIZE - 1] = <uint8_t>len(octets)


cdef class Loads:
    """What threads hand out of the members of one pool, for `size` of them.

    TTLs are from `low` to `high`.
    """

    cdef LoadsData data
    cdef readonly ResolverTable table
    cdef readonly uint32_t size
    cdef double *_clients
    cdef uint64_t *_leases
    cdef double *_rates
    cdef double *_ends

    def __cinit__(
        self, int rows, uint32_t size, double low, double high,
        ResolverTable table not None,
    ):
        cdef LoadsData *data = &self.data
        cdef size_t cells
        if not 0 < size < 65536:
            raise ValueError("too many members")
        self.size = size
        self.table = table
        data.rows = rows
        data.stride = (size + 7) & ~<uint32_t>7
        data.classes = TTL_CLASSES if high > low else 1
        data.low = low
        data.width = high - low + 1
        cells = <size_t>data.stride * data.classes
        data.clients = <double *>_new(rows * data.stride * sizeof(double))
        data.leases = <uint64_t *>_new(rows * cells * sizeof(uint64_t))
        data.rates = <double *>_new(rows * cells * sizeof(double))
        data.ends = <double *>_new(rows * cells * sizeof(double))
        data.resolvers = &table.data
        self._clients = <double *>_new(data.stride * sizeof(double))
        self._leases = <uint64_t *>_new(cells * sizeof(uint64_t))
        self._rates = <double *>_new(cells * sizeof(double))
        self._ends = <double *>_new(cells * sizeof(double))

    def __dealloc__(self):
        free(self.data.clients)
        free(self.data.leases)
        free(self.data.rates)
        free(self.data.ends)
        free(self._clients)
        free(self._leases)
        free(self._rates)
        free(self._ends)

    def take(self):
        """The leases since the last call: member, number, sum of rates, mean TTL."""
        cdef LoadsData *data = &self.data
        cdef size_t cells = <size_t>data.stride * data.classes, cell
        cdef uint32_t row, slot
        cdef uint64_t leases
        cdef double rates, ends, clients
        cdef list found = []
        for slot in range(self.size):
            clients = 0
            for row in range(data.rows):
                clients += plane_get_double(data.clients + row * data.stride + slot)
            if clients == self._clients[slot]:
                continue
            self._clients[slot] = clients
            for cell in range(
                <size_t>slot * data.classes, <size_t>(slot + 1) * data.classes
            ):
                leases = 0
                rates = ends = 0
                for row in range(data.rows):
                    leases += plane_get(data.leases + row * cells + cell)
                    rates += plane_get_double(data.rates + row * cells + cell)
                    ends += plane_get_double(data.ends + row * cells + cell)
                if leases != self._leases[cell] and rates > self._rates[cell]:
                    found.append((
                        slot, leases - self._leases[cell], rates - self._rates[cell],
                        (ends - self._ends[cell]) / (rates - self._rates[cell]),
                    ))
                    self._leases[cell] = leases
                    self._rates[cell] = rates
                    self._ends[cell] = ends
        return found

    cdef ResolverBucket *_bucket(self, uint64_t hash) noexcept:
        cdef ResolverTableData *resolvers = &self.table.data
        cdef ResolverBucket *bucket = &resolvers.buckets[<uint32_t>hash & resolvers.mask]
        while not plane_claim(&bucket.claim, CLAIM_TRIES):
            pass
        return bucket

    cdef tuple _told(self, const ClientResolver *resolver):
        cdef ResolverTableData *resolvers = &self.table.data
        cdef size_t offset = <size_t>(
            <const uint8_t *>resolver - <const uint8_t *>resolvers.buckets
        )
        cdef size_t bucket = offset // sizeof(ResolverBucket)
        cdef size_t index = bucket * BUCKET_WAYS + <size_t>(
            resolver - resolvers.buckets[bucket].resolvers
        )
        cdef uint32_t i
        return (
            resolver.rate, resolver.expires, resolver.gap, resolver.pace,
            resolver.last_asked,
            resolver.families, bool(resolver.known),
            [resolver.where[i] for i in range(resolver.count)],
            [resolvers.others[index * LEASES + i] for i in range(resolver.others)],
        )

    def find(self, bytes key not None):
        """What is known of a resolver, in the order of `_told`, or None."""
        cdef uint64_t octets[2]
        _put_key(octets, key)
        cdef uint64_t hash = key_hash(&self.table.data, octets)
        cdef ResolverBucket *bucket = self._bucket(hash)
        cdef ClientResolver *resolver = resolver_in(bucket, octets, tag_of(hash))
        found = None if resolver == NULL else self._told(resolver)
        plane_release(&bucket.claim)
        return found

    def ask(self, bytes key not None, double time, double horizon, uint64_t lot):
        """Learn that a resolver asks for a new answer, and tell what is known then."""
        cdef uint64_t octets[2]
        _put_key(octets, key)
        cdef uint64_t hash = key_hash(&self.table.data, octets)
        cdef ResolverBucket *bucket = self._bucket(hash)
        cdef ClientResolver *resolver = resolver_in(bucket, octets, tag_of(hash))
        resolver = asks(
            &self.table.data, bucket, resolver, octets, tag_of(hash), time, horizon,
            self.data.rows - 1, &lot,
        )
        found = self._told(resolver)
        plane_release(&bucket.claim)
        return found

    def keep(self, bytes key not None, double expires, uint32_t families, list where):
        """Take down whom a resolver was told, up to when, and for which families."""
        cdef uint64_t octets[2]
        _put_key(octets, key)
        cdef uint64_t hash = key_hash(&self.table.data, octets)
        cdef ResolverBucket *bucket = self._bucket(hash)
        cdef ClientResolver *resolver = resolver_in(bucket, octets, tag_of(hash))
        cdef uint32_t i
        if resolver != NULL:
            resolver.expires = expires
            resolver.families = <uint8_t>families
            resolver.count = <uint8_t>min(<int>len(where), MOST_WHERE)
            for i in range(resolver.count):
                resolver.where[i] = where[i]
        plane_release(&bucket.claim)


cdef class LevelTable:
    """How full the candidates of a route are, up to the time `until`.

    For each candidate: its weight as far as it goes by that (`fades`); where it goes
    by load that load, what a client adds, and its capacity; its chance to be shed.
    """

    cdef LevelsData data
    cdef uint32_t _size

    def __cinit__(
        self, double until, list fades, list bases, list steps, list rooms,
        list chances, *, double mine=0, double horizon=0, double reference=0,
    ):
        cdef LevelsData *data = &self.data
        cdef uint32_t i, size = len(fades)
        self._size = size
        data.until = until
        data.mine = mine
        data.horizon = horizon
        data.reference = reference
        data.fades = <double *>_new(5 * (size + 1) * sizeof(double))
        data.bases = data.fades + size
        data.steps = data.bases + size
        data.inverses = data.steps + size
        data.chances = data.inverses + size
        for i in range(size):
            data.fades[i] = fades[i]
            data.faded += data.fades[i]
            data.bases[i] = bases[i]
            data.steps[i] = steps[i]
            data.inverses[i] = 1.0 / <double>rooms[i]
            data.chances[i] = chances[i]
            if data.bases[i] != INFINITY:
                data.known = True

    def __dealloc__(self):
        free(self.data.fades)

    cdef void settle(self, Route route) except *:
        """Leave out what Python has taken over of what threads have handed out."""
        cdef uint32_t i
        if route.loads is None or route.data.size != self._size:
            raise ValueError("not the levels of that route")
        for i in range(self._size):
            self.data.bases[i] -= (
                self.data.steps[i] * route.loads._clients[route.data.load.slots[i]]
            )
