# The names of a packed zone in canonical order (RFC 4034 section 6.1).

cdef enum:
    NOT_IN_CHAIN = 1 | 4 | 16  # EMPTY, BELOW_CUT, BELOW_DNAME
    LABELS = 128


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


def names_in_order(
    const uint8_t[::1] data, uint32_t first, uint32_t count, list further not None
):
    """The names that own data and are not occluded, with `further` ones, in order.

    `further` are names in canonical form.  Returns the place of each, an offset in the
    packed zone or 0xFFFFFFFF less its number among the further ones; their canonical
    forms one behind the other; and where each of these begins, and the last one ends.
    All numbers are of 32 bits, in the order of this machine.
    """
    cdef uint32_t more = len(further), found = 0, i, size, rrsets
    cdef size_t at = first, octets = 0, room = 0
    cdef OrderedName *names = <OrderedName *>malloc(
        (<size_t>count + more + 1) * sizeof(OrderedName)
    )
    cdef uint8_t *arena = NULL
    cdef bytes key
    cdef uint32_t *numbers
    for i in range(count):
        size = data[at]
        room += 2 * <size_t>size + 1
        rrsets = little16(&data[at + 1 + size + 3])
        at += 1 + size + 5
        while rrsets:
            at += 12 + little32(&data[at + 8])
            rrsets -= 1
    arena = <uint8_t *>malloc(room + 1)
    if names == NULL or arena == NULL:
        free(names)
        free(arena)
        raise MemoryError
    try:
        with nogil:
            at = first
            for i in range(count):
                size = data[at]
                if not data[at + 1 + size] & NOT_IN_CHAIN:
                    names[found].key = arena + octets
                    names[found].place = <uint32_t>at
                    names[found].size = put_canonical(
                        arena + octets, &data[at + 1], size
                    )
                    octets += names[found].size
                    found += 1
                rrsets = little16(&data[at + 1 + size + 3])
                at += 1 + size + 5
                while rrsets:
                    at += 12 + little32(&data[at + 8])
                    rrsets -= 1
        for i in range(more):
            key = further[i]
            names[found].key = <const uint8_t *><const char *>key
            names[found].size = len(key)
            names[found].place = <uint32_t>0xFFFFFFFF - i
            octets += names[found].size
            found += 1
        with nogil:
            qsort(names, found, sizeof(OrderedName), by_key)
        places = bytearray(4 * <size_t>found)
        starts = bytearray(4 * (<size_t>found + 1))
        keys = bytearray(octets)
        numbers = <uint32_t *>PyByteArray_AsString(places)
        for i in range(found):
            numbers[i] = names[i].place
        numbers = <uint32_t *>PyByteArray_AsString(starts)
        at = 0
        for i in range(found):
            numbers[i] = <uint32_t>at
            memcpy(PyByteArray_AsString(keys) + at, names[i].key, names[i].size)
            at += names[i].size
        numbers[found] = <uint32_t>at
        return bytes(places), bytes(keys), bytes(starts)
    finally:
        free(names)
        free(arena)
