"""From a query to its reply, or to the verdict that the engine in Python answers.

What is answered here has the octets that the engine would give.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset
from dinamed.plane.asked cimport (
    GOOD,
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
    TYPE_PTR,
    TYPE_SOA,
    TYPE_SRV,
    Asked,
    Gate,
    read_asked,
)
from dinamed.plane.cookie cimport judge_cookie
from dinamed.plane.draw cimport NOBODY, RouteData
from dinamed.plane.drawing cimport book, drawn_answer
from dinamed.plane.limits cimport DROPS, answer_kind, judge
from dinamed.plane.malformed cimport (
    BAD_RECORDS,
    NO_FAULT,
    UNKNOWN_OPCODE,
    Fault,
    fault_of,
)
from dinamed.plane.octets cimport get16, put16
from dinamed.plane.posix cimport plane_get_pointer
from dinamed.plane.reply cimport (
    TXT,
    SVCB,
    HTTPS,
    FORMERR,
    NXDOMAIN,
    NOTIMP,
    SILENT,
    HAND_OVER,
    LEARN,
    LIMITED,
    Source,
    finish,
    truncated,
    cut,
    room_for,
    limited,
    refused,
    negative,
    static_answer,
)
from dinamed.plane.tables cimport (
    DRAWN,
    FIXED,
    Learned,
    TablesData,
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
        zone.left or (zone.signed and asked.do) or asked.type == TYPE_ANY
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
