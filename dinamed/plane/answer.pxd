"""From a query to its reply, or to the decision to punt it to the Python engine.

What is answered here has the octets that the engine would give.
"""

from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.string cimport memcmp, memcpy, memset
from dinamed.plane.cookie cimport judge_cookie
from dinamed.plane.malformed cimport (
    BAD_RECORDS,
    NO_FAULT,
    UNKNOWN_OPCODE,
    Fault,
    fault_of,
    opt_anywhere,
)
from dinamed.plane.octets cimport fnv1a, get16, put16
from dinamed.plane.plan_answer cimport by_plan, route_offset
from dinamed.plane.pool_answer cimport drawn_answer
from dinamed.plane.posix cimport plane_get_pointer
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
    TYPE_NSEC,
    TYPE_PTR,
    TYPE_RRSIG,
    TYPE_SOA,
    TYPE_SRV,
    ParsedQuery,
    Screening,
    read_query,
)
from dinamed.plane.rate_table cimport DROPS, answer_kind, judge
from dinamed.plane.reply cimport (
    DROP,
    FORMERR,
    HTTPS,
    LIMITED,
    NOTIMP,
    NXDOMAIN,
    PUNT,
    PUNT_FOR_PROOF,
    SVCB,
    TXT,
    RequestContext,
    denied,
    limited,
    negative,
    put_bare_opt,
    refused,
    static_answer,
)
from dinamed.plane.select cimport NOBODY, RouteData
from dinamed.plane.signed cimport (
    Canonical,
    Signing,
    canonical,
    is_known,
    link_at,
    place_of,
)
from dinamed.plane.tables cimport TablesData, count_reply, zone_of
from dinamed.plane.zone cimport (
    EXACT,
    HIDDEN,
    MISSING,
    WILDCARD,
    MatchKind,
    Zone,
    find,
    is_regional,
    is_special,
    pool_of,
    rrset_of,
)


cdef inline int at_node(
    const TablesData *tables, const Zone *zone, uint32_t node, const ParsedQuery *query,
    RequestContext *request, const Signing *signing, uint32_t place, uint8_t *out,
) noexcept nogil:
    """Answer from a node of a zone.

    `signing` is NULL where no signature is wanted, else `place` is where the name has
    its place in the zone's chain.
    """
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
        return static_answer(tables, query, rrset, signing, out)
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
                    tables, route, query, zone.subnet, request, NULL, signing, 0, out
                )
            if signing != NULL:  # the proof leaves out this type
                return by_plan(tables, query, request, out)
    if signing != NULL:
        if signing.proof != NULL:  # a wildcard's own proof comes first
            return by_plan(tables, query, request, out)
        return denied(tables, zone, query, 0, place, place, out)
    if is_special(zone, query):
        return by_plan(tables, query, request, out)
    return negative(tables, zone, query, 0, out)


cdef inline uint64_t wildcard_hash(
    const ParsedQuery *query, uint32_t encloser
) noexcept nogil:
    """The hash of the wildcard right below a name that encloses the one asked for."""
    cdef uint8_t wildcard[258]
    cdef uint32_t start = query.at[encloser]
    wildcard[0] = 1
    wildcard[1] = 42  # *
    memcpy(wildcard + 2, query.key + start, query.size - start)
    return fnv1a(wildcard, query.size - start + 2)


cdef inline int in_signed(
    const TablesData *tables, const Zone *zone, const ParsedQuery *query,
    RequestContext *request, uint8_t *out,
) noexcept nogil:
    """Answer for a name in a zone that is signed here, with its signatures."""
    cdef Canonical name
    cdef MatchKind found
    cdef Signing signing
    cdef uint32_t node = 0, encloser = 0, place, left, ends
    if query.type == TYPE_NSEC or query.type == TYPE_RRSIG:
        return by_plan(tables, query, request, out)
    found = find(zone, tables.crc, query, &node, &encloser)
    if found == HIDDEN:
        return by_plan(tables, query, request, out)
    canonical(&name, query, query.labels - zone.labels)
    place = place_of(zone.chain, name.octets, name.size)
    signing.origin = 12 + query.size - zone.size
    signing.proof = NULL
    if found == EXACT:
        signing.owner = fnv1a(query.key, query.size)
        return at_node(tables, zone, node, query, request, &signing, place, out)
    # Names that the zone's data do not have may be virtual, or below such.
    left = query.labels - zone.labels - encloser
    if is_known(zone.chain, place, name.octets, name.ends[left]):
        return by_plan(tables, query, request, out)
    ends = name.ends[left - 1] if left else 0
    if found == WILDCARD:
        signing.owner = wildcard_hash(query, encloser)
        signing.proof = link_at(zone.chain, place)
        if signing.proof == NULL:
            return PUNT_FOR_PROOF
        return at_node(tables, zone, node, query, request, &signing, place, out)
    request.kind = zone.limited
    name.octets[ends] = 42  # *
    name.octets[ends + 1] = 0
    return denied(
        tables, zone, query, NXDOMAIN, place,
        place_of(zone.chain, name.octets, ends + 2), out,
    )


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
    count_reply(tables, NULL, request.thread, 0, rcode)
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
    cdef uint32_t node = 0, encloser = 0
    if (
        zone.left or query.type == TYPE_ANY
        or (zone.signed and query.do and zone.chain == NULL)
        or (query.type == TYPE_DS and query.labels == zone.labels)
        or (zone.keyed and query.labels == zone.labels)
    ):
        return by_plan(tables, query, request, out)
    if zone.chain != NULL and query.do:
        return in_signed(tables, zone, query, request, out)
    found = find(zone, tables.crc, query, &node, &encloser)
    if found == HIDDEN:
        return by_plan(tables, query, request, out)
    if found != EXACT:
        if is_regional(zone, query) or is_special(zone, query):
            return by_plan(tables, query, request, out)
        if found == MISSING:
            request.kind = zone.limited
            return negative(tables, zone, query, NXDOMAIN, out)
    return at_node(tables, zone, node, query, request, NULL, 0, out)


cdef inline int in_chaos(
    const TablesData *tables, const ParsedQuery *query, RequestContext *request,
    uint8_t *out,
) noexcept nogil:
    """Answer for class CH, where servers tell of themselves (RFC 4892)."""
    cdef const uint8_t *last
    if query.type == TXT and query.labels == 2:
        last = query.key + query.at[1]
        if not memcmp(last, <const uint8_t *>"\x04bind", 6) or not memcmp(
            last, <const uint8_t *>"\x06server", 8
        ):
            return by_plan(tables, query, request, out)
    return refused(tables, query, request, out)


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
    if query.chaos:
        verdict = in_chaos(tables, &query, request, out)
    elif zone == NULL:
        verdict = refused(tables, &query, request, out)
    else:
        verdict = in_zone(tables, zone, &query, request, out)
    if verdict > 0 or verdict == LIMITED:
        count_reply(
            tables, zone, request.thread, query.type,
            out[3] & 0xF if verdict > 0 else 0,
        )
    if verdict > 0 and tables.rates != NULL and not request.free:
        limit = limited(tables, &query, request, out)
        if limit:
            return limit
    return verdict
