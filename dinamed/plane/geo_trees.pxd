"""Classes of clients: those for whom `dinamed.geo.locator` says the same.

What is known of a place depends on which record each source has for a client: so the
records are its class, and Python is asked once for each class.  The scope of the answer
is how deep the trees were walked, of those sources that Python asked.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy
from dinamed.plane.tree cimport Tree, tree_value

cdef enum:
    MOST_SOURCES = 8
    CLASS_SIZE = 32         # octets: four for each source
    OF_CLASS = 255          # in the place of a prefix length

    # Values of `wraps`, as `dinamed.geo.unwrap` has them.
    AT_16 = 1
    AT_96 = 2
    AT_96_INVERTED = 3


cdef struct GeoTreesData:
    uint32_t count          # of sources: the operator's networks, then the databases
    Tree sources[MOST_SOURCES]
    Tree wraps              # how prefixes of IPv6 hold IPv4 addresses


cdef struct ClientClass:
    uint32_t records[MOST_SOURCES]
    uint32_t depths[MOST_SOURCES]
    uint32_t offset         # of the IPv4 address in the client's
    uint32_t floor          # the shortest scope
    uint32_t size           # octets of the records


cdef inline void class_of(
    const GeoTreesData *trees, const uint8_t *address, uint32_t size, uint32_t prefix,
    ClientClass *found,
) noexcept nogil:
    """The class of a client; the bits after the first `prefix` are 0."""
    cdef uint8_t inside[4]
    cdef uint32_t i, how, offset, known
    found.offset = found.floor = 0
    found.size = 4 * trees.count
    if size == 16:
        how = tree_value(&trees.wraps, address, 16, &found.floor)
        if how:
            offset = 16 if how == AT_16 else 96
            if prefix <= offset:
                # Which IPv4 address it is depends on bits that nobody told.
                found.floor = 128
            else:
                known = prefix - offset if prefix - offset < 32 else <uint32_t>32
                memcpy(inside, address + (offset >> 3), 4)
                if how == AT_96_INVERTED:
                    for i in range(known):
                        inside[i >> 3] ^= <uint8_t>(0x80 >> (i & 7))
                found.offset = offset
                # Who is known by no bit of it is looked up as an IPv6 client.
                found.floor = offset + 1
                address = inside
                size = 4
    for i in range(trees.count):
        found.records[i] = tree_value(
            &trees.sources[i], address, size, &found.depths[i]
        )


cdef inline uint32_t class_scope(
    const ClientClass *found, uint32_t sources_asked
) noexcept nogil:
    """The scope, where Python has asked the first so many sources; 0: none."""
    cdef uint32_t scope = 0, i
    if not sources_asked:
        return 0
    for i in range(sources_asked):
        if found.depths[i] > scope:
            scope = found.depths[i]
    scope += found.offset
    return scope if scope > found.floor else found.floor
