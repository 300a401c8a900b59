
# Put behind the extension's source by `plane.sh`: libFuzzer in the plane's place.

from libc.stdlib cimport abort, malloc
from dinamed.plane.worker cimport REPLY_STRIDE

cdef extern from *:
    """
    extern int LLVMFuzzerRunDriver(
        int *, char ***, int (*)(const unsigned char *, size_t));
    """
    int LLVMFuzzerRunDriver(
        int *, char ***, int (*)(const uint8_t *, size_t) noexcept nogil) nogil

cdef const TablesData *_fuzzed = NULL
cdef uint64_t _chance = 1
cdef uint64_t _met[4]


cdef int _one_message(const uint8_t *data, size_t size) noexcept nogil:
    """The first octet says who asks and over what, the rest is the message."""
    cdef RequestContext request
    cdef uint8_t address[16]
    cdef uint8_t *out
    cdef int got, room
    if size < 1 or size > 65536:
        return -1
    memset(address, 0, 16)
    address[0] = 127
    address[3] = data[0]
    request.address = address
    request.size = 16 if data[0] & 1 else 4
    request.rng = &_chance
    request.thread = 0
    request.now = 1000000000
    request.ticks = <uint64_t>request.now << 22
    # Of the size that a thread has for a reply, and fenced on the heap.
    request.stream = data[0] & 2
    room = 65535 if request.stream else REPLY_STRIDE
    out = <uint8_t *>malloc(room)
    got = answer(_fuzzed, &request, data + 1, <uint32_t>(size - 1), out)
    _met[0] += 1
    if got > 0:
        _met[1] += 1
        if got < 12 or got > (65535 if request.stream else 1232) or not out[2] & 0x80:
            abort()
        if memcmp(out, data + 1, 2):
            abort()
    elif got == 0:
        _met[2] += 1
    else:
        _met[3] += 1
    free(out)
    return 0


def fuzz(Plane plane not None, list arguments):
    """Run libFuzzer on the tables of a plane; it ends the process."""
    global _fuzzed
    cdef int count = len(arguments)
    cdef int i
    cdef char **each = <char **>calloc(count + 1, sizeof(char *))
    _fuzzed = &plane.tables.data
    for i in range(count):
        each[i] = <char *><bytes>arguments[i]
    LLVMFuzzerRunDriver(&count, &each, _one_message)
    print(
        f"{_met[0]} messages: {_met[1]} answered natively, {_met[2]} met by silence, "
        f"{_met[3]} left to Python"
    )
