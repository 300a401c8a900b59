"""From a query to its reply, or to the decision to punt it to the Python engine.

What is answered here has the octets that the engine would give.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset
from dinamed.plane.query cimport (
    ACCEPT,
    IGNORE,
    STREAM_MAX,
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
    ParsedQuery,
    Screening,
    read_query,
)
from dinamed.plane.cookie cimport judge_cookie
from dinamed.plane.select cimport NOBODY, RouteData
from dinamed.plane.pool_answer cimport count_hand_outs, drawn_answer
from dinamed.plane.rate_table cimport DROPS, answer_kind, judge
from dinamed.plane.malformed cimport (
    BAD_RECORDS,
    NO_FAULT,
    UNKNOWN_OPCODE,
    Fault,
    fault_of,
    opt_anywhere,
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
    PROHIBITED,
    REFUSED,
    DROP,
    PUNT,
    PUNT_FOR_CLIENT,
    PUNT_FOR_PLAN,
    LIMITED,
    RequestContext,
    finish,
    truncated,
    cut,
    room_for,
    limited,
    refused,
    negative,
    put_bare_opt,
    static_answer,
)
from dinamed.plane.installed cimport client_for, is_stale
from dinamed.plane.tree cimport is_inside
from dinamed.plane.tables cimport (
    CLIENT_PLAN,
    POOL_PLAN,
    FIXED_PLAN,
    InstalledClient,
    InstalledPlan,
    TablesData,
    installed_plan,
    plan_steps,
    count_reply,
    zone_of,
)
from dinamed.plane.zone cimport (
    EXACT,
    HIDDEN,
    MISSING,
    MatchKind,
    Zone,
    find,
    is_special,
    pool_of,
    rrset_of,
)


cdef inline uint32_t route_offset(uint32_t rrtype) noexcept nogil:
    """Which of a pool's routes answers a type: for A, for AAAA, for TXT."""
    return 2 if rrtype == TXT else 1 if rrtype == TYPE_AAAA else 0


cdef inline int carry_out(
    const TablesData *tables, const InstalledPlan *plan, uint32_t scope,
    const ParsedQuery *query, RequestContext *request, uint8_t *out
) noexcept nogil:
    """Carry out a plan that depends on `scope` bits of the client subnet."""
    cdef const RouteData *route
    cdef uint32_t counts[3]
    cdef uint32_t size
    cdef bint needed = False
    if plan.kind == POOL_PLAN:
        route = <const RouteData *>plane_get_pointer(
            &tables.routes[plan.route + route_offset(query.type)]
        )
        if route.kind != NOBODY:
            return drawn_answer(
                tables, route, query, plan.subnet, request, plan, scope, out
            )
    elif plan.kind != FIXED_PLAN:
        return PUNT
    size = room_for(tables, query, plan.error)
    if plan.body > size:
        size = cut(plan_steps(plan), plan.steps, size, counts, &needed)
        memcpy(out + query.end, plan.octets + plan.size, size)
        if needed:
            return truncated(
                tables, query, out, size, plan.rcode, plan.authoritative, counts,
                plan.error, scope,
            )
        return finish(
            tables, query, out, size, plan.rcode, plan.authoritative, counts,
            plan.error, scope,
        )
    memcpy(out + query.end, plan.octets + plan.size, plan.body)
    return finish(
        tables, query, out, plan.body, plan.rcode, plan.authoritative, plan.counts,
        plan.error, scope,
    )


cdef inline int by_plan(
    const TablesData *tables, const ParsedQuery *query, RequestContext *request,
    uint8_t *out
) noexcept nogil:
    """Carry out the plan that Python has made for this question, if it has."""
    cdef const InstalledPlan *plan = installed_plan(tables, query)
    cdef const InstalledClient *known
    cdef uint32_t counts[3]
    cdef uint32_t scope = 0
    if plan == NULL or is_stale(plan, request):
        return PUNT_FOR_PLAN
    request.kind = plan.limited
    if plan.guarded and not is_inside(
        &tables.managers, request.address, request.size
    ):
        counts[0] = counts[1] = counts[2] = 0
        return finish(
            tables, query, out, 0, REFUSED, False, counts, PROHIBITED + 1, 0
        )
    if plan.kind == CLIENT_PLAN:
        known = client_for(
            tables, plan.serial, plan.placed, query, plan.subnet, request, &scope
        )
        if known == NULL:
            return PUNT_FOR_CLIENT
        plan = known.plan
    return carry_out(tables, plan, scope, query, request, out)


cdef inline int at_node(
    const TablesData *tables, const Zone *zone, uint32_t node, const ParsedQuery *query,
    RequestContext *request, uint8_t *out,
) noexcept nogil:
    """Answer from a node of a zone."""
    cdef bint alias
    cdef uint32_t slot
    cdef const uint8_t *rrset = rrset_of(zone, node, query.type, &alias)
    cdef const RouteData *route
    if rrset != NULL:
        if (
            query.type == TYPE_NS or query.type == TYPE_CNAME
            or query.type == TYPE_SOA or query.type == TYPE_PTR
            or query.type == TYPE_MX or query.type == TYPE_SRV
            or query.type == SVCB or query.type == HTTPS
            # MD, MF, MB, MG, MR and MINFO, whose names are compressed too.
            or query.type in (3, 4, 7, 8, 9, 14)
        ):
            return by_plan(tables, query, request, out)
        if tables.rates != NULL:
            request.kind = answer_kind(
                tables.rates, query.type, zone.data + node, zone.origin, zone.size
            )
        return static_answer(tables, query, rrset, out)
    if alias:
        return by_plan(tables, query, request, out)
    slot = pool_of(zone, node)
    request.kind = zone.limited
    if slot:
        if query.type == TYPE_A or query.type == TYPE_AAAA or query.type == TXT:
            if tables.rates != NULL:
                request.kind = answer_kind(
                    tables.rates, query.type, zone.data + node, zone.origin, zone.size
                )
            route = <const RouteData *>plane_get_pointer(
                &tables.routes[slot - 1 + route_offset(query.type)]
            )
            if route.kind != NOBODY:
                return drawn_answer(
                    tables, route, query, zone.subnet, request, NULL, 0, out
                )
    if is_special(zone, query):
        return by_plan(tables, query, request, out)
    return negative(tables, zone, query, 0, out)


cdef inline int hopeless(
    const TablesData *tables, RequestContext *request, const uint8_t *data,
    uint32_t size,
    uint8_t *out,
) noexcept nogil:
    """FORMERR or NOTIMP for what is malformed; what else is not plain is for Python."""
    cdef uint32_t end, opt, rcode = FORMERR
    cdef Fault fault = fault_of(data, size, &end)
    if fault == NO_FAULT:
        return PUNT
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
    opt = opt_anywhere(data, size)
    if opt:
        out[11] = 1
        end += put_bare_opt(
            out + end, data[opt + 7] >> 7, fault == UNKNOWN_OPCODE
        )
    count_reply(tables, tables.counts, request.thread, 0, rcode)
    # Truncated it would be no smaller, so none slips.
    if tables.rates != NULL and not request.stream and judge(
        tables.rates, tables.rates.errors, request.address, request.size, request.ticks,
        request.thread,
    ) == DROPS:
        return DROP
    return <int>end


cdef inline int in_zone(
    const TablesData *tables, const Zone *zone, const ParsedQuery *query,
    RequestContext *request,
    uint8_t *out,
) noexcept nogil:
    """Answer for a name in one of our zones."""
    cdef MatchKind found
    cdef uint32_t node = 0
    if (
        zone.left or (zone.signed and query.do) or query.type == TYPE_ANY
        or (query.type == TYPE_DS and query.labels == zone.labels)
        or (zone.keyed and query.labels == zone.labels)
    ):
        return by_plan(tables, query, request, out)
    found = find(zone, tables.crc, query, &node)
    if found == HIDDEN:
        return by_plan(tables, query, request, out)
    if found != EXACT:
        if not zone.plain or is_special(zone, query):
            return by_plan(tables, query, request, out)
        if found == MISSING:
            request.kind = zone.limited
            return negative(tables, zone, query, NXDOMAIN, out)
    return at_node(tables, zone, node, query, request, out)


cdef inline int answer(
    const TablesData *tables, RequestContext *request, const uint8_t *data,
    uint32_t size,
    uint8_t *out,
) noexcept nogil:
    """The octets of the reply in `out`, or a verdict.

    `size` is at most 65535.  `out` holds 1232 octets, for streams 65535.
    """
    cdef ParsedQuery query
    cdef Screening gate = read_query(&query, data, size)
    cdef const Zone *zone
    cdef int verdict, limit
    request.free = request.stream
    if gate == IGNORE:
        return DROP
    if tables.shut:
        return PUNT
    if gate != ACCEPT:
        return hopeless(tables, request, data, size, out)
    if query.type == TYPE_AXFR or query.type == TYPE_IXFR:
        return PUNT
    if request.stream:
        query.limit = STREAM_MAX
    else:
        query.keepalive = False
    if query.cookie_size:
        if not tables.secrets.count:
            query.cookie_size = 0
        else:
            if judge_cookie(
                &tables.secrets, query.cookie, query.cookie_size, request.address,
                request.size, request.now, query.reply_cookie,
            ):
                request.free = True
            if tables.secrets.required and not request.free:
                return PUNT
    zone = zone_of(tables, &query)
    if zone == NULL:
        verdict = refused(tables, &query, request, out)
    else:
        verdict = in_zone(tables, zone, &query, request, out)
    if verdict > 0 or verdict == LIMITED:
        count_reply(
            tables, tables.counts if zone == NULL else zone.counts, request.thread,
            query.type, out[3] & 0xF if verdict > 0 else 0,
        )
    if verdict > 0 and tables.rates != NULL and not request.free:
        limit = limited(tables, &query, request, out)
        if limit:
            return limit
    return verdict
