"""The socket between the old process and the new one."""

import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from dinamed.takeover.messages import (
    HEAD,
    Frames,
    Message,
    ProtocolError,
    encode,
)

VARIABLE = "DINAMED_HANDOVER"
"""Names the descriptor of the socket in the environment of the new process."""
_MOST_AT_ONCE = 253  # SCM_MAX_FD

MessageHandler = Callable[[Message, list[int]], None]


@implementer(IFileDescriptorReceiver)
class Channel(Protocol):
    """One side of it, in a reactor."""

    log = Logger()

    def __init__(self, take: MessageHandler, lost: Callable[[], None]) -> None:
        self._take = take
        self._lost = lost
        self._frames = Frames()
        self.open = False

    def connectionMade(self) -> None:
        """Messages may be sent."""
        self.open = True

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message; what can't be sent any more is lost.

        The descriptors must stay open until then.
        """
        if self.open:
            transport: Any = self.transport
            for descriptor in descriptors:
                transport.sendFileDescriptor(descriptor)
            transport.write(encode(message, len(descriptors)))

    def close(self) -> None:
        """Send nothing more, once all is written."""
        if self.transport is not None:
            self.transport.loseConnection()

    def fileDescriptorReceived(self, descriptor: int) -> None:  # noqa: N802
        """Keep it for its message."""
        os.set_inheritable(descriptor, False)
        self._frames.take_descriptor(descriptor)

    def dataReceived(self, data: bytes) -> None:
        """Take the messages that are whole."""
        try:
            for message, descriptors in self._frames.take(data):
                self._take(message, descriptors)
        except ProtocolError as error:
            self.log.error("the other process is not understood: {why}", why=str(error))
            self.close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other side has gone."""
        self.open = False
        self._lost()


class BlockingChannel:
    """The side of the new process, before its reactor runs.

    Waits at most `patience` seconds for each part of a message.
    """

    def __init__(self, sock: socket.socket, patience: float) -> None:
        sock.settimeout(patience)
        self.socket = sock
        self._frames = Frames()

    def send(self, message: Message) -> None:
        """Send a message.  Raises `OSError`."""
        self.socket.sendall(encode(message))

    def receive(self) -> tuple[Message, list[int]]:
        """The next message, and nothing of what comes after it.

        Raises `ProtocolError`, also if there is none, and `OSError`.
        """
        head = self._exactly(HEAD.size)
        found = list(self._frames.take(head))
        size, _ = HEAD.unpack(head)
        found += self._frames.take(self._exactly(size))
        ((message, descriptors),) = found
        return message, descriptors

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part, descriptors, _, _ = socket.recv_fds(
                self.socket, size - len(data), _MOST_AT_ONCE
            )
            if not part:
                raise ProtocolError("the other process has gone")
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
                self._frames.take_descriptor(descriptor)
            data += part
        return data
