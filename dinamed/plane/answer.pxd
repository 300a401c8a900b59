"""From a query to its reply, or to the verdict that the engine in Python answers.

What is answered here has the octets that the engine would give.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from dinamed.plane.asked cimport (
    GOOD,
    OPTION_COOKIE,
    OPTION_ERROR,
    OPTION_NSID,
    OPTION_SUBNET,
    SILENCE,
    TYPE_A,
    TYPE_AAAA,
    TYPE_ANY,
    TYPE_AXFR,
    TYPE_CNAME,
    TYPE_DS,
    TYPE_IXFR,
    TYPE_MX,
    TYPE_NS,
    TYPE_OPT,
    TYPE_PTR,
    TYPE_SOA,
    TYPE_SRV,
    EDNS_MAX,
    Asked,
    Gate,
    read_asked,
)
from dinamed.plane.cookie cimport COOKIE_SIZE, judge_cookie
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
    NOBODY,
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
from dinamed.plane.limits cimport DROPS, PASSES, Limit, answer_kind, judge
from dinamed.plane.malformed cimport (
    BAD_RECORDS,
    NO_FAULT,
    UNKNOWN_OPCODE,
    Fault,
    fault_of,
)
from dinamed.plane.octets cimport get16, little16, little32, put16
from dinamed.plane.places cimport OF_CLASS, ClientClass, class_of, class_scope
from dinamed.plane.posix cimport plane_add, plane_get_pointer
from dinamed.plane.tables cimport (
    DRAWN,
    FIXED,
    STEP_SIZE,
    Known,
    Learned,
    TablesData,
    honours_subnet,
    known_of,
    learned_of,
    plan_steps,
    tally,
    zone_of,
)
from dinamed.plane.zone cimport (
    EXACT,
    HIDDEN,
    MISSING,
    Found,
    Zone,
    find,
    is_special,
    pool_of,
    rrset_of,
)

cdef enum:
    TXT = 16
    SVCB = 64
    HTTPS = 65
    FORMERR = 1
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    NOT_AUTHORITATIVE = 20

    # Verdicts beside the number of octets of a reply.
    SILENT = 0
    HAND_OVER = -1
    LEARN = -2  # hand over, and take the plan of this question
    MEET = -3   # hand over, and take what the pool has for this client
    PUBLISH = -4  # hand over, and take how full the members are
    LIMITED = -5  # silence: there were too many such replies


cdef struct Source:
    const uint8_t *address
    uint32_t size       # 4 or 16
    uint64_t *rng
    uint32_t thread
    uint32_t now        # Unix time in seconds
    uint64_t ticks      # and in 2**-22 of them
    uint64_t kind       # of the reply, for limits
    bint free           # from limits, or judged by them already
    double time         # on the steady clock of the pools


cdef inline uint32_t opt_size(
    const TablesData *tables, const Asked *asked, uint32_t error
) noexcept nogil:
    cdef uint32_t size = 11
    if not asked.edns:
        return 0
    if asked.nsid:
        size += 4 + tables.nsid_size
    if asked.family:
        size += 8 + ((asked.prefix + 7) >> 3)
    if error:
        size += 6
    if asked.cookie_size:
        size += 4 + COOKIE_SIZE
    return size


cdef inline void put_opt(
    const TablesData *tables, const Asked *asked, uint32_t error, uint32_t scope,
    uint8_t *at, uint32_t size,
) noexcept nogil:
    cdef uint32_t octets
    at[0] = 0
    put16(at + 1, TYPE_OPT)
    put16(at + 3, EDNS_MAX)
    at[5] = 0
    at[6] = 0
    at[7] = 0x80 if asked.do else 0
    at[8] = 0
    put16(at + 9, size - 11)
    at += 11
    if asked.nsid:
        put16(at, OPTION_NSID)
        put16(at + 2, tables.nsid_size)
        memcpy(at + 4, tables.nsid, tables.nsid_size)
        at += 4 + tables.nsid_size
    if asked.family:
        octets = (asked.prefix + 7) >> 3
        put16(at, OPTION_SUBNET)
        put16(at + 2, 4 + octets)
        put16(at + 4, asked.family)
        at[6] = <uint8_t>asked.prefix
        at[7] = <uint8_t>(scope if scope < asked.prefix else asked.prefix)
        memcpy(at + 8, asked.address, octets)
        at += 8 + octets
    if error:
        put16(at, OPTION_ERROR)
        put16(at + 2, 2)
        put16(at + 4, error - 1)
        at += 6
    if asked.cookie_size:
        put16(at, OPTION_COOKIE)
        put16(at + 2, COOKIE_SIZE)
        memcpy(at + 4, asked.reply_cookie, COOKIE_SIZE)


cdef inline int finish(
    const TablesData *tables, const Asked *asked, uint8_t *out, uint32_t size,
    uint32_t rcode, bint authoritative, const uint32_t *counts,
    uint32_t error, uint32_t scope,
) noexcept nogil:
    """Put the header, the question and the OPT round `size` octets of records.

    The records are there already, behind the place of the question.
    """
    cdef uint32_t opt = opt_size(tables, asked, error)
    cdef uint32_t end = asked.end + size
    if end + opt > asked.limit:
        return HAND_OVER
    memcpy(out, asked.data, asked.end)
    put16(
        out + 2,
        0x8000 | (asked.flags & 0x0110) | rcode | (0x0400 if authoritative else 0),
    )
    put16(out + 6, counts[0])
    put16(out + 8, counts[1])
    put16(out + 10, counts[2] + (1 if opt else 0))
    if opt:
        put_opt(tables, asked, error, scope, out + end, opt)
    return <int>(end + opt)


cdef inline int truncated(
    const TablesData *tables, const Asked *asked, uint8_t *out, uint32_t size,
    uint32_t rcode, bint authoritative, const uint32_t *counts,
    uint32_t error, uint32_t scope,
) noexcept nogil:
    """As `finish`, where records that are needed have no room."""
    cdef int whole = finish(
        tables, asked, out, size, rcode, authoritative, counts, error, scope
    )
    if whole > 0:
        out[2] |= 0x02
    return whole


cdef inline uint32_t cut(
    const uint8_t *steps, uint32_t count, uint32_t room, uint32_t *counts, bint *needed
) noexcept nogil:
    """How many octets of records fit into the room, whole RRsets; and their counts.

    `needed` becomes true if one that is needed does not fit.
    """
    cdef uint32_t i
    while count and get16(steps + (count - 1) * STEP_SIZE) > room:
        count -= 1
        if steps[count * STEP_SIZE + 8]:
            needed[0] = True
    if not count:
        counts[0] = counts[1] = counts[2] = 0
        return 0
    steps += (count - 1) * STEP_SIZE
    for i in range(3):
        counts[i] = get16(steps + 2 + 2 * i)
    return get16(steps)


cdef inline uint32_t room_for(
    const TablesData *tables, const Asked *asked, uint32_t error
) noexcept nogil:
    """Octets that the records of a reply may have."""
    cdef uint32_t taken = asked.end + opt_size(tables, asked, error)
    return asked.limit - taken if asked.limit > taken else 0


cdef inline int limited(
    const TablesData *tables, const Asked *asked, Source *source, uint8_t *out
) noexcept nogil:
    """Judge the reply by its kind: 0 if it may leave, else what becomes of it."""
    cdef uint32_t counts[3]
    cdef Limit limit
    source.free = True
    limit = judge(
        tables.book, source.kind, source.address, source.size, source.ticks,
        source.thread,
    )
    if limit == PASSES:
        return 0
    if limit == DROPS:
        return LIMITED
    counts[0] = counts[1] = counts[2] = 0
    return truncated(tables, asked, out, 0, 0, False, counts, 0, 0)


cdef inline int refused(
    const TablesData *tables, const Asked *asked, Source *source, uint8_t *out
) noexcept nogil:
    cdef uint32_t counts[3]
    counts[0] = counts[1] = counts[2] = 0
    if tables.book != NULL:
        source.kind = tables.book.errors
    return finish(
        tables, asked, out, 0, REFUSED, False, counts, NOT_AUTHORITATIVE + 1, 0
    )


cdef inline int negative(
    const TablesData *tables, const Zone *zone, const Asked *asked, uint32_t rcode,
    uint8_t *out,
) noexcept nogil:
    """NODATA or NXDOMAIN: the SOA, its pointers moved by the length of the name."""
    cdef uint32_t counts[3]
    cdef uint8_t *body = out + asked.end
    cdef uint8_t *at
    cdef uint32_t i
    counts[0] = counts[1] = counts[2] = 0
    if zone.soa_size > room_for(tables, asked, 0):
        return truncated(tables, asked, out, 0, rcode, True, counts, 0, 0)
    counts[1] = 1
    memcpy(body, zone.soa, zone.soa_size)
    for i in range(zone.pointer_count):
        at = body + zone.pointers[i]
        put16(at, get16(at) + asked.size)
    return finish(tables, asked, out, zone.soa_size, rcode, True, counts, 0, 0)


cdef inline int static_answer(
    const TablesData *tables, const Asked *asked, const uint8_t *rrset, uint8_t *out
) noexcept nogil:
    """An RRset whose data hold no names that would be compressed or followed."""
    cdef uint32_t counts[3]
    cdef uint32_t count = little16(rrset + 6), left, length
    cdef uint8_t *at = out + asked.end
    cdef uint8_t *last = at + room_for(tables, asked, 0)
    cdef uint32_t ttl = little32(rrset + 2)
    cdef const uint8_t *data = rrset + 12
    counts[0] = count
    counts[1] = counts[2] = 0
    left = count
    while left:
        length = little16(data)
        if at + 12 + length > last:
            counts[0] = 0
            return truncated(tables, asked, out, 0, 0, True, counts, 0, 0)
        put16(at, 0xC00C)
        put16(at + 2, asked.type)
        put16(at + 4, 1)
        put16(at + 6, ttl >> 16)
        put16(at + 8, ttl & 0xFFFF)
        put16(at + 10, length)
        memcpy(at + 12, data + 2, length)
        at += 12 + length
        data += 2 + length
        left -= 1
    return finish(
        tables, asked, out, <uint32_t>(at - out) - asked.end, 0, True, counts, 0, 0
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
        address, prefix = asked.address, asked.prefix
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


cdef inline int by_learned(
    const TablesData *tables, const Asked *asked, Source *source, uint8_t *out
) noexcept nogil:
    """Carry out the plan that Python has made for this question, if it has."""
    cdef const Learned *plan = learned_of(tables, asked)
    cdef const RouteData *route
    cdef uint32_t counts[3]
    cdef uint32_t size
    cdef bint needed = False
    if plan == NULL:
        return LEARN
    source.kind = plan.limited
    if plan.kind == DRAWN:
        route = <const RouteData *>plane_get_pointer(
            &tables.routes[plan.route + (1 if asked.type == TYPE_AAAA else 0)]
        )
        if route.kind != NOBODY:
            return drawn_answer(
                tables, route, asked, plan.subnet, source, plan, out
            )
    elif plan.kind != FIXED:
        return HAND_OVER
    size = room_for(tables, asked, plan.error)
    if plan.body > size:
        size = cut(plan_steps(plan), plan.steps, size, counts, &needed)
        memcpy(out + asked.end, plan.octets + plan.size, size)
        if needed:
            return truncated(
                tables, asked, out, size, plan.rcode, plan.authoritative, counts,
                plan.error, 0,
            )
        return finish(
            tables, asked, out, size, plan.rcode, plan.authoritative, counts,
            plan.error, 0,
        )
    memcpy(out + asked.end, plan.octets + plan.size, plan.body)
    return finish(
        tables, asked, out, plan.body, plan.rcode, plan.authoritative, plan.counts,
        plan.error, 0,
    )


cdef inline int at_node(
    const TablesData *tables, const Zone *zone, uint32_t node, const Asked *asked,
    Source *source, uint8_t *out,
) noexcept nogil:
    """Answer from a node of a zone."""
    cdef bint alias
    cdef uint32_t place
    cdef const uint8_t *rrset = rrset_of(zone, node, asked.type, &alias)
    cdef const RouteData *route
    if rrset != NULL:
        if (
            asked.type == TYPE_NS or asked.type == TYPE_CNAME
            or asked.type == TYPE_SOA or asked.type == TYPE_PTR
            or asked.type == TYPE_MX or asked.type == TYPE_SRV
            # Services at a pool's name may have hints of its choice.
            or ((asked.type == SVCB or asked.type == HTTPS) and pool_of(zone, node))
        ):
            return by_learned(tables, asked, source, out)
        if tables.book != NULL:
            source.kind = answer_kind(
                tables.book, asked.type, zone.data + node, zone.origin, zone.size
            )
        return static_answer(tables, asked, rrset, out)
    if alias:
        return by_learned(tables, asked, source, out)
    place = pool_of(zone, node)
    source.kind = zone.limited
    if place:
        if asked.type == TXT:
            return HAND_OVER
        if asked.type == TYPE_A or asked.type == TYPE_AAAA:
            if tables.book != NULL:
                source.kind = answer_kind(
                    tables.book, asked.type, zone.data + node, zone.origin, zone.size
                )
            route = <const RouteData *>plane_get_pointer(
                &tables.routes[place - 1 + (1 if asked.type == TYPE_AAAA else 0)]
            )
            if route.kind != NOBODY:
                return drawn_answer(
                    tables, route, asked, zone.subnet, source, NULL, out
                )
    if is_special(zone, asked):
        return by_learned(tables, asked, source, out)
    return negative(tables, zone, asked, 0, out)


cdef inline int hopeless(
    const TablesData *tables, Source *source, const uint8_t *data, uint32_t size,
    uint8_t *out,
) noexcept nogil:
    """FORMERR or NOTIMP for what is malformed; what else is not plain is for Python."""
    cdef uint32_t end, rcode = FORMERR
    cdef Fault fault = fault_of(data, size, &end)
    if fault == NO_FAULT:
        return HAND_OVER
    if fault == UNKNOWN_OPCODE:
        rcode = NOTIMP
    if fault == BAD_RECORDS:
        memcpy(out, data, end)
    else:
        end = 12
        memcpy(out, data, 2)
    memset(out + 4, 0, 8)
    out[5] = fault == BAD_RECORDS
    put16(out + 2, 0x8000 | (get16(data + 2) & 0x7910) | rcode)
    tally(tables, tables.counts, source.thread, 0, rcode)
    # Truncated it would be no smaller, so none slips.
    if tables.book != NULL and judge(
        tables.book, tables.book.errors, source.address, source.size, source.ticks,
        source.thread,
    ) == DROPS:
        return SILENT
    return <int>end


cdef inline int in_zone(
    const TablesData *tables, const Zone *zone, const Asked *asked, Source *source,
    uint8_t *out,
) noexcept nogil:
    """Answer for a name in one of our zones."""
    cdef Found found
    cdef uint32_t node = 0
    if (
        zone.left or asked.type == TYPE_ANY
        or (asked.type == TYPE_DS and asked.labels == zone.labels)
    ):
        return by_learned(tables, asked, source, out)
    found = find(zone, tables.crc, asked, &node)
    if found == HIDDEN:
        return by_learned(tables, asked, source, out)
    if found != EXACT:
        if not zone.plain or is_special(zone, asked):
            return by_learned(tables, asked, source, out)
        if found == MISSING:
            source.kind = zone.limited
            return negative(tables, zone, asked, NXDOMAIN, out)
    return at_node(tables, zone, node, asked, source, out)


cdef inline int answer(
    const TablesData *tables, Source *source, const uint8_t *data, uint32_t size,
    uint8_t *out,
) noexcept nogil:
    """The octets of the reply in `out`, which holds 1232, or a verdict.

    `size` is at most 65535.
    """
    cdef Asked asked
    cdef Gate gate = read_asked(&asked, data, size)
    cdef const Zone *zone
    cdef int verdict, limit
    source.free = False
    if gate == SILENCE:
        return SILENT
    if tables.shut:
        return HAND_OVER
    if gate != GOOD:
        return hopeless(tables, source, data, size, out)
    if asked.type == TYPE_AXFR or asked.type == TYPE_IXFR:
        return HAND_OVER
    if asked.cookie_size:
        if not tables.secrets.count:
            asked.cookie_size = 0
        else:
            source.free = judge_cookie(
                &tables.secrets, asked.cookie, asked.cookie_size, source.address,
                source.size, source.now, asked.reply_cookie,
            )
            if tables.secrets.required and not source.free:
                return HAND_OVER
    zone = zone_of(tables, &asked)
    if zone == NULL:
        verdict = refused(tables, &asked, source, out)
    else:
        verdict = in_zone(tables, zone, &asked, source, out)
    if verdict > 0 or verdict == LIMITED:
        tally(
            tables, tables.counts if zone == NULL else zone.counts, source.thread,
            asked.type, out[3] & 0xF if verdict > 0 else 0,
        )
    if verdict > 0 and tables.book != NULL and not source.free:
        limit = limited(tables, &asked, source, out)
        if limit:
            return limit
    return verdict
