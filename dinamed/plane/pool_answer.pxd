"""Answers with drawn members: through pools in pools, to records."""

from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.string cimport memcmp, memcpy
from dinamed.plane.octets cimport below, put16
from dinamed.plane.pool_draw cimport draw
from dinamed.plane.pool_hosts cimport (
    MOST_RECORDS,
    MOST_VISITS,
    RECORD_FIXED,
    SPAN6,
    Host,
    Hosts,
    draw_hosts,
    first_octet,
    is_ready,
    records_of,
)
from dinamed.plane.query cimport ParsedQuery
from dinamed.plane.reply cimport (
    PUNT,
    PUNT_FOR_SIGNATURE,
    RequestContext,
    cut,
    finish,
    limited,
    proof_size,
    put_proof,
    room_for,
    signature_of,
    truncated,
)
from dinamed.plane.select cimport ELSEWHERE, MOST_ANSWERS, RouteData, takes_all
from dinamed.plane.signed cimport Signature, Signing, member_hash, set_hash
from dinamed.plane.tables cimport (
    STEP_SIZE,
    InstalledPlan,
    TablesData,
    plan_after,
    plan_steps,
)


cdef struct Record:
    const uint8_t *octets   # without the owner
    uint32_t size


cdef inline uint32_t add_record(
    Record *records, uint32_t count, const Host *host, uint32_t number, bint ipv6
) noexcept nogil:
    """Take a record of a host in, unless its address is there; how many there are."""
    cdef const RouteData *route = host.route
    cdef const uint8_t *octets = route.records6 if ipv6 else route.records
    cdef uint32_t size = <uint32_t>SPAN6 if ipv6 else route.span, i
    octets += first_octet(host, ipv6)
    if not size:
        size = route.ends[host.member] - first_octet(host, False)
    octets += number * size
    for i in range(count):
        # The data stand behind type, class, TTL and size.
        if records[i].size == size and not memcmp(
            records[i].octets + 8, octets + 8, size - 8
        ):
            return count
    records[count].octets = octets
    records[count].size = size
    return count + 1


cdef inline bint comes_later(const Hosts *hosts, uint32_t number) noexcept nogil:
    """Whether another host before this one is of the same pool."""
    cdef uint32_t i
    for i in range(number):
        if hosts.hosts[i].route.pool == hosts.hosts[number].route.pool:
            return True
    return False


cdef inline int of_pool(
    const Hosts *hosts, uint32_t first, bint ipv6, uint64_t *rng, Record *records,
    uint32_t count,
) noexcept nogil:
    """Take in the addresses of the hosts of one pool: one of each, then the second.

    How many records there are then; -1 if that is too many.
    """
    cdef const RouteData *route = hosts.hosts[first].route
    cdef uint32_t starts[MOST_ANSWERS]
    cdef uint32_t number, i, size, turn, deepest = 0, members = 0, total = 0, left
    for i in range(first, hosts.count):
        if hosts.hosts[i].route.pool != route.pool:
            continue
        size = records_of(&hosts.hosts[i], ipv6)
        starts[i] = below(rng, size) if route.rotates and size > 1 else 0
        members += 1
        total += size
        if size > deepest:
            deepest = size
    left = total
    if not takes_all(route):
        left = route.more if route.more > members else members
    for turn in range(deepest):
        for i in range(first, hosts.count):
            if not left:
                return <int>count
            if hosts.hosts[i].route.pool != route.pool:
                continue
            size = records_of(&hosts.hosts[i], ipv6)
            if turn >= size:
                continue
            left -= 1
            if count == MOST_RECORDS:
                return -1
            number = starts[i] + turn
            if number >= size:
                number -= size
            count = add_record(records, count, &hosts.hosts[i], number, ipv6)
    return <int>count


cdef inline bint is_plain(const Hosts *hosts, bint ipv6) noexcept nogil:
    """Whether each host has just one record."""
    cdef uint32_t i
    for i in range(hosts.count):
        if records_of(&hosts.hosts[i], ipv6) != 1:
            return False
    return True


cdef inline int records_for(
    const Hosts *hosts, bint ipv6, uint64_t *rng, Record *records
) noexcept nogil:
    """The records of hosts; -1 if these are too many."""
    cdef uint32_t i, first, count = 0
    cdef int more
    cdef const Host *host
    if is_plain(hosts, ipv6):
        for i in range(hosts.count):
            host = &hosts.hosts[i]
            first = first_octet(host, ipv6)
            if ipv6:
                records[i].octets = host.route.records6 + first
                records[i].size = SPAN6
            else:
                records[i].octets = host.route.records + first
                records[i].size = host.route.ends[host.member] - first
        return <int>hosts.count
    for i in range(hosts.count):
        if comes_later(hosts, i):
            continue
        more = of_pool(hosts, i, ipv6, rng, records, count)
        if more < 0:
            return -1
        count = <uint32_t>more
    return <int>count


cdef inline uint8_t *put_drawn(
    uint8_t *at, const uint8_t *owner, uint32_t owner_size, const uint8_t *octets,
    uint32_t size, uint32_t ttl,
) noexcept nogil:
    """Append a record that is given without its owner and TTL; where it ends."""
    memcpy(at, owner, owner_size)
    at += owner_size
    memcpy(at, octets, size)
    put16(at + 4, ttl >> 16)
    put16(at + 6, ttl & 0xFFFF)
    return at + size


cdef inline int drawn_too_much(
    const TablesData *tables, const ParsedQuery *query, const InstalledPlan *plan,
    uint32_t scope, uint8_t *out,
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
    return truncated(tables, query, out, size, 0, True, counts, 0, scope)


cdef inline int drawn_answer(
    const TablesData *tables, const RouteData *route, const ParsedQuery *query,
    bint subnet, RequestContext *request, const InstalledPlan *plan,
    const Signing *signing, uint32_t scope, uint8_t *out,
) noexcept nogil:
    """An answer with drawn members, behind the records of `plan` if that is given.

    That this pool is asked depends on `scope` bits of the client subnet.  `signing` is
    NULL where no signature is wanted.
    """
    cdef Hosts hosts
    cdef Record records[MOST_RECORDS]
    cdef uint32_t counts[3]
    cdef uint32_t owner = 2, before = 0, room, i, visits = MOST_VISITS
    cdef uint64_t region = plan.region if plan != NULL else 0
    cdef uint64_t members = 0
    cdef const Signature *signature = NULL
    cdef const uint8_t *name = NULL
    cdef uint8_t question_name[2]
    cdef uint8_t *at = out + query.end
    cdef int found
    put16(question_name, 0xC00C)
    if route.kind == ELSEWHERE:
        return PUNT
    if tables.rates != NULL and not request.free:
        # Before the draw, so that only what leaves is a hand-out; and not before it is
        # sure that Python, which judges too, is not asked.
        found = is_ready(tables, route, query, subnet, request, region, &visits)
        if not found:
            found = limited(tables, query, request, out)
        if found:
            return found
    hosts.count = 0
    hosts.ttl = 0xFFFFFFFF
    hosts.scope = scope
    hosts.unfolded = False
    found = draw_hosts(tables, route, query, subnet, request, region, 0, &hosts)
    if found:
        return found
    found = records_for(&hosts, False, request.rng, records)
    if found <= 0:
        return PUNT
    counts[0] = counts[1] = counts[2] = 0
    if plan != NULL:
        before, owner = plan.before, plan.owner
        name = plan.octets + plan.size + plan.body
        for i in range(3):
            counts[i] = plan.before_counts[i]
    room = before
    for i in range(<uint32_t>found):
        room += owner + records[i].size
    if signing != NULL:
        for i in range(<uint32_t>found):
            members += member_hash(
                records[i].octets + RECORD_FIXED, records[i].size - RECORD_FIXED
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
        return drawn_too_much(tables, query, plan, hosts.scope, out)
    if before:
        memcpy(at, name, before)
        at += before
        name += before
    elif plan == NULL:
        name = question_name
    for i in range(<uint32_t>found):
        at = put_drawn(at, name, owner, records[i].octets, records[i].size, hosts.ttl)
    counts[0] += <uint32_t>found
    if signature != NULL:
        at = put_drawn(
            at, name, owner, signature.octets, signature.size, hosts.ttl
        )
        counts[0] += 1
        at = put_proof(at, signing, counts)
        if plan != NULL:
            memcpy(at, plan_after(plan), plan.after)
            for i in range(3):
                counts[i] += plan.after_counts[i]
    return finish(tables, query, out, room, 0, True, counts, 0, hosts.scope)
