"""How many connections there may be: `dinamed.limits.connections` for many threads.

All threads share one table, under a lock that is held for a moment when a connection
comes or goes.  That a connection was used is written without it.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from dinamed.plane.cookie cimport siphash24
from dinamed.plane.posix cimport plane_get
from dinamed.plane.tcp cimport (
    pthread_mutex_lock,
    pthread_mutex_t,
    pthread_mutex_unlock,
)

cdef extern from *:
    """
    static inline void limits_set(uint64_t *at, uint64_t value) {
        __atomic_store_n(at, value, __ATOMIC_RELAXED);
    }
    """
    void limits_set(uint64_t *, uint64_t) noexcept nogil

cdef enum:
    MOST_EXPECTED = 16
    CHUNK = 1024            # entries that are made at a time
    MOST_CHUNKS = 1024      # so a million connections
    NONE = 0xFFFFFFFF


cdef enum State:
    FREE
    OPEN
    DISPLACED   # to be closed by its owner, and no longer counted


cdef struct Entry:
    # One connection.  The entry stays where it is, so `used` needs no lock.
    uint64_t used           # milliseconds, see `tcp_milliseconds`
    uint64_t client         # keyed hashes of the address
    uint64_t network
    State state
    uint32_t owner          # the thread that has it
    uint32_t index          # what its owner knows it by
    uint32_t serial
    uint32_t number         # its own place
    uint32_t next           # of the free, or of the owner's displaced ones


cdef struct HandOutCount:
    uint64_t key            # 0: free
    uint64_t count


cdef struct Owner:
    uint32_t displaced      # the first one, or NONE
    int wake                # an eventfd


cdef struct ConnectionLimits:
    pthread_mutex_t lock
    uint64_t secret[2]
    uint32_t most           # in all
    uint32_t per_prefix     # from a /24 of IPv4, a /56 of IPv6
    uint32_t per_client
    uint64_t open
    uint64_t refused        # one too many from their address
    uint64_t displaced      # had to go for others
    uint32_t size           # entries that there are
    uint32_t free           # the first free one, or NONE
    Entry *chunks[MOST_CHUNKS]
    HandOutCount *counts           # open connections by client and by network
    uint32_t mask
    uint32_t keys
    Owner *owners
    uint32_t expected[MOST_EXPECTED]  # ports of connections of our own; 0: none


cdef inline Entry *entry_at(ConnectionLimits *limits, uint32_t number) noexcept nogil:
    return &limits.chunks[number // CHUNK][number % CHUNK]


cdef inline HandOutCount *count_of(ConnectionLimits *limits, uint64_t key) noexcept nogil:
    """The place of a key, be it there or not."""
    cdef uint32_t slot = <uint32_t>key & limits.mask
    while limits.counts[slot].key and limits.counts[slot].key != key:
        slot = (slot + 1) & limits.mask
    return &limits.counts[slot]


cdef inline uint64_t counted(ConnectionLimits *limits, uint64_t key) noexcept nogil:
    cdef HandOutCount *at = count_of(limits, key)
    return at.count if at.key else 0


cdef inline bint grow_counts(ConnectionLimits *limits) noexcept nogil:
    """Have room for two more keys; False without memory."""
    cdef HandOutCount *old = limits.counts
    cdef uint32_t size = limits.mask + 1 if old != NULL else 0, slot
    cdef uint32_t wanted = size
    if 2 * (limits.keys + 2) <= size:
        return True
    wanted = 2 * size if size else 1024
    limits.counts = <HandOutCount *>calloc(wanted, sizeof(HandOutCount))
    if limits.counts == NULL:
        limits.counts = old
        return False
    limits.mask = wanted - 1
    for slot in range(size):
        if old[slot].key:
            count_of(limits, old[slot].key)[0] = old[slot]
    free(old)
    return True


cdef inline void count_up(ConnectionLimits *limits, uint64_t key) noexcept nogil:
    cdef HandOutCount *at = count_of(limits, key)
    if not at.key:
        at.key = key
        at.count = 0
        limits.keys += 1
    at.count += 1


cdef inline void count_down(ConnectionLimits *limits, uint64_t key) noexcept nogil:
    """One less; a key that is gone gives its place to those that were behind it."""
    cdef HandOutCount *at = count_of(limits, key)
    cdef uint32_t hole, slot, home
    at.count -= 1
    if at.count:
        return
    limits.keys -= 1
    hole = slot = <uint32_t>(at - limits.counts)
    while True:
        limits.counts[hole].key = 0
        while True:
            slot = (slot + 1) & limits.mask
            if not limits.counts[slot].key:
                return
            home = <uint32_t>limits.counts[slot].key & limits.mask
            if ((slot - home) & limits.mask) >= ((slot - hole) & limits.mask):
                break
        limits.counts[hole] = limits.counts[slot]
        hole = slot


cdef inline Entry *new_entry(ConnectionLimits *limits) noexcept nogil:
    """A free entry; NULL if there is none, or no memory."""
    cdef uint32_t number = limits.free
    cdef Entry *chunk
    if number != NONE:
        limits.free = entry_at(limits, number).next
        return entry_at(limits, number)
    if limits.size % CHUNK == 0:
        if limits.size // CHUNK == MOST_CHUNKS:
            return NULL
        chunk = <Entry *>calloc(CHUNK, sizeof(Entry))
        if chunk == NULL:
            return NULL
        limits.chunks[limits.size // CHUNK] = chunk
    number = limits.size
    limits.size += 1
    entry_at(limits, number).number = number
    return entry_at(limits, number)


cdef inline void release_entry(ConnectionLimits *limits, Entry *entry) noexcept nogil:
    entry.state = FREE
    entry.next = limits.free
    limits.free = entry.number


cdef inline Entry *longest_idle(
    ConnectionLimits *limits, uint64_t network
) noexcept nogil:
    """The open connection of a network (0: of all) that was used the longest ago."""
    cdef Entry *found = NULL
    cdef Entry *one
    cdef uint64_t used, least = <uint64_t>-1
    cdef uint32_t number
    for number in range(limits.size):
        one = entry_at(limits, number)
        if one.state != OPEN or (network and one.network != network):
            continue
        used = plane_get(&one.used)
        if used < least:
            least = used
            found = one
    return found


cdef inline void strike(ConnectionLimits *limits, Entry *entry) noexcept nogil:
    """Count an open connection no longer."""
    count_down(limits, entry.client)
    count_down(limits, entry.network)
    limits.open -= 1


cdef inline uint32_t displace(ConnectionLimits *limits, Entry *entry) noexcept nogil:
    """Have the owner of a connection close it; who that is."""
    cdef Owner *owner = &limits.owners[entry.owner]
    strike(limits, entry)
    limits.displaced += 1
    entry.state = DISPLACED
    entry.next = owner.displaced
    owner.displaced = entry.number
    return entry.owner


cdef inline uint64_t key_of(
    ConnectionLimits *limits, const uint8_t *address, uint32_t size, bint network
) noexcept nogil:
    """A number that stands for a client, or for its network; nobody can guess it."""
    cdef uint8_t octets[17]
    cdef uint64_t key
    if network:
        size = 3 if size == 4 else 7
    memcpy(octets, address, size)
    octets[size] = network
    key = siphash24(limits.secret, octets, size + 1)
    return key if key else 1


cdef inline Entry *admit(
    ConnectionLimits *limits, const uint8_t *address, uint32_t size, uint32_t owner,
    uint32_t index, uint32_t serial, uint64_t now, uint32_t *woken,
) noexcept nogil:
    """Take in a connection from a packed address; NULL if it is one too many.

    `woken` becomes the owner of a connection that has to go for it, or NONE.
    """
    cdef uint64_t client = key_of(limits, address, size, False)
    cdef uint64_t network = key_of(limits, address, size, True)
    cdef Entry *entry = NULL
    cdef Entry *gone = NULL
    woken[0] = NONE
    pthread_mutex_lock(&limits.lock)
    if grow_counts(limits):
        if counted(limits, client) >= limits.per_client:
            limits.refused += 1
        else:
            entry = new_entry(limits)
    if entry != NULL:
        if counted(limits, network) >= limits.per_prefix:
            gone = longest_idle(limits, network)
        elif limits.open >= limits.most:
            gone = longest_idle(limits, 0)
        if gone != NULL:
            woken[0] = displace(limits, gone)
        limits_set(&entry.used, now)
        entry.client = client
        entry.network = network
        entry.owner = owner
        entry.index = index
        entry.serial = serial
        entry.state = OPEN
        count_up(limits, client)
        count_up(limits, network)
        limits.open += 1
    pthread_mutex_unlock(&limits.lock)
    return entry


cdef inline void leave(ConnectionLimits *limits, Entry *entry) noexcept nogil:
    """Strike out a connection that its owner has closed."""
    pthread_mutex_lock(&limits.lock)
    # One that was displaced is on its owner's list, and released from there.
    if entry.state == OPEN:
        strike(limits, entry)
        release_entry(limits, entry)
    pthread_mutex_unlock(&limits.lock)


cdef inline bint is_expected(ConnectionLimits *limits, uint32_t port) noexcept nogil:
    """Whether a connection from this port is our own, and counts nowhere."""
    cdef uint32_t i
    cdef bint found = False
    pthread_mutex_lock(&limits.lock)
    for i in range(<uint32_t>MOST_EXPECTED):
        found = found or limits.expected[i] == port
    pthread_mutex_unlock(&limits.lock)
    return found


cdef inline bint expect(
    ConnectionLimits *limits, uint32_t old, uint32_t new
) noexcept nogil:
    """Expect a connection from another port; False if there is no room."""
    cdef uint32_t i
    cdef bint done = False
    pthread_mutex_lock(&limits.lock)
    for i in range(<uint32_t>MOST_EXPECTED):
        if not done and limits.expected[i] == old:
            limits.expected[i] = new
            done = True
    pthread_mutex_unlock(&limits.lock)
    return done


cdef inline bint next_displaced(
    ConnectionLimits *limits, uint32_t number, uint32_t *index, uint32_t *serial
) noexcept nogil:
    """Which connection its owner has to close; False if there is none (more)."""
    cdef Owner *owner = &limits.owners[number]
    cdef Entry *entry
    cdef bint found
    pthread_mutex_lock(&limits.lock)
    found = owner.displaced != NONE
    if found:
        entry = entry_at(limits, owner.displaced)
        owner.displaced = entry.next
        index[0] = entry.index
        serial[0] = entry.serial
        release_entry(limits, entry)
    pthread_mutex_unlock(&limits.lock)
    return found
