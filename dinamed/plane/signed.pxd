"""Signatures of what is answered here, and the chain of names that denies the rest.

No key is here: Python signs, and installs what it has signed.  An RRset's signature is
found by its owner, its type and the set of its records; a proof by the place of a name
in the zone's chain (`dinamed.dnssec.denial`).
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy
from dinamed.plane.octets cimport fnv1a, mix, put16
from dinamed.plane.posix cimport plane_get_pointer
from dinamed.plane.query cimport MOST_LABELS, ParsedQuery

cdef enum:
    CANONICAL_MAX = 768  # octets that a name of 255 can have in canonical form
    RRSIG_TTL_AT = 4     # in a record without its owner


cdef struct Signature:
    uint64_t hash
    uint32_t size
    uint8_t octets[1]    # the RRSIG record without its owner


cdef struct Link:
    # What the chain has at one name: its labels left of the origin, then twice what
    # stands behind that owner: the NSEC record, and its RRSIG.  That is made anew
    # after `until`, in seconds of Unix time.
    uint64_t until
    uint32_t owner
    uint32_t nsec
    uint32_t rrsig
    uint8_t octets[1]


cdef struct Chain:
    const uint8_t *keys      # in canonical form, one behind the other
    const uint32_t *starts   # of each, and the end of the last
    uint32_t count
    void **links             # by place; NULL: not installed
    void *soa                # a link whose NSEC is empty: the signature of the SOA


cdef struct Canonical:
    # A name relative to its zone, and where it ends with each label from the right.
    uint32_t size
    uint32_t labels
    uint32_t ends[MOST_LABELS]
    uint8_t octets[CANONICAL_MAX]


cdef struct Signing:
    # How an answer is signed.
    uint64_t owner       # the hash of the owner that is signed
    const Link *proof    # that a wildcard stands for the name, or NULL
    uint32_t origin      # where the zone's name stands in the message


cdef inline uint64_t member_hash(const uint8_t *rdata, uint32_t size) noexcept nogil:
    return mix(fnv1a(rdata, size))


cdef inline uint64_t set_hash(
    uint64_t owner, uint32_t rrtype, uint64_t members
) noexcept nogil:
    """By what the signature of a set is found; `members` is the sum of their hashes."""
    return mix(mix(owner + rrtype) ^ members)


cdef inline const Signature *installed_signature(
    void **slots, uint32_t mask, uint64_t hash
) noexcept nogil:
    """The signature, or NULL."""
    cdef uint32_t slot = <uint32_t>hash & mask
    cdef const Signature *found
    while True:
        found = <const Signature *>plane_get_pointer(&slots[slot])
        if found == NULL or found.hash == hash:
            return found
        slot = (slot + 1) & mask


cdef inline void canonical(
    Canonical *name, const ParsedQuery *query, uint32_t left
) noexcept nogil:
    """The first `left` labels of the name, from the right, as they sort."""
    cdef uint32_t i, label = left, at = 0, size
    cdef const uint8_t *octets
    name.labels = left
    while label:
        label -= 1
        octets = query.key + query.at[label]
        size = octets[0]
        for i in range(1, size + 1):
            if octets[i] <= 1:
                name.octets[at] = 1
                at += 1
                name.octets[at] = octets[i] + 1
            else:
                name.octets[at] = octets[i]
            at += 1
        name.octets[at] = 0
        at += 1
        name.ends[left - label - 1] = at
    name.size = at


cdef inline uint32_t place_of(
    const Chain *chain, const uint8_t *key, uint32_t size
) noexcept nogil:
    """The place of this name in the chain, or of the last one before it."""
    cdef uint32_t low = 1, high = chain.count, middle, length
    cdef const uint8_t *other
    cdef int order
    # The apex is first, and before every name.
    while low < high:
        middle = (low + high) >> 1
        other = chain.keys + chain.starts[middle]
        length = chain.starts[middle + 1] - chain.starts[middle]
        order = memcmp(other, key, size if size < length else length)
        if order < 0 or (order == 0 and length <= size):
            low = middle + 1
        else:
            high = middle
    return low - 1


cdef inline bint begins_with(
    const Chain *chain, uint32_t place, const uint8_t *key, uint32_t size
) noexcept nogil:
    """Whether the name at a place is this one or lies below it."""
    if place >= chain.count:
        return False
    if chain.starts[place + 1] - chain.starts[place] < size:
        return False
    return memcmp(chain.keys + chain.starts[place], key, size) == 0


cdef inline bint is_known(
    const Chain *chain, uint32_t place, const uint8_t *key, uint32_t size
) noexcept nogil:
    """Whether a name exists, by its place: it is there, or one below it comes next."""
    return begins_with(chain, place, key, size) or begins_with(
        chain, place + 1, key, size
    )


cdef inline const Link *link_at(const Chain *chain, uint32_t place) noexcept nogil:
    return <const Link *>plane_get_pointer(&chain.links[place])


cdef inline uint32_t link_size(const Link *link) noexcept nogil:
    """Octets of its records, with the origin of each owner as a pointer."""
    cdef uint32_t size = link.owner + 2 + link.rrsig
    return size + link.owner + 2 + link.nsec if link.nsec else size


cdef inline uint8_t *put_record(
    uint8_t *at, const Link *link, uint32_t origin, const uint8_t *record, uint32_t size
) noexcept nogil:
    memcpy(at, link.octets, link.owner)
    put16(at + link.owner, 0xC000 | origin)
    memcpy(at + link.owner + 2, record, size)
    return at + link.owner + 2 + size


cdef inline uint8_t *put_link(
    uint8_t *at, const Link *link, uint32_t origin, uint32_t *records
) noexcept nogil:
    """Append its records; `origin` is where the zone's name stands in the message."""
    cdef const uint8_t *nsec = link.octets + link.owner
    if link.nsec:
        at = put_record(at, link, origin, nsec, link.nsec)
        records[0] += 1
    records[0] += 1
    return put_record(at, link, origin, nsec + link.nsec, link.rrsig)
