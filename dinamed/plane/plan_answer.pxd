"""Answers by plans that Python has installed."""

from libc.stdint cimport uint32_t, uint8_t
from libc.string cimport memcpy
from dinamed.plane.installed cimport client_for, is_stale
from dinamed.plane.pool_answer cimport drawn_answer
from dinamed.plane.posix cimport plane_get_pointer
from dinamed.plane.query cimport TYPE_AAAA, ParsedQuery
from dinamed.plane.reply cimport (
    PROHIBITED,
    PUNT,
    PUNT_FOR_CLIENT,
    PUNT_FOR_PLAN,
    REFUSED,
    TXT,
    RequestContext,
    cut,
    finish,
    limited,
    room_for,
    truncated,
)
from dinamed.plane.select cimport NOBODY, RouteData
from dinamed.plane.service_answer cimport service_answer
from dinamed.plane.signed cimport Signing
from dinamed.plane.tables cimport (
    CLIENT_PLAN,
    FIXED_PLAN,
    POOL_PLAN,
    SERVICE_PLAN,
    InstalledClient,
    InstalledPlan,
    TablesData,
    installed_plan,
    plan_steps,
)
from dinamed.plane.tree cimport is_inside


cdef enum:
    ROUTES = 4  # of each pool: as `route_purposes.PURPOSES` has them


cdef inline uint32_t route_offset(uint32_t rrtype) noexcept nogil:
    """Which of a pool's routes answers a type: for A, for AAAA, for TXT."""
    return 2 if rrtype == TXT else 1 if rrtype == TYPE_AAAA else 0


cdef inline int carry_out(
    const TablesData *tables, const InstalledPlan *plan, uint32_t scope,
    const ParsedQuery *query, RequestContext *request, uint8_t *out
) noexcept nogil:
    """Carry out a plan that depends on `scope` bits of the client subnet."""
    cdef const RouteData *route
    cdef Signing signing
    cdef uint32_t counts[3]
    cdef uint32_t size
    cdef bint needed = False
    if plan.kind == POOL_PLAN:
        route = <const RouteData *>plane_get_pointer(
            &tables.routes[plan.route + route_offset(query.type)]
        )
        if route.kind != NOBODY:
            signing.owner = plan.signer
            signing.proof = NULL
            return drawn_answer(
                tables, route, query, plan.subnet, request, plan,
                &signing if plan.signer else NULL, scope, out
            )
    elif plan.kind == SERVICE_PLAN:
        signing.owner = plan.signer
        signing.proof = NULL
        return service_answer(
            tables, query, request, plan, &signing if plan.signer else NULL, scope, out
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
