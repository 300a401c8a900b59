# What threads hand out by load, and the resolvers that ask.


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
            data.habits.newcomer, data.habits.silent, data.habits.newcomer_step,
            data.habits.floor_seen, data.habits.floor_part, data.habits.floor_least,
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
    cdef double _detours[3]

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
        data.detours = <double *>_new(rows * DETOUR_SUMS * sizeof(double))
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
        free(self.data.detours)
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

    def take_detours(self):
        """Clients, those spilled, and their milliseconds since the last call."""
        cdef double sums[3]
        cdef int row, i
        cdef list found = []
        for i in range(3):
            sums[i] = 0
            for row in range(<int>self.data.rows):
                sums[i] += plane_get_double(self.data.detours + row * DETOUR_SUMS + i)
            found.append(sums[i] - self._detours[i])
            self._detours[i] = sums[i]
        return tuple(found)

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
            resolver.ttl, resolver.floor,
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

    def keep(
        self, bytes key not None, double expires, double ttl, uint32_t families,
        list where,
    ):
        """Take down whom a resolver was told, up to when, and for which families."""
        cdef uint64_t octets[2]
        _put_key(octets, key)
        cdef uint64_t hash = key_hash(&self.table.data, octets)
        cdef ResolverBucket *bucket = self._bucket(hash)
        cdef ClientResolver *resolver = resolver_in(bucket, octets, tag_of(hash))
        cdef uint32_t i
        if resolver != NULL:
            resolver.expires = expires
            resolver.ttl = ttl
            resolver.families = <uint8_t>families
            resolver.count = <uint8_t>min(<int>len(where), MOST_WHERE)
            for i in range(resolver.count):
                resolver.where[i] = where[i]
        plane_release(&bucket.claim)

    def heaviest(self, uint32_t most, double time):
        """Those with the highest rates whose present answer was not told of yet.

        Key, rate, end of the answer, gap, families and members of each; they count as
        told of from now on.  At most `MOST_TOLD`.
        """
        cdef ResolverTableData *data = &self.table.data
        cdef ResolverBucket *bucket
        cdef ClientResolver *resolver
        cdef uint32_t number, way, index, count = 0
        cdef double rates[MOST_TOLD]
        cdef ClientResolver *chosen[MOST_TOLD]
        cdef list found = []
        if most > MOST_TOLD:
            most = MOST_TOLD
        for number in range(data.mask + 1 if most else 0):
            bucket = &data.buckets[number]
            for way in range(<uint32_t>BUCKET_WAYS):
                resolver = &bucket.resolvers[way]
                if not bucket.tags[way] or not _worth_telling(resolver, time):
                    continue
                if count == most and resolver.rate <= rates[most - 1]:
                    continue
                index = count if count < most else most - 1
                while index and rates[index - 1] < resolver.rate:
                    rates[index] = rates[index - 1]
                    chosen[index] = chosen[index - 1]
                    index -= 1
                rates[index] = resolver.rate
                chosen[index] = resolver
                if count < most:
                    count += 1
        for index in range(count):
            row = self._to_tell(chosen[index], time)
            if row is not None:
                found.append(row)
        return found

    cdef tuple _to_tell(self, ClientResolver *resolver, double time):
        """What others are told of a resolver; None if it is another by now."""
        cdef ResolverTableData *data = &self.table.data
        cdef size_t offset = <size_t>(
            <const uint8_t *>resolver - <const uint8_t *>data.buckets
        )
        cdef ResolverBucket *bucket = &data.buckets[offset // sizeof(ResolverBucket)]
        cdef uint8_t *octets = <uint8_t *>resolver.key
        cdef uint32_t i
        row = None
        while not plane_claim(&bucket.claim, CLAIM_TRIES):
            pass
        if _worth_telling(resolver, time) and 0 < octets[KEY_SIZE - 1] < KEY_SIZE:
            resolver.told = resolver.expires
            row = (
                octets[:octets[KEY_SIZE - 1]], resolver.rate, resolver.expires,
                resolver.gap, resolver.families,
                [resolver.where[i] for i in range(resolver.count)],
            )
        plane_release(&bucket.claim)
        return row

    def hear(
        self, bytes key not None, double rate, double expires, double gap,
        uint32_t families, list where, double time, double horizon, uint64_t lot,
    ):
        """Learn what another server knows of a resolver that asked there."""
        cdef ResolverTableData *data = &self.table.data
        cdef uint64_t octets[2]
        _put_key(octets, key)
        cdef uint64_t hash = key_hash(data, octets)
        cdef ResolverBucket *bucket = self._bucket(hash)
        cdef ClientResolver *resolver = resolver_in(bucket, octets, tag_of(hash))
        cdef uint32_t i, row = data_row(self)
        if resolver == NULL:
            resolver = enter(
                data, bucket, octets, tag_of(hash), time, horizon, row, &lot
            )
        if not resolver.others and expires > resolver.expires:
            resolver.expires = resolver.told = expires
            resolver.ttl = 0
            resolver.families = <uint8_t>families
            resolver.gap = gap
            resolver.count = <uint8_t>min(<int>len(where), MOST_WHERE)
            for i in range(resolver.count):
                resolver.where[i] = where[i]
            if resolver.known:
                plane_add_double(&data.sums[row].rates, rate - resolver.rate)
                resolver.rate = rate
            else:
                resolver.rate = rate
                admit_resolver(
                    data, bucket, resolver, time - data.habits.silent * horizon, row
                )
        plane_release(&bucket.claim)


cdef inline uint32_t data_row(Loads loads) noexcept:
    """The row of the sums that Python writes to."""
    return loads.data.rows - 1


cdef inline bint _worth_telling(
    const ClientResolver *resolver, double time
) noexcept nogil:
    return (
        resolver.known and not resolver.others and resolver.gap >= 0
        and resolver.expires > time and resolver.expires != resolver.told
    )
