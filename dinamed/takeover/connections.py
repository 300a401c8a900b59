"""Passes open connections to the new process."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import INegotiated
from twisted.internet.task import LoopingCall

from dinamed.server.periodic import looping
from dinamed.server.services import STOP_PATIENCE
from dinamed.server.stream import StreamFactory, StreamProtocol
from dinamed.takeover.messages import Moved

if TYPE_CHECKING:
    from dinamed.plane.service import DataPlane

INTERVAL = 0.05
"""Seconds between looks for connections at rest."""
TLS_GRACE = 2.0
"""Seconds after which TLS connections, which can't be moved, are closed."""
MOST = 20.0
"""Seconds after which connections that never rest are closed."""

Send = Callable[[Moved, list[int]], None]


class ConnectionMover:
    """Moves the connections of one server, each when it is idle.

    That is when all is answered that was read, and all answers are in the kernel.
    """

    def __init__(self, reactor: Any, send: Send) -> None:
        self._reactor = reactor
        self._send = send
        self._began = 0.0
        self.moved = 0

    def move(
        self, streams: StreamFactory, plane: "DataPlane | None" = None
    ) -> Deferred[list[None]]:
        """Fires when none is left; those that would not go are closed then."""
        moved = self._move_here(streams)
        if plane is None:
            return gatherResults([moved])
        late = self._reactor.callLater(MOST, plane.streams.native.finish, 0.0)
        gone = plane.leave(self._take)

        def _gone(_: None) -> None:
            if late.active():
                late.cancel()

        return gatherResults([moved, gone.addCallback(_gone)])

    def _take(self, sock: socket.socket, rest: bytes) -> None:
        """Send a connection that a thread of the plane has left to us."""
        family = int(sock.family)
        # It stays open, for it may be sent later; this process ends soon.
        self._send(Moved(family, rest), [sock.detach()])
        self.moved += 1

    def _move_here(self, streams: StreamFactory) -> Deferred[None]:
        self._began = self._reactor.seconds()
        self._looking = looking = looping(
            self._reactor, self._look, "moving connections", streams
        )
        done: Deferred[LoopingCall] = looking.start(INTERVAL)
        return done.addCallback(lambda _: streams.close(STOP_PATIENCE))

    def _look(self, streams: StreamFactory) -> None:
        writing = {id(one) for one in self._reactor.getWriters()}
        age = self._reactor.seconds() - self._began
        if not streams.present or age >= MOST:
            self._looking.stop()
            return
        for one in streams.present:
            if INegotiated.providedBy(one.transport):
                if age >= TLS_GRACE:
                    one.finish()
            elif id(one.transport) not in writing:
                self._move(one)
        if not streams.open_connections:
            self._looking.stop()

    def _move(self, one: StreamProtocol) -> None:
        rest = one.give_away()
        if rest is not None:
            transport: Any = one.transport
            family = transport.socket.family
            self._send(Moved(int(family), rest), [transport.fileno()])
            self.moved += 1
