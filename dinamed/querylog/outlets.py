"""Where the log goes: files that may be moved away, and readers on a socket.

All of this blocks, and is for the log's own thread.
"""

import os
import socket
from contextlib import suppress
from typing import Protocol

from dinamed.querylog.dnstap import CONTENT_TYPE
from dinamed.querylog.frames import MOST_CONTROL, Control, accepts, control

PATIENCE = 2.0
"""Seconds that a reader on a socket may take for anything."""
SHORTEST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds between attempts to reach one, doubled each time."""
MODE = 0o640


class Outlet(Protocol):
    """Writes formatted records; all of it may raise `OSError`."""

    def descriptor(self, now: float) -> int | None:
        """What to write whole lines or frames to, opened; None if that may not be now.

        It may be non-blocking, and is good until the next call of anything here.
        """

    def write(self, data: bytes, now: float) -> bool:
        """Write whole lines or frames; False: they were dropped."""

    def give_up(self) -> None:
        """Take note that writing to the descriptor has failed."""

    def close(self) -> None:
        """Write the end, if there is to be one."""


class LineFile:
    """A file of lines, opened anew when it was moved away or removed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._identity = (0, 0)

    def descriptor(self, now: float) -> int:
        """That of the file at the path."""
        self._open()
        return self._descriptor

    def write(self, data: bytes, now: float) -> bool:
        """Append."""
        _write_all(self.descriptor(now), data)
        return True

    def give_up(self) -> None:
        """Nothing: the next attempt may succeed with the same file."""

    @property
    def moved(self) -> bool:
        """Whether the file that is open stands at its path no more."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return True
        return (found.st_dev, found.st_ino) != self._identity

    def _open(self) -> None:
        if self._descriptor >= 0:
            if not self.moved:
                return
            self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, MODE)
        found = os.fstat(self._descriptor)
        self._identity = found.st_dev, found.st_ino

    def close(self) -> None:
        """Close it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class FrameFile:
    """A file of dnstap frames.

    Such a file has one beginning and one end: what stands at the path before goes to
    the same path with `.1`.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: LineFile | None = None

    def descriptor(self, now: float) -> int:
        """That of the file, behind a new beginning if the old one was moved away."""
        return self._started(now).descriptor(now)

    def write(self, data: bytes, now: float) -> bool:
        """Append frames."""
        return self._started(now).write(data, now)

    def give_up(self) -> None:
        """Nothing: the next attempt may succeed with the same file."""

    def _started(self, now: float) -> LineFile:
        if self._file is not None and self._file.moved:
            self.close()
        if self._file is None:
            with suppress(FileNotFoundError):
                os.replace(self._path, self._path + ".1")
            self._file = LineFile(self._path)
            self._file.write(control(Control.START, CONTENT_TYPE), now)
        return self._file

    def close(self) -> None:
        """Write the end, unless the file is somewhere else by now."""
        file, self._file = self._file, None
        if file is not None:
            if not file.moved:
                file.write(control(Control.STOP), 0.0)
            file.close()


class FrameSocket:
    """A reader of dnstap frames on a unix socket, greeted by the handshake."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._next = 0.0
        self._rest = SHORTEST_REST

    def descriptor(self, now: float) -> int | None:
        """That of the socket, connected; None while nobody is there to read."""
        sock = self._connected(now)
        return None if sock is None else sock.fileno()

    def write(self, data: bytes, now: float) -> bool:
        """Send frames; False while nobody is there to read them."""
        sock = self._connected(now)
        if sock is None:
            return False
        try:
            sock.sendall(data)
        except OSError:
            self.give_up()
            raise
        return True

    def _connected(self, now: float) -> socket.socket | None:
        if self._socket is None and now >= self._next:
            self._connect(now)
        return self._socket

    def _connect(self, now: float) -> None:
        self._next = now + self._rest
        self._rest = min(LONGEST_REST, 2 * self._rest)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(PATIENCE)
            sock.connect(self._path)
            sock.sendall(control(Control.READY, CONTENT_TYPE))
            if not accepts(_control_body(sock), CONTENT_TYPE):
                raise ConnectionError("the reader does not take dnstap")
            sock.sendall(control(Control.START, CONTENT_TYPE))
        except OSError:
            sock.close()
            raise
        self._socket, self._rest = sock, SHORTEST_REST

    def give_up(self) -> None:
        """Close the socket; a later attempt connects again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Announce the end, and wait a moment for the reader to confirm it."""
        sock = self._socket
        if sock is None:
            return
        try:
            sock.sendall(control(Control.STOP))
            _control_body(sock)
        finally:
            self.give_up()


def _control_body(sock: socket.socket) -> bytes:
    head = _exactly(sock, 8)
    size = int.from_bytes(head[4:])
    if any(head[:4]) or not 4 <= size <= MOST_CONTROL:
        raise ConnectionError("the reader does not speak Frame Streams")
    return _exactly(sock, size)


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("the reader has gone")
        data += more
    return data


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
