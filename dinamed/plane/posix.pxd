"""Sockets, batches and atomics of the system, as Cython has to be told of them."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <errno.h>
    #include <poll.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>
    #include <unistd.h>
    #include <netinet/in.h>
    #include <sys/socket.h>

    #define PLANE_BATCH 64
    #define PLANE_CONTROL 64

    typedef union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } plane_address;

    static inline uint64_t plane_get(const uint64_t *at) {
        return __atomic_load_n(at, __ATOMIC_RELAXED);
    }
    static inline uint64_t plane_get_seq(const uint64_t *at) {
        return __atomic_load_n(at, __ATOMIC_SEQ_CST);
    }
    static inline void plane_set_seq(uint64_t *at, uint64_t value) {
        __atomic_store_n(at, value, __ATOMIC_SEQ_CST);
    }
    /* For counters that have one writer: a plain addition, never torn. */
    static inline void plane_add(uint64_t *at, uint64_t value) {
        __atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + value,
                         __ATOMIC_RELAXED);
    }
    static inline int plane_exchange(uint64_t *at, uint64_t old, uint64_t value) {
        return __atomic_compare_exchange_n(at, &old, value, 0, __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED);
    }
    static inline double plane_get_double(const double *at) {
        double value;
        __atomic_load(at, &value, __ATOMIC_RELAXED);
        return value;
    }
    static inline void plane_set_double(double *at, double value) {
        __atomic_store(at, &value, __ATOMIC_RELAXED);
    }
    static inline void plane_add_double(double *at, double value) {
        value += *at;
        __atomic_store(at, &value, __ATOMIC_RELAXED);
    }
    /* Claim what others may use too; false if it is still claimed after a while. */
    static inline int plane_claim(uint32_t *at, unsigned tries) {
        while (__atomic_exchange_n(at, 1, __ATOMIC_ACQUIRE))
            if (!tries--) return 0;
        return 1;
    }
    static inline void plane_release(uint32_t *at) {
        __atomic_store_n(at, 0, __ATOMIC_RELEASE);
    }
    /* Seconds of a clock that never goes back. */
    static inline double plane_monotonic(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    }
    static inline void *plane_get_pointer(void *at) {
        return __atomic_load_n((void **)at, __ATOMIC_SEQ_CST);
    }
    static inline void plane_set_pointer(void *at, void *value) {
        __atomic_store_n((void **)at, value, __ATOMIC_SEQ_CST);
    }
    /* Zeroed cache lines at a pointer, made by whoever first needs them; NULL where
       there is no memory. */
    static inline void *plane_made(void *at, size_t size) {
        void *there = __atomic_load_n((void **)at, __ATOMIC_ACQUIRE), *made = NULL;
        if (there != NULL) return there;
        if (posix_memalign(&made, 64, (size + 63) & ~(size_t)63)) return NULL;
        memset(made, 0, size);
        if (__atomic_compare_exchange_n((void **)at, &there, made, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return made;
        free(made);
        return there;
    }

    /* Unix time in seconds, and in 2**-22 of them. */
    static inline uint32_t plane_now(uint64_t *ticks) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        *ticks = ((uint64_t)now.tv_sec << 22)
                 + (((uint64_t)now.tv_nsec << 22) / 1000000000u);
        return (uint32_t)now.tv_sec;
    }

    static inline int plane_port(const plane_address *from) {
        return ntohs(from->any.sa_family == AF_INET ? from->v4.sin_port
                                                    : from->v6.sin6_port);
    }

    /* The name of a packed address and a port. */
    static inline void plane_name(plane_address *name, const uint8_t *octets,
                                  uint32_t size, int port) {
        memset(name, 0, sizeof *name);
        if (size == 4) {
            name->v4.sin_family = AF_INET;
            name->v4.sin_port = htons((uint16_t)port);
            memcpy(&name->v4.sin_addr, octets, 4);
        } else {
            name->v6.sin6_family = AF_INET6;
            name->v6.sin6_port = htons((uint16_t)port);
            memcpy(&name->v6.sin6_addr, octets, 16);
        }
    }

    /* The packed source address; IPv4 in IPv6 (mapped) becomes IPv4. */
    static inline int plane_source(const plane_address *from, const uint8_t **octets) {
        if (from->any.sa_family == AF_INET) {
            *octets = (const uint8_t *)&from->v4.sin_addr;
            return 4;
        }
        *octets = (const uint8_t *)&from->v6.sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&from->v6.sin6_addr)) {
            *octets += 12;
            return 4;
        }
        return 16;
    }

    /* Keep of what came with a datagram just what makes its reply leave from the
       address that was asked.  The interface is left open, since routing may be
       asymmetric, but for link-local addresses, which mean nothing without one.
       Returns the octets that are left of the control data. */
    static inline size_t plane_echo(struct msghdr *message) {
        struct cmsghdr *header;
        for (header = CMSG_FIRSTHDR(message); header != NULL;
             header = CMSG_NXTHDR(message, header)) {
            size_t size = header->cmsg_len;
            if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;
                memcpy(&info, CMSG_DATA(header), sizeof info);
                info.ipi_ifindex = 0;
                memset(&info.ipi_addr, 0, sizeof info.ipi_addr);
                memcpy(CMSG_DATA(header), &info, sizeof info);
            } else if (header->cmsg_level == IPPROTO_IPV6
                       && header->cmsg_type == IPV6_PKTINFO) {
                struct in6_pktinfo info;
                memcpy(&info, CMSG_DATA(header), sizeof info);
                if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
                memcpy(CMSG_DATA(header), &info, sizeof info);
            } else continue;
            memmove(message->msg_control, header, size);
            return CMSG_SPACE(size - CMSG_LEN(0));
        }
        return 0;
    }

    /* Send a batch; a datagram that cannot be sent is passed over. */
    static inline void plane_send(int fd, struct mmsghdr *batch, int count) {
        int done = 0, sent;
        while (done < count) {
            sent = sendmmsg(fd, batch + done, (unsigned)(count - done), 0);
            if (sent > 0) done += sent;
            else if (errno != EINTR) done++;
        }
    }
    """
    enum:
        PLANE_BATCH
        PLANE_CONTROL
        MSG_WAITFORONE
        MSG_DONTWAIT
        POLLIN
        POLLOUT

    ctypedef struct plane_address:
        pass

    cdef struct iovec:
        void *iov_base
        size_t iov_len

    cdef struct msghdr:
        void *msg_name
        uint32_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags

    cdef struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len

    cdef struct pollfd:
        int fd
        short events
        short revents

    int recvmmsg(int, mmsghdr *, unsigned int, int, void *) nogil
    ssize_t sendmsg(int, const msghdr *, int) nogil
    int poll(pollfd *, unsigned long, int) nogil
    ssize_t write(int, const void *, size_t) nogil

    uint64_t plane_get(const uint64_t *) noexcept nogil
    uint64_t plane_get_seq(const uint64_t *) noexcept nogil
    void plane_set_seq(uint64_t *, uint64_t) noexcept nogil
    void plane_add(uint64_t *, uint64_t) noexcept nogil
    bint plane_exchange(uint64_t *, uint64_t, uint64_t) noexcept nogil
    double plane_get_double(const double *) noexcept nogil
    void plane_set_double(double *, double) noexcept nogil
    void plane_add_double(double *, double) noexcept nogil
    bint plane_claim(uint32_t *, unsigned int) noexcept nogil
    void plane_release(uint32_t *) noexcept nogil
    double plane_monotonic() noexcept nogil
    void *plane_get_pointer(void *) noexcept nogil
    void plane_set_pointer(void *, void *) noexcept nogil
    void *plane_made(void *, size_t) noexcept nogil
    uint32_t plane_now(uint64_t *) noexcept nogil
    void plane_name(plane_address *, const uint8_t *, uint32_t, int) noexcept nogil
    int plane_source(const plane_address *, const uint8_t **) noexcept nogil
    int plane_port(const plane_address *) noexcept nogil
    size_t plane_echo(msghdr *) noexcept nogil
    void plane_send(int, mmsghdr *, int) noexcept nogil
