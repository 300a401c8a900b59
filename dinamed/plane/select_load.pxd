"""Drawing by load: `least`, `predictive` and `shed` of `dinamed.pools.stages` in C.

The accounting in Python is the one that knows.  It publishes how full members are, and
each thread adds what has been handed out since: so many clients, or so many hand-outs,
times what one of them adds.  A published level holds what Python had taken over by
then, less than nothing for those who have handed out more.
"""

from libc.math cimport INFINITY, ceil, rint
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.levels cimport NEAREST, LevelsData, worth
from dinamed.plane.resolver_table cimport (
    ClientResolver,
    ResolverTableData,
    ResolverBucket,
    resolver_in,
    asks,
    claimed,
    keeps,
    key_hash,
    mean_rate,
    tag_of,
)
from dinamed.plane.client_key cimport put_apart
from dinamed.plane.load_levels cimport (
    DETOUR_SUMS,
    DrawResult,
    LoadsData,
    RouteLoad,
    score,
    with_cost,
)
from dinamed.plane.octets cimport below, chance, unit
from dinamed.plane.posix cimport (
    plane_add,
    plane_add_double,
    plane_get_pointer,
    plane_release,
)

cdef inline bint among(
    const uint32_t *some, uint32_t count, uint32_t one
) noexcept nogil:
    cdef uint32_t i
    for i in range(count):
        if some[i] == one:
            return True
    return False


cdef inline uint32_t lowest_ones(
    const RouteLoad *loaded, const LevelsData *levels, const uint32_t *kept,
    uint32_t size, uint32_t count, double mine, const float *costs, uint64_t *rng,
    uint32_t *found,
) noexcept nogil:
    """Those with the lowest scores, by lot where they are equal."""
    cdef uint32_t i, j, index, some = 0
    cdef uint64_t lot
    cdef double one
    cdef double scores[64]
    cdef uint64_t lots[64]
    for j in range(size):
        i = j if kept == NULL else kept[j]
        one = with_cost(loaded, levels, i, mine, costs)
        if one == INFINITY or (some == count and one > scores[some - 1]):
            continue
        lot = chance(rng)
        if some == count:
            if one == scores[some - 1] and lot >= lots[some - 1]:
                continue
            some -= 1
        index = some
        while index and (
            scores[index - 1] > one
            or (scores[index - 1] == one and lots[index - 1] > lot)
        ):
            scores[index] = scores[index - 1]
            lots[index] = lots[index - 1]
            found[index] = found[index - 1]
            index -= 1
        scores[index] = one
        lots[index] = lot
        found[index] = i
        some += 1
    return some


cdef inline uint32_t by_fade(
    const LevelsData *levels, const uint32_t *kept, uint32_t size, double sum,
    const uint32_t *gone, uint32_t gone_count, uint64_t *rng,
) noexcept nogil:
    """One of those that go by their weight, as far as they do."""
    cdef double point = unit(rng) * sum
    cdef uint32_t i, j, last = 0
    for j in range(size):
        i = j if kept == NULL else kept[j]
        if levels.fades[i] <= 0 or (gone_count and among(gone, gone_count, i)):
            continue
        last = i
        point -= levels.fades[i]
        if point < 0:
            break
    return last


cdef inline uint32_t looked_at(
    const RouteLoad *loaded, const LevelsData *levels, double mine, uint32_t count,
    const uint16_t *nearest, uint32_t size, uint32_t *looked,
) noexcept nogil:
    """Out of many those that may be the best: the nearest, and the least used."""
    cdef uint32_t i, some = 0, most = NEAREST if count < NEAREST else count, least = 0
    cdef double one, lowest = INFINITY
    for i in range(size):
        if levels.bases[nearest[i]] != INFINITY:
            looked[some] = nearest[i]
            some += 1
            if some == most:
                break
    for i in range(levels.least_count):
        one = score(loaded, levels, levels.least[i], mine)
        if one < lowest:
            lowest = one
            least = levels.least[i]
    if lowest != INFINITY and not among(looked, some, least):
        looked[some] = least
        some += 1
    return some


cdef inline uint32_t mixed(
    const RouteLoad *loaded, const LevelsData *levels, double total, double faded,
    const uint32_t *kept, uint32_t size, uint32_t count, double mine,
    const DrawResult *result, uint64_t *rng, uint32_t *drawn,
) noexcept nogil:
    """By load, or by weight as far as loads are not known (`fading`)."""
    cdef uint32_t lowest[64]
    cdef uint32_t popped[128]
    cdef uint32_t looked[65]
    cdef uint32_t looks = size
    cdef const uint32_t *seen = kept
    cdef uint32_t pops = 0, some = 0, next = 0, done = 0, one, i, j
    cdef double left = faded
    if faded > 0 and count == 1:
        if not levels.known or unit(rng) * total < faded:
            drawn[0] = by_fade(levels, kept, size, faded, NULL, 0, rng)
            return 1
    if result.nearest != NULL and levels.least_count and kept == NULL:
        looks = looked_at(loaded, levels, mine, count, result.nearest, size, looked)
        seen = looked
    some = lowest_ones(
        loaded, levels, seen, looks, count, mine, result.costs, rng, lowest
    )
    if faded <= 0 or count == 1:
        if not some:  # by load, but those who report were shed
            drawn[0] = by_fade(levels, kept, size, faded, NULL, 0, rng)
            return 1
        memcpy(drawn, lowest, some * sizeof(uint32_t))
        return some
    while done < count:
        left = 0
        for j in range(size):
            i = j if kept == NULL else kept[j]
            if levels.fades[i] > 0 and not among(popped, pops, i):
                left += levels.fades[i]
        if next >= some and left <= 0:
            break
        if (left > 0 and pops < 128 and unit(rng) * total < faded) or next >= some:
            one = by_fade(levels, kept, size, left, popped, pops, rng)
            popped[pops] = one
            pops += 1
        else:
            one = lowest[next]
            next += 1
        if not among(drawn, done, one):
            drawn[done] = one
            done += 1
    return done


cdef inline bint same(
    const RouteLoad *loaded, const ClientResolver *resolver, const uint32_t *kept,
    uint32_t size,
    uint32_t *drawn,
) noexcept nogil:
    """The members of the last answer, if all are among those to choose from."""
    cdef uint32_t i, j, k
    cdef bint found
    for k in range(resolver.count):
        found = False
        for j in range(size):
            i = j if kept == NULL else kept[j]
            if loaded.slots[i] == resolver.where[k]:
                drawn[k] = i
                found = True
                break
        if not found:
            return False
    return resolver.count > 0


cdef inline void record_load(
    const RouteLoad *loaded, const LevelsData *levels, uint32_t thread,
    const uint32_t *drawn, uint32_t count, double clients, double rate, double ttl,
) noexcept nogil:
    """Take down what an answer brings, spread over those that it names."""
    cdef LoadsData *loads = loaded.loads
    cdef double part = 1.0 / count
    cdef uint32_t i, slot
    cdef size_t index
    cdef uint32_t number = 0
    if loads.classes > 1 and ttl > loads.low:
        number = <uint32_t>((ttl - loads.low) * loads.classes / loads.width)
        if number >= loads.classes:
            number = loads.classes - 1
    for i in range(count):
        slot = loaded.slots[drawn[i]]
        index = <size_t>thread * loads.stride + slot
        plane_add_double(loads.clients + index, clients * part)
        if rate > 0:
            index = index * loads.classes + number
            plane_add_double(loads.rates + index, rate * part)
            plane_add_double(loads.ends + index, rate * part * ttl)
            plane_add(loads.leases + index, 1)


cdef inline void record_detour(
    const RouteLoad *loaded, uint32_t size, uint32_t thread, uint32_t drawn,
    double clients, const DrawResult *result,
) noexcept nogil:
    """Take down how much farther than the nearest the clients are sent."""
    cdef double *sums = loaded.loads.detours + <size_t>thread * DETOUR_SUMS
    cdef double farther, least = result.costs[0]
    cdef uint32_t i
    if result.nearest != NULL:
        least = result.costs[result.nearest[0]]
    else:
        for i in range(1, size):
            if result.costs[i] < least:
                least = result.costs[i]
    farther = result.costs[drawn] - least
    plane_add_double(sums, clients)
    if farther >= 0.5:  # `SHORTEST` of `dinamed.pools.detours`
        plane_add_double(sums + 1, clients)
        plane_add_double(sums + 2, clients * farther)


cdef inline void foresee(
    const RouteLoad *loaded, const LevelsData *levels, double total, double faded,
    const uint32_t *kept, uint32_t size, uint32_t answers, uint64_t *key,
    uint32_t family, bint quiet, double time, uint32_t thread, uint64_t *rng,
    uint32_t *drawn, DrawResult *result,
) noexcept nogil:
    """Draw by what is foreseen; learns from the question, and counts the leases.

    `family` is 1 for IPv4, 2 for IPv6, 0 for any.  A `quiet` look learns nothing.
    """
    cdef ResolverTableData *resolvers = <ResolverTableData *>plane_get_pointer(
        &loaded.loads.resolvers
    )
    cdef uint64_t hash = key_hash(resolvers, key)
    cdef ResolverBucket *bucket = claimed(resolvers, hash)
    cdef ClientResolver *resolver = NULL
    cdef double rate = 0, clients, ttl = levels.reference, times, mean, lasts
    cdef uint32_t i
    if bucket != NULL:
        resolver = resolver_in(bucket, key, tag_of(hash))
        if (
            resolver != NULL and time < resolver.expires
            and not resolver.families & family
        ):
            if same(loaded, resolver, kept, size, drawn):
                resolver.families |= <uint8_t>family
                result.count = resolver.count
                if family:
                    result.ttl = <uint32_t>ceil(resolver.expires - time)
                    if not result.ttl:
                        result.ttl = 1
                result.again = True
                plane_release(&bucket.claim)
                return
            plane_release(&bucket.claim)
            put_apart(key, family)
            hash = key_hash(resolvers, key)
            bucket = claimed(resolvers, hash)
            resolver = NULL
            if bucket != NULL:
                resolver = resolver_in(bucket, key, tag_of(hash))
    if bucket != NULL and not quiet:
        resolver = asks(
            resolvers, bucket, resolver, key, tag_of(hash), time, levels.reference,
            thread,
            rng,
        )
    if resolver != NULL:
        rate = resolver.rate
    if loaded.low != loaded.high:
        if resolver != NULL and resolver.known:
            mean = mean_rate(resolvers, loaded.loads.rows)
            times = mean / rate if mean > 0 else 1
            ttl = rint(levels.reference * (times if times < 20 else 20))
        else:
            ttl = rint(ttl)
        if ttl > loaded.high:
            ttl = loaded.high
        if ttl < loaded.low:
            ttl = loaded.low
        result.ttl = <uint32_t>ttl
    lasts = ttl if resolver == NULL else keeps(resolver, ttl)
    clients = levels.stay + levels.trust * rate * worth(levels, lasts)
    result.count = mixed(
        loaded, levels, total, faded, kept, size, answers,
        levels.mine * clients / answers, result, rng, drawn,
    )
    if not quiet:
        record_load(loaded, levels, thread, drawn, result.count, clients, rate, lasts)
        if result.costs != NULL and kept == NULL and levels.bases[drawn[0]] != INFINITY:
            record_detour(loaded, size, thread, drawn[0], clients, result)
    if bucket == NULL:
        return
    if not quiet:
        resolver.count = <uint8_t>result.count
        for i in range(result.count):
            resolver.where[i] = loaded.slots[drawn[i]]
        resolver.families = <uint8_t>family
        resolver.expires = time + ttl
        resolver.ttl = ttl
    plane_release(&bucket.claim)


cdef inline void least(
    const RouteLoad *loaded, const LevelsData *levels, double total, double faded,
    const uint32_t *kept, uint32_t size, uint32_t answers, bint quiet, uint32_t thread,
    uint64_t *rng, uint32_t *drawn, DrawResult *result,
) noexcept nogil:
    """Draw the lowest load, and take down what one hand-out adds to each.

    Or some by equal chance of more of them, for `best`.  A `quiet` look adds nothing.
    """
    cdef uint32_t most = loaded.best if loaded.best > answers else answers, i, other
    cdef uint32_t one
    result.count = mixed(
        loaded, levels, total, faded, kept, size, most if most < size else size, 0,
        result, rng, drawn,
    )
    if loaded.best:
        if answers > result.count:
            answers = result.count
        for i in range(answers):
            other = i + below(rng, result.count - i)
            one = drawn[i]
            drawn[i] = drawn[other]
            drawn[other] = one
        result.count = answers
    if not quiet:
        record_load(loaded, levels, thread, drawn, result.count, result.count, 0, 0)
