"""Drawing members from one route: by which one, by what rule, and what is booked."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from dinamed.plane.query cimport TYPE_AAAA, ParsedQuery
from dinamed.plane.select cimport (
    BY_CLIENT,
    BY_PLACE,
    BY_HASH,
    BY_NAME,
    BY_WEIGHT,
    EACH,
    EVERYONE,
    IN_TURN,
    LOWEST,
    Subset,
    RouteData,
    by_hash,
    by_weight,
    each,
    everyone,
    in_turn,
    network_key,
    take_subset,
    name_in_whole,
)
from dinamed.plane.levels cimport LevelsData
from dinamed.plane.load_levels cimport MOST_KEPT, DrawResult, shed
from dinamed.plane.select_load cimport foresee, least
from dinamed.plane.client_key cimport put_key
from dinamed.plane.octets cimport fnv1a
from dinamed.plane.installed cimport OF_REGION, client_for
from dinamed.plane.posix cimport plane_add, plane_get_pointer
from dinamed.plane.reply cimport (
    HTTPS,
    PUNT,
    SVCB,
    TXT,
    RequestContext,
)
from dinamed.plane.tables cimport (
    InstalledClient,
    TablesData,
    honours_subnet,
    installed_client,
)


cdef inline bint pick(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet, RequestContext *request, uint32_t *drawn, DrawResult *result,
) noexcept nogil:
    """Draw by a rule that loads do not matter to; False if that is left to Python."""
    cdef uint32_t bits, most
    result.count = route.answers
    if route.kind == BY_WEIGHT:
        by_weight(route, request.rng, drawn)
    elif route.kind == BY_HASH:
        if subnet and honours_subnet(tables, query, request.address, request.size):
            most = 24 if query.family == 1 else 56
            bits = query.prefix if query.prefix < most else most
            result.scope = bits
            by_hash(route, network_key(query.address, bits), drawn)
        else:
            bits = 24 if request.size == 4 else 56
            by_hash(route, network_key(request.address, bits), drawn)
    elif route.kind == BY_NAME:
        by_hash(route, fnv1a(query.key, query.size), drawn)
    elif route.kind == IN_TURN:
        in_turn(route, request.rng, drawn)
    elif route.kind == EVERYONE:
        everyone(route, request.rng, drawn)
    elif route.kind == EACH:
        result.count = each(route, request.rng, drawn)
    else:
        return False
    return True


cdef inline const InstalledClient *known_route(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet, const RequestContext *request, uint64_t region, uint32_t *scope,
) noexcept nogil:
    """The route for this client and its costs, or NULL if Python has not told yet.

    With a `region` for one there, whoever asks.
    """
    if region:
        return installed_client(
            tables, route.serial, <const uint8_t *>&region, 8, OF_REGION
        )
    return client_for(
        tables, route.serial, route.kind == BY_PLACE, query, subnet, request, scope
    )


cdef inline void count_hand_outs(
    const RouteData *route, const RequestContext *request, const uint32_t *drawn,
    const DrawResult *result,
) noexcept nogil:
    """Count the hand-outs."""
    cdef uint64_t *booked = route.counts + request.thread * route.stride
    cdef uint32_t i
    if result.again or route.quiet:
        return
    for i in range(result.count):
        plane_add(booked + drawn[i], 1)


cdef inline bint is_published(
    const RouteData *route, const RequestContext *request
) noexcept nogil:
    """Whether it is known how full the members are."""
    cdef const LevelsData *levels = <const LevelsData *>plane_get_pointer(
        <void *>&route.load.levels
    )
    return levels != NULL and request.time <= levels.until


cdef inline uint32_t family_of(uint32_t rrtype) noexcept nogil:
    """Of what addresses a type is: 1 IPv4, 2 IPv6, 0 of both or neither."""
    if rrtype == TXT or rrtype == SVCB or rrtype == HTTPS:
        return 0
    return 2 if rrtype == TYPE_AAAA else 1


cdef inline int by_load(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet,
    RequestContext *request, uint32_t *drawn, DrawResult *result,
) noexcept nogil:
    """Draw where loads matter: 0, or a verdict."""
    cdef const LevelsData *levels = <const LevelsData *>plane_get_pointer(
        <void *>&route.load.levels
    )
    cdef uint32_t kept[MOST_KEPT]
    cdef const uint32_t *some = NULL
    cdef uint32_t size = route.size, answers = route.answers, most, i
    cdef double total = route.total, faded
    cdef uint64_t key[2]
    cdef Subset left
    faded = levels.faded
    if route.load.sheds:
        size = shed(&route.load, levels, size, request.rng, kept)
        if size < route.size:
            some = kept
    if route.kind != LOWEST:
        if some == NULL:
            if pick(tables, route, query, subnet, request, drawn, result):
                return 0
            return PUNT
        take_subset(&left, route, kept, size)
        if not pick(tables, &left.route, query, subnet, request, drawn, result):
            return PUNT
        name_in_whole(kept, drawn, result.count)
        return 0
    if some != NULL:
        total = faded = 0
        for i in range(size):
            total += route.weights[kept[i]]
            faded += levels.fades[kept[i]]
        if answers > size:
            answers = size
    if not route.load.foresees:
        least(
            &route.load, levels, total, faded, some, size, answers, route.quiet,
            request.thread, request.rng, drawn, result,
        )
        return 0
    if subnet and honours_subnet(tables, query, request.address, request.size):
        most = 24 if query.family == 1 else 56
        result.scope = query.prefix if query.prefix < most else most
        put_key(key, query.address, 4 if query.family == 1 else 16, True, result.scope)
    else:
        put_key(key, request.address, request.size, False, 0)
    foresee(
        &route.load, levels, total, faded, some, size, answers, key,
        family_of(query.type), route.quiet, request.time, request.thread, request.rng,
        drawn, result,
    )
    return 0


cdef inline int draw(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet,
    RequestContext *request, uint32_t *drawn, DrawResult *result,
) noexcept nogil:
    """Draw by the rule of a route: 0, or a verdict."""
    result.ttl = result.scope = 0
    result.again = False
    if route.load.loads != NULL:
        return by_load(tables, route, query, subnet, request, drawn, result)
    if pick(tables, route, query, subnet, request, drawn, result):
        return 0
    return PUNT
