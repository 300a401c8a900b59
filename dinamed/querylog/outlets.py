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
    """Writes formatted records; `write` and `close` may raise `OSError`."""

    def write(self, data: bytes, now: float) -> bool:
        """Write whole lines or frames; False: they were dropped."""

    def close(self) -> None:
        """Write the end, if there is to be one."""


class LineFile:
    """A file of lines, opened anew when it was moved away or removed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._identity = (0, 0)

    def write(self, data: bytes, now: float) -> bool:
        """Append."""
        self._open()
        _write_all(self._descriptor, data)
        return True

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

    def write(self, data: bytes, now: float) -> bool:
        """Append frames, behind a new beginning if the file was moved away."""
        if self._file is not None and self._file.moved:
            self.close()
        if self._file is None:
            with suppress(FileNotFoundError):
                os.replace(self._path, self._path + ".1")
            self._file = LineFile(self._path)
            self._file.write(control(Control.START, CONTENT_TYPE), now)
        return self._file.write(data, now)

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

    def write(self, data: bytes, now: float) -> bool:
        """Send frames; False while nobody is there to read them."""
        if self._socket is None:
            if now < self._next:
                return False
            self._connect(now)
        assert self._socket is not None
        try:
            self._socket.sendall(data)
        except OSError:
            self._give_up()
            raise
        return True

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

    def _give_up(self) -> None:
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
            self._give_up()


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
