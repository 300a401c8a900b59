"""Answers with drawn members: by which route, by what rule, and what is booked."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.query cimport TYPE_AAAA, ParsedQuery
from dinamed.plane.select cimport (
    BY_CLIENT,
    BY_PLACE,
    BY_HASH,
    BY_WEIGHT,
    ELSEWHERE,
    EVERYONE,
    IN_TURN,
    LOWEST,
    MOST_ANSWERS,
    Subset,
    RouteData,
    by_hash,
    by_weight,
    everyone,
    in_turn,
    take_subset,
    restore,
)
from dinamed.plane.levels cimport LevelsData
from dinamed.plane.load_levels cimport MOST_KEPT, DrawResult, shed
from dinamed.plane.select_load cimport foresee, least, put_key
from dinamed.plane.octets cimport put16
from dinamed.plane.geo_trees cimport OF_CLASS, ClientClass, class_of, class_scope
from dinamed.plane.posix cimport plane_add, plane_get_pointer
from dinamed.plane.signed cimport Signature, Signing, member_hash, set_hash
from dinamed.plane.reply cimport (
    PUNT,
    PUNT_FOR_CLIENT,
    PUNT_FOR_LEVELS,
    PUNT_FOR_SIGNATURE,
    RequestContext,
    finish,
    truncated,
    cut,
    room_for,
    limited,
    proof_size,
    put_proof,
    signature_of,
)
from dinamed.plane.tables cimport (
    STEP_SIZE,
    InstalledClient,
    InstalledPlan,
    TablesData,
    honours_subnet,
    installed_client,
    plan_after,
    plan_steps,
)

cdef enum:
    RECORD_FIXED = 10  # octets of a record between its owner and its data


cdef inline bint pick(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet,
    RequestContext *request, uint32_t thread, uint32_t *drawn, DrawResult *result,
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
            by_hash(route, query.address, bits, drawn)
        else:
            by_hash(route, request.address, 24 if request.size == 4 else 56, drawn)
    elif route.kind == IN_TURN:
        in_turn(route, thread, drawn)
    elif route.kind == EVERYONE:
        everyone(route, request.rng, drawn)
    else:
        return False
    return True


cdef inline const InstalledClient *known_client(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet,
    RequestContext *request, uint32_t *scope,
) noexcept nogil:
    """The route for this client and its costs, or NULL if Python has not told yet."""
    cdef const uint8_t *address = request.address
    cdef uint32_t size = request.size, prefix = request.size * 8
    cdef ClientClass found
    cdef const InstalledClient *known
    cdef bint told = subnet and honours_subnet(
        tables, query, request.address, request.size
    )
    if told:
        address = &query.address[0]
        prefix = query.prefix
        size = 4 if query.family == 1 else 16
    # Where nobody is known there is no place to look for.
    if route.kind == BY_CLIENT or tables.trees == NULL or not prefix:
        known = installed_client(tables, route.serial, address, size, prefix)
        if known == NULL:
            return NULL
        scope[0] = known.scope
    else:
        class_of(tables.trees, address, size, prefix, &found)
        known = installed_client(
            tables, route.serial, <const uint8_t *>found.records, found.size, OF_CLASS
        )
        if known == NULL:
            return NULL
        scope[0] = class_scope(&found, known.sources_asked)
    if not told:
        scope[0] = 0
    return known


cdef inline void count_hand_outs(
    const RouteData *route, const RequestContext *request, const uint32_t *drawn,
    const DrawResult *result,
) noexcept nogil:
    """Count the hand-outs."""
    cdef uint64_t *booked = route.counts + request.thread * route.stride
    cdef uint32_t i
    if result.again:
        return
    for i in range(result.count):
        plane_add(booked + drawn[i], 1)


cdef inline int drawn_too_much(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    RequestContext *request, const InstalledPlan *plan, const uint32_t *drawn,
    const DrawResult *result,
    uint8_t *out,
) noexcept nogil:
    """The reply where the drawn records have no room: at most what leads to them.

    They are booked all the same, as the client asks again over TCP for them.
    """
    cdef uint32_t counts[3]
    cdef uint32_t size = 0
    cdef bint needed = True
    counts[0] = counts[1] = counts[2] = 0
    if plan != NULL:
        size = cut(
            plan_steps(plan) + plan.steps * STEP_SIZE, plan.before_steps,
            room_for(tables, query, 0), counts, &needed,
        )
        memcpy(out + query.end, plan.octets + plan.size + plan.body, size)
    count_hand_outs(route, request, drawn, result)
    return truncated(tables, query, out, size, 0, True, counts, 0, result.scope)


cdef inline bint is_published(
    const RouteData *route, const RequestContext *request
) noexcept nogil:
    """Whether it is known how full the members are."""
    cdef const LevelsData *levels = <const LevelsData *>plane_get_pointer(
        <void *>&route.load.levels
    )
    return levels != NULL and request.time <= levels.until


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
            if pick(
                tables, route, query, subnet, request, request.thread, drawn, result
            ):
                return 0
            return PUNT
        take_subset(&left, route, kept, size, request.thread)
        if not pick(tables, &left.route, query, subnet, request, 0, drawn, result):
            return PUNT
        restore(&left, route, kept, request.thread, drawn)
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
            &route.load, levels, total, faded, some, size, answers, request.thread,
            request.rng, drawn, result,
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
        2 if query.type == TYPE_AAAA else 1, request.time, request.thread, request.rng,
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
    if pick(tables, route, query, subnet, request, request.thread, drawn, result):
        return 0
    return PUNT


cdef inline int drawn_answer(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet,
    RequestContext *request, const InstalledPlan *plan, const Signing *signing,
    uint8_t *out,
) noexcept nogil:
    """An answer with drawn members, behind the records of `plan` if that is given.

    `signing` is NULL where no signature is wanted.
    """
    cdef uint32_t drawn[MOST_ANSWERS]
    cdef uint32_t counts[3]
    cdef uint32_t below = 0, owner = 2, before = 0, i, room
    cdef uint64_t members = 0
    cdef const Signature *signature = NULL
    cdef DrawResult result
    cdef const InstalledClient *known
    cdef const uint8_t *name = NULL
    cdef uint8_t *at = out + query.end
    cdef int size
    result.costs = NULL
    if route.kind == BY_CLIENT or route.kind == BY_PLACE:
        known = known_client(tables, route, query, subnet, request, &below)
        if known == NULL:
            return PUNT_FOR_CLIENT
        route = known.route
        if known.cost_count:
            result.costs = &known.costs[0]
    counts[0] = counts[1] = counts[2] = 0
    if plan != NULL:
        before, owner = plan.before, plan.owner
        name = plan.octets + plan.size + plan.body
        for i in range(3):
            counts[i] = plan.before_counts[i]
    if route.load.loads != NULL and not is_published(route, request):
        return PUNT_FOR_LEVELS
    if tables.rates != NULL and not request.free and route.kind != ELSEWHERE:
        # Before the draw, so that only what leaves is a hand-out.
        size = limited(tables, query, request, out)
        if size:
            return size
    size = draw(tables, route, query, subnet, request, drawn, &result)
    if size < 0:
        return size
    if result.scope < below:
        result.scope = below
    room = before + result.count * (owner + route.span)
    if signing != NULL:
        for i in range(result.count):
            members += member_hash(
                route.records + drawn[i] * route.span + RECORD_FIXED,
                route.span - RECORD_FIXED,
            )
        signature = signature_of(
            tables, set_hash(signing.owner, query.type, members)
        )
        if signature == NULL:
            return PUNT_FOR_SIGNATURE
        room += owner + signature.size + proof_size(signing)
        if plan != NULL:
            room += plan.after
        if room > room_for(tables, query, 0):
            return PUNT
    elif room > room_for(tables, query, 0):
        return drawn_too_much(tables, route, query, request, plan, drawn, &result, out)
    if before:
        memcpy(at, name, before)
        at += before
    for i in range(result.count):
        if plan != NULL:
            memcpy(at, name + before, owner)
        else:
            put16(at, 0xC00C)
        memcpy(at + owner, route.records + drawn[i] * route.span, route.span)
        if result.ttl:
            put16(at + owner + 4, result.ttl >> 16)
            put16(at + owner + 6, result.ttl & 0xFFFF)
        at += owner + route.span
    counts[0] += result.count
    if signature != NULL:
        if plan != NULL:
            memcpy(at, name + before, owner)
        else:
            put16(at, 0xC00C)
        memcpy(at + owner, signature.octets, signature.size)
        if result.ttl:
            put16(at + owner + 4, result.ttl >> 16)
            put16(at + owner + 6, result.ttl & 0xFFFF)
        at += owner + signature.size
        counts[0] += 1
        at = put_proof(at, signing, counts)
        if plan != NULL:
            memcpy(at, plan_after(plan), plan.after)
            for i in range(3):
                counts[i] += plan.after_counts[i]
    count_hand_outs(route, request, drawn, &result)
    return finish(tables, query, out, room, 0, True, counts, 0, result.scope)
