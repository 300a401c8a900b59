# How full the candidates of a route are.


cdef class LevelTable:
    """How full the candidates of a route are, up to the time `until`.

    For each candidate: its weight as far as it goes by that (`fades`); where it goes
    by load that load, what a client adds, and its capacity; its chance to be shed.
    """

    cdef LevelsData data
    cdef uint32_t _size

    def __cinit__(
        self, double until, list fades, list bases, list steps, list rooms,
        list chances, *, double mine=0, double horizon=1, double duration=1,
        double trust=1, double reference=0, double price=0, double start=0,
    ):
        cdef LevelsData *data = &self.data
        cdef uint32_t i, size = len(fades)
        self._size = size
        data.until = until
        data.mine = mine
        data.horizon = horizon
        data.duration = duration
        data.trust = trust
        data.faraway = exp(-horizon / duration)
        data.stay = duration * (1 - data.faraway) / horizon
        data.reference = reference
        data.price = price
        data.start = start
        data.fades = <double *>_new(5 * (size + 1) * sizeof(double))
        data.bases = data.fades + size
        data.steps = data.bases + size
        data.inverses = data.steps + size
        data.chances = data.inverses + size
        for i in range(size):
            data.fades[i] = fades[i]
            data.faded += data.fades[i]
            data.bases[i] = bases[i]
            data.steps[i] = steps[i]
            data.inverses[i] = 1.0 / <double>rooms[i]
            data.chances[i] = chances[i]
            if data.bases[i] != INFINITY:
                data.known += 1
        if price > 0 and data.known > 2 * NEAREST:
            self._tell_least()

    cdef int _tell_least(self) except -1:
        """Tell who is used the least, for threads don't look at so many members."""
        cdef LevelsData *data = &self.data
        cdef uint32_t i
        mine = data.mine * data.stay
        used = [
            ((data.bases[i] + mine) * data.inverses[i], i) for i in range(self._size)
        ]
        for _, i in nsmallest(<int>LEAST_USED, used):
            data.least[data.least_count] = i
            data.least_count += 1
        return 0

    def __dealloc__(self):
        free(self.data.fades)

    cdef void settle(self, Route route) except *:
        """Leave out what Python has taken over of what threads have handed out."""
        cdef uint32_t i
        if route.loads is None or route.data.size != self._size:
            raise ValueError("not the levels of that route")
        for i in range(self._size):
            self.data.bases[i] -= (
                self.data.steps[i] * route.loads._clients[route.data.load.slots[i]]
            )
