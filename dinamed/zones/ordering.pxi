# The names of a packed zone in canonical order (RFC 4034 section 6.1).

cdef enum:
    NOT_IN_CHAIN = 1 | 4 | 16  # EMPTY, BELOW_CUT, BELOW_DNAME
    LABELS = 128
    DEAD_POOL = 0xFFFF  # `DEAD` of the layout


cdef struct OrderedName:
    const uint8_t *key
    uint32_t size
    uint32_t place


cdef int by_key(const void *one, const void *other) noexcept nogil:
    cdef const OrderedName *a = <const OrderedName *>one
    cdef const OrderedName *b = <const OrderedName *>other
    cdef int order = memcmp(a.key, b.key, a.size if a.size < b.size else b.size)
    if order:
        return order
    return (a.size > b.size) - (a.size < b.size)


cdef uint32_t put_canonical(
    uint8_t *out, const uint8_t *key, uint32_t size
) noexcept nogil:
    """The labels from the right, as `canonical_key` has them; returns their octets."""
    cdef uint32_t starts[LABELS]
    cdef uint32_t labels = 0, at = 0, i, done = 0
    while at < size:
        starts[labels] = at
        labels += 1
        at += 1 + <uint32_t>key[at]
    while labels:
        labels -= 1
        at = starts[labels]
        for i in range(1, <uint32_t>key[at] + 1):
            if key[at + i] <= 1:
                out[done] = 1
                done += 1
                out[done] = key[at + i] + 1
            else:
                out[done] = key[at + i]
            done += 1
        out[done] = 0
        done += 1
    return done


cdef size_t after_node(const uint8_t *data, size_t at) noexcept nogil:
    """Where the node at an offset ends."""
    cdef size_t size = data[at]
    cdef uint32_t rrsets = little16(&data[at + 1 + size + 3])
    at += 1 + size + 5
    while rrsets:
        at += 12 + little32(&data[at + 8])
        rrsets -= 1
    return at


cdef bint in_chain(const uint8_t *data, size_t at) noexcept nogil:
    """Whether the node at an offset is of a name that owns data and is not occluded."""
    cdef const uint8_t *behind = &data[at + 1 + <size_t>data[at]]
    return not behind[0] & NOT_IN_CHAIN and little16(&behind[1]) != DEAD_POOL


def names_in_order(
    const uint8_t[::1] data, size_t first, size_t end, list further not None
):
    """The names that own data and are not occluded, with `further` ones, in order.

    Nodes stand from `first` to `end`.  `further` are names in canonical form.  Returns
    the place of each, an offset in the packed zone or 0xFFFFFFFF less its number among
    the further ones; their canonical forms one behind the other; and where each of
    these begins, and the last one ends.  All numbers are of 32 bits, in the order of
    this machine.  Other threads go on meanwhile.
    """
    cdef uint32_t more = len(further), found = 0, count = 0, i
    cdef size_t at, octets = 0, room = 0
    cdef OrderedName *names = NULL
    cdef uint8_t *arena = NULL
    cdef const uint8_t *nodes = &data[0]
    cdef bytes key
    cdef uint32_t *numbers
    cdef uint32_t *begins
    cdef char *forms
    if first > end or end > <size_t>len(data):
        raise ValueError("the nodes are not in the zone")
    with nogil:
        at = first
        while at < end:
            if in_chain(nodes, at):
                count += 1
                room += 2 * <size_t>nodes[at] + 1
            at = after_node(nodes, at)
        names = <OrderedName *>malloc((<size_t>count + more + 1) * sizeof(OrderedName))
        arena = <uint8_t *>malloc(room + 1)
    try:
        if at != end:
            raise ValueError("the nodes do not end where they should")
        if names == NULL or arena == NULL:
            raise MemoryError
        for i in range(more):
            key = further[i]
            names[found].key = <const uint8_t *><const char *>key
            names[found].size = len(key)
            names[found].place = <uint32_t>0xFFFFFFFF - i
            octets += names[found].size
            found += 1
        with nogil:
            room = 0
            at = first
            while at < end:
                if in_chain(nodes, at):
                    names[found].key = arena + room
                    names[found].place = <uint32_t>at
                    names[found].size = put_canonical(
                        arena + room, &nodes[at + 1], nodes[at]
                    )
                    room += names[found].size
                    found += 1
                at = after_node(nodes, at)
            octets += room
            qsort(names, found, sizeof(OrderedName), by_key)
        places = PyBytes_FromStringAndSize(NULL, 4 * <Py_ssize_t>found)
        starts = PyBytes_FromStringAndSize(NULL, 4 * (<Py_ssize_t>found + 1))
        keys = PyBytes_FromStringAndSize(NULL, octets)
        numbers = <uint32_t *>PyBytes_AsString(places)
        begins = <uint32_t *>PyBytes_AsString(starts)
        forms = PyBytes_AsString(keys)
        with nogil:
            at = 0
            for i in range(found):
                numbers[i] = names[i].place
                begins[i] = <uint32_t>at
                memcpy(forms + at, names[i].key, names[i].size)
                at += names[i].size
            begins[found] = <uint32_t>at
        return places, keys, starts
    finally:
        free(names)
        free(arena)
