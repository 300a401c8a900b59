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
    ASKER_WAYS = 8
    MOST_WHERE = 8
    MOST_CACHES = 16
    LEASES = 17        # for a moment there is one more
    KEY_SIZE = 16      # the octets of a key, and in the last one how many
    CLAIM_TRIES = 64


cdef struct Habits:
    # The constants of `dinamed.pools.resolvers`.
    double smoothing
    double pace_smoothing
    double half_step
    double longest_times
    double longest_plus
    double newcomer
    double silent


cdef struct Asker:
    uint64_t key[2]
    double expires
    double gap
    double rate
    double pace
    double asked
    uint8_t families
    uint8_t known
    uint8_t others         # leases beside the last one
    uint8_t count          # members of the last answer
    uint16_t where[MOST_WHERE]


cdef struct Bucket:
    uint32_t claim
    uint32_t tags[ASKER_WAYS]    # 0: nobody
    Asker askers[ASKER_WAYS]


cdef struct Sums:
    # Of one thread; those of all threads together mean something.
    int64_t used
    int64_t known
    double rates
    uint8_t pad[40]


cdef struct Askers:
    Habits habits
    uint64_t salt
    uint32_t mask          # of the buckets' numbers
    Bucket *buckets
    double *others         # LEASES for each asker
    Sums *sums             # by thread


cdef inline double mean_rate(const Askers *askers, uint32_t rows) noexcept nogil:
    """The mean rate of those who have come back; 0 if there are none."""
    cdef double rates = 0
    cdef int64_t known = 0
    cdef uint32_t row
    for row in range(rows):
        known += askers.sums[row].known
        rates += plane_get_double(&askers.sums[row].rates)
    return rates / known if known > 0 and rates > 0 else 0


cdef inline uint64_t key_hash(
    const Askers *askers, const uint64_t *key
) noexcept nogil:
    return mix(key[0] ^ mix(key[1] ^ askers.salt))


cdef inline Asker *asker_of(
    Bucket *bucket, const uint64_t *key, uint32_t tag
) noexcept nogil:
    """The one with this key in a bucket that is claimed, or NULL."""
    cdef uint32_t way
    for way in range(<uint32_t>ASKER_WAYS):
        if bucket.tags[way] == tag:
            if (
                bucket.askers[way].key[0] == key[0]
                and bucket.askers[way].key[1] == key[1]
            ):
                return &bucket.askers[way]
    return NULL


cdef inline void learn_many(
    const Habits *habits, Asker *asker, double *others, uint32_t count, double time,
    double horizon,
) noexcept nogil:
    """Go by the rate of questions, for there are too many leases to tell apart."""
    cdef double pause, clients
    if asker.pace < 0:
        asker.pace = (others[count - 1] - others[0]) / count
    else:
        pause = time - asker.asked
        if pause > horizon:
            pause = horizon
        asker.pace += habits.pace_smoothing * (pause - asker.pace)
    asker.asked = time
    clients = sqrt(horizon / (asker.pace if asker.pace > 1e-4 else 1e-4))
    if clients > MOST_CACHES:
        clients = MOST_CACHES
    asker.rate = clients / horizon
    asker.gap = horizon / clients - habits.half_step
    if asker.gap < 0:
        asker.gap = 0
    memmove(others, others + 1, (count - 1) * sizeof(double))
    asker.others = <uint8_t>(count - 1)


cdef inline bint learn(
    const Habits *habits, Asker *asker, double *others, double time, double horizon
) noexcept nogil:
    """Take one more question into the rate; whether anything was learned."""
    cdef uint32_t count = asker.others, place, gone = 0
    cdef double gap, most
    if not count:
        if time < asker.expires:
            others[0] = asker.expires
            asker.others = 1
            return False
        gap = time - asker.expires
    else:
        place = count
        while place and others[place - 1] > asker.expires:
            others[place] = others[place - 1]
            place -= 1
        others[place] = asker.expires
        count += 1
        while count - gone > 1 and others[gone] < time - horizon / 2:
            gone += 1
        if gone:
            count -= gone
            memmove(others, others + gone, count * sizeof(double))
        if others[0] > time:
            if count <= MOST_CACHES:
                asker.others = <uint8_t>count
                return False
            learn_many(habits, asker, others, count, time, horizon)
            return True
        gap = time - others[0]
        count -= 1
        memmove(others, others + 1, count * sizeof(double))
        asker.others = <uint8_t>count
    if asker.gap < 0:
        asker.gap = gap
    else:
        most = habits.longest_times * asker.gap + habits.longest_plus
        if gap > most:
            gap = most
        asker.gap += habits.smoothing * (gap - asker.gap)
    asker.rate = 1.0 / (asker.gap + habits.half_step)
    return True


cdef inline void admit(
    Askers *askers, Bucket *bucket, Asker *asker, double silent, uint32_t thread
) noexcept nogil:
    """Let a newcomer join those who are known, in its place."""
    cdef uint32_t way, known = 0, lowest = 0
    cdef double worth, least = 0
    for way in range(<uint32_t>ASKER_WAYS):
        if bucket.tags[way] and bucket.askers[way].known:
            worth = bucket.askers[way].rate
            if bucket.askers[way].expires < silent:
                worth = 0
            if not known or worth < least:
                lowest = way
                least = worth
            known += 1
    if known >= ASKER_WAYS - 1:
        bucket.tags[lowest] = 0
        askers.sums[thread].known -= 1
        askers.sums[thread].used -= 1
        plane_add_double(
            &askers.sums[thread].rates, -bucket.askers[lowest].rate
        )
    asker.known = 1
    askers.sums[thread].known += 1
    plane_add_double(&askers.sums[thread].rates, asker.rate)


cdef inline Asker *enter(
    Askers *askers, Bucket *bucket, const uint64_t *key, uint32_t tag, double time,
    double horizon, uint32_t thread, uint64_t *rng,
) noexcept nogil:
    """Take in a newcomer."""
    cdef uint32_t way, new = 0, place = ASKER_WAYS
    cdef Asker *asker
    cdef double gap = askers.habits.newcomer * horizon
    for way in range(<uint32_t>ASKER_WAYS):
        if not bucket.tags[way]:
            place = way
            break
        if not bucket.askers[way].known:
            new += 1
    if place < ASKER_WAYS:
        askers.sums[thread].used += 1
    else:
        new = below(rng, new)
        for way in range(<uint32_t>ASKER_WAYS):
            if not bucket.askers[way].known:
                place = way
                if not new:
                    break
                new -= 1
    asker = &bucket.askers[place]
    memset(asker, 0, sizeof(Asker))
    bucket.tags[place] = tag
    asker.key[0] = key[0]
    asker.key[1] = key[1]
    asker.gap = asker.pace = -1.0
    asker.rate = 1.0 / ((time if time < gap else gap) + askers.habits.half_step)
    return asker


cdef inline Asker *asks(
    Askers *askers, Bucket *bucket, Asker *asker, const uint64_t *key, uint32_t tag,
    double time, double horizon, uint32_t thread, uint64_t *rng,
) noexcept nogil:
    """Learn that somebody asks for a new answer; the bucket is claimed."""
    cdef double before
    cdef size_t number
    if asker == NULL:
        return enter(askers, bucket, key, tag, time, horizon, thread, rng)
    number = <size_t>(bucket - askers.buckets) * ASKER_WAYS
    number += <size_t>(asker - bucket.askers)
    before = asker.rate
    if learn(
        &askers.habits, asker, askers.others + number * LEASES, time, horizon
    ):
        if asker.known:
            plane_add_double(&askers.sums[thread].rates, asker.rate - before)
        else:
            admit(
                askers, bucket, asker, time - askers.habits.silent * horizon, thread
            )
    return asker


cdef inline Bucket *claimed(Askers *askers, uint64_t hash) noexcept nogil:
    """The bucket of that hash, to be released; NULL if somebody else has it."""
    cdef Bucket *bucket = &askers.buckets[<uint32_t>hash & askers.mask]
    return bucket if plane_claim(&bucket.claim, CLAIM_TRIES) else NULL


cdef inline uint32_t tag_of(uint64_t hash) noexcept nogil:
    return <uint32_t>(hash >> 32) | 1
