/* A flood of broken queries: `flood PORT RATE SECONDS SEED QUERY ...`, on 127.0.0.1.
   Each packet is one of the QUERYs (messages in hexadecimal) with octets changed, cut,
   put in, or with other counts; one in eight is nothing but chance.  RATE packets a
   second leave in batches, from eight sockets; 0: as many as go.  What comes back is
   thrown away.  Prints how many were sent, and in how many seconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SOCKETS = 8, BATCH = 32, SIZE = 600, MOST = 64 };

static uint64_t state;

static uint32_t below(uint32_t limit) { /* splitmix64 */
    uint64_t x = state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)(((x ^ (x >> 31)) >> 32) * limit >> 32);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint8_t queries[MOST][SIZE];
static uint32_t sizes[MOST], count;

static uint32_t broken(uint8_t *out) {
    uint32_t size, i, k, place, one = below(count);
    if (!below(8)) {
        size = below(SIZE / 4);
        for (i = 0; i < size; i++) out[i] = (uint8_t)below(256);
        return size;
    }
    size = sizes[one];
    memcpy(out, queries[one], size);
    for (k = 1 + below(4); k && size > 4; k--) {
        place = 2 + below(size - 2);
        switch (below(5)) {
        case 0:
        case 1: out[place] = (uint8_t)below(256); break;
        case 2: size = place; break;
        case 3:
            if (size < SIZE - 1) {
                memmove(out + place + 1, out + place, size - place);
                out[place] = (uint8_t)below(256);
                size++;
            }
            break;
        default: out[4 + below(8)] = (uint8_t)below(3);
        }
    }
    out[0] = (uint8_t)below(256);
    out[1] = (uint8_t)below(256);
    return size;
}

int main(int argc, char **argv) {
    static uint8_t octets[BATCH][SIZE];
    struct mmsghdr batch[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_in there = {.sin_family = AF_INET};
    int fds[SOCKETS], i, small = 2048;
    uint64_t sent = 0;
    double rate, start, end, t;
    if (argc < 6 || argc - 5 > MOST) return 2;
    there.sin_port = htons((uint16_t)atoi(argv[1]));
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rate = atof(argv[2]);
    state = strtoull(argv[4], NULL, 10);
    for (; count < (uint32_t)argc - 5; count++) {
        const char *hex = argv[5 + count];
        for (; sizes[count] < SIZE && hex[0] && hex[1]; hex += 2) {
            char octet[3] = {hex[0], hex[1], 0};
            queries[count][sizes[count]++] = (uint8_t)strtoul(octet, NULL, 16);
        }
    }
    for (i = 0; i < SOCKETS; i++) {
        fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        if (connect(fds[i], (struct sockaddr *)&there, sizeof there)) return 1;
    }
    start = now();
    end = start + atof(argv[3]);
    while ((t = now()) < end) {
        if (rate > 0 && (double)sent > (t - start) * rate) {
            struct timespec rest = {0, 100000};
            nanosleep(&rest, NULL);
            continue;
        }
        for (i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){octets[i], broken(octets[i])};
            memset(&batch[i], 0, sizeof batch[i]);
            batch[i].msg_hdr.msg_iov = &parts[i];
            batch[i].msg_hdr.msg_iovlen = 1;
        }
        i = sendmmsg(fds[sent / BATCH % SOCKETS], batch, BATCH, 0);
        sent += i > 0 ? (uint64_t)i : BATCH;
    }
    printf("%llu %.3f\n", (unsigned long long)sent, now() - start);
    return 0;
}
