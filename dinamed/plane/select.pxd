"""Drawing members: the picking stages of `dinamed.pools.stages` in C."""

from libc.math cimport INFINITY, log
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset
from dinamed.plane.load_levels cimport MOST_KEPT, RouteLoad
from dinamed.plane.select_load cimport among
from dinamed.plane.posix cimport plane_claim, plane_release
from dinamed.plane.octets cimport below, chance, fnv1a, mix, unit

cdef enum:
    MOST_ANSWERS = 64
    ROUTES_OF_POOL = 4   # for A, for AAAA, for TXT, for services
    TRIES = 4
    TURN_TRIES = 20000


cdef enum RouteKind:
    ELSEWHERE    # for the Python engine
    NOBODY       # no member has an address of the family
    BY_WEIGHT
    BY_HASH
    IN_TURN
    EVERYONE
    EACH         # each by odds of its own
    BY_CLIENT    # by the route that was installed for the client
    BY_PLACE     # by the route that was installed for all who are at one place
    LOWEST       # by load
    FALLBACK     # another pool stands in
    BY_NAME      # as BY_HASH, but by the name that is asked for


cdef struct TurnsData:
    # What members of a pool have coming to them, for all who take turns.
    uint32_t claim
    uint32_t size
    double *credits


cdef struct RouteData:
    RouteKind kind
    uint64_t serial      # of routes BY_CLIENT, each its own
    uint32_t size
    uint32_t answers     # how many members are drawn, at most `size`
    uint64_t pool        # its number; routes into one pool have the same
    uint32_t ttl
    uint32_t more        # addresses that an answer may have, beyond one of each member
    bint rotates         # whether members with several begin with any of them
    bint quiet           # whether nothing is booked
    uint32_t span        # octets of a record without its owner; 0: they differ
    uint32_t stride      # from the counts of one thread to those of the next
    double total         # of the weights
    double *weights
    uint64_t *limits     # of the alias table, in 2**-32 of a column
    uint32_t *aliases
    uint64_t *seeds      # of the members, for BY_HASH
    uint8_t *records     # their records without the owner, member by member
    uint32_t *ends       # where those of each member end
    uint8_t *records6    # of services: AAAA records, beside which those are A
    uint32_t *ends6
    uint64_t *identities # of their addresses
    uint32_t *inner      # the places of the routes that members stand for, or NULL
    uint32_t fallback    # the place of the route that answers instead, for FALLBACK
    TurnsData *turns     # for IN_TURN
    uint32_t *turn_slots # the members' places in there
    uint64_t *counts     # hand-outs by thread
    uint64_t *booked     # what of them the pool's accounting knows
    const RouteData *other  # the route that takes a part of the draws, or NULL
    double share            # how large that part is
    RouteLoad load          # for LOWEST, and for shedding before another draw


cdef struct Subset:
    # What shedding has left of a route, to be drawn from as from a route.
    RouteData route
    double weights[MOST_KEPT]
    uint64_t seeds[MOST_KEPT]
    uint32_t turn_slots[MOST_KEPT]


cdef inline uint32_t alias_draw(
    const RouteData *route, uint64_t *rng
) noexcept nogil:
    cdef uint64_t x = chance(rng)
    cdef uint32_t column = <uint32_t>(((x >> 32) * route.size) >> 32)
    if (x & <uint64_t>0xFFFFFFFF) < route.limits[column]:
        return column
    return route.aliases[column]


cdef inline void by_lot(
    const RouteData *route, uint64_t *rng, uint32_t *drawn, uint32_t count
) noexcept nogil:
    """Go on behind the first `count`: each by weight among those that are left."""
    cdef uint32_t found = 0, i
    cdef double left, point
    while count < route.answers:
        left = 0.0
        for i in range(route.size):
            if not among(drawn, count, i):
                left += route.weights[i]
        point = unit(rng) * left
        for i in range(route.size):
            if not among(drawn, count, i):
                found = i
                point -= route.weights[i]
                if point < 0:
                    break
        drawn[count] = found
        count += 1


cdef inline void by_weight(
    const RouteData *route, uint64_t *rng, uint32_t *drawn
) noexcept nogil:
    """One weighted draw after another, each among those that are left."""
    cdef uint32_t count = 0, tries = TRIES * route.answers, found
    if route.answers == 1 and route.limits != NULL:
        drawn[0] = alias_draw(route, rng)
        return
    if route.limits != NULL and route.answers * 4 <= route.size:
        while count < route.answers and tries:
            tries -= 1
            found = alias_draw(route, rng)
            if not among(drawn, count, found):
                drawn[count] = found
                count += 1
    by_lot(route, rng, drawn, count)


cdef inline void everyone(
    const RouteData *route, uint64_t *rng, uint32_t *drawn
) noexcept nogil:
    cdef uint32_t i, other
    for i in range(route.size):
        other = below(rng, i + 1)
        drawn[i] = drawn[other]
        drawn[other] = i


cdef inline uint32_t each(
    const RouteData *route, uint64_t *rng, uint32_t *drawn
) noexcept nogil:
    """Each with the odds of its weight by the highest, in any order; how many."""
    cdef double highest = 0
    cdef uint32_t i, count = 0, other
    for i in range(route.size):
        if route.weights[i] > highest:
            highest = route.weights[i]
    for i in range(route.size):
        if unit(rng) * highest < route.weights[i]:
            other = below(rng, count + 1)
            drawn[count] = drawn[other]
            drawn[other] = i
            count += 1
    return count


cdef inline bint takes_all(const RouteData *route) noexcept nogil:
    """Whether it does not matter how many answers the pool wants."""
    return route.kind == EVERYONE or route.kind == EACH


cdef inline uint32_t turn(
    const RouteData *route, double total, const uint32_t *drawn, uint32_t count,
) noexcept nogil:
    """Credit all that are left, take the one with the most, and charge it."""
    cdef double *credits = route.turns.credits
    cdef double *credit
    cdef uint32_t i, best = 0
    cdef double most = -INFINITY
    for i in range(route.size):
        if count and among(drawn, count, i):
            continue
        credit = credits + route.turn_slots[i]
        credit[0] += route.weights[i]
        if credit[0] > most:
            best = i
            most = credit[0]
    credits[route.turn_slots[best]] -= total
    return best


cdef inline uint32_t next_turn(
    const RouteData *route, const uint32_t *drawn, uint32_t count
) noexcept nogil:
    """Whose turn it will be behind those that are `drawn`; a look that takes none.

    By then all that are left have been credited once more than there were turns.
    """
    cdef uint32_t i, best = 0
    cdef double most = -INFINITY, has
    for i in range(route.size):
        if count and among(drawn, count, i):
            continue
        has = route.turns.credits[route.turn_slots[i]] + (count + 1) * route.weights[i]
        if has > most:
            best = i
            most = has
    return best


cdef inline void in_turn(
    const RouteData *route, uint64_t *rng, uint32_t *drawn
) noexcept nogil:
    """By the turns that all threads share; if those are held up, by chance."""
    cdef double total = route.total
    cdef uint32_t count
    if not plane_claim(&route.turns.claim, TURN_TRIES):
        by_lot(route, rng, drawn, 0)
        return
    if route.quiet:
        for count in range(route.answers):
            drawn[count] = next_turn(route, drawn, count)
        plane_release(&route.turns.claim)
        return
    for count in range(route.answers):
        drawn[count] = turn(route, total, drawn, count)
        total -= route.weights[drawn[count]]
    plane_release(&route.turns.claim)


cdef inline uint64_t network_key(
    const uint8_t *address, uint32_t bits
) noexcept nogil:
    """The key of the first `bits` of an address."""
    cdef uint8_t network[16]
    cdef uint32_t size = (bits + 7) >> 3, i
    for i in range(size):
        network[i] = address[i]
    if bits & 7:
        network[size - 1] &= <uint8_t>(0xFF00 >> (bits & 7))
    return fnv1a(network, size)


cdef inline void by_hash(
    const RouteData *route, uint64_t key, uint32_t *drawn
) noexcept nogil:
    """The members with the highest scores for a key."""
    cdef uint32_t i, slot, count = 0
    cdef double score
    cdef double scores[MOST_ANSWERS]
    for i in range(route.size):
        score = <double>(mix(key ^ route.seeds[i]) >> 12) + 0.5
        score = log(score * (1.0 / 4503599627370496.0)) / route.weights[i]
        if count == route.answers:
            if score <= scores[count - 1]:
                continue
            count -= 1
        slot = count
        while slot and scores[slot - 1] < score:
            scores[slot] = scores[slot - 1]
            drawn[slot] = drawn[slot - 1]
            slot -= 1
        scores[slot] = score
        drawn[slot] = i
        count += 1


cdef inline void take_subset(
    Subset *left, const RouteData *route, const uint32_t *kept, uint32_t count
) noexcept nogil:
    """Make a route of those that are kept."""
    cdef RouteData *made = &left.route
    cdef uint32_t i
    memset(made, 0, sizeof(RouteData))
    made.kind = route.kind
    made.quiet = route.quiet
    made.size = count
    made.answers = route.answers
    if count < made.answers or takes_all(route):
        made.answers = count
    made.weights = left.weights
    made.seeds = left.seeds
    made.turns = route.turns
    made.turn_slots = left.turn_slots
    for i in range(count):
        left.weights[i] = route.weights[kept[i]]
        left.seeds[i] = route.seeds[kept[i]]
        made.total += left.weights[i]
        if route.turns != NULL:
            left.turn_slots[i] = route.turn_slots[kept[i]]


cdef inline void name_in_whole(
    const uint32_t *kept, uint32_t *drawn, uint32_t count
) noexcept nogil:
    """Name those that were drawn as the whole route does."""
    cdef uint32_t i
    for i in range(count):
        drawn[i] = kept[drawn[i]]
