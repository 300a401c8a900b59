/* One query a connection: `connect PORT SECONDS QUERY`, on 127.0.0.1.
   QUERY is a message in hexadecimal.  Sixteen clients at a time connect, ask, read the
   reply and close, from many addresses, so that ports do not run out.  Prints how many
   replies came, how many connections failed, and in microseconds the median and the
   99 % quantile of the time from connecting to the reply. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 16, LONGEST = 1000000, HOSTS = 200 };

static struct sockaddr_in there = {.sin_family = AF_INET};
static uint8_t query[514];
static int size, epoll, fds[CLIENTS], asked[CLIENTS];
static uint64_t began[CLIENTS], answered, failed;
static uint32_t bins[LONGEST + 1], next_host;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void begin(int client) {
    struct sockaddr_in here = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)client};
    here.sin_addr.s_addr = htonl(0x7f000001u + next_host++ % HOSTS);
    fds[client] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    asked[client] = 0;
    began[client] = now();
    bind(fds[client], (struct sockaddr *)&here, sizeof here);
    connect(fds[client], (struct sockaddr *)&there, sizeof there);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[client], &event);
}

static void go_on(int client) {
    uint8_t reply[2048];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)client};
    uint64_t took;
    if (!asked[client]) {
        asked[client] = 1;
        if (send(fds[client], query, (size_t)size, MSG_NOSIGNAL) == size) {
            epoll_ctl(epoll, EPOLL_CTL_MOD, fds[client], &event);
            return;
        }
        failed++;
    } else if (recv(fds[client], reply, sizeof reply, 0) > 2) {
        took = (now() - began[client]) / 1000;
        bins[took < LONGEST ? took : LONGEST]++;
        answered++;
    } else {
        failed++;
    }
    close(fds[client]);
    begin(client);
}

static unsigned quantile(double share) {
    uint64_t before = 0, wanted = (uint64_t)(share * (double)answered);
    unsigned i;
    for (i = 0; i < LONGEST; i++)
        if ((before += bins[i]) > wanted) break;
    return i;
}

int main(int argc, char **argv) {
    struct epoll_event events[CLIENTS];
    uint64_t end;
    int i, count;
    unsigned octet;
    if (argc != 4) return 2;
    there.sin_port = htons((uint16_t)atoi(argv[1]));
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (i = 0; sscanf(argv[3] + 2 * i, "%2x", &octet) == 1 && i < 512; i++)
        query[2 + i] = (uint8_t)octet;
    query[1] = (uint8_t)i;
    size = 2 + i;
    epoll = epoll_create1(0);
    end = now() + (uint64_t)(atof(argv[2]) * 1e9);
    for (i = 0; i < CLIENTS; i++) begin(i);
    while (now() < end) {
        count = epoll_wait(epoll, events, CLIENTS, 100);
        for (i = 0; i < count; i++) go_on((int)events[i].data.u32);
    }
    printf("%llu %llu %u %u\n", (unsigned long long)answered,
           (unsigned long long)failed, quantile(0.5), quantile(0.99));
    return 0;
}
