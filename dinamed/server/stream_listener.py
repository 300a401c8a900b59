"""Serving streams on sockets that were bound before privileges were dropped."""

import socket
from collections.abc import Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IListeningPort

from dinamed.server.sockets import ListenAddress


class StreamListenService(Service):
    """Serves the connections of bound sockets with a factory.

    A stop ends the listening; connections are the affair of who made the factory.
    """

    def __init__(
        self,
        reactor: Any,
        factory: Any,
        sockets: Sequence[tuple[ListenAddress, socket.socket]],
    ) -> None:
        self._reactor = reactor
        self._factory = factory
        self._sockets = sockets
        self._ports: list[IListeningPort] = []

    def startService(self) -> None:
        """Hand the sockets to the reactor."""
        super().startService()
        for address, sock in self._sockets:
            port = self._reactor.adoptStreamPort(
                sock.fileno(), address.family, self._factory
            )
            self._ports.append(port)
            sock.close()  # the reactor has its own duplicate

    def stopService(self) -> Deferred[list[None]]:
        """Take no more connections."""
        super().stopService()
        waits = [port.stopListening() or succeed(None) for port in self._ports]
        self._ports = []
        return gatherResults(waits)
