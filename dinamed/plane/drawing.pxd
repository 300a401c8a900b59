"""Answers with drawn members: by which route, by what rule, and what is booked."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.asked cimport TYPE_AAAA, Asked
from dinamed.plane.draw cimport (
    BY_CLIENT,
    BY_PLACE,
    BY_HASH,
    BY_WEIGHT,
    ELSEWHERE,
    EVERYONE,
    IN_TURN,
    LOWEST,
    MOST_ANSWERS,
    Remnant,
    RouteData,
    by_hash,
    by_weight,
    everyone,
    in_turn,
    leave,
    restore,
)
from dinamed.plane.lowest cimport (
    MOST_KEPT,
    Drawn,
    LevelsData,
    foresee,
    least,
    put_key,
    shed,
)
from dinamed.plane.octets cimport put16
from dinamed.plane.places cimport OF_CLASS, ClientClass, class_of, class_scope
from dinamed.plane.posix cimport plane_add, plane_get_pointer
from dinamed.plane.reply cimport (
    HAND_OVER,
    MEET,
    PUBLISH,
    Source,
    finish,
    truncated,
    cut,
    room_for,
    limited,
)
from dinamed.plane.tables cimport (
    STEP_SIZE,
    Known,
    Learned,
    TablesData,
    honours_subnet,
    known_of,
    plan_steps,
)


cdef inline bint pick(
    const TablesData *tables, const RouteData *route, const Asked *asked, bint subnet,
    Source *source, uint32_t thread, uint32_t *drawn, Drawn *result,
) noexcept nogil:
    """Draw by a rule that loads do not matter to; False if that is left to Python."""
    cdef uint32_t bits, most
    result.count = route.answers
    if route.kind == BY_WEIGHT:
        by_weight(route, source.rng, drawn)
    elif route.kind == BY_HASH:
        if subnet and honours_subnet(tables, asked, source.address, source.size):
            most = 24 if asked.family == 1 else 56
            bits = asked.prefix if asked.prefix < most else most
            result.scope = bits
            by_hash(route, asked.address, bits, drawn)
        else:
            by_hash(route, source.address, 24 if source.size == 4 else 56, drawn)
    elif route.kind == IN_TURN:
        in_turn(route, thread, drawn)
    elif route.kind == EVERYONE:
        everyone(route, source.rng, drawn)
    else:
        return False
    return True


cdef inline const RouteData *route_of(
    const TablesData *tables, const RouteData *route, const Asked *asked, bint subnet,
    Source *source, uint32_t *scope,
) noexcept nogil:
    """The route for this client, or NULL if Python has not told yet."""
    cdef const uint8_t *address = source.address
    cdef uint32_t size = source.size, prefix = source.size * 8
    cdef ClientClass found
    cdef const Known *known
    cdef bint told = subnet and honours_subnet(
        tables, asked, source.address, source.size
    )
    if told:
        address = &asked.address[0]
        prefix = asked.prefix
        size = 4 if asked.family == 1 else 16
    # Where nobody is known there is no place to look for.
    if route.kind == BY_CLIENT or tables.places == NULL or not prefix:
        known = known_of(tables, route.serial, address, size, prefix)
        if known == NULL:
            return NULL
        scope[0] = known.scope
    else:
        class_of(tables.places, address, size, prefix, &found)
        known = known_of(
            tables, route.serial, <const uint8_t *>found.records, found.size, OF_CLASS
        )
        if known == NULL:
            return NULL
        scope[0] = class_scope(&found, known.asked)
    if not told:
        scope[0] = 0
    return known.route


cdef inline void book(
    const RouteData *route, const Source *source, const uint32_t *drawn,
    const Drawn *result,
) noexcept nogil:
    """Count the hand-outs."""
    cdef uint64_t *booked = route.counts + source.thread * route.stride
    cdef uint32_t i
    if result.again:
        return
    for i in range(result.count):
        plane_add(booked + drawn[i], 1)


cdef inline int drawn_too_much(
    const TablesData *tables, const RouteData *route, const Asked *asked,
    Source *source, const Learned *plan, const uint32_t *drawn, const Drawn *result,
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
            room_for(tables, asked, 0), counts, &needed,
        )
        memcpy(out + asked.end, plan.octets + plan.size + plan.body, size)
    book(route, source, drawn, result)
    return truncated(tables, asked, out, size, 0, True, counts, 0, result.scope)


cdef inline bint is_published(
    const RouteData *route, const Source *source
) noexcept nogil:
    """Whether it is known how full the members are."""
    cdef const LevelsData *levels = <const LevelsData *>plane_get_pointer(
        <void *>&route.load.levels
    )
    return levels != NULL and source.time <= levels.until


cdef inline int by_load(
    const TablesData *tables, const RouteData *route, const Asked *asked, bint subnet,
    Source *source, uint32_t *drawn, Drawn *result,
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
    cdef Remnant left
    faded = levels.faded
    if route.load.sheds:
        size = shed(&route.load, levels, size, source.rng, kept)
        if size < route.size:
            some = kept
    if route.kind != LOWEST:
        if some == NULL:
            if pick(
                tables, route, asked, subnet, source, source.thread, drawn, result
            ):
                return 0
            return HAND_OVER
        leave(&left, route, kept, size, source.thread)
        if not pick(tables, &left.route, asked, subnet, source, 0, drawn, result):
            return HAND_OVER
        restore(&left, route, kept, source.thread, drawn)
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
            &route.load, levels, total, faded, some, size, answers, source.thread,
            source.rng, drawn, result,
        )
        return 0
    if subnet and honours_subnet(tables, asked, source.address, source.size):
        most = 24 if asked.family == 1 else 56
        result.scope = asked.prefix if asked.prefix < most else most
        put_key(key, asked.address, 4 if asked.family == 1 else 16, True, result.scope)
    else:
        put_key(key, source.address, source.size, False, 0)
    foresee(
        &route.load, levels, total, faded, some, size, answers, key,
        2 if asked.type == TYPE_AAAA else 1, source.time, source.thread, source.rng,
        drawn, result,
    )
    return 0


cdef inline int draw(
    const TablesData *tables, const RouteData *route, const Asked *asked, bint subnet,
    Source *source, uint32_t *drawn, Drawn *result,
) noexcept nogil:
    """Draw by the rule of a route: 0, or a verdict."""
    result.ttl = result.scope = 0
    result.again = False
    if route.load.loads != NULL:
        return by_load(tables, route, asked, subnet, source, drawn, result)
    if pick(tables, route, asked, subnet, source, source.thread, drawn, result):
        return 0
    return HAND_OVER


cdef inline int drawn_answer(
    const TablesData *tables, const RouteData *route, const Asked *asked, bint subnet,
    Source *source, const Learned *plan, uint8_t *out,
) noexcept nogil:
    """An answer with drawn members, behind the records of `plan` if that is given."""
    cdef uint32_t drawn[MOST_ANSWERS]
    cdef uint32_t counts[3]
    cdef uint32_t below = 0, owner = 2, before = 0, i, room
    cdef Drawn result
    cdef const uint8_t *name = NULL
    cdef uint8_t *at = out + asked.end
    cdef int size
    if route.kind == BY_CLIENT or route.kind == BY_PLACE:
        route = route_of(tables, route, asked, subnet, source, &below)
        if route == NULL:
            return MEET
    counts[0] = counts[1] = counts[2] = 0
    if plan != NULL:
        before, owner = plan.before, plan.owner
        name = plan.octets + plan.size + plan.body
        for i in range(3):
            counts[i] = plan.before_counts[i]
    if route.load.loads != NULL and not is_published(route, source):
        return PUBLISH
    if tables.book != NULL and not source.free and route.kind != ELSEWHERE:
        # Before the draw, so that only what leaves is a hand-out.
        size = limited(tables, asked, source, out)
        if size:
            return size
    size = draw(tables, route, asked, subnet, source, drawn, &result)
    if size < 0:
        return size
    if result.scope < below:
        result.scope = below
    room = before + result.count * (owner + route.span)
    if room > room_for(tables, asked, 0):
        return drawn_too_much(tables, route, asked, source, plan, drawn, &result, out)
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
    book(route, source, drawn, &result)
    return finish(tables, asked, out, room, 0, True, counts, 0, result.scope)
