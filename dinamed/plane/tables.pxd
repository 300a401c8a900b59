"""What a snapshot becomes: zones, routes into pools, and plans installed by Python."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp
from dinamed.plane.query cimport MOST_LABELS, ParsedQuery
from dinamed.plane.cookie cimport Secrets, siphash24
from dinamed.plane.select cimport RouteData
from dinamed.plane.rate_table cimport RateTableData
from dinamed.plane.octets cimport mix
from dinamed.plane.geo_trees cimport CLASS_SIZE, GeoTreesData
from dinamed.plane.posix cimport plane_get_pointer
from dinamed.plane.reply_counts cimport MOST_COLUMNS, count_in
from dinamed.plane.tree cimport Tree, is_inside
from dinamed.plane.zone cimport Zone


cdef enum:
    TYPE_COLUMNS = 258   # the last type that is counted by itself is 257
    STEP_SIZE = 9        # of an RRset: its end, counts up to there, whether needed


cdef enum PlanKind:
    FIXED_PLAN
    POOL_PLAN
    PUNT_PLAN  # always for the Python engine
    CLIENT_PLAN  # that which is installed for the client, or its class
    SERVICE_PLAN  # HTTPS or SVCB records with hints of a pool's choice


cdef struct InstalledPlan:
    uint64_t hash
    PlanKind kind
    uint32_t size           # octets of the name
    uint32_t type
    bint do                 # whether this is for those who set DO
    bint chaos              # whether the question is of class CH
    uint32_t rcode
    bint authoritative
    uint32_t error          # the code of an extended error, plus one; 0 for none
    uint32_t counts[3]
    uint32_t body           # octets of the records; for DRAWN those of NODATA
    uint32_t route          # place of the routes into the pool
    uint32_t ttl            # of a SERVICE_PLAN, that of its records
    bint subnet
    uint64_t limited        # the kind of the answer, for limits on replies
    uint32_t before_counts[3]
    uint32_t before         # octets of the records before the drawn ones
    uint32_t owner          # octets of the drawn records' owner
    uint32_t steps          # how many RRsets the body has, and those before
    uint32_t before_steps
    uint64_t serial         # of a CLIENT_PLAN, its own
    bint placed             # whether that goes by the client's place alone
    uint64_t region         # of a POOL_PLAN, where to take clients to be; 0: theirs
    bint guarded            # whether it is for those who may see members
    double until            # on the steady clock; 0: for ever
    uint64_t signer         # hash of the owner that is signed; 0: nothing is
    uint32_t after_counts[3]
    uint32_t after          # octets of the records behind the drawn ones
    uint64_t renewing       # whether Python was asked for a newer one
    uint8_t octets[1]       # name, body, before, owner, steps of both


cdef struct InstalledClient:
    # Among which members a client's answers are drawn, or those of a class.
    uint64_t hash
    uint64_t serial         # of the route BY_CLIENT or BY_PLACE
    uint32_t prefix         # OF_CLASS for a class
    uint32_t size           # octets of the address, or of the class's records
    uint8_t address[CLASS_SIZE]
    uint32_t scope          # bits of the client subnet that this depends on
    uint32_t sources_asked  # for a class, how many sources were asked for its place
    const RouteData *route
    InstalledPlan *plan     # for a CLIENT_PLAN; it goes with this
    uint32_t cost_count     # as many as the route has members; 0: not known
    const uint16_t *nearest  # the members in this order; NULL: they are few
    float costs[1]          # what each costs the client, in ms


cdef struct TablesData:
    const uint32_t *crc
    Zone **zones
    uint32_t *zone_slots    # numbers of zones, plus one, by hash of the origin
    uint32_t zone_mask
    uint32_t zone_labels    # of the longest origin
    RouteData **routes      # by place: for IPv4, then for IPv6
    void **installed
    uint32_t installed_mask
    void **known
    uint32_t known_mask
    void **signatures
    uint32_t signature_mask
    const GeoTreesData *trees  # for the classes of clients, or NULL
    bint shut               # whether everything is left to Python
    void *counts            # of replies for names in no zone: see `reply_counts`
    uint32_t rows           # of counting threads
    uint8_t columns[TYPE_COLUMNS]  # where each type is counted
    uint32_t keepalive      # how long a stream may be idle, in steps of 100 ms
    bint subnets            # whether every resolver's client subnets are honoured
    Tree trusted            # else the resolvers whose are
    Tree managers           # the clients that may see members
    const RateTableData *rates        # the limits on replies, or NULL
    Secrets secrets
    uint64_t salt[2]        # of the hashes that names and addresses are found by
    uint32_t nsid_size
    uint8_t nsid[128]


cdef inline uint32_t label_hash(
    uint32_t hash, const uint8_t *label
) noexcept nogil:
    """The hash of a name from that of its parent and its first label."""
    cdef uint32_t i
    for i in range(<uint32_t>label[0] + 1):
        hash = (hash ^ label[i]) * <uint32_t>16777619
    return hash ^ (hash >> 15)


cdef inline const Zone *zone_of(
    const TablesData *tables, const ParsedQuery *query
) noexcept nogil:
    """The deepest zone at or above the name, or NULL."""
    cdef uint32_t hashes[MOST_LABELS]
    cdef uint32_t label = query.labels, hash = <uint32_t>2166136261, slot, number
    cdef uint32_t first = 0, size
    cdef const Zone *zone
    if label > tables.zone_labels:
        first = label - tables.zone_labels
    hashes[label] = hash
    while label > first:
        label -= 1
        hash = label_hash(hash, query.key + query.at[label])
        hashes[label] = hash
    while label <= query.labels:
        slot = hashes[label] & tables.zone_mask
        size = query.size - query.at[label]
        while True:
            number = tables.zone_slots[slot]
            if not number:
                break
            zone = tables.zones[number - 1]
            if zone.size == size:
                if memcmp(zone.origin, query.key + query.at[label], size) == 0:
                    return zone
            slot = (slot + 1) & tables.zone_mask
        label += 1
    return NULL


cdef inline bint honours_subnet(
    const TablesData *tables, const ParsedQuery *query, const uint8_t *source,
    uint32_t size
) noexcept nogil:
    """Whether a query has a client subnet that counts."""
    if not query.family:
        return False
    return tables.subnets or is_inside(&tables.trusted, source, size)


cdef inline uint64_t client_hash(
    const uint64_t *salt, uint64_t serial, const uint8_t *address, uint32_t size,
    uint32_t prefix,
) noexcept nogil:
    """With a secret, so that nobody can choose addresses that collide."""
    return mix(siphash24(salt, address, size) ^ mix(serial << 8 | prefix))


cdef inline const InstalledClient *installed_client(
    const TablesData *tables, uint64_t serial, const uint8_t *address, uint32_t size,
    uint32_t prefix,
) noexcept nogil:
    """What was installed for a client, or NULL."""
    cdef uint64_t hash = client_hash(tables.salt, serial, address, size, prefix)
    cdef uint32_t slot = <uint32_t>hash & tables.known_mask
    cdef void **slots = <void **>plane_get_pointer(<void *>&tables.known)
    cdef const InstalledClient *known
    while True:
        known = <const InstalledClient *>plane_get_pointer(&slots[slot])
        if known == NULL:
            return NULL
        if (
            known.hash == hash and known.serial == serial and known.size == size
            and known.prefix == prefix
            and memcmp(known.address, address, size) == 0
        ):
            return known
        slot = (slot + 1) & tables.known_mask


cdef inline void count_reply(
    const TablesData *tables, const Zone *zone, uint32_t thread, uint32_t rrtype,
    uint32_t rcode,
) noexcept nogil:
    """Count a reply by its type and response code; `zone` is NULL outside of ours."""
    cdef uint32_t row = 0 if rcode == 0 else 1 if rcode == 3 else 2 if rcode == 5 else 3
    cdef void *counts = <void *>(&tables.counts if zone == NULL else &zone.counts)
    if rrtype < TYPE_COLUMNS:
        row = row * MOST_COLUMNS + tables.columns[rrtype]
    else:
        row = row * MOST_COLUMNS
    count_in(counts, tables.rows, thread, row)


cdef inline const uint8_t *plan_steps(const InstalledPlan *plan) noexcept nogil:
    """Where each RRset of the body ends, and behind that of those before."""
    return plan.octets + plan.size + plan.body + plan.before + plan.owner


cdef inline const uint8_t *plan_after(const InstalledPlan *plan) noexcept nogil:
    """The records behind the drawn ones."""
    return plan_steps(plan) + (plan.steps + plan.before_steps) * STEP_SIZE


cdef inline uint64_t plan_hash(
    const uint64_t *salt, const uint8_t *key, uint32_t size, uint32_t rrtype, bint do,
    bint chaos,
) noexcept nogil:
    """With a secret, so that nobody can choose names that collide."""
    cdef uint64_t rest = (2 if chaos else 0) | (1 if do else 0)
    return mix(siphash24(salt, key, size) ^ rrtype ^ rest << 16)


cdef inline const InstalledPlan *installed_plan(
    const TablesData *tables, const ParsedQuery *query
) noexcept nogil:
    """The plan of a question, with DO or without, or NULL."""
    cdef uint64_t hash = plan_hash(
        tables.salt, query.key, query.size, query.type, query.do, query.chaos
    )
    cdef uint32_t slot = <uint32_t>hash & tables.installed_mask
    cdef void **slots = <void **>plane_get_pointer(<void *>&tables.installed)
    cdef const InstalledPlan *plan
    while True:
        plan = <const InstalledPlan *>plane_get_pointer(&slots[slot])
        if plan == NULL:
            return NULL
        if (
            plan.hash == hash and plan.size == query.size and plan.type == query.type
            and plan.do == query.do and plan.chaos == query.chaos
        ):
            if memcmp(plan.octets, query.key, query.size) == 0:
                return plan
        slot = (slot + 1) & tables.installed_mask
