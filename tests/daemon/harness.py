"""Start and stop the real daemon, and wait for it without sleeping.

A tool that is missing skips the test, except where CI is set: there it is an error.
"""

import atexit
import itertools
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
from twisted.trial.unittest import SkipTest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0  # a loaded machine may need long to import everything
STOP_SECONDS = 2.0  # the contract
PATIENCE = 15.0  # for one answer, or one effect of a signal, on a busy machine

LOOPBACK = ("127.0.0.1", "::1")
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where to ask instead


def need(fulfilled: bool, what: str) -> None:
    """Skip the test if a need is not fulfilled; in CI that is an error."""
    if fulfilled:
        return
    if os.environ.get("CI"):
        raise RuntimeError(f"{what}: needed in CI")
    raise SkipTest(what)


def need_tool(name: str) -> str:
    """The path of a program, also of one for administrators."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    need(found is not None, f"{name} is not installed")
    return found or name


def program(name: str) -> str:
    """The path of a program that is installed beside this interpreter."""
    path = Path(sys.executable).parent / name
    need(path.exists(), f"{name} is not installed beside {sys.executable}")
    return str(path)


def unmeasured() -> dict[str, str]:
    """The environment without what makes Python count covered lines from its start.

    A daemon that writes such counts at its end may stop too late for the contract.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COVERAGE_")
    }


def family_of(address: str) -> socket.AddressFamily:
    """The family of a literal address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def is_free(addresses: Sequence[str], port: int) -> bool:
    """Whether a port can be bound for UDP and TCP on all of these addresses."""
    for address, kind in itertools.product(
        addresses, (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    ):
        with socket.socket(family_of(address), kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def candidate_ports() -> Iterator[int]:
    """Ports below those of outgoing sockets, from a place of this process's own."""
    start = os.getpid() * 61
    for step in itertools.count():
        yield 12000 + (start + step) % 18000


_candidates = candidate_ports()


def free_port(addresses: Sequence[str] = LOOPBACK) -> int:
    """A port that is free for UDP and TCP, and has not been handed out before."""
    return next(port for port in _candidates if is_free(addresses, port))


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write some files, by name."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether a condition comes true in time; asks again every 20 milliseconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        select.select([], [], [], 0.02)
    return True


def wait_for_exit(pid: int, seconds: float) -> bool:
    """Whether a process that need not be our child ends in time."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watch], [], [], seconds)[0])
    finally:
        os.close(watch)


class Server:
    """One server of any make as a child process with a folder of its own.

    Ready means that it answers `probe` (a name in its zone) over UDP.
    """

    def __init__(
        self, files: Mapping[str, str], probe: str, addresses: Sequence[str] = LOOPBACK
    ) -> None:
        self.addresses = tuple(addresses)
        self.port = free_port(self.addresses)
        self.probe = probe
        self.folder = Path(tempfile.mkdtemp(prefix="dinamed-test-"))
        self.folder.chmod(0o755)
        write_files(self.folder, files)
        self.start_seconds = START_SECONDS
        self.process: subprocess.Popen[bytes] | None = None
        atexit.register(self.clean_up)

    def command(self) -> list[str]:
        """What to run; to be overridden."""
        raise AssertionError("no command")

    def start(self) -> None:
        """Start, and return when the first query is answered."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=unmeasured(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        process = self.process
        ready = wait_until(
            lambda: process.poll() is not None or self.answers(),
            self.start_seconds,
        )
        if not ready or process.poll() is not None:
            raise AssertionError(f"did not start:\n{self.log}")

    def answers(self, seconds: float = 0.5) -> bool:
        """Whether a query for the probe is answered."""
        with suppress(OSError, dns.exception.DNSException):
            self.ask(self.probe, "SOA", seconds=seconds)
            return True
        return False

    def ask(
        self,
        name: str,
        rdtype: str | int,
        *,
        address: str | None = None,
        tcp: bool = False,
        seconds: float = PATIENCE,
    ) -> dns.message.Message:
        """The answer to one question, without EDNS and with RD clear.

        Raises dns.exception.Timeout if there is none.
        """
        rdtype = dns.rdatatype.RdataType.make(rdtype)
        query = dns.message.make_query(name, rdtype, flags=0)
        return self.send(query, address=address, tcp=tcp, seconds=seconds)

    def send(
        self,
        query: dns.message.Message,
        *,
        address: str | None = None,
        tcp: bool = False,
        seconds: float = PATIENCE,
    ) -> dns.message.Message:
        """The answer to a query that dnspython has made."""
        exchange = dns.query.tcp if tcp else dns.query.udp
        where = address or ANY_ADDRESS.get(self.addresses[0], self.addresses[0])
        return exchange(query, where, port=self.port, timeout=seconds)

    @property
    def pid(self) -> int:
        """The process id while it runs."""
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        """All it has written so far."""
        with suppress(FileNotFoundError):
            return (self.folder / "log").read_text("utf-8", "replace")
        return ""

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit status; too late is an AssertionError."""
        assert self.process is not None
        self.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still there {STOP_SECONDS} s after {number.name}"
            ) from None

    def clean_up(self) -> None:
        """Kill what still runs and remove the folder; may be called again."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.clean_up)


class Daemon(Server):
    """``twistd -n dinamed`` with the config ``dinamed.toml`` of its folder."""

    def __init__(
        self,
        files: Mapping[str, str],
        probe: str = "example.org",
        addresses: Sequence[str] = LOOPBACK,
        twistd_options: Sequence[str] = (),
    ) -> None:
        super().__init__(files, probe, addresses)
        self.twistd_options = list(twistd_options)

    def plugin_options(self) -> list[str]:
        """What stands behind ``twistd dinamed``."""
        interfaces = [part for it in self.addresses for part in ("--interface", it)]
        config = str(self.folder / "dinamed.toml")
        return [*interfaces, "--port", str(self.port), "--config", config]

    def plugin(self) -> list[str]:
        """The plugin's name and its options."""
        return ["dinamed", *self.plugin_options()]

    def command(self) -> list[str]:
        """In the foreground, without a pid file."""
        head = [program("twistd"), "-n", "--pidfile=", *self.twistd_options]
        return [*head, *self.plugin()]

    def assert_quiet(self) -> None:
        """Raise AssertionError if the log holds a traceback, or the daemon is gone."""
        log = self.log
        for sign in ("Traceback", "Unhandled", "Exception ignored"):
            assert sign not in log, log
        assert self.process is not None and self.process.poll() is None, log


def run_twistd(
    arguments: Sequence[str], folder: Path, seconds: float = START_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run twistd until it ends by itself; TimeoutExpired if it does not."""
    return subprocess.run(
        [program("twistd"), *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
