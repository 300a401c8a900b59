"""Threads of the plane that serve TCP, beside the engine, for tests and the fuzzer."""

import os
import select
import socket
import threading
from collections.abc import Callable

from dinamed.plane import table_compiler
from tests.plane.support import Pair

PATIENCE = 10.0
"""Seconds after which something that should come will not."""

Respond = Callable[[bytes, bytes, int], bytes | None]


def frame(data: bytes) -> bytes:
    """A message as it goes over a stream."""
    return len(data).to_bytes(2, "big") + data


class StreamServer:
    """A plane whose threads serve TCP, each on a listening socket of its own."""

    def __init__(self, threads: int = 1, secret: bytes = bytes(16)) -> None:
        native = table_compiler.native
        self.bell = os.eventfd(0, os.EFD_NONBLOCK)
        self.pair = Pair(threads=threads, bell=self.bell)
        self.plane = self.pair.plane
        self.streams = native.Streams(self.plane, secret)
        self.streams.limit(400, 400, 400)
        self.streams.patience(PATIENCE, 10 * PATIENCE)
        self.listeners = []
        for number in range(threads):
            sock = socket.create_server(("127.0.0.1", 0), backlog=512)
            sock.setblocking(False)
            self.listeners.append(sock)
            self.streams.attach(number, sock.fileno())
        self._threads = [
            threading.Thread(target=self.streams.run, args=(number,), daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Have the threads run."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Have them end, and close everything."""
        self.streams.finish(0.0)
        for thread in self._threads:
            thread.join(PATIENCE)
        for sock in self.listeners:
            sock.close()
        os.close(self.bell)

    def connect(self, thread: int = 0, host: str = "127.0.0.1") -> socket.socket:
        """A connection to a thread from an address of this machine."""
        sock = socket.socket()
        sock.settimeout(PATIENCE)
        sock.bind((host, 0))
        sock.connect(self.listeners[thread].getsockname())
        return sock

    def wait(self) -> None:
        """Until the threads have something for Python."""
        assert select.select([self.bell], [], [], PATIENCE)[0], "nothing came"
        os.eventfd_read(self.bell)

    def serve(self, respond: Respond | None = None) -> None:
        """Answer what the threads leave to Python, once there is something."""
        self.wait()
        while self.streams.serve_punted(respond or self.respond, 64):
            pass

    def respond(self, data: bytes, source: bytes, wanted: int) -> bytes | None:
        """As a server does: the engine's reply."""
        return self.pair.ask_engine(data, source, stream=True) or None


def receive(sock: socket.socket, messages: int) -> list[bytes]:
    """So many messages, or those up to the end of the stream."""
    found = []
    for _ in range(messages):
        head = exactly(sock, 2)
        if len(head) < 2:
            break
        found.append(exactly(sock, int.from_bytes(head, "big")))
    return found


def exactly(sock: socket.socket, size: int) -> bytes:
    """So many octets, or fewer at the end of the stream."""
    data = b""
    while len(data) < size:
        try:
            part = sock.recv(size - len(data))
        except ConnectionError:
            break
        if not part:
            break
        data += part
    return data


def is_over(sock: socket.socket) -> bool:
    """Whether the other side closes, with nothing before that."""
    return exactly(sock, 1) == b""
