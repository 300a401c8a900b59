"""Values by prefix: binary trees as MaxMind DB files have them.

A node is two records of 24, 28 or 32 bits, for the next bit of the address.  Below the
number of nodes a record is a node, that number itself is nothing, and what is above is
a value.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef struct Tree:
    const uint8_t *data     # NULL: there is no value anywhere
    uint32_t count          # of nodes
    uint32_t octets         # of a node: 6, 7 or 8
    uint32_t root4          # the record that the first bit of IPv4 is looked up in
    uint32_t root6          # and of IPv6


cdef inline uint32_t tree_record(
    const Tree *tree, uint32_t node, uint32_t side
) noexcept nogil:
    """The record of a node for the next bit."""
    cdef const uint8_t *at = tree.data + <size_t>node * tree.octets
    if tree.octets == 6:
        at += 3 * side
        return (<uint32_t>at[0] << 16) | (<uint32_t>at[1] << 8) | at[2]
    if tree.octets == 8:
        at += 4 * side
        return (
            (<uint32_t>at[0] << 24) | (<uint32_t>at[1] << 16)
            | (<uint32_t>at[2] << 8) | at[3]
        )
    if side:
        return (
            ((<uint32_t>at[3] & 0x0F) << 24) | (<uint32_t>at[4] << 16)
            | (<uint32_t>at[5] << 8) | at[6]
        )
    return (
        ((<uint32_t>at[3] & 0xF0) << 20) | (<uint32_t>at[0] << 16)
        | (<uint32_t>at[1] << 8) | at[2]
    )


cdef inline uint32_t tree_value(
    const Tree *tree, const uint8_t *address, uint32_t size, uint32_t *depth
) noexcept nogil:
    """The value at an address of 4 or 16 octets, or 0; all in `depth` bits share it."""
    cdef uint32_t node, bit = 0, bits = 8 * size
    depth[0] = 0
    if tree.data == NULL:
        return 0
    node = tree.root4 if size == 4 else tree.root6
    while node < tree.count and bit < bits:
        node = tree_record(tree, node, (address[bit >> 3] >> (7 - (bit & 7))) & 1)
        bit += 1
    depth[0] = bit
    return node - tree.count if node > tree.count else 0


cdef inline bint is_inside(
    const Tree *tree, const uint8_t *address, uint32_t size
) noexcept nogil:
    """Whether one of the prefixes holds the address."""
    cdef uint32_t depth
    return tree_value(tree, address, size, &depth) != 0
