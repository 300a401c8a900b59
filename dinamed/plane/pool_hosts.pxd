"""Hosts that are drawn from a pool, through pools in pools."""

from libc.stdint cimport uint32_t, uint64_t
from dinamed.plane.load_levels cimport DrawResult
from dinamed.plane.pool_draw cimport count_hand_outs, draw, is_published, known_route
from dinamed.plane.octets cimport unit
from dinamed.plane.posix cimport plane_get_pointer
from dinamed.plane.query cimport ParsedQuery
from dinamed.plane.reply cimport PUNT, PUNT_FOR_CLIENT, PUNT_FOR_LEVELS, RequestContext
from dinamed.plane.select cimport (
    BY_CLIENT,
    BY_PLACE,
    ELSEWHERE,
    FALLBACK,
    MOST_ANSWERS,
    RouteData,
)
from dinamed.plane.tables cimport InstalledClient, TablesData

cdef enum:
    DEEPEST = 17            # pools in pools, and those that stand in
    NO_INNER = 0xFFFFFFFF
    MOST_RECORDS = 128
    MOST_VISITS = 64
    RECORD_FIXED = 10       # octets of a record between its owner and its data
    SPAN6 = 26              # octets of an AAAA record without its owner


cdef struct Host:
    # One that was drawn, with the route that it was drawn from.
    const RouteData *route
    uint32_t member


cdef struct Hosts:
    Host hosts[MOST_ANSWERS]
    uint32_t count
    uint32_t ttl
    uint32_t scope
    bint unfolded           # whether any was drawn from an inner pool


cdef inline uint32_t first_octet(const Host *host, bint ipv6) noexcept nogil:
    """Where its records begin; with `ipv6` those that services have beside."""
    cdef const uint32_t *ends = host.route.ends6 if ipv6 else host.route.ends
    return ends[host.member - 1] if host.member else 0


cdef inline uint32_t records_of(const Host *host, bint ipv6) noexcept nogil:
    """How many records a host has."""
    cdef const uint32_t *ends = host.route.ends6 if ipv6 else host.route.ends
    cdef uint32_t size = ends[host.member] - first_octet(host, ipv6)
    if ipv6:
        return size // <uint32_t>SPAN6
    return size // host.route.span if host.route.span else 1


cdef inline bint add_host(
    Hosts *hosts, const RouteData *route, uint32_t member
) noexcept nogil:
    """Take a host in, unless it is there as a member of another pool."""
    cdef Host *host
    cdef uint32_t i
    if hosts.unfolded:
        for i in range(hosts.count):
            host = &hosts.hosts[i]
            if host.route.identities[host.member] == route.identities[member]:
                return True
    if hosts.count == MOST_ANSWERS:
        return False
    host = &hosts.hosts[hosts.count]
    host.route = route
    host.member = member
    hosts.count += 1
    return True


cdef inline int is_ready(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet, RequestContext *request, uint64_t region, uint32_t *visits,
) noexcept nogil:
    """Whether all is known that a draw may need: 0, or a verdict.

    Of very many pools in pools the first `visits` are looked at.
    """
    cdef const InstalledClient *known
    cdef uint32_t scope, i
    cdef int verdict
    if not visits[0]:
        return 0
    visits[0] -= 1
    if route.kind == FALLBACK:
        return is_ready(
            tables, <const RouteData *>plane_get_pointer(&tables.routes[route.fallback]),
            query, subnet, request, region, visits,
        )
    if route.kind == BY_CLIENT or route.kind == BY_PLACE:
        known = known_route(tables, route, query, subnet, request, region, &scope)
        if known == NULL:
            return PUNT_FOR_CLIENT
        route = known.route
    if route.kind == ELSEWHERE:
        return PUNT
    if route.load.loads != NULL and not is_published(route, request):
        return PUNT_FOR_LEVELS
    if route.other != NULL:
        verdict = is_ready(
            tables, route.other, query, subnet, request, region, visits
        )
        if verdict:
            return verdict
    if route.inner == NULL:
        return 0
    for i in range(route.size):
        if route.inner[i] == <uint32_t>NO_INNER:
            continue
        verdict = is_ready(
            tables, <const RouteData *>plane_get_pointer(&tables.routes[route.inner[i]]),
            query, subnet, request, region, visits,
        )
        if verdict:
            return verdict
    return 0


cdef inline int draw_hosts(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet, RequestContext *request, uint64_t region, uint32_t depth,
    Hosts *hosts,
) noexcept nogil:
    """Draw hosts from a pool, and from the pools that it has drawn: 0, or a verdict."""
    cdef uint32_t drawn[MOST_ANSWERS]
    cdef uint32_t scope = 0, i, inner, ttl
    cdef DrawResult result
    cdef const InstalledClient *known
    cdef int verdict
    if depth == DEEPEST:
        return PUNT
    if route.kind == FALLBACK:
        if route.ttl < hosts.ttl:
            hosts.ttl = route.ttl
        return draw_hosts(
            tables, <const RouteData *>plane_get_pointer(&tables.routes[route.fallback]),
            query, subnet, request, region, depth + 1, hosts,
        )
    result.costs = NULL
    result.nearest = NULL
    if route.kind == BY_CLIENT or route.kind == BY_PLACE:
        known = known_route(tables, route, query, subnet, request, region, &scope)
        if known == NULL:
            return PUNT_FOR_CLIENT
        route = known.route
        if known.cost_count:
            result.costs = &known.costs[0]
            result.nearest = known.nearest
        if scope > hosts.scope:
            hosts.scope = scope
    if route.other != NULL and unit(request.rng) < route.share:
        route = route.other
    if route.load.loads != NULL and not is_published(route, request):
        return PUNT_FOR_LEVELS
    verdict = draw(tables, route, query, subnet, request, drawn, &result)
    if verdict:
        return verdict
    count_hand_outs(route, request, drawn, &result)
    if result.scope > hosts.scope:
        hosts.scope = result.scope
    ttl = result.ttl if result.ttl else route.ttl
    if ttl < hosts.ttl:
        hosts.ttl = ttl
    for i in range(result.count):
        inner = route.inner[drawn[i]] if route.inner != NULL else <uint32_t>NO_INNER
        if inner == <uint32_t>NO_INNER:
            if not add_host(hosts, route, drawn[i]):
                return PUNT
            continue
        hosts.unfolded = True
        verdict = draw_hosts(
            tables, <const RouteData *>plane_get_pointer(&tables.routes[inner]), query,
            subnet, request, region, depth + 1, hosts,
        )
        if verdict:
            return verdict
    return 0
