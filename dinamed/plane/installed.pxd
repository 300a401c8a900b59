"""What Python has installed: plans for questions, and what follows for a client."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from dinamed.plane.geo_trees cimport OF_CLASS, ClientClass, class_of, class_scope
from dinamed.plane.posix cimport plane_exchange
from dinamed.plane.query cimport ParsedQuery
from dinamed.plane.reply cimport RequestContext
from dinamed.plane.tables cimport (
    InstalledClient,
    InstalledPlan,
    TablesData,
    honours_subnet,
    installed_client,
)

cdef enum:
    OF_REGION = 254         # in the place of a prefix length
    RENEWAL = 1             # seconds that a plan outlasts its time, to be made anew


cdef inline bint is_stale(
    const InstalledPlan *plan, const RequestContext *request
) noexcept nogil:
    """Whether Python has to be asked for a newer plan.

    Once the time of one is over, one thread asks; the others go on for a while.
    """
    if not plan.until or request.time <= plan.until:
        return False
    if plane_exchange(<uint64_t *>&plan.renewing, 0, 1):
        return True
    return request.time > plan.until + RENEWAL


cdef inline const InstalledClient *client_for(
    const TablesData *tables, uint64_t serial, bint placed, const ParsedQuery *query,
    bint subnet, const RequestContext *request, uint32_t *scope,
) noexcept nogil:
    """What is installed for this client by a serial, or NULL.

    `placed`: for all clients at its place.  `scope` are the bits of the client subnet
    that this depends on.
    """
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
    scope[0] = 0
    # Where nobody is known there is no place to look for.
    if not placed or tables.trees == NULL or not prefix:
        known = installed_client(tables, serial, address, size, prefix)
        if known != NULL and told:
            scope[0] = known.scope
        return known
    class_of(tables.trees, address, size, prefix, &found)
    known = installed_client(
        tables, serial, <const uint8_t *>found.records, found.size, OF_CLASS
    )
    if known != NULL and told:
        scope[0] = class_scope(&found, known.sources_asked)
        if known.scope > scope[0]:
            scope[0] = known.scope
    return known
