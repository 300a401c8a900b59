"""A small zone between its file and its packed form: records by owner, checked.

What is out of the ordinary in any way, and so might call for a message, makes each step
give up: the whole zone is left to `dinamed.zones.build` then.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy, memset
from dinamed.plane.octets cimport crc32
from dinamed.zones.plain cimport NOTHING, RECORD, Rdata, Scope, read_line
from dinamed.zones.plain_words cimport (
    A,
    AAAA,
    CNAME,
    MX,
    NS,
    PTR,
    SRV,
    is_digit,
    is_rest,
    is_space,
    lower,
    read_name,
    read_ttl,
    word_end,
)
from dinamed.zones.small_words cimport SOA, Words, read_soa

cdef enum:
    MOST_TEXT = 1 << 16
    MOST_RECORDS = 512
    MOST_OWNERS = 1024
    SLOTS = 4096
    MOST_OCTETS = 1 << 19
    MOST_SET = 60000


cdef struct SmallRecord:
    uint32_t rdata          # where it begins in the octets
    uint32_t ttl
    uint32_t next           # of the same owner, plus one; 0: none
    uint16_t type
    uint16_t size


cdef struct SmallOwner:
    uint32_t hash
    uint32_t key            # where it begins in the octets
    uint32_t first          # records, plus one; 0: none
    uint32_t last
    uint16_t size
    uint8_t depth           # labels
    bint wildcard           # whether there is one right below


cdef struct SmallZoneData:
    const uint32_t *crc
    const uint8_t *origin   # lowercased
    int origin_size
    uint32_t used           # octets
    uint32_t record_count
    uint32_t owner_count
    uint32_t servers        # NS records at the apex
    uint32_t depth          # labels of the deepest name
    bint wildcards
    uint8_t octets[MOST_OCTETS]
    SmallRecord records[MOST_RECORDS]
    SmallOwner owners[MOST_OWNERS]
    uint16_t slots[SLOTS]   # owners by hash, plus one


cdef inline SmallOwner *owner_of(
    SmallZoneData *zone, const uint8_t *key, int size
) noexcept nogil:
    """The owner with this key, or NULL."""
    cdef uint32_t hash = crc32(zone.crc, key, size)
    cdef uint32_t slot = hash % SLOTS
    cdef SmallOwner *owner
    while zone.slots[slot]:
        owner = &zone.owners[zone.slots[slot] - 1]
        if owner.hash == hash and owner.size == size:
            if not memcmp(zone.octets + owner.key, key, size):
                return owner
        slot = (slot + 1) % SLOTS
    return NULL


cdef inline SmallOwner *new_owner(
    SmallZoneData *zone, const uint8_t *key, int size
) noexcept nogil:
    """One that is not there yet; NULL where there are too many."""
    cdef uint32_t hash = crc32(zone.crc, key, size)
    cdef uint32_t slot = hash % SLOTS
    cdef SmallOwner *owner
    cdef int at = 0
    if zone.owner_count == MOST_OWNERS - 1 or zone.used + size > MOST_OCTETS:
        return NULL
    while zone.slots[slot]:
        slot = (slot + 1) % SLOTS
    owner = &zone.owners[zone.owner_count]
    zone.owner_count += 1
    zone.slots[slot] = <uint16_t>zone.owner_count
    memset(owner, 0, sizeof(SmallOwner))
    owner.hash = hash
    owner.key = zone.used
    owner.size = <uint16_t>size
    memcpy(zone.octets + zone.used, key, size)
    zone.used += size
    while at < size:
        if at and key[at] == 1 and key[at + 1] == 42:
            return NULL  # an asterisk that is no wildcard's
        at += 1 + key[at]
        owner.depth += 1
    if owner.depth > zone.depth:
        zone.depth = owner.depth
    return owner


cdef inline bint add_record(
    SmallZoneData *zone, const uint8_t *key, int size, const Rdata *rdata
) noexcept nogil:
    """Put a record behind those of its owner."""
    cdef SmallOwner *owner = owner_of(zone, key, size)
    cdef SmallRecord *record
    if owner == NULL:
        owner = new_owner(zone, key, size)
        if owner == NULL:
            return False
    if (
        zone.record_count == MOST_RECORDS or zone.used + rdata.size > MOST_OCTETS
        or (rdata.type == NS and size)
    ):
        return False
    record = &zone.records[zone.record_count]
    zone.record_count += 1
    record.type = rdata.type
    record.ttl = rdata.ttl
    record.size = <uint16_t>rdata.size
    record.rdata = zone.used
    record.next = 0
    memcpy(zone.octets + zone.used, rdata.octets, rdata.size)
    zone.used += rdata.size
    if owner.first:
        zone.records[owner.last - 1].next = zone.record_count
    else:
        owner.first = zone.record_count
    owner.last = zone.record_count
    if rdata.type == NS:
        zone.servers += 1
    return True


cdef inline bint read_directive(
    const uint8_t *at, const uint8_t *end, Scope *scope, uint8_t *origin,
    uint8_t *suffix,
) noexcept nogil:
    """$TTL, and $ORIGIN at or below the zone; the last two are room for its names."""
    cdef uint8_t name[256]
    cdef const uint8_t *word
    cdef const uint8_t *stop
    cdef int64_t ttl
    cdef int size, i = 0
    cdef bint absolute, is_ttl = end - at > 5 and not memcmp(at, b"$TTL", 4)
    if not is_ttl and (end - at < 9 or memcmp(at, b"$ORIGIN", 7)):
        return False
    at += 4 if is_ttl else 7
    if not is_space(at[0]):
        return False
    while at < end and is_space(at[0]):
        at += 1
    word, stop = at, word_end(at, end)
    if stop == NULL or stop == word or not is_rest(stop, end):
        return False
    if is_ttl:
        ttl = read_ttl(word, stop)
        if ttl < 0:
            return False
        scope.default_ttl = ttl
        scope.last_counts = False
        return True
    size = read_name(
        word, stop, scope.origin, scope.origin_size, False, name, &absolute
    )
    size -= scope.zone_size
    if size < 0:
        return False
    while i < size:
        i += 1 + name[i]
    if i != size:
        return False
    for i in range(size + scope.zone_size):
        origin[i] = name[i]
        suffix[i] = lower(name[i])
    if memcmp(suffix + size, scope.zone, scope.zone_size):
        return False
    scope.origin, scope.origin_size = origin, size + scope.zone_size
    scope.suffix, scope.suffix_size = suffix, size
    return True


cdef inline bint read_text(
    SmallZoneData *zone, const uint8_t *at, const uint8_t *stop
) noexcept nogil:
    """All records of a file's text."""
    cdef Scope scope
    cdef Rdata rdata
    cdef Words words
    cdef const uint8_t *end
    cdef uint8_t origin[256]
    cdef uint8_t suffix[256]
    cdef int found
    scope.zone, scope.zone_size = zone.origin, zone.origin_size
    scope.origin, scope.origin_size = zone.origin, zone.origin_size
    scope.suffix, scope.suffix_size = zone.origin, 0
    scope.default_ttl = scope.last_ttl = -1
    scope.last_counts = True
    scope.key_size = 0
    if memchr(at, 13, stop - at) != NULL:
        return False
    while at < stop:
        end = <const uint8_t *>memchr(at, 10, stop - at)
        if end == NULL:
            end = stop
        if at < end and at[0] == 36:
            if not read_directive(at, end, &scope, origin, suffix):
                return False
            at = end + 1
            continue
        found = read_line(at, end, &scope, &rdata)
        if found == NOTHING:
            at = end + 1
            continue
        if found != RECORD:
            words.at, words.stop = at, stop
            if not read_soa(&words, &scope, &rdata):
                return False
            end = words.at
        if not add_record(zone, scope.key, scope.key_size, &rdata):
            return False
        at = end + 1
    return True


cdef inline bint enter_above(SmallZoneData *zone) noexcept nogil:
    """Make owners of the names that have others below them and no data."""
    cdef uint32_t i, total = zone.owner_count
    cdef uint32_t starts[128]
    cdef int at, size, labels
    cdef const uint8_t *key
    cdef SmallOwner *above
    for i in range(total):
        key, size = zone.octets + zone.owners[i].key, zone.owners[i].size
        at = labels = 0
        while at < size:
            at += 1 + key[at]
            starts[labels] = at
            labels += 1
        while labels:  # the shortest first, as `packer` does
            labels -= 1
            at = starts[labels]
            above = owner_of(zone, key + at, size - at)
            if above == NULL:
                above = new_owner(zone, key + at, size - at)
                if above == NULL:
                    return False
            if not labels and key[0] == 1 and key[1] == 42:
                above.wildcard = zone.wildcards = True
    return True


cdef inline bint has_address(SmallZoneData *zone, const SmallOwner *owner) noexcept nogil:
    cdef uint32_t at = owner.first
    while at:
        if zone.records[at - 1].type == A or zone.records[at - 1].type == AAAA:
            return True
        at = zone.records[at - 1].next
    return False


cdef inline bint is_good_target(
    SmallZoneData *zone, uint16_t kind, const uint8_t *name, int size
) noexcept nogil:
    """Whether nobody would be warned of a host's name in a record of this type."""
    cdef uint8_t key[256]
    cdef int i, inside = size - zone.origin_size
    cdef const SmallOwner *owner
    cdef bint digits = True
    for i in range(1, name[0] + 1):
        digits = digits and is_digit(name[i])
    if digits:
        return False  # the root, or perhaps an address
    if inside < 0:
        return True
    i = 0
    while i < inside:
        i += 1 + name[i]
    if i != inside:
        return True
    for i in range(size):
        key[i] = lower(name[i])
    if memcmp(key + inside, zone.origin, zone.origin_size):
        return True
    owner = owner_of(zone, key, inside)
    if owner == NULL or not owner.first:
        return False
    return kind == CNAME or kind == PTR or has_address(zone, owner)


cdef inline bint is_same(
    SmallZoneData *zone, const SmallRecord *one, const SmallRecord *other
) noexcept nogil:
    """Whether two records of a type may be one: without regard to case."""
    cdef uint32_t i
    if one.size != other.size:
        return False
    for i in range(one.size):
        if lower(zone.octets[one.rdata + i]) != lower(zone.octets[other.rdata + i]):
            return False
    return True


cdef inline bint check_owner(SmallZoneData *zone, const SmallOwner *owner) noexcept nogil:
    """Whether the records of an owner go together without a word."""
    cdef uint32_t at = owner.first, other, octets = 0
    cdef const SmallRecord *record
    cdef const SmallRecord *behind
    cdef const uint8_t *rdata
    cdef int start
    # The zone's own name at the end of a relative one.
    start = owner.size - (zone.origin_size - 1)
    if start >= 0:
        if not memcmp(
            zone.octets + owner.key + start, zone.origin, zone.origin_size - 1
        ):
            return False
    while at:
        record = &zone.records[at - 1]
        octets += <uint32_t>record.size + 12
        if record.type == CNAME and owner.first != owner.last:
            return False
        other = record.next
        while other:
            behind = &zone.records[other - 1]
            if behind.type == record.type and (
                behind.ttl != record.ttl or record.type == SOA
                or is_same(zone, record, behind)
            ):
                return False
            other = behind.next
        start = -1
        if record.type == NS or record.type == CNAME or record.type == PTR:
            start = 0
        elif record.type == MX:
            start = 2
        elif record.type == SRV:
            start = 6
        if start >= 0:
            rdata = zone.octets + record.rdata + start
            if not is_good_target(zone, record.type, rdata, record.size - start):
                return False
        at = record.next
    return octets <= MOST_SET


cdef inline bint check_zone(SmallZoneData *zone) noexcept nogil:
    """Whether there is nothing to be said about the zone."""
    cdef uint32_t i, at, soas = 0
    cdef const SmallOwner *apex = owner_of(zone, zone.origin, 0)
    if apex == NULL or not zone.servers:
        return False
    at = apex.first
    while at:
        if zone.records[at - 1].type == SOA:
            soas += 1
        at = zone.records[at - 1].next
    if soas != 1:
        return False
    for i in range(zone.owner_count):
        if not check_owner(zone, &zone.owners[i]):
            return False
    return True
