"""What the benchmarks share: the daemon on one core, dnsperf on another."""

import os
import re
import statistics
import subprocess
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.daemon.harness import Daemon, need_tool

SERVER_CORE = 0
CLIENT_CORE = 1


class PinnedDaemon(Daemon):
    """The daemon, kept on one core."""

    def command(self) -> list[str]:
        """Behind taskset."""
        return [need_tool("taskset"), "-c", str(SERVER_CORE), *super().command()]


@dataclass(frozen=True)
class Run:
    """One run of dnsperf; times in seconds."""

    sent: int
    completed: int
    lost: int
    seconds: float
    worst_latency: float
    server_cpu: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.completed / self.seconds

    @property
    def rate_per_cpu(self) -> float:
        """Answers per second that the server was on a CPU."""
        return self.completed / self.server_cpu if self.server_cpu else 0.0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all of its threads."""
    stat = Path(f"/proc/{pid}/stat").read_text("ascii")
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Octets of a process in memory, shared pages included."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def longest_turn(url: str) -> float:
    """Milliseconds of the reactor's longest turn, by the metric; `url` ends with /."""
    with urllib.request.urlopen(f"{url}metrics", timeout=60) as page:
        for line in page.read().decode().splitlines():
            if line.startswith("dinamed_reactor_longest_turn_seconds "):
                return float(line.split()[1]) * 1e3
    raise ValueError("no such metric")


def dropped(port: int) -> int:
    """Datagrams to a port for which a socket's queue had no room."""
    lines = [
        line.split()
        for version in ("udp", "udp6")
        for line in Path(f"/proc/net/{version}").read_text("ascii").splitlines()[1:]
    ]
    return sum(int(line[-1]) for line in lines if line[1].endswith(f":{port:04X}"))


def figure(text: str, pattern: str) -> float:
    """One number in dnsperf's summary; ValueError if it is not there."""
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"no {pattern!r} in:\n{text}")
    return float(found.group(1))


def dnsperf_command(
    daemon: Daemon, queries: Path, seconds: float, options: Sequence[str] = ()
) -> list[str]:
    """Ask the questions of a file round and round: 20 sockets, 500 outstanding."""
    return _dnsperf(daemon.addresses[0], daemon.port, queries, seconds, options)


def _dnsperf(
    host: str, port: int, queries: Path, seconds: float, options: Sequence[str]
) -> list[str]:
    pin = [need_tool("taskset"), "-c", str(CLIENT_CORE)]
    where = ["-s", host, "-p", str(port)]
    limits = ["-c", "20", "-q", "500", "-l", str(seconds), "-t", "2"]
    return [*pin, need_tool("dnsperf"), *where, *limits, "-d", str(queries), *options]


def read_run(text: str, server_cpu: float) -> Run:
    """The figures in dnsperf's summary."""
    return Run(
        int(figure(text, r"Queries sent:\s+(\d+)")),
        int(figure(text, r"Queries completed:\s+(\d+)")),
        int(figure(text, r"Queries lost:\s+(\d+)")),
        figure(text, r"Run time \(s\):\s+([\d.]+)"),
        figure(text, r"Average Latency \(s\):.*max ([\d.]+)"),
        server_cpu,
    )


def run_dnsperf(
    daemon: Daemon, queries: Path, seconds: float, options: Sequence[str] = ()
) -> Run:
    """Run dnsperf to its end and count the server's CPU time meanwhile."""
    command = dnsperf_command(daemon, queries, seconds, options)
    return _measured(command, daemon.pid, seconds)


def perf(
    pid: int, port: int, queries: Path, seconds: float, options: Sequence[str] = ()
) -> Run:
    """As `run_dnsperf`, of any server on a port of 127.0.0.1."""
    command = _dnsperf("127.0.0.1", port, queries, seconds, options)
    return _measured(command, pid, seconds)


def _measured(command: Sequence[str], pid: int, seconds: float) -> Run:
    before = cpu_seconds(pid)
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=seconds + 30
    )
    return read_run(done.stdout, cpu_seconds(pid) - before)


def spread(figures: Iterable[float], unit: float = 1.0, digits: int = 1) -> str:
    """The median and the range of some figures, in a unit."""
    values = [value / unit for value in figures]
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"
