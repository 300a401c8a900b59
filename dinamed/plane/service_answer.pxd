"""HTTPS and SVCB at a pool's name: hints and additional addresses of one choice."""

from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy
from dinamed.plane.octets cimport get16, put16
from dinamed.plane.pool_answer cimport (
    Record,
    drawn_too_much,
    put_drawn,
    records_for,
)
from dinamed.plane.pool_hosts cimport (
    MOST_RECORDS,
    MOST_VISITS,
    RECORD_FIXED,
    Hosts,
    draw_hosts,
    is_ready,
)
from dinamed.plane.posix cimport plane_get_pointer
from dinamed.plane.query cimport TYPE_A, TYPE_AAAA, ParsedQuery
from dinamed.plane.reply cimport (
    PUNT,
    PUNT_FOR_SIGNATURE,
    RequestContext,
    finish,
    limited,
    room_for,
    signature_of,
)
from dinamed.plane.select cimport ELSEWHERE, NOBODY, ROUTES_OF_POOL, RouteData
from dinamed.plane.signed cimport Signature, Signing, member_hash, set_hash
from dinamed.plane.tables cimport InstalledPlan, TablesData, plan_after

cdef enum:
    IPV4_HINT = 4
    IPV6_HINT = 6
    WITH_IPV4 = 1
    WITH_IPV6 = 2


cdef struct Hints:
    # The addresses of one family that were drawn.
    Record records[MOST_RECORDS]
    uint32_t count
    uint32_t size       # octets of each address


cdef inline const uint8_t *services_for(
    const InstalledPlan *plan, const Hints *ipv4, const Hints *ipv6
) noexcept nogil:
    """The form of the records that fits the hints: there is one for each mix of families.

    It has a number, and for each record whether it takes hints, and its data in pieces
    with their lengths: before the IPv4 hint, up to the IPv6 hint, and behind that.
    """
    cdef const uint8_t *at = plan.octets + plan.size
    cdef uint32_t before = (WITH_IPV4 if ipv4.count else 0) | (
        WITH_IPV6 if ipv6.count else 0
    )
    while before:
        at += 2 + get16(at)
        before -= 1
    return at + 2


cdef inline uint32_t hint_size(const Hints *hints) noexcept nogil:
    return 4 + hints.count * hints.size if hints.count else 0


cdef inline uint8_t *put_hint(
    uint8_t *at, uint32_t key, const Hints *hints
) noexcept nogil:
    cdef uint32_t i
    if not hints.count:
        return at
    put16(at, key)
    put16(at + 2, hints.count * hints.size)
    at += 4
    for i in range(hints.count):
        memcpy(at, hints.records[i].octets + RECORD_FIXED, hints.size)
        at += hints.size
    return at


cdef inline uint8_t *put_piece(uint8_t *at, const uint8_t **piece) noexcept nogil:
    cdef uint32_t size = get16(piece[0])
    memcpy(at, piece[0] + 2, size)
    piece[0] += 2 + size
    return at + size


cdef inline uint32_t services_size(
    const uint8_t *form, uint32_t owner, const Hints *ipv4, const Hints *ipv6
) noexcept nogil:
    """Octets of the records of a form."""
    cdef uint32_t left = get16(form), size = 0, _piece
    cdef bint hinted
    form += 2
    while left:
        hinted = form[0]
        form += 1
        size += owner + RECORD_FIXED
        if hinted:
            size += hint_size(ipv4) + hint_size(ipv6)
        for _piece in range(3):
            size += get16(form)
            form += 2 + get16(form)
        left -= 1
    return size


cdef inline uint8_t *put_services(
    uint8_t *at, const uint8_t *form, uint32_t rrtype, const uint8_t *owner,
    uint32_t owner_size, uint32_t ttl, const Hints *ipv4, const Hints *ipv6,
    uint64_t *members,
) noexcept nogil:
    """Append the records of a form; `members` grows by what signatures go by."""
    cdef uint32_t left = get16(form)
    cdef uint8_t *data
    cdef bint hinted
    form += 2
    while left:
        hinted = form[0]
        form += 1
        memcpy(at, owner, owner_size)
        at += owner_size
        put16(at, rrtype)
        put16(at + 2, 1)
        put16(at + 4, ttl >> 16)
        put16(at + 6, ttl & 0xFFFF)
        data = at + RECORD_FIXED
        at = put_piece(data, &form)
        if hinted:
            at = put_hint(at, IPV4_HINT, ipv4)
        at = put_piece(at, &form)
        if hinted:
            at = put_hint(at, IPV6_HINT, ipv6)
        at = put_piece(at, &form)
        put16(data - 2, <uint32_t>(at - data))
        members[0] += member_hash(data, <uint32_t>(at - data))
        left -= 1
    return at


cdef inline const Signature *signature_for(
    const TablesData *tables, const Signing *signing, const Hints *hints,
    uint32_t rrtype,
) noexcept nogil:
    """The signature of these addresses, or NULL."""
    cdef uint64_t members = 0
    cdef uint32_t i
    for i in range(hints.count):
        members += member_hash(hints.records[i].octets + RECORD_FIXED, hints.size)
    return signature_of(tables, set_hash(signing.owner, rrtype, members))


cdef inline bint take(
    Hints *hints, const Hosts *hosts, bint ipv6, uint64_t *rng
) noexcept nogil:
    """The addresses of one family; False if these are too many."""
    cdef int found = records_for(hosts, ipv6, rng, hints.records)
    hints.size = 16 if ipv6 else 4
    hints.count = <uint32_t>found if found > 0 else 0
    return found >= 0


cdef inline int choose_hosts(
    const TablesData *tables, const ParsedQuery *query, RequestContext *request,
    const InstalledPlan *plan, Hosts *hosts, uint8_t *out,
) noexcept nogil:
    """Draw the hosts: 0, or a verdict."""
    cdef const RouteData *route = <const RouteData *>plane_get_pointer(
        &tables.routes[plan.route + ROUTES_OF_POOL - 1]
    )
    cdef uint32_t visits = MOST_VISITS
    cdef int verdict
    hosts.count = 0
    hosts.unfolded = False
    hosts.ttl = 0xFFFFFFFF
    if route.kind == NOBODY:
        hosts.ttl = route.ttl
        return 0
    if route.kind == ELSEWHERE:
        return PUNT
    if tables.rates != NULL and not request.free:
        verdict = is_ready(tables, route, query, plan.subnet, request, 0, &visits)
        if not verdict:
            verdict = limited(tables, query, request, out)
        if verdict:
            return verdict
    return draw_hosts(tables, route, query, plan.subnet, request, 0, 0, hosts)


cdef inline int service_answer(
    const TablesData *tables, const ParsedQuery *query, RequestContext *request,
    const InstalledPlan *plan, const Signing *signing, uint32_t scope, uint8_t *out,
) noexcept nogil:
    """The records with hints, and the same addresses beside them as far as they fit."""
    cdef Hosts hosts
    cdef Hints hints[2]
    cdef uint32_t counts[3]
    cdef const uint8_t *before = plan.octets + plan.size + plan.body
    cdef const uint8_t *owner = before + plan.before
    cdef const uint8_t *form
    cdef uint8_t *at = out + query.end
    cdef uint8_t *end = at + room_for(tables, query, 0)
    cdef uint32_t ttl, size, i, family
    cdef uint64_t members = 0
    cdef const Signature *signature = NULL
    cdef int verdict
    hosts.scope = scope
    verdict = choose_hosts(tables, query, request, plan, &hosts, out)
    if verdict:
        return verdict
    for family in range(2):
        if not take(&hints[family], &hosts, family == 1, request.rng):
            return PUNT
    form = services_for(plan, &hints[0], &hints[1])
    size = plan.before + services_size(form, plan.owner, &hints[0], &hints[1])
    if at + size > end:
        if signing != NULL:
            return PUNT
        return drawn_too_much(tables, query, plan, hosts.scope, out)
    ttl = hosts.ttl if hosts.ttl < plan.ttl else plan.ttl
    memcpy(at, before, plan.before)
    at = put_services(
        at + plan.before, form, query.type, owner, plan.owner, ttl, &hints[0],
        &hints[1], &members,
    )
    for i in range(3):
        counts[i] = plan.before_counts[i]
    counts[0] += get16(form)
    if signing != NULL:
        signature = signature_of(tables, set_hash(signing.owner, query.type, members))
        if signature == NULL:
            return PUNT_FOR_SIGNATURE
        if at + plan.owner + signature.size + plan.after > end:
            return PUNT
        at = put_drawn(at, owner, plan.owner, signature.octets, signature.size, ttl)
        counts[0] += 1
        memcpy(at, plan_after(plan), plan.after)
        at += plan.after
        for i in range(3):
            counts[i] += plan.after_counts[i]
    for family in range(2):
        if not hints[family].count:
            continue
        size = hints[family].count * (
            plan.owner + RECORD_FIXED + hints[family].size
        )
        if signing != NULL:
            signature = signature_for(
                tables, signing, &hints[family], TYPE_AAAA if family else TYPE_A
            )
            if signature == NULL:
                return PUNT_FOR_SIGNATURE
            size += plan.owner + signature.size
        if at + size > end:
            break
        for i in range(hints[family].count):
            at = put_drawn(
                at, owner, plan.owner, hints[family].records[i].octets,
                hints[family].records[i].size, hosts.ttl,
            )
        counts[2] += hints[family].count
        if signing != NULL:
            at = put_drawn(
                at, owner, plan.owner, signature.octets, signature.size, hosts.ttl
            )
            counts[2] += 1
    return finish(
        tables, query, out, <uint32_t>(at - out) - query.end, 0, True, counts, 0,
        hosts.scope,
    )
