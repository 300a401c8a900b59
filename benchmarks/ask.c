/* Asks round and round: `ask PORT SECONDS < QUERIES`, on 127.0.0.1.
   QUERIES are messages in hexadecimal, one a line.  Each of twenty sockets has at most
   25 of them out at a time; what has had no answer for a second is lost.  Prints how
   many were answered, how many lost, and in how many seconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SOCKETS = 20, OUT = 25, SIZE = 512, ROOM = 4096, MOST = 4096 };

static uint8_t queries[MOST][SIZE];
static size_t sizes[MOST], count, next;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void read_queries(void) {
    static char line[2 * SIZE + 2];
    while (count < MOST && fgets(line, sizeof line, stdin)) {
        const char *hex = line;
        for (; sizes[count] < SIZE && hex[0] > ' ' && hex[1] > ' '; hex += 2) {
            char octet[3] = {hex[0], hex[1], 0};
            queries[count][sizes[count]++] = (uint8_t)strtoul(octet, NULL, 16);
        }
        if (sizes[count]) count++;
    }
}

static int ask(int fd, int wanted) {
    struct mmsghdr batch[OUT];
    struct iovec parts[OUT];
    int i;
    for (i = 0; i < wanted; i++) {
        parts[i] = (struct iovec){queries[next], sizes[next]};
        next = next + 1 < count ? next + 1 : 0;
        memset(&batch[i], 0, sizeof batch[i]);
        batch[i].msg_hdr.msg_iov = &parts[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    i = sendmmsg(fd, batch, (unsigned)wanted, 0);
    return i < 0 ? 0 : i;
}

static int take(int fd) {
    static uint8_t octets[OUT][ROOM];
    struct mmsghdr batch[OUT];
    struct iovec parts[OUT];
    int i;
    for (i = 0; i < OUT; i++) {
        parts[i] = (struct iovec){octets[i], sizeof octets[i]};
        memset(&batch[i], 0, sizeof batch[i]);
        batch[i].msg_hdr.msg_iov = &parts[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    i = recvmmsg(fd, batch, OUT, MSG_DONTWAIT, NULL);
    return i < 0 ? 0 : i;
}

int main(int argc, char **argv) {
    struct sockaddr_in there = {.sin_family = AF_INET};
    struct pollfd fds[SOCKETS];
    int out[SOCKETS] = {0}, i, got, some;
    double last[SOCKETS], start, end, t;
    uint64_t answered = 0, lost = 0;
    if (argc != 3) return 2;
    read_queries();
    if (!count) return 2;
    there.sin_port = htons((uint16_t)atoi(argv[1]));
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (i = 0; i < SOCKETS; i++) {
        fds[i] = (struct pollfd){socket(AF_INET, SOCK_DGRAM, 0), POLLIN, 0};
        if (connect(fds[i].fd, (struct sockaddr *)&there, sizeof there)) return 1;
    }
    start = t = now();
    end = start + atof(argv[2]);
    for (i = 0; i < SOCKETS; i++) last[i] = start;
    while (t < end) {
        for (i = some = 0; i < SOCKETS; i++) {
            if (out[i] < OUT) out[i] += ask(fds[i].fd, OUT - out[i]);
            got = take(fds[i].fd);
            if (got) {
                last[i] = t;
            } else if (t > last[i] + 1 && out[i]) {
                lost += (uint64_t)out[i];
                out[i] = 0;
                last[i] = t;
            }
            some += got;
            answered += (uint64_t)got;
            out[i] = out[i] > got ? out[i] - got : 0; /* some were late */
        }
        if (!some) poll(fds, SOCKETS, 10);
        t = now();
    }
    printf("%llu %llu %.6f\n", (unsigned long long)answered, (unsigned long long)lost,
           t - start);
    return 0;
}
