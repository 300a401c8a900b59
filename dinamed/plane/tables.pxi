# Snapshots for the threads, and what is installed beside them.

cdef enum:
    OCTETS_OF_CLIENTS = 1 << 26  # all that is known of clients, before it is forgotten


cdef class _Plans:
    """Plans by question, or clients: open addressing, entries are only ever added."""

    cdef void **slots
    cdef uint32_t mask
    cdef uint32_t used
    cdef uint64_t octets
    cdef bint clients

    def __cinit__(self, uint32_t slots, bint clients=False):
        self.slots = <void **>_new(slots * sizeof(void *))
        self.mask = slots - 1
        self.clients = clients

    def __dealloc__(self):
        cdef uint32_t i
        if self.slots != NULL:
            for i in range(self.mask + 1):
                if self.clients and self.slots[i] != NULL:
                    free((<InstalledClient *>self.slots[i]).plan)
                free(self.slots[i])
        free(self.slots)

    cdef uint32_t slot_for(self, const InstalledPlan *plan) noexcept:
        """Where the plan of the same question is, or there is room for this one."""
        cdef uint32_t slot = <uint32_t>plan.hash & self.mask
        cdef const InstalledPlan *other
        while self.slots[slot] != NULL:
            other = <const InstalledPlan *>self.slots[slot]
            if (
                other.hash == plan.hash and other.type == plan.type
                and other.do == plan.do and other.size == plan.size
                and memcmp(other.octets, plan.octets, plan.size) == 0
            ):
                break
            slot = (slot + 1) & self.mask
        return slot

    cdef void add(self, uint32_t slot, InstalledPlan *plan) noexcept:
        """Take a plan over, whose question has none yet."""
        plane_set_pointer(&self.slots[slot], plan)
        self.used += 1
        self.octets += octets_of(plan)

    cdef void install_signature(self, Signature *signature) noexcept:
        """Take a signature over, unless there is one of the same set."""
        cdef uint32_t slot = <uint32_t>signature.hash & self.mask
        while self.slots[slot] != NULL:
            if (<Signature *>self.slots[slot]).hash == signature.hash:
                free(signature)
                return
            slot = (slot + 1) & self.mask
        plane_set_pointer(&self.slots[slot], signature)
        self.used += 1

    cdef void install_client(self, InstalledClient *known) noexcept:
        """Take over what is known of a client."""
        cdef uint32_t slot = <uint32_t>known.hash & self.mask
        while self.slots[slot] != NULL:
            slot = (slot + 1) & self.mask
        plane_set_pointer(&self.slots[slot], known)
        self.used += 1
        self.octets += sizeof(InstalledClient) + known.cost_count * (
            sizeof(float) + sizeof(uint16_t)
        )
        if known.plan != NULL:
            self.octets += octets_of(known.plan)


cdef class _OldPlan:
    """One that has a newer one in its place."""

    cdef InstalledPlan *plan

    def __dealloc__(self):
        free(self.plan)


cdef size_t octets_of(const InstalledPlan *plan) noexcept:
    return (
        sizeof(InstalledPlan) + plan.size + plan.body + plan.before + plan.owner
        + STEP_SIZE * (plan.steps + plan.before_steps)
    )


cdef class Tables:
    """A snapshot for the threads.

    `routes` holds for each pool that for IPv4 and then that for IPv6; `columns` the
    types that are counted one by one, from column 1 on.  `salt` is 16 octets that nobody
    else knows, the same for all tables that clients and plans go on to.  `secrets` makes
    cookies, where there are any; `required` leaves the clients with bad ones to Python.
    The client subnets of all resolvers count with `subnets`, else of those in `trusted`.
    Clients in `managers` may see the members of pools.
    `keepalive` is what clients are told in steps of 100 ms, at most 65535.
    """

    cdef TablesData data
    cdef readonly list zones
    cdef readonly list routes
    cdef readonly ZoneRun run
    cdef readonly uint32_t zone_count
    cdef _Plans _plans
    cdef _Plans _clients
    cdef _Plans _signatures
    cdef RateTable _limits
    cdef GeoTrees _trees
    cdef Prefixes _trusted
    cdef Prefixes _managers
    cdef uint32_t _slots

    def __cinit__(
        self,
        list zones,
        list routes,
        uint32_t rows,
        list columns,
        bytes nsid,
        bytes salt not None,
        *,
        bint subnets,
        ZoneRun run=None,
        bint shut=False,
        tuple secrets=(),
        bint required=False,
        Prefixes trusted=None,
        Prefixes managers=None,
        RateTable limits=None,
        GeoTrees trees=None,
        uint32_t keepalive=0,
        uint32_t slots=65536,
    ):
        cdef TablesData *data = &self.data
        cdef uint32_t i, size
        cdef const uint8_t *key
        cdef Route route
        if len(salt) != 16:
            raise ValueError("a salt has 16 octets")
        memcpy(data.salt, <const char *>salt, 16)
        if len(nsid) > 128 or slots & (slots - 1) or slots < 4:
            raise ValueError("not the parts of tables")
        self.zones = zones
        self.routes = routes
        data.rows = rows
        data.shut = shut
        data.keepalive = keepalive
        if len(secrets) > MOST_SECRETS:
            raise ValueError("too many secrets")
        data.secrets.count = len(secrets)
        data.secrets.required = required
        for i in range(data.secrets.count):
            if len(secrets[i]) != 16:
                raise ValueError("a secret has 16 octets")
            key = <const uint8_t *><const char *><bytes>secrets[i]
            data.secrets.keys[i][0] = little64(key, 8)
            data.secrets.keys[i][1] = little64(key + 8, 8)
        if len(columns) >= MOST_COLUMNS:
            raise ValueError("too many types")
        for i in range(<uint32_t>len(columns)):
            size = columns[i]
            if size < TYPE_COLUMNS:
                data.columns[size] = <uint8_t>(i + 1)
        if trusted is not None:
            self._trusted = trusted
            data.trusted = trusted.tree
        if managers is not None:
            self._managers = managers
            data.managers = managers.tree
        if limits is not None:
            self._limits = limits
            data.rates = &limits.table
        if trees is not None:
            self._trees = trees
            data.trees = &trees.data
        data.crc = CRC
        data.subnets = subnets
        data.nsid_size = len(nsid)
        memcpy(data.nsid, <const char *>nsid, data.nsid_size)
        data.routes = <RouteData **>_new(len(routes) * sizeof(void *))
        for i in range(<uint32_t>len(routes)):
            route = routes[i]
            data.routes[i] = &route.data
        self.run = run
        self.zone_count = <uint32_t>len(zones) + (0 if run is None else run.count)
        size = 4
        while size < 2 * self.zone_count:
            size *= 2
        data.zone_mask = size - 1
        data.zone_slots = <uint32_t *>_new(size * sizeof(uint32_t))
        data.zones = <Zone **>_new(self.zone_count * sizeof(void *))
        for i in range(<uint32_t>len(zones)):
            self._enter(i, &(<ZoneTable>zones[i]).data)
        for i in range(<uint32_t>len(zones), self.zone_count):
            self._enter(i, &run.zones[i - <uint32_t>len(zones)])
        self._slots = slots
        self._plans = _Plans(slots)
        self._clients = _Plans(CLIENTS * slots, True)
        self._signatures = _Plans(SIGNATURES * slots)
        data.installed = self._plans.slots
        data.known = self._clients.slots
        data.installed_mask = slots - 1
        data.known_mask = CLIENTS * slots - 1
        data.signatures = self._signatures.slots
        data.signature_mask = SIGNATURES * slots - 1

    cdef void _enter(self, uint32_t number, Zone *zone) noexcept:
        cdef uint32_t hash = <uint32_t>2166136261, slot, position = 0, labels = 0
        cdef uint8_t starts[MOST_LABELS]
        while zone.origin[position]:
            starts[labels] = <uint8_t>position
            labels += 1
            position += 1 + <uint32_t>zone.origin[position]
        while labels:
            labels -= 1
            hash = label_hash(hash, zone.origin + starts[labels])
        slot = hash & self.data.zone_mask
        while self.data.zone_slots[slot]:
            slot = (slot + 1) & self.data.zone_mask
        self.data.zone_slots[slot] = number + 1
        self.data.zones[number] = zone
        if self.data.rates != NULL:
            zone.limited = origin_kind(self.data.rates, zone.origin, zone.size)
        if zone.labels > self.data.zone_labels:
            self.data.zone_labels = zone.labels

    def take_replies(self):
        """The replies that were counted since the last call.

        Origin (None: in none of the zones), column of the type, rcode, whether over a
        stream, number.
        """
        cdef list found = []
        cdef uint32_t i
        cdef Zone *zone
        cdef void *counts = plane_get_pointer(<void *>&self.data.counts)
        _take_counts(found, None, counts, self.data.rows)
        for i in range(self.zone_count):
            zone = self.data.zones[i]
            counts = plane_get_pointer(<void *>&zone.counts)
            if counts != NULL:
                _take_counts(
                    found, (<const char *>zone.origin)[:zone.size], counts,
                    self.data.rows,
                )
        return found

    cdef const InstalledPlan *find_plan(
        self, bytes name, uint32_t rrtype, bint do
    ) noexcept:
        """The plan of a question, or NULL."""
        cdef InstalledPlan *wanted
        cdef const uint8_t *octets = <const uint8_t *><const char *>name
        cdef uint64_t hash = plan_hash(
            self.data.salt, octets, len(name), rrtype, do, False
        )
        cdef uint32_t slot = <uint32_t>hash & self._plans.mask
        while self._plans.slots[slot] != NULL:
            wanted = <InstalledPlan *>self._plans.slots[slot]
            if (
                wanted.hash == hash and wanted.type == rrtype and wanted.do == do
                and wanted.size == <uint32_t>len(name)
                and memcmp(wanted.octets, octets, wanted.size) == 0
            ):
                return wanted
            slot = (slot + 1) & self._plans.mask
        return NULL

    def __dealloc__(self):
        free(self.data.routes)
        free(self.data.zone_slots)
        free(self.data.zones)
        free_counts(self.data.counts)

    @property
    def pool_names(self):
        """The names of the pools that the routes lead into, in their order."""
        return [(<Route>route).pool for route in self.routes[::ROUTES]]

    @property
    def installed(self):
        """How many plans are installed."""
        return self._plans.used
