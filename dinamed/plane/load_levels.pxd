"""How full members are, as threads know it, and what one of them scores.

Python publishes levels; each thread adds what has been handed out since.
"""

from libc.math cimport INFINITY, sqrt
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from dinamed.plane.levels cimport LevelsData
from dinamed.plane.octets cimport unit
from dinamed.plane.posix cimport plane_get_double
from dinamed.plane.resolver_table cimport ResolverTableData

cdef enum:
    TTL_CLASSES = 8
    MOST_KEPT = 256     # members that shedding is done for
    DETOUR_SUMS = 8     # three are used: clients, those spilled, their milliseconds


cdef struct LoadsData:
    # What threads have handed out, by thread and then by member of the pool.
    uint32_t rows
    uint32_t stride
    uint32_t classes        # of TTLs
    double low              # the least TTL, and how many there are
    double width
    double *clients
    uint64_t *leases        # by class too, as the next two
    double *rates
    double *ends            # rates times TTLs
    double *detours         # of each thread DETOUR_SUMS, see `dinamed.pools.detours`
    ResolverTableData *resolvers


cdef struct DrawResult:
    uint32_t count
    uint32_t ttl            # 0: as the records have it
    uint32_t scope
    bint again              # whether the answer was booked before
    const float *costs      # what each member costs the client in ms, or NULL
    const uint16_t *nearest  # all members in this order, or NULL where they are few


cdef struct RouteLoad:
    # The part of a route that goes by load.
    LoadsData *loads        # NULL: none does
    LevelsData *levels
    uint16_t *slots         # the members' numbers in the loads
    double *ranks           # their priority, where that counts after shedding
    bint sheds
    bint foresees
    uint32_t best           # among how many of the lowest the lot decides; 0: none
    double low              # TTLs
    double high


cdef inline uint32_t shed(
    const RouteLoad *loaded, const LevelsData *levels, uint32_t size, uint64_t *rng,
    uint32_t *kept,
) noexcept nogil:
    """Keep those on which the lot does not fall, or all; then the lowest rank."""
    cdef uint32_t i, count = 0, index
    cdef double lowest
    for i in range(size):
        if levels.chances[i] > 0 and unit(rng) < levels.chances[i]:
            continue
        kept[count] = i
        count += 1
    if not count:
        for i in range(size):
            kept[i] = i
        count = size
    if loaded.ranks != NULL:
        lowest = INFINITY
        for i in range(count):
            if loaded.ranks[kept[i]] < lowest:
                lowest = loaded.ranks[kept[i]]
        index = 0
        for i in range(count):
            if loaded.ranks[kept[i]] == lowest:
                kept[index] = kept[i]
                index += 1
        count = index
    return count


cdef inline double score(
    const RouteLoad *loaded, const LevelsData *levels, uint32_t member, double mine
) noexcept nogil:
    cdef const LoadsData *loads = loaded.loads
    cdef const double *at = loads.clients + loaded.slots[member]
    cdef double clients = 0
    cdef uint32_t _row
    for _row in range(loads.rows):
        clients += plane_get_double(at)
        at += loads.stride
    return (
        levels.bases[member] + levels.steps[member] * clients + mine
    ) * levels.inverses[member]


cdef inline double with_cost(
    const RouteLoad *loaded, const LevelsData *levels, uint32_t member, double mine,
    const float *costs,
) noexcept nogil:
    """The same, or the cost of a member and the price of its room: see `spill`."""
    cdef double used = score(loaded, levels, member, mine), over
    if costs == NULL or used == INFINITY:
        return used
    over = used - levels.start
    if used > 0:
        over += sqrt(used * levels.mine * levels.inverses[member])
    if over < 0:
        over = 0
    # Of two that cost the same the less used one.
    return costs[member] + levels.price * over / (1 - levels.start) + used * 1e-6
