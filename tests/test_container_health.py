"""The health check of the container, which is a program of its own."""

import os
import socket
import subprocess
import sys
from threading import Thread
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from dinamed import container_health
from dinamed.container_health import answers, is_healthy_by_http, listened_at, main


def echo(sock: socket.socket) -> None:
    """Answer datagrams with themselves until the socket is closed."""
    try:
        while True:
            data, sender = sock.recvfrom(512)
            sock.sendto(data, sender)
    except OSError:
        pass


def say(server: socket.socket, status: bytes) -> None:
    """Answer one request over HTTP."""
    sock, _ = server.accept()
    with sock:
        sock.recv(100)
        sock.sendall(b"HTTP/1.0 %s\r\n\r\n" % status)


class HealthTests(SynchronousTestCase):
    """With sockets of this host."""

    def serve(self, family: int, address: str) -> int:
        """A server that echoes; its port."""
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind((address, 0))
        thread = Thread(target=echo, args=(sock,), daemon=True)
        thread.start()
        self.addCleanup(sock.close)
        return int(sock.getsockname()[1])

    def test_alive(self) -> None:
        """Found where it listens, and asked there."""
        for family, address in (
            (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET, "127.0.0.7"),
            (socket.AF_INET6, "::1"),
        ):
            port = self.serve(family, address)
            self.assertEqual(list(listened_at(port)), [address])
            self.assertTrue(answers(address, port))

    def test_dead(self) -> None:
        """A socket that nobody reads, or none at all, is no server."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            port = silent.getsockname()[1]
            with patch.object(container_health, "TIMEOUT", 0.1):
                self.assertEqual(main([str(port)]), 1)
        self.assertEqual(main([str(port)]), 1)

    def test_http(self) -> None:
        """503 is an objection; nobody there is none."""
        for status, healthy in ((b"200 OK", True), (b"503 Dead", False)):
            with socket.create_server(("127.0.0.1", 0)) as server:
                port = server.getsockname()[1]

                thread = Thread(target=say, args=(server, status))
                thread.start()
                self.assertEqual(is_healthy_by_http(port), healthy)
                thread.join()
        self.assertTrue(is_healthy_by_http(port))

    def test_by_itself(self) -> None:
        """It runs without the packages of the site."""
        path = container_health.__file__
        command = [sys.executable, "-I", "-S", path, "1"]
        done = subprocess.run(command, env=os.environ, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
