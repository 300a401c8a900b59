# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The extension: tables for the threads, and the threads themselves.

Everything here is called from one thread, the reactor's, but for `Plane.run`, which
is the life of a thread of the plane.  That one thread makes tables, swaps them, and
frees old ones once no thread can be looking at them.

The classes stand in the files that are included at the end: what is common to them is
here.
"""

from functools import partial
from heapq import nsmallest

from dinamed.wire.later import Later

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AsString
from libc.stdint cimport SIZE_MAX, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset
from libc.math cimport INFINITY, exp
from dinamed.plane.answer cimport answer
from dinamed.plane.plan_answer cimport ROUTES
from dinamed.plane.reply cimport LIMITED, PUNT_FOR_PLAN, RequestContext
from dinamed.plane.resolver_table cimport (
    CLAIM_TRIES,
    KEY_SIZE,
    LEASES,
    MOST_CACHES,
    MOST_TOLD,
    MOST_WHERE,
    BUCKET_WAYS,
    ClientResolver,
    ResolverTableData,
    ResolverBucket,
    Sums,
    resolver_in,
    admit as admit_resolver,
    asks,
    enter,
    key_hash,
    tag_of,
)
from dinamed.plane.cookie cimport MOST_SECRETS, little64
from dinamed.plane.pool_hosts cimport SPAN6
from dinamed.plane.select cimport (
    MOST_ANSWERS,
    ROUTES_OF_POOL,
    RouteKind,
    RouteData,
    TurnsData,
)
from dinamed.plane.rate_table cimport (
    RATE_ROW,
    OVER,
    SLIPPED,
    TICK_BITS,
    WAYS,
    RateTableData,
    judge,
    kind_hash,
    origin_kind,
)
from dinamed.plane.levels cimport LEAST_USED, NEAREST, LevelsData
from dinamed.plane.load_levels cimport (
    DETOUR_SUMS,
    MOST_KEPT,
    TTL_CLASSES,
    RouteLoad,
    LoadsData,
)
from dinamed.plane.signed cimport Chain, Link, Signature, member_hash, set_hash
from dinamed.plane.connection cimport (
    LONGEST_FRAME,
    Parcel,
    empty,
    holds_frame,
    parcel_of,
)
from dinamed.plane.connection_limits cimport (
    NONE,
    ConnectionLimits,
    Entry,
    Owner,
    admit,
    entry_at,
    expect,
    leave,
    limits_set,
    next_displaced,
)
from dinamed.plane.samples cimport AnswerSample, SampleRing, sample
from dinamed.plane.log_exchange cimport (
    PLACE_SLOTS,
    AddressSlot,
    Known,
    PlaceSlot,
    PoolTextData,
)
from dinamed.plane.log_line cimport RCODE_TEXTS, TYPE_TEXTS, type_slot
from dinamed.plane.log_state cimport (
    LOG_BUFFER,
    LONGEST_NAME,
    UNREACHABLE,
    UNWANTED,
    LogState,
    run_log,
)
from dinamed.plane.log_text cimport Text
from dinamed.plane.octets cimport (
    fill_crc_table,
    fnv1a,
    get16,
    little16,
    little32,
    put16,
)
from dinamed.plane.installed cimport OF_REGION
from dinamed.plane.geo_trees cimport (
    AT_16,
    AT_96,
    AT_96_INVERTED,
    MOST_SOURCES,
    OF_CLASS,
    ClientClass,
    GeoTreesData,
    class_of,
    class_scope,
)
from dinamed.plane.posix cimport (
    MSG_DONTWAIT,
    POLLIN,
    iovec,
    msghdr,
    plane_add,
    plane_add_double,
    plane_address,
    plane_claim,
    plane_get,
    plane_get_double,
    plane_get_pointer,
    plane_get_seq,
    plane_monotonic,
    plane_name,
    plane_port,
    plane_release,
    plane_set_double,
    plane_set_pointer,
    plane_set_seq,
    plane_source,
    sendmsg,
)
from dinamed.plane.ring cimport RING_SIZE, Punted, Ring, peek, pop
from dinamed.plane.reply_counts cimport (
    CELLS,
    MOST_COLUMNS,
    TOGETHER,
    free_counts,
    take_from,
)
from dinamed.plane.stream_thread cimport (
    FINISHING,
    GIVING,
    OUTPUT_SIZE,
    StreamThread,
)
from dinamed.plane.streams cimport run_streams
from dinamed.plane.tables cimport (
    CLIENT_PLAN,
    POOL_PLAN,
    SERVICE_PLAN,
    STEP_SIZE,
    TYPE_COLUMNS,
    InstalledClient,
    InstalledPlan,
    PlanKind,
    TablesData,
    client_hash,
    installed_client,
    label_hash,
    plan_hash,
)
from dinamed.plane.tcp cimport (
    EFD_CLOEXEC,
    EFD_NONBLOCK,
    EPOLL_CLOEXEC,
    close,
    epoll_create1,
    eventfd,
    pthread_mutex_destroy,
    pthread_mutex_init,
    pthread_mutex_lock,
    pthread_mutex_unlock,
    tcp_milliseconds,
    tcp_push,
    tcp_take_all,
)
from dinamed.plane.tree cimport Tree, tree_record, tree_value
from dinamed.plane.worker cimport (
    MOST_SOCKETS,
    PROBE_SIZE,
    TIME_BINS,
    Batch,
    Shared,
    Worker,
    run_worker,
    wake,
)
from dinamed.plane.query cimport MOST_LABELS
from dinamed.plane.zone cimport SPECIAL, Zone, rrset_of

cdef extern from "stdlib.h":
    int posix_memalign(void **, size_t, size_t) nogil

cdef uint32_t CRC[256]
fill_crc_table(CRC)

(
    ELSEWHERE, NOBODY, BY_WEIGHT, BY_HASH, IN_TURN, EVERYONE, EACH, BY_CLIENT, BY_PLACE,
    LOWEST,
    FALLBACK, BY_NAME,
) = range(12)
EDITION = 15
MOST_DATABASES = MOST_SOURCES - 1
MOST_DRAWN = MOST_ANSWERS
MOST_KEYS = MOST_SECRETS
MOST_SHED = MOST_KEPT
MOST_FORESEEN = MOST_WHERE
MOST_LEASES = MOST_CACHES
PLAN_FIXED, PLAN_POOL, PLAN_PUNT, PLAN_BY_CLIENT, PLAN_SERVICE = range(5)
NO_INNER = 0xFFFFFFFF   # as in pool_answer.pxd
FOREVER = <uint64_t>-1
WRAP_AT_16, WRAP_AT_96, WRAP_INVERTED = AT_16, AT_96, AT_96_INVERTED
TICKS_A_SECOND = 2.0**22

cdef enum:
    LEAF = 0x80000000
    TICKS_OF_GRAIN = 4      # a microsecond
    SAMPLES_SIZE = 1048576  # octets of a ring of samples
    LOG_SIZE = 4194304      # and of one for the query log: 0.1 s of a busy thread
    CLIENTS = 4             # slots for clients and classes, to one for a plan
    SIGNATURES = 4          # and for signatures


cdef void *_new(size_t size) except NULL:
    """Zeroed octets on cache lines of their own, to be freed by `free`."""
    cdef void *found = NULL
    size = (size + 63) & ~<size_t>63
    if posix_memalign(&found, 64, size or 64):
        raise MemoryError
    memset(found, 0, size)
    return found


include "rate_table.pxi"
include "geo_trees.pxi"
include "loads.pxi"
include "levels.pxi"
include "route.pxi"
include "zone_table.pxi"
include "zone_run.pxi"
include "tables.pxi"
include "plan.pxi"
include "samples.pxi"
include "plane.pxi"
include "streams.pxi"
include "log_writer.pxi"
