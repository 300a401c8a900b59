"""Replies in octets: header and OPT round records, what is left out, what is limited."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from dinamed.plane.query cimport (
    OPTION_COOKIE,
    OPTION_ERROR,
    OPTION_KEEPALIVE,
    OPTION_NSID,
    OPTION_SUBNET,
    TYPE_OPT,
    EDNS_MAX,
    ParsedQuery,
)
from dinamed.plane.cookie cimport COOKIE_SIZE
from dinamed.plane.rate_table cimport DROPS, PASSES, RateAction, judge
from dinamed.plane.signed cimport (
    Chain,
    Link,
    Signature,
    Signing,
    installed_signature,
    link_at,
    link_size,
    put_link,
    set_hash,
)
from dinamed.plane.posix cimport plane_get_pointer
from dinamed.plane.octets cimport get16, little16, little32, put16
from dinamed.plane.tables cimport STEP_SIZE, TablesData
from dinamed.plane.zone cimport Zone

cdef enum:
    TXT = 16
    SVCB = 64
    HTTPS = 65
    FORMERR = 1
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    PROHIBITED = 18
    NOT_AUTHORITATIVE = 20
    NOT_SUPPORTED = 21

    # Verdicts beside the number of octets of a reply.
    DROP = 0
    PUNT = -1
    PUNT_FOR_PLAN = -2  # punt, and install the plan of this question
    PUNT_FOR_CLIENT = -3   # punt, and install what the pool has for this client
    PUNT_FOR_LEVELS = -4  # punt, and install how full the members are
    PUNT_FOR_SIGNATURE = -6  # punt, and install a signature of such an answer
    PUNT_FOR_PROOF = -7  # punt, and install the links of the chain that deny this
    LIMITED = -5  # silence: there were too many such replies


cdef struct RequestContext:
    const uint8_t *address
    uint32_t size       # 4 or 16
    uint64_t *rng
    uint32_t thread
    uint32_t now        # Unix time in seconds
    uint64_t ticks      # and in 2**-22 of them
    uint64_t kind       # of the reply, for limits
    bint free           # from limits, or judged by them already
    bint stream         # whether it asks over TCP or TLS
    double time         # on the steady clock of the pools


cdef inline uint32_t opt_size(
    const TablesData *tables, const ParsedQuery *query, uint32_t error
) noexcept nogil:
    cdef uint32_t size = 11
    if not query.edns:
        return 0
    if query.nsid:
        size += 4 + tables.nsid_size
    if query.family:
        size += 8 + ((query.prefix + 7) >> 3)
    if error:
        size += 6
    if query.keepalive:
        size += 6
    if query.cookie_size:
        size += 4 + COOKIE_SIZE
    return size


cdef inline void put_opt(
    const TablesData *tables, const ParsedQuery *query, uint32_t error, uint32_t scope,
    uint8_t *at, uint32_t size,
) noexcept nogil:
    cdef uint32_t octets
    at[0] = 0
    put16(at + 1, TYPE_OPT)
    put16(at + 3, EDNS_MAX)
    at[5] = 0
    at[6] = 0
    at[7] = 0x80 if query.do else 0
    at[8] = 0
    put16(at + 9, size - 11)
    at += 11
    if query.nsid:
        put16(at, OPTION_NSID)
        put16(at + 2, tables.nsid_size)
        memcpy(at + 4, tables.nsid, tables.nsid_size)
        at += 4 + tables.nsid_size
    if query.family:
        octets = (query.prefix + 7) >> 3
        put16(at, OPTION_SUBNET)
        put16(at + 2, 4 + octets)
        put16(at + 4, query.family)
        at[6] = <uint8_t>query.prefix
        at[7] = <uint8_t>(scope if scope < query.prefix else query.prefix)
        memcpy(at + 8, query.address, octets)
        at += 8 + octets
    if error:
        put16(at, OPTION_ERROR)
        put16(at + 2, 2)
        put16(at + 4, error - 1)
        at += 6
    if query.keepalive:
        put16(at, OPTION_KEEPALIVE)
        put16(at + 2, 2)
        put16(at + 4, tables.keepalive)
        at += 6
    if query.cookie_size:
        put16(at, OPTION_COOKIE)
        put16(at + 2, COOKIE_SIZE)
        memcpy(at + 4, query.reply_cookie, COOKIE_SIZE)


cdef inline uint32_t put_bare_opt(
    uint8_t *at, bint do, bint unsupported
) noexcept nogil:
    """An OPT record without options, or with the error that this is not supported."""
    cdef uint32_t size = 6 if unsupported else 0
    at[0] = 0
    put16(at + 1, TYPE_OPT)
    put16(at + 3, EDNS_MAX)
    at[5] = 0
    at[6] = 0
    at[7] = 0x80 if do else 0
    at[8] = 0
    put16(at + 9, size)
    if unsupported:
        put16(at + 11, OPTION_ERROR)
        put16(at + 13, 2)
        put16(at + 15, NOT_SUPPORTED)
    return 11 + size


cdef inline int finish(
    const TablesData *tables, const ParsedQuery *query, uint8_t *out, uint32_t size,
    uint32_t rcode, bint authoritative, const uint32_t *counts,
    uint32_t error, uint32_t scope,
) noexcept nogil:
    """Put the header, the question and the OPT round `size` octets of records.

    The records are there already, behind the place of the question.
    """
    cdef uint32_t opt = opt_size(tables, query, error)
    cdef uint32_t end = query.end + size
    if end + opt > query.limit:
        return PUNT
    memcpy(out, query.data, query.end)
    put16(
        out + 2,
        0x8000 | (query.flags & 0x0110) | rcode | (0x0400 if authoritative else 0),
    )
    put16(out + 6, counts[0])
    put16(out + 8, counts[1])
    put16(out + 10, counts[2] + (1 if opt else 0))
    if opt:
        put_opt(tables, query, error, scope, out + end, opt)
    return <int>(end + opt)


cdef inline int truncated(
    const TablesData *tables, const ParsedQuery *query, uint8_t *out, uint32_t size,
    uint32_t rcode, bint authoritative, const uint32_t *counts,
    uint32_t error, uint32_t scope,
) noexcept nogil:
    """As `finish`, where records that are needed have no room."""
    cdef int whole = finish(
        tables, query, out, size, rcode, authoritative, counts, error, scope
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
    const TablesData *tables, const ParsedQuery *query, uint32_t error
) noexcept nogil:
    """Octets that the records of a reply may have."""
    cdef uint32_t taken = query.end + opt_size(tables, query, error)
    return query.limit - taken if query.limit > taken else 0


cdef inline int limited(
    const TablesData *tables, const ParsedQuery *query, RequestContext *request,
    uint8_t *out
) noexcept nogil:
    """Judge the reply by its kind: 0 if it may leave, else what becomes of it."""
    cdef uint32_t counts[3]
    cdef RateAction limit
    request.free = True
    limit = judge(
        tables.rates, request.kind, request.address, request.size, request.ticks,
        request.thread,
    )
    if limit == PASSES:
        return 0
    if limit == DROPS:
        return LIMITED
    counts[0] = counts[1] = counts[2] = 0
    return truncated(tables, query, out, 0, 0, False, counts, 0, 0)


cdef inline int refused(
    const TablesData *tables, const ParsedQuery *query, RequestContext *request,
    uint8_t *out
) noexcept nogil:
    cdef uint32_t counts[3]
    counts[0] = counts[1] = counts[2] = 0
    if tables.rates != NULL:
        request.kind = tables.rates.errors
    return finish(
        tables, query, out, 0, REFUSED, False, counts, NOT_AUTHORITATIVE + 1, 0
    )


cdef inline int negative(
    const TablesData *tables, const Zone *zone, const ParsedQuery *query,
    uint32_t rcode,
    uint8_t *out,
) noexcept nogil:
    """NODATA or NXDOMAIN: the SOA, its pointers moved by the length of the name."""
    cdef uint32_t counts[3]
    cdef uint8_t *body = out + query.end
    cdef uint8_t *at
    cdef uint32_t i
    counts[0] = counts[1] = counts[2] = 0
    if zone.soa_size > room_for(tables, query, 0):
        return truncated(tables, query, out, 0, rcode, True, counts, 0, 0)
    counts[1] = 1
    memcpy(body, zone.soa, zone.soa_size)
    for i in range(zone.pointer_count):
        at = body + zone.pointers[i]
        put16(at, get16(at) + query.size)
    return finish(tables, query, out, zone.soa_size, rcode, True, counts, 0, 0)


cdef inline const Signature *signature_of(
    const TablesData *tables, uint64_t hash
) noexcept nogil:
    """An installed signature, or NULL."""
    return installed_signature(
        <void **>plane_get_pointer(<void *>&tables.signatures), tables.signature_mask,
        hash,
    )


cdef inline uint32_t proof_size(const Signing *signing) noexcept nogil:
    return 0 if signing.proof == NULL else link_size(signing.proof)


cdef inline uint8_t *put_proof(
    uint8_t *at, const Signing *signing, uint32_t *counts
) noexcept nogil:
    """Append to the authority section that a wildcard stands for the name, if it does."""
    if signing.proof == NULL:
        return at
    return put_link(at, signing.proof, signing.origin, &counts[1])


cdef inline int denied(
    const TablesData *tables, const Zone *zone, const ParsedQuery *query, uint32_t rcode,
    uint32_t place, uint32_t wildcard, uint8_t *out,
) noexcept nogil:
    """The same with proofs: the links at two places, which may be one."""
    cdef uint32_t counts[3]
    cdef const Chain *chain = zone.chain
    cdef const Link *soa = <const Link *>plane_get_pointer(<void *>&chain.soa)
    cdef const Link *first = link_at(chain, place)
    cdef const Link *second = link_at(chain, wildcard)
    cdef uint8_t *body = out + query.end
    cdef uint8_t *at = body + zone.soa_size
    cdef uint32_t i, size, origin = 12 + query.size - zone.size
    if soa == NULL or first == NULL or second == NULL:
        return PUNT_FOR_PROOF
    size = zone.soa_size + link_size(soa) + link_size(first)
    if wildcard != place:
        size += link_size(second)
    if size > room_for(tables, query, 0):
        return PUNT
    counts[0] = counts[2] = 0
    counts[1] = 1
    memcpy(body, zone.soa, zone.soa_size)
    for i in range(zone.pointer_count):
        put16(
            body + zone.pointers[i], get16(body + zone.pointers[i]) + query.size
        )
    at = put_link(at, soa, origin, &counts[1])
    at = put_link(at, first, origin, &counts[1])
    if wildcard != place:
        put_link(at, second, origin, &counts[1])
    return finish(tables, query, out, size, rcode, True, counts, 0, 0)


cdef inline int static_answer(
    const TablesData *tables, const ParsedQuery *query, const uint8_t *rrset,
    const Signing *signing, uint8_t *out
) noexcept nogil:
    """An RRset whose data hold no names that would be compressed or followed.

    `signing` is NULL where no signature is wanted.
    """
    cdef uint32_t counts[3]
    cdef uint32_t count = little16(rrset + 6), left, length
    cdef uint8_t *at = out + query.end
    cdef uint8_t *last = at + room_for(tables, query, 0)
    cdef uint32_t ttl = little32(rrset + 2)
    cdef const uint8_t *data = rrset + 12
    cdef const Signature *signature = NULL
    if signing != NULL:
        signature = signature_of(tables, set_hash(signing.owner, query.type, 0))
        if signature == NULL:
            return PUNT_FOR_SIGNATURE
    counts[0] = count
    counts[1] = counts[2] = 0
    left = count
    while left:
        length = little16(data)
        if at + 12 + length > last:
            if signing != NULL:
                return PUNT
            counts[0] = 0
            return truncated(tables, query, out, 0, 0, True, counts, 0, 0)
        put16(at, 0xC00C)
        put16(at + 2, query.type)
        put16(at + 4, 1)
        put16(at + 6, ttl >> 16)
        put16(at + 8, ttl & 0xFFFF)
        put16(at + 10, length)
        memcpy(at + 12, data + 2, length)
        at += 12 + length
        data += 2 + length
        left -= 1
    if signature != NULL:
        if at + 2 + signature.size + proof_size(signing) > last:
            return PUNT
        put16(at, 0xC00C)
        memcpy(at + 2, signature.octets, signature.size)
        at += 2 + signature.size
        counts[0] += 1
        at = put_proof(at, signing, counts)
    return finish(
        tables, query, out, <uint32_t>(at - out) - query.end, 0, True, counts, 0, 0
    )
