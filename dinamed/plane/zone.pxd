"""Looking a name up in packed zones: `dinamed.zones.packed` in C.

`dinamed.zones.layout` says what the octets mean.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp
from dinamed.plane.query cimport ParsedQuery
from dinamed.plane.signed cimport Chain
from dinamed.plane.octets cimport crc32, little16, little32

cdef enum:
    CUT = 2
    BELOW_CUT = 4
    HAS_DNAME = 8
    BELOW_DNAME = 16
    HAS_WILDCARD = 32
    HASH = 128

    OCCLUDED = 22  # CUT | BELOW_CUT | BELOW_DNAME

    SPECIAL = 5


cdef struct Zone:
    const uint8_t *data
    const uint8_t *index
    uint32_t mask
    uint32_t apex           # offset of its node
    uint32_t depth
    uint32_t size           # octets of the origin
    uint32_t labels         # without the root's
    # The labels of regions below which names of pools stand, those of more than two
    # letters alone, each with its length, then a zero; NULL if there are none.
    const uint8_t *regions
    const uint8_t *origin   # in lower case
    uint32_t *pools         # from the zone's numbers of pools to slots of routes
    # The authority section of negative answers, and where it points into the name.
    const uint8_t *soa
    uint32_t soa_size
    const uint16_t *pointers
    uint32_t pointer_count
    bint subnet             # whether clients may be known by their subnet
    bint signed             # whether those who set DO miss more than is made here
    Chain *chain            # of a zone that is signed here, or NULL
    bint keyed              # whether keys stand at the apex beside the data
    bint left               # whether all but the installed plans is left to Python
    void *counts            # of replies: see `reply_counts`
    uint64_t limited        # the kind of negative answers, for limits on replies
    const uint8_t *special[SPECIAL]  # labels below the apex that are not plain


cdef enum MatchKind:
    EXACT
    WILDCARD
    MISSING
    HIDDEN  # at or below a cut, or below a DNAME


cdef inline uint32_t probe(
    const Zone *zone, const uint32_t *table, const uint8_t *key, uint32_t size
) noexcept nogil:
    """The offset of the node with this key, or 0."""
    cdef uint32_t slot, offset
    if not size:
        return zone.apex
    slot = crc32(table, key, size) & zone.mask
    while True:
        offset = little32(zone.index + 4 * slot)
        if not offset:
            return 0
        if zone.data[offset] == size:
            if memcmp(zone.data + offset + 1, key, size) == 0:
                return offset
        slot = (slot + 1) & zone.mask


cdef inline uint32_t flags_of(const Zone *zone, uint32_t offset) noexcept nogil:
    return zone.data[offset + 1 + zone.data[offset]]


cdef inline MatchKind find(
    const Zone *zone, const uint32_t *table, const ParsedQuery *query, uint32_t *node,
    uint32_t *encloser
) noexcept nogil:
    """How the name relates to the zone's data; `node` is for EXACT and WILDCARD.

    For WILDCARD and MISSING `encloser` is the number of the closest encloser's first
    label.
    """
    cdef uint32_t left = query.size - zone.size  # octets left of the origin
    cdef uint32_t offset = probe(zone, table, query.key, left)
    cdef uint32_t label, last, start, size, i
    cdef uint8_t wildcard[256]
    if offset and not flags_of(zone, offset) & HASH:
        node[0] = offset
        return HIDDEN if flags_of(zone, offset) & OCCLUDED else EXACT
    last = query.labels - zone.labels
    label = last - zone.depth if last > zone.depth else 1
    while True:
        start = query.at[label]
        offset = probe(zone, table, query.key + start, left - start)
        if offset and not flags_of(zone, offset) & HASH:
            break
        label += 1  # the apex encloses every name, so this ends
    encloser[0] = label
    i = flags_of(zone, offset)
    if i & (OCCLUDED | HAS_DNAME):
        return HIDDEN
    if not i & HAS_WILDCARD:
        return MISSING
    size = left - start
    wildcard[0] = 1
    wildcard[1] = 42  # *
    for i in range(size):
        wildcard[2 + i] = query.key[start + i]
    node[0] = probe(zone, table, wildcard, size + 2)
    return WILDCARD if node[0] else HIDDEN


cdef inline const uint8_t *rrset_of(
    const Zone *zone, uint32_t node, uint32_t rrtype, bint *alias
) noexcept nogil:
    """The RRset of a type at a node, or NULL; `alias` tells of a CNAME before it."""
    cdef const uint8_t *at = zone.data + node
    cdef uint32_t count, kind
    at += 1 + at[0]
    count = little16(at + 3)
    at += 5
    alias[0] = False
    while count:
        kind = little16(at)
        if kind == rrtype:
            return at
        if kind == 5:
            alias[0] = True
        at += 12 + little32(at + 8)
        count -= 1
    return NULL


cdef inline uint32_t pool_of(const Zone *zone, uint32_t node) noexcept nogil:
    """The slot of the pool that a node is bound to, plus one; 0 if to none."""
    cdef const uint8_t *at = zone.data + node
    cdef uint32_t number = little16(at + 2 + at[0])
    return zone.pools[number] if number else 0


cdef inline bint is_regional(
    const Zone *zone, const ParsedQuery *query
) noexcept nogil:
    """Whether the label next to the origin may be that of a region with names."""
    cdef const uint8_t *label
    cdef const uint8_t *at = zone.regions
    if at == NULL or query.labels == zone.labels:
        return False
    label = query.key + query.at[query.labels - zone.labels - 1]
    if label[0] == 2:
        return True
    while at[0]:
        if at[0] == label[0] and memcmp(at + 1, label + 1, label[0]) == 0:
            return True
        at += 1 + at[0]
    return False


cdef inline bint is_special(
    const Zone *zone, const ParsedQuery *query
) noexcept nogil:
    """Whether the label next to the origin is one of the special ones."""
    cdef const uint8_t *label
    cdef uint32_t i
    if query.labels == zone.labels:
        return False
    label = query.key + query.at[query.labels - zone.labels - 1]
    for i in range(<uint32_t>SPECIAL):
        if zone.special[i] == NULL:
            break
        if zone.special[i][0] == label[0]:
            if memcmp(zone.special[i] + 1, label + 1, label[0]) == 0:
                return True
    return False
