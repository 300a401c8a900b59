"""Answers over TCP per CPU-second of the server, beside other servers.

``python -m benchmarks.streams [--seconds 3] [--repeats 5] [--server NAME ...]``

All serve the same zone with one thread on one core; the client has another core.
*Pipelined*: dnsperf on 20 connections that stay open.  *One each*: 16 clients at a time
that connect, ask, read and close (``connect.c``).  Then the latency of UDP at 50 000
queries a second while ``--crowd`` connections are open and idle (dinamed alone; the
limit of open files has to allow for twice as many).  Medians of all runs.
"""

import argparse
import resource
import socket
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.driving import CLIENT_CORE
from benchmarks.peers import (
    PEERS,
    NotInstalledError,
    Peer,
    all_cpu_seconds,
    compiled,
    free_port,
    ours,
    query,
    running,
)
from benchmarks.plane import CASES, Case, latency, measure

SERVERS = ("dinamed", "gdnsd", "knot", "nsd")
PIPELINED = ("-m", "tcp", "-c", "20", "-q", "500")
CONNECTIONS = "[limits]\ntcp_connections = {0}\ntcp_per_prefix = {0}\n"
CONNECTIONS += "tcp_per_client = {0}\ntcp_idle = 600\n"
STATIC, POOL = (
    next(case for case in CASES if case.name == name) for name in ("static", "weighted")
)

Found = dict[tuple[str, str], list[float]]
"""Thousand answers per CPU-second, by what was measured and by server."""


def one_a_connection(
    connect: str, pid: int, port: int, case: Case, seconds: float
) -> float:
    """Thousand answers per CPU-second of the server."""
    before = all_cpu_seconds(pid)
    pin = ("taskset", "-c", str(CLIENT_CORE))
    done = subprocess.run(
        [*pin, connect, str(port), str(seconds), query(case.label).hex()],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    answered, failed, _, _ = map(int, done.stdout.split())
    if failed > answered / 100:
        print(f"{failed} of {answered + failed} connections failed")
    return answered / 1000 / max(0.01, all_cpu_seconds(pid) - before)


def one_turn(server: str, connect: str, seconds: float, found: Found) -> None:
    """Start a server, and measure all once."""
    peer = PEERS[server]
    if server == "dinamed":
        peer = Peer(ours(1, CONNECTIONS.format(1000)), peer.names)
    port = free_port()
    with running(peer, port) as pid:
        for case in (STATIC, POOL):
            if case.label not in peer.names:
                continue
            _, rate, _ = measure(pid, port, case, seconds, load=PIPELINED)
            found.setdefault((f"pipelined, {case.name}", server), []).append(rate)
            rate = one_a_connection(connect, pid, port, case, seconds)
            found.setdefault((f"one each, {case.name}", server), []).append(rate)


def crowded(pace: str, crowd: int, seconds: float) -> None:
    """The latency of UDP beside a crowd of idle connections, and without."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * crowd), hard))
    peer = Peer(ours(1, CONNECTIONS.format(2 * crowd)), PEERS["dinamed"].names)
    port = free_port()
    with running(peer, port):
        alone = latency(pace, port, STATIC, seconds)
        idle = []
        for number in range(crowd):
            sock = socket.socket()
            sock.bind((f"127.0.{number % 200}.1", 0))
            sock.connect(("127.0.0.1", port))
            idle.append(sock)
        beside = latency(pace, port, STATIC, seconds)
        for sock in idle:
            sock.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(
        f"UDP, 50 % and 99 % in microseconds: alone {alone[2]} {alone[3]}, "
        f"beside {crowd} idle connections {beside[2]} {beside[3]}"
    )


def show(found: Found) -> None:
    """The table, with ratios to gdnsd."""
    print(f"{'case':<22}{'server':<9}{'k/CPU-s':>8}{'range':>14}{'of gdnsd':>9}")
    for (what, server), rates in sorted(found.items()):
        middle = statistics.median(rates)
        others = found.get((what, "gdnsd"))
        ratio = f"{middle / statistics.median(others):>9.2f}" if others else ""
        span = f"{min(rates):.1f}-{max(rates):.1f}"
        print(f"{what:<22}{server:<9}{middle:>8.1f}{span:>14}{ratio}")


def main() -> None:
    """Each server in turn, again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each case")
    parser.add_argument("--server", action="append", choices=SERVERS)
    parser.add_argument("--crowd", type=int, default=10_000, help="0: leave that out")
    options = parser.parse_args()
    servers: Sequence[str] = options.server or SERVERS
    found: Found = {}
    with tempfile.TemporaryDirectory() as folder:
        connect = compiled(Path(folder), "connect")
        for turn in range(options.repeats):
            for server in servers:
                try:
                    one_turn(server, connect, options.seconds, found)
                except NotInstalledError:
                    if not turn:
                        print(f"{server} is not installed")
        show(found)
        if options.crowd:
            crowded(compiled(Path(folder), "pace"), options.crowd, options.seconds)


if __name__ == "__main__":
    main()
