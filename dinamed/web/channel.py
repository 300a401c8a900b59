"""One HTTP connection, held to limits of time and of memory.

Twisted's channel lets any octet put off the end of an idle connection, makes replies to
pipelined requests while nobody reads the ones before, and waits for ever for a client
that does not read.  Each of them lets one client take memory and files without bound.
"""

import ipaddress
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request

from dinamed.limits.connections import Connections, RefusedError

PATIENCE = 30.0
"""Seconds for which a client may read nothing of what is waiting for it."""


class LimitedChannel(HTTPChannel):
    """A connection whose requests have to be whole in time, and replies to be read.

    `timeOut` seconds are given to the first request from the moment of the connection,
    to each later one from the end of the reply before, and once more from its first
    octet.
    """

    _begun = False
    _full: IDelayedCall | None = None
    _unread: Request | None = None
    """The request whose reply fills the transport: the next one waits for it."""

    transport: Any
    site: Any

    @property
    def open_connections(self) -> "Connections[LimitedChannel]":
        """All connections of the site."""
        connections: Connections[LimitedChannel] = self.site.connections
        return connections

    def connectionMade(self) -> None:
        """Count the connection; another one gives way for it where there are enough."""
        super().connectionMade()
        try:
            gone = self.open_connections.admit(self, _packed(self.transport.getPeer()))
        except RefusedError:
            self.transport.abortConnection()
            return
        if gone is not None:
            gone.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing is left of it."""
        self.open_connections.forget(self)
        self._read()
        self._unread = None
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """A request gets its time with its first octet, and no more with later ones."""
        if not self._begun and not self._handlingRequest:
            self._begun = True
            self.setTimeout(self.timeOut)
            self.open_connections.touch(self)
        super().dataReceived(data)

    def resetTimeout(self) -> None:
        """Octets alone do not put off the end."""

    def requestDone(self, request: Request) -> None:
        """Go on to the next request, once the reply is on its way."""
        if self._waitingForTransport:
            self._unread = request
            return
        self._begun = False
        self.open_connections.touch(self)
        super().requestDone(request)

    def pauseProducing(self) -> None:
        """The client reads too slowly."""
        if self._full is None:
            self._full = self.callLater(PATIENCE, self._not_read)
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """The client has read what there was."""
        self._read()
        super().resumeProducing()
        request, self._unread = self._unread, None
        if request is not None:
            self.requestDone(request)

    def timeoutConnection(self) -> None:
        """No request in time: nothing is owed to the client."""
        self.transport.abortConnection()

    def _read(self) -> None:
        full, self._full = self._full, None
        if full is not None:
            full.cancel()

    def _not_read(self) -> None:
        self._full = None
        self.transport.abortConnection()


def _packed(peer: Any) -> bytes:
    """The packed address of a peer; of a kind without addresses, none."""
    try:
        return ipaddress.ip_address(peer.host.partition("%")[0]).packed
    except (AttributeError, ValueError):
        return b""
