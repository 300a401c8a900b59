"""TCP, epoll and locks of the system, as Cython has to be told of them."""

from libc.stdint cimport uint32_t, uint64_t
from dinamed.plane.posix cimport plane_address

cdef extern from *:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <pthread.h>
    #include <stdlib.h>
    #include <unistd.h>
    #include <netinet/in.h>
    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    #include <sys/socket.h>

    /* Milliseconds of a clock that never goes back; good to a few of them. */
    static inline uint64_t tcp_milliseconds(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    }

    static inline int tcp_accept(int fd, plane_address *name, uint32_t *size) {
        socklen_t length = sizeof *name;
        int found = accept4(fd, &name->any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        *size = length;
        return found;
    }

    static inline int tcp_peer(int fd, plane_address *name, uint32_t *size) {
        socklen_t length = sizeof *name;
        int failed = getpeername(fd, &name->any, &length);
        *size = length;
        return failed;
    }

    /* Close so that the other side learns of it at once (RST). */
    static inline void tcp_abort(int fd) {
        struct linger none = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(fd);
    }

    /* Close behind what was written.  What has come in is taken first: left unread
       it would make the system send an RST, which overtakes what was written. */
    static inline void tcp_close(int fd) {
        char octets[4096];
        int times = 16;
        shutdown(fd, SHUT_WR);
        while (times-- && recv(fd, octets, sizeof octets, MSG_DONTWAIT) > 0) {}
        close(fd);
    }

    /* Whether there were no descriptors or buffers left for a connection. */
    static inline int tcp_exhausted(void) {
        return errno == EMFILE || errno == ENFILE || errno == ENOBUFS
               || errno == ENOMEM;
    }

    static inline int tcp_again(void) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    }

    static inline int tcp_watch(int epoll, int how, int fd, uint32_t events,
                                uint64_t data) {
        struct epoll_event event;
        event.events = events;
        event.data.u64 = data;
        return epoll_ctl(epoll, how, fd, &event);
    }

    /* Put a node before the others of a stack that one thread alone empties, all at
       once.  Its first field is the next one.  Returns whether it was empty. */
    static inline int tcp_push(void *stack, void *node) {
        void *old = __atomic_load_n((void **)stack, __ATOMIC_RELAXED);
        do {
            *(void **)node = old;
        } while (!__atomic_compare_exchange_n((void **)stack, &old, node, 1,
                                              __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
        return old == NULL;
    }

    /* All of them, the oldest first. */
    static inline void *tcp_take_all(void *stack) {
        void *node = __atomic_exchange_n((void **)stack, NULL, __ATOMIC_SEQ_CST);
        void *found = NULL, *next;
        while (node != NULL) {
            next = *(void **)node;
            *(void **)node = found;
            found = node;
            node = next;
        }
        return found;
    }
    """
    enum:
        EPOLLIN
        EPOLLOUT
        EPOLLERR
        EPOLLHUP
        EPOLLEXCLUSIVE
        EPOLL_CTL_ADD
        EPOLL_CTL_MOD
        EPOLL_CTL_DEL
        EPOLL_CLOEXEC
        EFD_NONBLOCK
        EFD_CLOEXEC
        MSG_NOSIGNAL
        MSG_DONTWAIT

    ctypedef union epoll_data_t:
        uint64_t u64

    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data

    ctypedef struct pthread_mutex_t:
        pass

    int epoll_create1(int) nogil
    int epoll_wait(int, epoll_event *, int, int) nogil
    int eventfd(unsigned int, int) nogil
    ssize_t recv(int, void *, size_t, int) nogil
    ssize_t send(int, const void *, size_t, int) nogil
    ssize_t read(int, void *, size_t) nogil
    int close(int) nogil
    int pthread_mutex_init(pthread_mutex_t *, void *) noexcept nogil
    int pthread_mutex_destroy(pthread_mutex_t *) noexcept nogil
    int pthread_mutex_lock(pthread_mutex_t *) noexcept nogil
    int pthread_mutex_unlock(pthread_mutex_t *) noexcept nogil

    uint64_t tcp_milliseconds() noexcept nogil
    int tcp_accept(int, plane_address *, uint32_t *) noexcept nogil
    int tcp_peer(int, plane_address *, uint32_t *) noexcept nogil
    void tcp_abort(int) noexcept nogil
    void tcp_close(int) noexcept nogil
    bint tcp_exhausted() noexcept nogil
    bint tcp_again() noexcept nogil
    int tcp_watch(int, int, int, uint32_t, uint64_t) noexcept nogil
    bint tcp_push(void *, void *) noexcept nogil
    void *tcp_take_all(void *) noexcept nogil
