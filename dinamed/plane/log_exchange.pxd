"""What the query log says of an exchange: `dinamed.querylog.exchange_reader` in C.

The names of pools and members, and the places of clients, are texts that Python has
made once; what is missing of them is asked for.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from dinamed.plane.geo_trees cimport CLASS_SIZE, ClientClass, class_of
from dinamed.plane.octets cimport fnv1a, get16
from dinamed.plane.plan_answer cimport ROUTES
from dinamed.plane.posix cimport plane_source
from dinamed.plane.query cimport (
    ACCEPT,
    MOST_LABELS,
    OPTION_SUBNET,
    TYPE_A,
    TYPE_AAAA,
    TYPE_CNAME,
    TYPE_OPT,
    ParsedQuery,
    read_query,
)
from dinamed.plane.reply cimport FORMERR
from dinamed.plane.samples cimport AnswerSample
from dinamed.plane.tables cimport TablesData, honours_subnet, zone_of
from dinamed.plane.zone cimport EXACT, HIDDEN, MISSING, WILDCARD, MatchKind, Zone
from dinamed.plane.zone cimport find, pool_of

cdef enum:
    MOST_NAMED = 64         # members of an answer
    MOST_POINTERS = 64      # of one compressed name
    PLACE_SLOTS = 32768     # places of clients that are known at a time, twice


cdef enum Missing:
    NOTHING
    POOL_TEXT               # what a pool is called, and its members
    PLACE_TEXT              # where a client is
    PYTHON                  # it has to be read by Python as a whole


cdef struct AddressSlot:
    uint32_t member         # its number, plus one; 0: nothing
    uint32_t size
    uint8_t address[16]


cdef struct PoolTextData:
    # What to call a pool, in JSON and as it is; members by their addresses.
    const uint8_t *name
    uint32_t name_size
    const uint8_t *head     # of the object in JSON, up to the members
    uint32_t head_size
    const uint8_t *tail     # and behind them
    uint32_t tail_size
    const uint8_t *names    # of members, one behind the other
    const uint32_t *ends
    const uint8_t *quoted   # the same in JSON
    const uint32_t *quoted_ends
    AddressSlot *slots
    uint32_t mask
    bint awkward            # whether its names are too long for the buffers


cdef struct PlaceSlot:
    uint64_t hash           # 0: nothing
    uint32_t size           # octets of the class
    uint32_t text_size
    const uint8_t *text
    uint8_t key[CLASS_SIZE]


cdef struct Known:
    # What Python has told so far.
    const TablesData *tables
    const PoolTextData **pools
    uint32_t pool_count
    PlaceSlot *places
    bint placed             # whether anything is known of anybody's place


cdef struct ReadExchange:
    const uint8_t *source
    uint32_t source_size
    const uint8_t *query_octets
    const uint8_t *reply
    ParsedQuery query
    bint readable           # whether `query` is
    const Zone *zone
    const PoolTextData *pool
    uint32_t members[MOST_NAMED]
    uint32_t member_count
    int scope
    uint32_t rcode
    const PlaceSlot *place
    # What is missing.
    uint32_t pool_number
    uint8_t client[16]
    uint32_t client_size
    uint32_t client_prefix
    ClientClass client_class


cdef struct ReplyRecord:
    uint8_t owner[256]      # in lower case
    uint32_t owner_size     # 0: not to be read
    uint32_t type
    uint32_t start          # of the data
    uint32_t size


cdef inline uint32_t read_name(
    const uint8_t *message, uint32_t size, uint32_t at, uint8_t *name, uint32_t *length
) noexcept nogil:
    """Where a name ends that may be compressed; 0 if it is none.

    `name` gets it in lower case, with `length` octets.
    """
    cdef uint32_t end = 0, used = 0, jumps = 0, i, octet
    while True:
        if at >= size:
            return 0
        octet = message[at]
        if octet >= 192:
            if at + 2 > size or jumps == MOST_POINTERS:
                return 0
            if not end:
                end = at + 2
            at = get16(message + at) & 0x3FFF
            jumps += 1
            continue
        if octet > 63 or at + 1 + octet > size or used + octet + 1 > 255:
            return 0
        name[used] = <uint8_t>octet
        for i in range(1, 1 + octet):
            name[used + i] = message[at + i]
            if <uint8_t>(name[used + i] - 65) < 26:
                name[used + i] += 32
        used += 1 + octet
        at += 1 + octet
        if not octet:
            length[0] = used
            return end or at


cdef inline uint32_t read_record(
    const uint8_t *message, uint32_t size, uint32_t at, ReplyRecord *record
) noexcept nogil:
    """Where a record ends; 0 if it is broken."""
    at = read_name(message, size, at, record.owner, &record.owner_size)
    if not at or at + 10 > size:
        return 0
    record.type = get16(message + at)
    record.size = get16(message + at + 8)
    record.start = at + 10
    at = record.start + record.size
    return at if at <= size else 0


cdef inline int subnet_scope(
    const uint8_t *options, uint32_t size
) noexcept nogil:
    """The scope that a reply tells (RFC 7871), -1 if it tells none."""
    cdef uint32_t at = 0
    while at + 8 <= size:
        if get16(options + at) == OPTION_SUBNET:
            return options[at + 7]
        at += 4 + get16(options + at + 2)
    return -1


cdef inline bint ask_for(
    ParsedQuery *query, const uint8_t *name, uint32_t size
) noexcept nogil:
    """Have `query` be about a name in lower case; False if it is none."""
    cdef uint32_t at = 0, labels = 0
    memcpy(query.key, name, size)
    query.size = size
    while name[at]:
        if labels == MOST_LABELS - 1:
            return False
        query.at[labels] = <uint8_t>at
        labels += 1
        at += 1 + name[at]
    query.at[labels] = <uint8_t>at
    query.labels = labels
    return True


cdef inline uint32_t pool_at(
    const TablesData *tables, const uint8_t *name, uint32_t size, bint own
) noexcept nogil:
    """The number of the pool that a name is bound to, plus one; 0 if to none.

    For a name with `own` records cuts and the like do not matter.
    """
    cdef ParsedQuery asked
    cdef const Zone *zone
    cdef uint32_t node = 0, encloser = 0, slot
    cdef MatchKind found
    if not ask_for(&asked, name, size):
        return 0
    zone = zone_of(tables, &asked)
    if zone == NULL:
        return 0
    found = find(zone, tables.crc, &asked, &node, &encloser)
    if found == MISSING or (found == HIDDEN and not (own and node)):
        return 0
    slot = pool_of(zone, node)
    return (slot - 1) // ROUTES + 1 if slot else 0


cdef inline bint takes_in(
    const PoolTextData *pool, const uint8_t *address, uint32_t size,
    ReadExchange *found,
) noexcept nogil:
    """Name the members with an address, in the pool's order; False if they are many."""
    cdef uint32_t slot, member, at, i
    slot = <uint32_t>fnv1a(address, size) & pool.mask
    while pool.slots[slot].member:
        member = pool.slots[slot].member - 1
        if pool.slots[slot].size == size and not memcmp(
            pool.slots[slot].address, address, size
        ):
            at = found.member_count
            while at and found.members[at - 1] > member:
                at -= 1
            if not at or found.members[at - 1] != member:
                if found.member_count == MOST_NAMED:
                    return False
                for i in range(found.member_count, at, -1):
                    found.members[i] = found.members[i - 1]
                found.members[at] = member
                found.member_count += 1
        slot = (slot + 1) & pool.mask
    return True


cdef inline Missing pool_text(
    const Known *known, uint32_t number, ReadExchange *found
) noexcept nogil:
    """Have the pool of this number, plus one, be that of the answer."""
    found.pool_number = number - 1
    if number > known.pool_count:
        return PYTHON
    found.pool = known.pools[number - 1]
    if found.pool == NULL:
        return POOL_TEXT
    return PYTHON if found.pool.awkward else NOTHING


cdef inline Missing read_answers(
    const Known *known, ReadExchange *found, uint32_t size
) noexcept nogil:
    """Read the reply: the pool and its members, and the scope."""
    cdef ReplyRecord record
    cdef uint8_t alias[256]
    cdef uint8_t owner[256]
    cdef uint32_t alias_size = found.query.size, owner_size = 0, number, at, i, length
    cdef uint32_t answers = get16(found.reply + 6)
    cdef uint32_t total = (
        answers + get16(found.reply + 8) + get16(found.reply + 10)
    )
    cdef uint32_t addresses[MOST_NAMED]
    cdef uint32_t sizes[MOST_NAMED]
    cdef uint32_t count = 0
    cdef bint asks_address = (
        found.query.type == TYPE_A or found.query.type == TYPE_AAAA
    )
    cdef Missing missing
    memcpy(alias, found.query.key, alias_size)
    at = found.query.end
    for i in range(total):
        at = read_record(found.reply, size, at, &record)
        if not at:
            return PYTHON
        if record.type == TYPE_OPT:
            found.rcode |= <uint32_t>found.reply[record.start - 6] << 4
            found.scope = subnet_scope(found.reply + record.start, record.size)
            break
        if i >= answers:
            continue
        if record.type == TYPE_A or record.type == TYPE_AAAA:
            if count == MOST_NAMED or record.size > 16:
                return PYTHON
            addresses[count] = record.start
            sizes[count] = record.size
            count += 1
            if found.pool == NULL and (
                record.owner_size != owner_size
                or memcmp(record.owner, owner, owner_size)
            ):
                owner_size = record.owner_size
                memcpy(owner, record.owner, owner_size)
                number = pool_at(known.tables, owner, owner_size, True)
                if number:
                    missing = pool_text(known, number, found)
                    if missing != NOTHING:
                        return missing
        elif record.type == TYPE_CNAME and record.owner_size == alias_size:
            if not memcmp(record.owner, alias, alias_size):
                if not read_name(found.reply, size, record.start, alias, &length):
                    return PYTHON
                alias_size = length
    if found.pool != NULL:
        for i in range(count):
            if not takes_in(
                found.pool, found.reply + addresses[i], sizes[i], found
            ):
                return PYTHON
    elif asks_address:
        number = pool_at(known.tables, alias, alias_size, False)
        if number:
            return pool_text(known, number, found)
    return NOTHING


cdef inline Missing find_place(const Known *known, ReadExchange *found) noexcept nogil:
    """Where the client is, by its client subnet if that counts."""
    cdef ParsedQuery *query = &found.query
    cdef ClientClass *place = &found.client_class
    cdef uint64_t hash
    cdef uint32_t slot
    memset(found.client, 0, 16)
    if honours_subnet(known.tables, query, found.source, found.source_size):
        found.client_size = 4 if query.family == 1 else 16
        found.client_prefix = query.prefix
        memcpy(found.client, query.address, found.client_size)
    else:
        found.client_size = found.source_size
        found.client_prefix = 8 * found.source_size
        memcpy(found.client, found.source, found.source_size)
    if not found.client_prefix:
        return NOTHING
    if known.tables.trees == NULL:
        return PYTHON
    class_of(
        known.tables.trees, found.client, found.client_size, found.client_prefix, place
    )
    hash = fnv1a(<const uint8_t *>place.records, place.size) | 1
    slot = <uint32_t>(hash >> 8) & (PLACE_SLOTS - 1)
    while known.places[slot].hash:
        if (
            known.places[slot].hash == hash and known.places[slot].size == place.size
            and not memcmp(known.places[slot].key, place.records, place.size)
        ):
            found.place = &known.places[slot]
            return NOTHING
        slot = (slot + 1) & (PLACE_SLOTS - 1)
    return PLACE_TEXT


cdef inline Missing read_exchange(
    const Known *known, const AnswerSample *record, ReadExchange *found
) noexcept nogil:
    """Read one, as far as it is known what to call all that is in it."""
    cdef const uint8_t *octets = <const uint8_t *>record + sizeof(AnswerSample)
    cdef Missing missing
    found.source_size = plane_source(&record.name, &found.source)
    found.query_octets = octets
    found.reply = octets + record.query
    found.zone = NULL
    found.pool = NULL
    found.place = NULL
    found.member_count = 0
    found.scope = -1
    found.rcode = found.reply[3] & 15
    found.readable = read_query(&found.query, octets, record.query) == ACCEPT
    if not found.readable:
        # What is malformed says nothing more.
        return NOTHING if found.rcode == FORMERR else PYTHON
    found.zone = zone_of(known.tables, &found.query)
    missing = read_answers(known, found, record.reply)
    if missing == NOTHING and known.placed:
        missing = find_place(known, found)
    return missing
