"""How full members are, as Python publishes it, and what a client comes to."""

from libc.math cimport exp
from libc.stdint cimport uint32_t

cdef enum:
    LEAST_USED = 16        # members that are told as the least used
    NEAREST = 16           # as in `spill`: of more than twice as many


cdef struct LevelsData:
    # How full the candidates of one route are.
    double until            # on the steady clock; then Python is asked
    double mine             # the load of a client
    double horizon
    double duration         # of a transfer
    double faraway          # what is left of one after the horizon
    double stay             # what a client who comes now comes to
    double trust            # how much of the rates behind resolvers is believed
    double price            # of a whole capacity above `start`, in ms; 0: none
    double start
    double reference        # the TTL of an ordinary resolver
    double faded            # the sum of the next
    uint32_t known          # how many go by load
    uint32_t least_count    # 0: not told, for all are looked at
    uint32_t least[LEAST_USED]  # when this was published, the least one first
    double *fades           # weights as far as they go by those
    double *bases
    double *steps
    double *inverses        # of capacities, or weights
    double *chances         # to be shed


cdef inline double worth(const LevelsData *levels, double seconds) noexcept nogil:
    """What a client a second, for so many seconds from now, comes to; see `leases`."""
    cdef double gone = 1 - levels.faraway
    if seconds >= levels.horizon:
        seconds = levels.horizon
    else:
        gone = exp((seconds - levels.horizon) / levels.duration) - levels.faraway
    return levels.duration * (seconds - levels.duration * gone) / levels.horizon
