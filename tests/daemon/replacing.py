"""A daemon whose process is replaced while it is asked."""

import os
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dns.message
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import (
    PATIENCE,
    START_SECONDS,
    STOP_SECONDS,
    wait_for_exit,
    wait_until,
)
from tests.daemon.watched import ZONE, WatchedDaemon

QUESTION = dns.message.make_query(ZONE, "SOA", flags=0).to_wire()
FRAME = len(QUESTION).to_bytes(2, "big") + QUESTION


class ReplacedDaemon(WatchedDaemon):
    """A daemon with a pid file, which says which process it is now."""

    patience = 3 * START_SECONDS  # a new process starts while others ask

    def __init__(
        self, pools: str, server: str = "", twistd: Sequence[str] = ()
    ) -> None:
        super().__init__(pools, server)
        self.pid_file = self.folder / "pid"
        self.stays = True
        self.twistd_options = [f"--pidfile={self.pid_file}", *twistd]

    @property
    def pid(self) -> int:
        """The process that the pid file names."""
        return int(self.pid_file.read_text("ascii"))

    def has_left(self, old: int) -> bool:
        """Whether the pid file names another process; between two there is no file."""
        try:
            return self.pid != old
        except (FileNotFoundError, ValueError):
            return False

    def replace(self) -> int:
        """Have it replaced, and wait until the old process has gone; the new pid."""
        old = self.pid
        status, told = self.request("POST", "/api/v1/replace")
        assert status == 200, told
        assert told["pid"] != old, told
        self.wait_for_end(old)
        assert wait_until(lambda: self.pid == told["pid"]), self.log
        return int(told["pid"])

    def replace_by_signal(self) -> int:
        """The same, by a signal."""
        old = self.pid
        os.kill(old, signal.SIGUSR2)
        assert wait_until(lambda: self.pid != old, self.patience), self.log
        self.wait_for_end(old)
        return self.pid

    def wait_for_end(self, pid: int) -> None:
        """Wait until an old process has ended; what we started stays as a guard."""
        if self.process is not None and self.process.pid == pid:
            if self.stays:
                line = Path(f"/proc/{pid}/cmdline")
                guards = wait_until(
                    lambda: b"supervisor" in line.read_bytes(), PATIENCE
                )
                assert guards, self.log
                return
            assert self.process.wait(START_SECONDS) == 0, self.log
            return
        assert wait_for_exit(pid, START_SECONDS), self.log

    def assert_quiet(self) -> None:
        """Raise AssertionError if the log holds a traceback, or nobody answers."""
        log = self.log
        for sign in ("Traceback", "Unhandled", "Exception ignored"):
            assert sign not in log, log
        assert self.answers(), log

    def end(self) -> None:
        """Stop it, whichever process it is."""
        pid = self.pid
        os.kill(pid, signal.SIGTERM)
        assert wait_for_exit(pid, STOP_SECONDS), self.log

    def clean_up(self) -> None:
        """Kill what still runs."""
        with suppress(OSError, ValueError):
            os.kill(self.pid, signal.SIGKILL)
        super().clean_up()


class Asking:
    """Asks over UDP and over one TCP connection, until it is told to stop."""

    def __init__(self, daemon: ReplacedDaemon) -> None:
        self._where = daemon.addresses[0], daemon.port
        self._stop = threading.Event()
        self.answered = 0
        self.lost: list[str] = []
        self._threads = [threading.Thread(target=self._udp)]
        self._threads.append(threading.Thread(target=self._tcp))

    def __enter__(self) -> "Asking":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _udp(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(2)
            sock.connect(self._where)
            self._ask(sock, QUESTION, "UDP")

    def _tcp(self) -> None:
        with socket.create_connection(self._where, 2) as sock:
            self._ask(sock, FRAME, "TCP")

    def _ask(self, sock: socket.socket, query: bytes, what: str) -> None:
        while not self._stop.is_set() and not self.lost:
            try:
                sock.sendall(query)
                if not sock.recv(4096):
                    self.lost.append(f"{what}: closed")
                self.answered += 1
            except OSError as error:
                self.lost.append(f"{what}: {error}")


class ReplaceCase(SynchronousTestCase):
    """Tests that replace a process."""

    def daemon(self, pools: str, **options: Any) -> ReplacedDaemon:
        """A daemon that is not started."""
        daemon = ReplacedDaemon(pools, **options)
        self.addCleanup(daemon.clean_up)
        return daemon

    def started(self, pools: str, **options: Any) -> ReplacedDaemon:
        """One that answers."""
        daemon = self.daemon(pools, **options)
        daemon.start()
        return daemon
