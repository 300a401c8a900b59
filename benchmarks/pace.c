/* Latency at a fixed rate: `pace PORT RATE SECONDS QUERY`, on 127.0.0.1.
   QUERY is a message in hexadecimal.  It is sent RATE times a second, each time when it
   is due and not when the last answer is there, by turns from four sockets.  Prints how
   many were sent and answered, and in microseconds the median, the 99 % and 99.9 %
   quantiles and the longest. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SOCKETS = 4, LONGEST = 1000000, BATCH = 32, PATIENT = 100000 };

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t sent_at[SOCKETS][65536];
static uint32_t bins[LONGEST + 1];
static uint64_t answered;

static void take(int fd, int place) {
    static uint8_t octets[BATCH][512];
    struct mmsghdr batch[BATCH];
    struct iovec parts[BATCH];
    int i, count;
    for (i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){octets[i], sizeof octets[i]};
        memset(&batch[i], 0, sizeof batch[i]);
        batch[i].msg_hdr.msg_iov = &parts[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    count = recvmmsg(fd, batch, BATCH, MSG_DONTWAIT, NULL);
    for (i = 0; i < count; i++) {
        uint64_t *at = &sent_at[place][octets[i][0] << 8 | octets[i][1]], took;
        if (!*at) continue;
        took = (now() - *at) / 1000;
        *at = 0;
        bins[took < LONGEST ? took : LONGEST]++;
        answered++;
    }
}

static unsigned quantile(double share) {
    uint64_t before = 0, wanted = (uint64_t)(share * (double)answered);
    unsigned i;
    for (i = 0; i < LONGEST; i++)
        if ((before += bins[i]) > wanted) break;
    return i;
}

int main(int argc, char **argv) {
    struct sockaddr_in there = {.sin_family = AF_INET};
    uint8_t query[512];
    int fds[SOCKETS], size = 0, i;
    uint64_t start, end, sent = 0, t, gap;
    struct pollfd waiting[SOCKETS];
    if (argc != 5) return 2;
    there.sin_port = htons((uint16_t)atoi(argv[1]));
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (; size < (int)sizeof query && argv[4][2 * size] && argv[4][2 * size + 1]; size++) {
        char octet[3] = {argv[4][2 * size], argv[4][2 * size + 1], 0};
        query[size] = (uint8_t)strtoul(octet, NULL, 16);
    }
    for (i = 0; i < SOCKETS; i++) {
        fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
        if (connect(fds[i], (struct sockaddr *)&there, sizeof there)) return 1;
        waiting[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    gap = (uint64_t)(1e9 / atof(argv[2]));
    start = now();
    end = start + (uint64_t)(1e9 * atof(argv[3]));
    /* Half a second more for the last answers. */
    while ((t = now()) < end + 500000000u) {
        while (start + sent * gap <= t && t < end) {
            int place = (int)(sent % SOCKETS);
            uint16_t id = (uint16_t)(sent / SOCKETS);
            query[0] = (uint8_t)(id >> 8);
            query[1] = (uint8_t)id;
            sent_at[place][id] = now();
            send(fds[place], query, (size_t)size, 0);
            sent++;
            if (sent % BATCH == 0) break;
        }
        for (i = 0; i < SOCKETS; i++) take(fds[i], i);
        /* At a low rate others may need the core. */
        if (gap > PATIENT) {
            struct timespec rest = {0, (long)(gap / 4)};
            ppoll(waiting, SOCKETS, &rest, NULL);
        }
    }
    printf("%llu %llu %u %u %u %u\n", (unsigned long long)sent,
           (unsigned long long)answered, quantile(0.5), quantile(0.99), quantile(0.999),
           quantile(1.0 - 1e-12));
    return 0;
}
