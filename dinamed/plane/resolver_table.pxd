"""The resolvers that ask, and the demand behind each: `dinamed.pools.resolvers` in C.

The table is open and bounded: a key belongs to one bucket of eight, and who looks into
a bucket claims it for that moment.  In each bucket at least one place is for newcomers,
who push out nobody but newcomers; those who have come back stay where they are, and
where they would be too many in a bucket the one with the lowest rate goes.
"""

from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memmove, memset
from dinamed.plane.octets cimport below, mix
from dinamed.plane.posix cimport plane_add_double, plane_claim, plane_get_double

cdef enum:
    BUCKET_WAYS = 8
    MOST_WHERE = 8
    MOST_CACHES = 16
    LEASES = 17        # for a moment there is one more
    KEY_SIZE = 16      # the octets of a key, and in the last one how many
    CLAIM_TRIES = 64
    MOST_TOLD = 256    # resolvers that others are told of at once


cdef struct Habits:
    # The constants of `dinamed.pools.resolvers`.
    double smoothing
    double pace_smoothing
    double half_step
    double longest_times
    double longest_plus
    double newcomer
    double silent
    double newcomer_step
    # And of `dinamed.pools.floors`.
    double floor_seen
    double floor_part
    double floor_least


cdef struct ClientResolver:
    uint64_t key[2]
    double expires
    double gap
    double rate
    double pace
    double last_asked
    double told            # the end of the answer that other servers know of
    double ttl             # of the last answer; 0: another server gave it
    double floor           # how long it keeps answers at least
    double least           # of the times from an answer to the next question
    double longest         # of the TTLs of these answers
    double sum             # of these times
    uint8_t seen           # how many these are
    uint8_t families
    uint8_t known
    uint8_t others         # leases beside the last one
    uint8_t count          # members of the last answer
    uint16_t where[MOST_WHERE]


cdef struct ResolverBucket:
    uint32_t claim
    uint32_t tags[BUCKET_WAYS]    # 0: nobody
    ClientResolver resolvers[BUCKET_WAYS]


cdef struct Sums:
    # Of one thread; those of all threads together mean something.
    int64_t used
    int64_t known
    double rates
    uint8_t pad[40]


cdef struct ResolverTableData:
    Habits habits
    uint64_t salt
    uint32_t mask          # of the buckets' numbers
    ResolverBucket *buckets
    double *others         # LEASES for each resolver
    Sums *sums             # by thread


cdef inline double mean_rate(
    const ResolverTableData *resolvers, uint32_t rows
) noexcept nogil:
    """The mean rate of those who have come back; 0 if there are none."""
    cdef double rates = 0
    cdef int64_t known = 0
    cdef uint32_t row
    for row in range(rows):
        known += resolvers.sums[row].known
        rates += plane_get_double(&resolvers.sums[row].rates)
    return rates / known if known > 0 and rates > 0 else 0


cdef inline uint64_t key_hash(
    const ResolverTableData *resolvers, const uint64_t *key
) noexcept nogil:
    return mix(key[0] ^ mix(key[1] ^ resolvers.salt))


cdef inline ClientResolver *resolver_in(
    ResolverBucket *bucket, const uint64_t *key, uint32_t tag
) noexcept nogil:
    """The one with this key in a bucket that is claimed, or NULL."""
    cdef uint32_t way
    for way in range(<uint32_t>BUCKET_WAYS):
        if bucket.tags[way] == tag:
            if (
                bucket.resolvers[way].key[0] == key[0]
                and bucket.resolvers[way].key[1] == key[1]
            ):
                return &bucket.resolvers[way]
    return NULL


cdef inline void learn_many(
    const Habits *habits, ClientResolver *resolver, double *others, uint32_t count,
    double time,
    double horizon,
) noexcept nogil:
    """Go by the rate of questions, for there are too many leases to tell apart."""
    cdef double pause, clients
    if resolver.pace < 0:
        resolver.pace = (others[count - 1] - others[0]) / count
    else:
        pause = time - resolver.last_asked
        if pause > horizon:
            pause = horizon
        resolver.pace += habits.pace_smoothing * (pause - resolver.pace)
    resolver.last_asked = time
    clients = sqrt(horizon / (resolver.pace if resolver.pace > 1e-4 else 1e-4))
    if clients > MOST_CACHES:
        clients = MOST_CACHES
    resolver.rate = clients / horizon
    resolver.gap = horizon / clients - habits.half_step
    if resolver.gap < 0:
        resolver.gap = 0
    memmove(others, others + 1, (count - 1) * sizeof(double))
    resolver.others = <uint8_t>(count - 1)


cdef inline bint asked_again(
    const Habits *habits, ClientResolver *resolver, double after
) noexcept nogil:
    """`Floor.asked_again`: whether there is a floor that was not known.

    The gap is then the one beyond it.
    """
    cdef double known, mean, over
    cdef bint there
    if resolver.floor > after:
        resolver.floor = after
    if not resolver.seen or after < resolver.least:
        resolver.least = after
    if not resolver.seen:
        resolver.longest = resolver.sum = 0
    if resolver.ttl > resolver.longest:
        resolver.longest = resolver.ttl
    resolver.sum += after
    resolver.seen += 1
    if resolver.seen < habits.floor_seen:
        return False
    known = resolver.floor
    mean = resolver.sum / habits.floor_seen
    over = resolver.least - resolver.longest
    there = (
        over > habits.floor_least
        and over > habits.floor_part * (mean - resolver.longest)
    )
    resolver.floor = resolver.least if there else 0
    resolver.seen = 0
    if not there or known > 0:
        return False
    resolver.gap = mean - resolver.least
    return True


cdef inline double keeps(const ClientResolver *resolver, double ttl) noexcept nogil:
    """For how many seconds a resolver keeps an answer of that TTL."""
    return ttl if ttl > resolver.floor else resolver.floor


cdef inline double gap_of(
    const Habits *habits, ClientResolver *resolver, double time
) noexcept nogil:
    """The time that one cache has been without an answer; learns its floor too."""
    cdef double over = time - resolver.expires, after
    if resolver.ttl <= 0:
        return over
    after = resolver.ttl + over
    asked_again(habits, resolver, after)
    over = after - keeps(resolver, resolver.ttl)
    return over if over > 0 else 0


cdef inline bint learn(
    const Habits *habits, ClientResolver *resolver, double *others, double time,
    double horizon
) noexcept nogil:
    """Take one more question into the rate; whether anything was learned."""
    cdef uint32_t count = resolver.others, way_at, gone = 0
    cdef double gap, most
    if not count:
        if time < resolver.expires:
            others[0] = resolver.expires
            resolver.others = 1
            return False
        gap = gap_of(habits, resolver, time)
    else:
        way_at = count
        while way_at and others[way_at - 1] > resolver.expires:
            others[way_at] = others[way_at - 1]
            way_at -= 1
        others[way_at] = resolver.expires
        count += 1
        while count - gone > 1 and others[gone] < time - horizon / 2:
            gone += 1
        if gone:
            count -= gone
            memmove(others, others + gone, count * sizeof(double))
        if others[0] > time:
            if count <= MOST_CACHES:
                resolver.others = <uint8_t>count
                return False
            learn_many(habits, resolver, others, count, time, horizon)
            return True
        gap = time - others[0]
        count -= 1
        memmove(others, others + 1, count * sizeof(double))
        resolver.others = <uint8_t>count
    if resolver.gap < 0:
        resolver.gap = gap
    else:
        most = habits.longest_times * resolver.gap + habits.longest_plus
        if gap > most:
            gap = most
        resolver.gap += habits.smoothing * (gap - resolver.gap)
    resolver.rate = 1.0 / (resolver.gap + habits.half_step)
    return True


cdef inline void admit(
    ResolverTableData *resolvers, ResolverBucket *bucket, ClientResolver *resolver,
    double silent, uint32_t thread
) noexcept nogil:
    """Let a newcomer join those who are known, in its place."""
    cdef uint32_t way, known = 0, lowest = 0
    cdef double worth, least = 0
    for way in range(<uint32_t>BUCKET_WAYS):
        if bucket.tags[way] and bucket.resolvers[way].known:
            worth = bucket.resolvers[way].rate
            if bucket.resolvers[way].expires < silent:
                worth = 0
            if not known or worth < least:
                lowest = way
                least = worth
            known += 1
    if known >= BUCKET_WAYS - 1:
        bucket.tags[lowest] = 0
        resolvers.sums[thread].known -= 1
        resolvers.sums[thread].used -= 1
        plane_add_double(
            &resolvers.sums[thread].rates, -bucket.resolvers[lowest].rate
        )
    resolver.known = 1
    resolvers.sums[thread].known += 1
    plane_add_double(&resolvers.sums[thread].rates, resolver.rate)


cdef inline ClientResolver *enter(
    ResolverTableData *resolvers, ResolverBucket *bucket, const uint64_t *key,
    uint32_t tag, double time,
    double horizon, uint32_t thread, uint64_t *rng,
) noexcept nogil:
    """Take in a newcomer."""
    cdef uint32_t way, new = 0, way_at = BUCKET_WAYS
    cdef ClientResolver *resolver
    cdef double gap = resolvers.habits.newcomer * horizon
    for way in range(<uint32_t>BUCKET_WAYS):
        if not bucket.tags[way]:
            way_at = way
            break
        if not bucket.resolvers[way].known:
            new += 1
    if way_at < BUCKET_WAYS:
        resolvers.sums[thread].used += 1
    else:
        new = below(rng, new)
        for way in range(<uint32_t>BUCKET_WAYS):
            if not bucket.resolvers[way].known:
                way_at = way
                if not new:
                    break
                new -= 1
    resolver = &bucket.resolvers[way_at]
    memset(resolver, 0, sizeof(ClientResolver))
    bucket.tags[way_at] = tag
    resolver.key[0] = key[0]
    resolver.key[1] = key[1]
    resolver.gap = resolver.pace = -1.0
    resolver.rate = 1.0 / (
        (time if time < gap else gap) + resolvers.habits.newcomer_step
    )
    return resolver


cdef inline ClientResolver *asks(
    ResolverTableData *resolvers, ResolverBucket *bucket, ClientResolver *resolver,
    const uint64_t *key, uint32_t tag,
    double time, double horizon, uint32_t thread, uint64_t *rng,
) noexcept nogil:
    """Learn that somebody asks for a new answer; the bucket is claimed."""
    cdef double before
    cdef size_t number
    if resolver == NULL:
        return enter(resolvers, bucket, key, tag, time, horizon, thread, rng)
    number = <size_t>(bucket - resolvers.buckets) * BUCKET_WAYS
    number += <size_t>(resolver - bucket.resolvers)
    before = resolver.rate
    if learn(
        &resolvers.habits, resolver, resolvers.others + number * LEASES, time, horizon
    ):
        if resolver.known:
            plane_add_double(&resolvers.sums[thread].rates, resolver.rate - before)
        else:
            admit(
                resolvers, bucket, resolver, time - resolvers.habits.silent * horizon,
                thread
            )
    return resolver


cdef inline ResolverBucket *claimed(
    ResolverTableData *resolvers, uint64_t hash
) noexcept nogil:
    """The bucket of that hash, to be released; NULL if somebody else has it."""
    cdef ResolverBucket *bucket = &resolvers.buckets[<uint32_t>hash & resolvers.mask]
    return bucket if plane_claim(&bucket.claim, CLAIM_TRIES) else NULL


cdef inline uint32_t tag_of(uint64_t hash) noexcept nogil:
    return <uint32_t>(hash >> 32) | 1
