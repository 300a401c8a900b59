"""TCP answered by threads, and the connections that change hands with Python."""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dinamed.config.limits import Limits
from dinamed.plane.extension import native
from dinamed.plane.shared_connections import SharedConnections
from dinamed.server.stream import StreamFactory, StreamProtocol

END_INTERVAL = 0.02
"""Seconds between looks whether threads have ended."""
Answer = Callable[[bytes, bytes, int], bytes | None]
"""From a message, a packed source and what to learn to a reply; None: silence."""
Taken = Callable[[socket.socket, bytes], None]
"""Takes over a connection, with what was read of it."""


class PlaneStreams:
    """The threads that serve TCP: each has a listening socket for each address.

    A connection whose reply is long, as that of a transfer is, goes to Python; and back
    to a thread by `adopt`.  `connections` is where both count theirs.
    """

    log = Logger()

    def __init__(self, reactor: Any, plane: "native.Plane") -> None:
        self._reactor = reactor
        self.native = native.Streams(plane, os.urandom(16))
        self.connections: SharedConnections[StreamProtocol] = SharedConnections(
            self.native
        )
        self._sockets: list[socket.socket] = []
        self._factory: StreamFactory | None = None
        self._taken: Taken = self._serve_here
        self._next = 0
        self._threads = plane.threads
        self._waiting: list[Deferred[None]] = []
        self.take_limits(Limits())

    def take_limits(self, limits: Limits) -> None:
        """Hold connections to other times; how many there may be says the factory."""
        self.native.patience(limits.tcp_idle, limits.tcp_total)

    def attach(self, pairs: Sequence[tuple[int, socket.socket]]) -> None:
        """Give threads, by number, their listening sockets, before they run."""
        for number, sock in pairs:
            sock.setblocking(False)
            self.native.attach(number, sock.fileno())
        self._sockets += dict.fromkeys(sock for _, sock in pairs)

    def serve(self, factory: StreamFactory) -> None:
        """Leave to this factory what goes to Python."""
        self._factory = factory

    def look(self, answer: Answer, most: int) -> bool:
        """Deal with what threads have for Python; True if there may be more.

        At most `most` messages of each thread are answered.
        """
        if self._factory is not None:
            self._factory.close_displaced()
        for descriptor, read in self.native.take_given():
            sock = socket.socket(fileno=descriptor)
            with suppress(OSError):  # it is broken, or there are no descriptors left
                self._taken(sock, read)
            sock.close()
        return bool(self.native.serve_punted(answer, most))

    def _serve_here(self, sock: socket.socket, read: bytes) -> None:
        transport = self._reactor.adoptStreamConnection(
            sock.fileno(), sock.family, self._factory
        )
        if read and transport is not None:
            transport.protocol.dataReceived(read)

    def adopt(self, sock: socket.socket, read: bytes) -> None:
        """Leave a connection to a thread, with what was read of it."""
        sock.setblocking(False)
        self._next += 1
        self.native.adopt(self._next % self._threads, sock.detach(), read)

    def finish(self, patience: float) -> "Deferred[None]":
        """Accept nothing more, and close connections once all is answered.

        Fires when the threads have ended; those who do not read get `patience` seconds.
        """
        self.native.finish(patience)
        return self._ending()

    def give(self, taken: Taken) -> "Deferred[None]":
        """Accept nothing more, and have connections taken over once they are at rest.

        Fires when none is left, and the threads have ended.
        """
        self._taken = taken
        self.native.give()
        return self._ending()

    def _ending(self) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        self._waiting.append(done)
        if len(self._waiting) == 1:
            self._look_for_end()
        return done

    def _look_for_end(self) -> None:
        if not self.native.ended:
            self._reactor.callLater(END_INTERVAL, self._look_for_end)
            return
        for done in self._waiting:
            done.callback(None)

    def close(self) -> None:
        """Close the listening sockets, once the threads have ended."""
        for sock in self._sockets:
            sock.close()
        self._sockets = []
