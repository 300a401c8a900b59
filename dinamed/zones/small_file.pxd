"""Looking at small files and reading them whole, with one call and no object each."""

from libc.stdint cimport uint8_t, uint64_t

cdef extern from *:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/stat.h>
    #include <unistd.h>

    /* Where a file is and when it was changed: device, inode, size, nanoseconds.
       Unlike the time of modification, that of change cannot be set. */
    static void small_state(const struct stat *found, uint64_t *state)
    {
        state[0] = (uint64_t)found->st_dev;
        state[1] = (uint64_t)found->st_ino;
        state[2] = (uint64_t)found->st_size;
        state[3] = (uint64_t)found->st_ctim.tv_sec * 1000000000u
            + (uint64_t)found->st_ctim.tv_nsec;
    }

    /* The state of a regular file that we may read; zeros for anything else. */
    static void small_look(const char *path, uint64_t *state)
    {
        struct stat found;
        memset(state, 0, 4 * sizeof(uint64_t));
        if (stat(path, &found) || !S_ISREG(found.st_mode))
            return;
        if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS))
            return;
        small_state(&found, state);
    }

    /* The octets of a regular file; -1 if it cannot be read, or has `room` or more. */
    static int64_t small_read(const char *path, uint8_t *out, size_t room)
    {
        struct stat found;
        size_t size = 0;
        ssize_t got = -1;
        /* Without O_NONBLOCK, opening a pipe waits for its other end. */
        int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (descriptor < 0)
            return -1;
        if (!fstat(descriptor, &found) && S_ISREG(found.st_mode)
            && (uint64_t)found.st_size < room) {
            do {
                got = read(descriptor, out + size, room - size);
                if (got > 0)
                    size += (size_t)got;
            } while (
                (got > 0 && size != (uint64_t)found.st_size && size < room)
                || (got < 0 && errno == EINTR));
        }
        close(descriptor);
        return got < 0 || size >= room ? -1 : (int64_t)size;
    }
    """
    void small_look(const char *path, uint64_t *state) nogil
    long long small_read(const char *path, uint8_t *out, size_t room) nogil
