"""The loop of the thread that writes the query log, which needs no interpreter."""

from libc.errno cimport EAGAIN, EINTR, ETIMEDOUT, errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from dinamed.plane.log_exchange cimport (
    NOTHING,
    PLACE_TEXT,
    POOL_TEXT,
    Known,
    Missing,
    ReadExchange,
    read_exchange,
)
from dinamed.plane.log_frame cimport put_frame
from dinamed.plane.log_line cimport LineTexts, put_line
from dinamed.plane.log_text cimport LogText
from dinamed.plane.posix cimport (
    POLLOUT,
    plane_get_pointer,
    plane_get_seq,
    plane_monotonic,
    plane_set_seq,
    poll,
    pollfd,
    write,
)
from dinamed.plane.ring cimport peek, pop
from dinamed.plane.samples cimport AnswerSample, SampleRing
from dinamed.plane.worker cimport Shared, Worker

cdef enum:
    LOG_BUFFER = 524288
    WRITTEN_AT = 262144     # octets that are written at once, or more
    LONGEST_NAME = 1024     # octets of a member's in JSON
    SHORTEST_PAUSE = 4      # milliseconds between looks at the rings
    LONGEST_PAUSE = 16
    LOG_PATIENCE = 2000     # milliseconds that a reader may take for anything
    OUTPUTS = 3             # of lines, and twice of frames
    UNWANTED = -1
    UNREACHABLE = -2        # wanted, but not to be written now


cdef enum Verdict:
    # The values of `LOG_DONE` and so on.
    NOTHING_LEFT
    STALE
    ASKS_POOL
    ASKS_PLACE
    FOR_PYTHON
    FAILED
    FULL


cdef struct LogState:
    Shared *shared
    Worker **workers
    int rows
    int row                 # whose ring is read
    Known known
    LineTexts texts
    const uint8_t *head     # of each frame
    uint32_t head_size
    LogText lines
    LogText frames
    uint64_t waiting        # notes that stand in the buffers
    uint64_t written
    uint64_t failed
    ReadExchange seen
    int outputs[OUTPUTS]
    int failing             # which of them, with what error
    int error


cdef inline int write_all(
    int descriptor, const uint8_t *octets, size_t size
) noexcept nogil:
    """Write everything; an error of the system, or 0."""
    cdef ssize_t sent
    cdef pollfd ready
    ready.fd = descriptor
    ready.events = POLLOUT
    while size:
        sent = write(descriptor, octets, size)
        if sent > 0:
            octets += sent
            size -= <size_t>sent
        elif sent < 0 and errno == EAGAIN:
            if not poll(&ready, 1, LOG_PATIENCE):
                return ETIMEDOUT
        elif sent < 0 and errno != EINTR:
            return errno
    return 0


cdef inline bint flush_log(LogState *state) noexcept nogil:
    """Write what is formed, and count it; False if that failed somewhere."""
    cdef LogText *buffer
    cdef int i, error
    cdef bint whole = True, fine = True
    for i in range(<int>OUTPUTS):
        if state.outputs[i] == UNWANTED:
            continue
        buffer = &state.frames if i else &state.lines
        error = 0
        if state.outputs[i] >= 0:
            error = write_all(state.outputs[i], buffer.octets, buffer.used)
        if state.outputs[i] < 0 or error:
            whole = False
        if error and fine:
            fine = False
            state.failing = i
            state.error = error
    if whole:
        state.written += state.waiting
    else:
        state.failed += state.waiting
    state.lines.used = state.frames.used = 0
    state.waiting = 0
    return fine


cdef inline Verdict form_row(LogState *state, SampleRing *samples) noexcept nogil:
    """Form the notes of one thread, as long as there is room."""
    cdef const AnswerSample *record
    cdef Missing missing
    while True:
        if state.lines.used > WRITTEN_AT or state.frames.used > WRITTEN_AT:
            return FULL
        record = <const AnswerSample *>peek(&samples.ring)
        if record == NULL:
            return NOTHING_LEFT
        missing = read_exchange(&state.known, record, &state.seen)
        if missing == POOL_TEXT:
            return ASKS_POOL
        if missing == PLACE_TEXT:
            return ASKS_PLACE
        if missing != NOTHING:
            return FOR_PYTHON
        if state.outputs[0] >= 0:
            put_line(&state.lines, &state.texts, record, &state.seen)
        if state.outputs[1] >= 0 or state.outputs[2] >= 0:
            put_frame(
                &state.frames, state.head, state.head_size, record, &state.seen
            )
        state.waiting += 1
        pop(&samples.ring)


cdef inline Verdict form_all(LogState *state) noexcept nogil:
    """Form what all threads have noted, in turn."""
    cdef SampleRing *samples
    cdef Verdict verdict
    cdef int _
    if plane_get_pointer(&state.shared.tables) != <void *>state.known.tables:
        return STALE
    for _ in range(state.rows):
        samples = <SampleRing *>plane_get_pointer(&state.workers[state.row].kept.logged)
        if samples != NULL:
            verdict = form_row(state, samples)
            if verdict != NOTHING_LEFT:
                return verdict
        state.row = state.row + 1 if state.row + 1 < state.rows else 0
    return NOTHING_LEFT


cdef inline Verdict run_log(LogState *state, double until) noexcept nogil:
    """Form and write until some time, or until there is something to say."""
    cdef Verdict verdict
    cdef int pause = SHORTEST_PAUSE
    while True:
        # What was taken out of use at a later epoch than this is not freed meanwhile.
        plane_set_seq(&state.shared.log_seen, plane_get_seq(&state.shared.epoch))
        verdict = form_all(state)
        plane_set_seq(&state.shared.log_seen, <uint64_t>-1)
        if verdict != NOTHING_LEFT and verdict != FULL:
            return verdict
        if state.waiting:
            pause = SHORTEST_PAUSE
            if not flush_log(state):
                return FAILED
        elif pause < LONGEST_PAUSE:
            pause *= 2
        if verdict == FULL:
            continue
        if plane_monotonic() + 0.001 * pause >= until:
            return NOTHING_LEFT
        poll(NULL, 0, pause)
