"""The new process: it receives the sockets, then the state, then open connections."""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from dinamed.server.periodic import looping
from dinamed.server.services import ListenService
from dinamed.takeover.channel import VARIABLE, BlockingChannel, Channel
from dinamed.takeover.messages import (
    VERSION,
    Built,
    Go,
    Last,
    Message,
    Moved,
    Offer,
    ProtocolError,
    Ready,
)
from dinamed.takeover.pid_file import names, remove_pid, write_pid
from dinamed.takeover.server_state import ServerState
from dinamed.takeover.sockets import InheritedSockets
from dinamed.takeover.state import TakeoverState

PATIENCE = 20.0
"""Seconds that the old process may take to say something."""
PID_LOOKS = 50
PID_INTERVAL = 0.2
"""How often, and after how many seconds each, the pid file is looked after: the old
process may remove it when it ends."""


class TakeoverError(Exception):
    """The takeover failed; the message is meant for the operator."""


class TakeoverReceiver:
    """The new process's side of a takeover.  Raises `TakeoverError`."""

    def __init__(self, sock: socket.socket) -> None:
        self._channel = BlockingChannel(sock, PATIENCE)
        message, descriptors = self._receive()
        if not isinstance(message, Offer):
            raise TakeoverError("the process before this one offers nothing")
        if message.version != VERSION:
            raise TakeoverError(f"takeover version {message.version} is not known")
        self.pid_file = message.pid_file
        self.supervisor = (
            os.fdopen(descriptors.pop(), "wb", 0) if message.guarded else None
        )
        self.sockets = InheritedSockets(message.sockets, descriptors)

    def built(self) -> TakeoverState:
        """Report that this process is ready; returns the state of the old one."""
        try:
            self._channel.send(Built())
        except OSError as error:
            raise TakeoverError(f"no takeover: {error}") from None
        message, _ = self._receive()
        if not isinstance(message, Go):
            raise TakeoverError("the process before this one goes on")
        return message.known

    def _receive(self) -> tuple[Message, list[int]]:
        try:
            return self._channel.receive()
        except (OSError, ProtocolError) as error:
            raise TakeoverError(f"no takeover: {error}") from None

    @property
    def socket(self) -> socket.socket:
        """That to the process before this one."""
        return self._channel.socket


def receiver_of(environment: MutableMapping[str, str]) -> TakeoverReceiver | None:
    """The receiver, if a process before this one offers a takeover; else None.

    Raises `TakeoverError`.
    """
    descriptor = environment.pop(VARIABLE, "")
    if not descriptor.isdecimal():
        return None
    os.set_inheritable(int(descriptor), False)
    return TakeoverReceiver(socket.socket(fileno=int(descriptor)))


class TakeoverReceiverService(Service):
    """Reports that this process answers, and takes over.  It must start last."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        receiver: TakeoverReceiver,
        state: ServerState,
        listening: ListenService,
        summary: str,
    ) -> None:
        self._reactor = reactor
        self._receiver = receiver
        self._state = state
        self._listening = listening
        self._summary = summary
        self._channel = Channel(self._take, self._lost)
        self._looking = looping(
            reactor, self._look_after_pid_file, "looking after the pid file"
        )
        self._looks = 0

    def startService(self) -> None:
        """Take over."""
        super().startService()
        sock = self._receiver.socket
        sock.setblocking(False)
        factory = Factory.forProtocol(lambda: self._channel)
        factory.noisy = False
        self._reactor.adoptStreamConnection(sock.fileno(), sock.family, factory)
        sock.close()
        if self._receiver.pid_file:
            self._looking.start(PID_INTERVAL)
        self._channel.send(Ready(os.getpid(), self._summary))

    def stopService(self) -> None:
        """Remove the pid file, unless it is that of yet another process."""
        super().stopService()
        if self._looking.running:
            self._looking.stop()
        if self._receiver.pid_file:
            with suppress(OSError):
                remove_pid(self._receiver.pid_file, os.getpid())

    def _take(self, message: Message, descriptors: list[int]) -> None:
        if isinstance(message, Moved) and descriptors:
            with suppress(OSError):  # it may be broken by now
                sock = socket.socket(fileno=descriptors.pop(0))
                self._listening.adopt(sock, message.rest)
        elif isinstance(message, Last):
            self._state.add(message.known)
            self._channel.close()
        for descriptor in descriptors:
            os.close(descriptor)

    def _lost(self) -> None:
        self.log.info("the process before this one has left all to it")

    def _look_after_pid_file(self) -> None:
        path, pid = self._receiver.pid_file, os.getpid()
        self._looks += 1
        try:
            if not names(path, pid):
                write_pid(path, pid)
        except OSError as error:
            self.log.warn("no pid file: {why}", why=str(error))
            self._looks = PID_LOOKS
        if self._looks >= PID_LOOKS:
            self._looking.stop()
