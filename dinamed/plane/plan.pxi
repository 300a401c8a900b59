# Plans on their way to the threads.


cdef class Plan:
    """The plan of a question, to be installed once.

    `name` is in lower case, empty for a plan that follows from another; with `do` it is
    for those who set DO, else for the others; `limited` is the kind of the answer, for
    limits on replies.  `steps` has nine octets for each RRset of the body: its end, the
    counts up to there, and whether a reply without it is truncated.  It is good until
    the steady clock shows `until`, 0: for ever.  A PLAN_BY_CLIENT has a `serial` of its
    own, and is `placed` if what follows goes by the client's place alone.  With a
    `region` members are drawn as for a client there.  With `guarded` it is for the
    managers of `Tables`; others are refused.  `signer` is the owner that signatures of
    drawn records are for, where they are wanted; `after` are the records behind these.
    A question of class CH is `chaos`.  The body of a PLAN_SERVICE is as `put_services`
    reads it, and `ttl` that of these records.
    """

    cdef InstalledPlan *plan
    cdef bytes _limited

    def __cinit__(
        self, bytes name not None, uint32_t rrtype, bint do, int kind, *,
        uint32_t rcode=0, bint authoritative=False, int error=-1,
        tuple counts=(0, 0, 0), bytes body=b"", uint32_t route=0, bint subnet=False,
        tuple before_counts=(0, 0, 0), bytes before=b"", bytes owner=b"",
        bytes limited=b"", bytes steps=b"", bytes before_steps=b"",
        uint64_t serial=0, bint placed=False, uint64_t region=0, bint guarded=False,
        double until=0,
        bytes signer=b"", bytes after=b"", tuple after_counts=(0, 0, 0),
        bint chaos=False, uint32_t ttl=0,
    ):
        cdef InstalledPlan *plan
        cdef size_t size = len(name) + len(body) + len(before) + len(owner)
        size += len(steps) + len(before_steps) + len(after)
        cdef uint8_t *at
        cdef int i
        if len(name) > 255 or size > 8192:
            raise ValueError("too long to be remembered")
        for part, told in ((body, steps), (before, before_steps)):
            for i in range(0, len(told), STEP_SIZE):
                if int.from_bytes(told[i : i + 2], "big") > len(part):
                    raise ValueError("an RRset past the end")
        plan = self.plan = <InstalledPlan *>calloc(1, sizeof(InstalledPlan) + size)
        if plan == NULL:
            raise MemoryError
        plan.kind = <PlanKind>kind
        plan.size = len(name)
        plan.type = rrtype
        plan.do = do
        plan.chaos = chaos
        plan.ttl = ttl
        plan.rcode = rcode
        plan.authoritative = authoritative
        plan.error = error + 1
        plan.route = route
        plan.subnet = subnet
        plan.serial = serial
        plan.placed = placed
        plan.region = region
        plan.guarded = guarded
        plan.until = until
        self._limited = limited
        for i in range(3):
            plan.counts[i] = counts[i]
            plan.before_counts[i] = before_counts[i]
            plan.after_counts[i] = after_counts[i]
        plan.after = len(after)
        if signer:
            plan.signer = fnv1a(<const uint8_t *><const char *>signer, len(signer))
        plan.body = len(body)
        plan.before = len(before)
        plan.owner = len(owner)
        at = plan.octets
        plan.steps = len(steps) // STEP_SIZE
        plan.before_steps = len(before_steps) // STEP_SIZE
        for part in (name, body, before, owner, steps, before_steps, after):
            memcpy(at, <const char *><bytes>part, len(<bytes>part))
            at += len(<bytes>part)

    def __dealloc__(self):
        free(self.plan)

    cdef int check(self, Tables tables) except -1:
        """Make it fit these tables.  Raises `ValueError`."""
        self.plan.hash = plan_hash(
            tables.data.salt, self.plan.octets, self.plan.size, self.plan.type,
            self.plan.do, self.plan.chaos,
        )
        if (self.plan.kind == POOL_PLAN or self.plan.kind == SERVICE_PLAN) and (
            self.plan.route + ROUTES_OF_POOL > <uint32_t>len(tables.routes)
        ):
            raise ValueError("no such route")
        if tables.data.rates != NULL:
            self.plan.limited = kind_hash(
                tables.data.rates, <const uint8_t *><const char *>self._limited,
                len(self._limited),
            )
        return 0
