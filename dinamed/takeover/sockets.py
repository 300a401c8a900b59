"""The bound sockets as they pass from one process to the next."""

import os
import socket
from collections.abc import Iterable, Sequence

from dinamed.server.sockets import ListenAddress, Listening, Stream
from dinamed.takeover.messages import Offered

UDP, TCP, HTTP, TLS = "udp", "tcp", "http", "tls"


class HeldSockets:
    """Keeps all sockets of this process open, to be offered to the next one."""

    def __init__(
        self,
        dns: Iterable[Listening],
        http: Iterable[Stream] = (),
        tls: Iterable[Stream] = (),
    ) -> None:
        self._sockets: list[tuple[Offered, int]] = []
        for one in dns:
            for sock in (one.tcp, *one.tcp_others):
                self._hold(TCP, one.address, sock)
            for sock in (one.udp, *one.others):
                self._hold(UDP, one.address, sock)
        for kind, streams in ((HTTP, http), (TLS, tls)):
            for address, sock in streams:
                self._hold(kind, address, sock)

    def _hold(self, kind: str, address: ListenAddress, sock: socket.socket) -> None:
        offered = Offered(kind, address.host, address.port, address.family)
        # Those who serve close theirs as they see fit.  `socket.dup` would set the mode
        # of blocking, which all duplicates share.
        self._sockets.append((offered, os.dup(sock.fileno())))

    @property
    def offered(self) -> tuple[Offered, ...]:
        """The sockets that are offered."""
        return tuple(offered for offered, _ in self._sockets)

    @property
    def descriptors(self) -> list[int]:
        """Theirs, in the same order."""
        return [descriptor for _, descriptor in self._sockets]

    def close(self) -> None:
        """Hold them no longer."""
        for _, descriptor in self._sockets:
            os.close(descriptor)
        self._sockets = []


class InheritedSockets:
    """The sockets that a process has been offered; each is taken once."""

    def __init__(self, offered: Sequence[Offered], descriptors: Sequence[int]) -> None:
        self._left = [
            (one, socket.socket(fileno=descriptor))
            for one, descriptor in zip(offered, descriptors, strict=True)
        ]

    def dns(self, address: ListenAddress) -> Listening | None:
        """The sockets of an address; they may be more or fewer than the threads.

        None of them may be left aside: the kernel goes on to spread clients over all.
        """
        found = self._address(TCP, address)
        tcp = [] if found is None else self._take(TCP, found)
        if found is None or not tcp:
            return None
        udp = self._take(UDP, found)
        if not udp:
            for sock in tcp:
                sock.close()
            return None
        return Listening(found, udp[0], tcp[0], tuple(udp[1:]), tuple(tcp[1:]))

    def stream(self, kind: str, address: ListenAddress) -> Stream | None:
        """The one of an address."""
        found = self._address(kind, address)
        if found is None:
            return None
        return found, self._take(kind, found)[0]

    def close_rest(self) -> list[str]:
        """Close what was not taken; says which."""
        closed = {f"{one.host} port {one.port}" for one, _ in self._left}
        for _, sock in self._left:
            sock.close()
        self._left = []
        return sorted(closed)

    def _address(self, kind: str, wanted: ListenAddress) -> ListenAddress | None:
        """The wanted address; with port 0, the one that the system has given."""
        where = kind, wanted.host, wanted.family
        for one, _ in self._left:
            fits = wanted.port in (0, one.port)
            if fits and (one.kind, one.host, one.family) == where:
                return ListenAddress(one.host, one.port, wanted.family)
        return None

    def _take(self, kind: str, address: ListenAddress) -> list[socket.socket]:
        taken, left = [], []
        for one, sock in self._left:
            if (one.kind, one.host, one.port) == (kind, address.host, address.port):
                taken.append(sock)
            else:
                left.append((one, sock))
        self._left = left
        return taken
