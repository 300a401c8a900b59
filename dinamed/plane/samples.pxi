# Notes of answers: rings that are made when they are wanted, and what stands in them.


cdef tuple _sample_of(const AnswerSample *record):
    """Time, source, port, stream, query and reply of a note."""
    cdef const uint8_t *address
    cdef int size = plane_source(&record.name, &address)
    cdef const char *data = <const char *>record + sizeof(AnswerSample)
    return (
        <double>record.ticks / TICKS_A_SECOND,
        <bytes>(<const char *>address)[:size],
        plane_port(&record.name),
        bool(record.stream),
        <bytes>data[:record.query],
        <bytes>data[record.query:record.query + record.reply],
    )


cdef int _sample_to(
    void **wanted, void **kept, double share, size_t size
) except -1:
    """Have a share of the answers written to a ring, which is made when it is missing."""
    cdef SampleRing *samples = <SampleRing *>kept[0]
    if share <= 0:
        plane_set_pointer(wanted, NULL)
        return 0
    if samples == NULL:
        # Not by `_new`: pages that nothing was written to cost nothing.
        samples = <SampleRing *>calloc(1, sizeof(SampleRing) + size)
        if samples == NULL:
            raise MemoryError
        samples.ring.size = size
        kept[0] = samples
    plane_set_seq(
        &samples.threshold,
        FOREVER if share >= 1 else <uint64_t>(share * 18446744073709549568.0),
    )
    plane_set_pointer(wanted, samples)
    return 0
