"""A connected UDP socket that lives for one exchange.

Unlike the reactor's own ports it writes nothing to the log when it opens and closes,
which here happens at every poll.
"""

import os
import socket
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from dinamed.load.poller import FeedError, feed_error

MAX_BATCH = 16  # datagrams that are read in one turn of the reactor
MAX_PACKET = 2048


@implementer(IReadDescriptor)
class Datagrams:
    """Sends to one address and port, and receives from nobody else.

    The source port is the system's choice, so that it can't be foretold.
    `received` is called with each datagram, `broken` with what it means when the peer
    can't be reached.

    @raise OSError: there is no way to it.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        address: str,
        port: int,
        received: Callable[[bytes], None],
        broken: Callable[[FeedError], None],
    ) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._reactor = reactor
        self._address = address
        self._received = received
        self._broken = broken
        self._socket: socket.socket | None = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect((address, port))
            reactor.addReader(self)
        except BaseException:
            self._socket.close()
            raise

    def send(self, data: bytes) -> None:
        """Send a datagram; what keeps it from being sent goes to `broken`."""
        if self._socket is None:
            return
        try:
            self._socket.send(data)
        except BlockingIOError:
            pass  # lost, as any datagram may be
        except OSError as error:
            self._tell(error)

    def close(self) -> None:
        """Send and receive nothing any more."""
        end, self._socket = self._socket, None
        if end is not None:
            self._reactor.removeReader(self)
            end.close()

    def fileno(self) -> int:
        """See L{IReadDescriptor}."""
        return -1 if self._socket is None else self._socket.fileno()

    def doRead(self) -> None:
        """See L{IReadDescriptor}."""
        for _ in range(MAX_BATCH):
            if self._socket is None:
                return
            try:
                data = self._socket.recv(MAX_PACKET)
            except BlockingIOError:
                return
            except OSError as error:
                self._tell(error)
                return
            self._received(data)

    def connectionLost(self, reason: Failure) -> None:
        """See L{IReadDescriptor}: some reactors call this where others read errors."""
        if self._socket is None:
            return
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.close()
        lost = OSError(number, os.strerror(number) if number else "socket lost")
        self._tell(lost)

    def logPrefix(self) -> str:
        """See L{IReadDescriptor}."""
        return "load"

    def _tell(self, error: OSError) -> None:
        self._broken(feed_error(error, _words(error), self._address))


def _words(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "port unreachable"
    return error.strerror or str(error)
