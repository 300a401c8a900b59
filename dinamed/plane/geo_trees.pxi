# What is known of clients' places, as trees.


cdef class GeoTrees:
    """The sources of a locator: the operator's networks, then the databases.

    `wraps` has the prefixes of IPv6 that hold IPv4 addresses, by how they do.  A
    database is its octets, the number of nodes, the bits of a record, and whether it
    has IPv6.
    """

    cdef GeoTreesData data
    cdef Prefixes _networks
    cdef Prefixes _wraps
    cdef list _buffers

    def __cinit__(
        self, Prefixes networks not None, Prefixes wraps not None, list databases
    ):
        self._networks = networks
        self._wraps = wraps
        self._buffers = []
        if len(databases) >= MOST_SOURCES:
            raise ValueError("too many databases")
        self.data.wraps = wraps.tree
        self.data.sources[0] = networks.tree
        self.data.count = 1
        for buffer, count, bits, both in databases:
            self._add(buffer, count, bits, both)

    cdef int _add(
        self, object buffer, uint32_t count, uint32_t bits, bint both
    ) except -1:
        cdef Tree *tree = &self.data.sources[self.data.count]
        cdef Py_buffer view
        cdef size_t size
        cdef uint32_t i
        if bits not in (24, 28, 32):
            raise ValueError("not the size of a record")
        self._buffers.append(buffer)
        PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
        tree.data = <const uint8_t *>view.buf
        size = view.len
        PyBuffer_Release(&view)
        tree.count = count
        tree.octets = bits // 4
        if <size_t>count * tree.octets > size:
            raise ValueError("the tree reaches past the end")
        if both:
            # IPv4 is where 96 bits of 0 lead to.
            for i in range(96):
                if tree.root4 >= count:
                    break
                tree.root4 = tree_record(tree, tree.root4, 0)
        else:
            tree.root6 = count
        self.data.count += 1
        return 0

    def look_up(self, bytes address not None, uint32_t prefix, uint32_t sources_asked):
        """The class of a client, and its scope where so many sources were asked."""
        cdef ClientClass found
        if len(address) not in (4, 16) or prefix > 8 * <uint32_t>len(address):
            raise ValueError("not an address")
        if sources_asked > self.data.count:
            raise ValueError("there are not so many sources")
        class_of(
            &self.data, <const uint8_t *><const char *>address, len(address), prefix,
            &found,
        )
        return (
            tuple([found.records[i] for i in range(self.data.count)]),
            class_scope(&found, sources_asked),
        )
