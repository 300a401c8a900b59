/* The limit of the socket: a server that sends every datagram back as an answer,
   in batches, and does nothing else.  `echo PORT`, on 127.0.0.1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, SIZE = 4160 };

int main(int argc, char **argv) {
    static uint8_t octets[BATCH][SIZE];
    static struct sockaddr_in names[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr batch[BATCH];
    struct sockaddr_in here = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
    here.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 5300));
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(fd, (struct sockaddr *)&here, sizeof here)) return 1;
    for (;;) {
        int count, i;
        for (i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){octets[i], SIZE};
            batch[i].msg_hdr = (struct msghdr){
                .msg_name = &names[i], .msg_namelen = sizeof names[i],
                .msg_iov = &parts[i], .msg_iovlen = 1};
        }
        count = recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL);
        for (i = 0; i < count; i++) {
            octets[i][2] |= 0x80; /* QR, lest the client takes it for a question */
            parts[i].iov_len = batch[i].msg_len;
        }
        if (count > 0) sendmmsg(fd, batch, (unsigned)count, 0);
    }
}
