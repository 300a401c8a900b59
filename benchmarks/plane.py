"""Queries per CPU-second of the compiled plane, beside other servers and the socket.

``python -m benchmarks.plane [--seconds 3] [--repeats 5] [--server NAME ...]``

Servers that are not installed are left out.  All serve the same zone with one thread
on one core; dnsperf has another core.  `echo`, a loop in C that sends every datagram
back, is what the socket gives at most.  The load is what dnsperf can make: the figure
to compare is answers by CPU time of the server, in one run of this program.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.driving import CLIENT_CORE, SERVER_CORE, cpu_seconds, read_run

WEIGHTS = (10, 10, 10, 10, 4, 4, 1, 1)
ZONE = """\
@    3600 SOA ns1 hostmaster 1 7200 1800 1209600 300
@    3600 NS  ns1
ns1  3600 A   192.0.2.53
www  3600 A   192.0.2.80
"""
SUBNET = ("-e", "-E", "8:00011800c00002")
"""EDNS with the client subnet 192.0.2.0/24."""


@dataclass(frozen=True)
class Case:
    """One kind of question; `pool`: only where there are pools."""

    name: str
    question: str
    options: tuple[str, ...] = ()
    pool: bool = False


CASES = (
    Case("static", "www.example.org A"),
    Case("NXDOMAIN", "missing.example.org A"),
    Case("weighted", "pool.example.org A", pool=True),
    Case("weighted, EDNS + ECS", "pool.example.org A", SUBNET, pool=True),
    Case("hash, EDNS + ECS", "hash.example.org A", SUBNET, pool=True),
    Case("predictive", "ahead.example.org A", pool=True),
)

Command = Callable[[Path, int], list[str]]
"""Writes its files into a folder; returns how to start, for a port of 127.0.0.1."""


def dinamed(folder: Path, port: int) -> list[str]:
    """Ours, with one thread."""
    text = '[server]\nthreads = 1\n[zones."example.org"]\nfile = "zone"\n'
    text += '[zones."example.org".names]\npool = "weighted"\nhash = "hash"\n'
    text += 'ahead = "predictive"\n'
    for rule in ("weighted", "hash", "predictive"):
        text += f'[pools.{rule}]\nselect = ["{rule}"]\n'
        for number, weight in enumerate(WEIGHTS, 1):
            text += (
                f'[[pools.{rule}.members]]\nname = "m{number}"\n'
                f'addresses = ["192.0.2.{number}"]\nweight = {weight}\n'
            )
    (folder / "zone").write_text(ZONE)
    (folder / "dinamed.toml").write_text(text)
    command = [sys.executable, "-m", "twisted", "dinamed"]
    return [
        *command,
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-c",
        f"{folder}/dinamed.toml",
    ]


def gdnsd(folder: Path, port: int) -> list[str]:
    """The nearest of the peers: C, weighted addresses, no health checks here."""
    members = ", ".join(
        f"m{number} = [192.0.2.{number}, {weight}]"
        for number, weight in enumerate(WEIGHTS, 1)
    )
    (folder / "zones").mkdir()
    (folder / "run").mkdir()
    (folder / "state").mkdir()
    pools = f"pool => {{ service_types => up, multi => false, {members} }}"
    (folder / "config").write_text(
        f"options => {{ listen => 127.0.0.1:{port}, udp_threads => 1, "
        f"tcp_threads => 1, run_dir => {folder}/run, state_dir => {folder}/state, "
        "edns_client_subnet => true }\n"
        f"plugins => {{ weighted => {{ {pools} }} }}\n"
    )
    (folder / "zones" / "example.org").write_text(ZONE + "pool 60 DYNA weighted!pool\n")
    return [program("gdnsd"), "-c", str(folder), "start"]


def knot(folder: Path, port: int) -> list[str]:
    """A fast server of static zones."""
    (folder / "zone").write_text("$ORIGIN example.org.\n" + ZONE)
    (folder / "knot.conf").write_text(
        f"server:\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n"
        f"  background-workers: 1\n  rundir: {folder}\n"
        f"database:\n  storage: {folder}\n"
        f"zone:\n  - domain: example.org\n    file: {folder}/zone\n"
        "    zonefile-load: whole\n    zonefile-sync: -1\n    journal-content: none\n"
    )
    return [program("knotd"), "-c", f"{folder}/knot.conf"]


def nsd(folder: Path, port: int) -> list[str]:
    """Another."""
    (folder / "zone").write_text("$ORIGIN example.org.\n" + ZONE)
    (folder / "nsd.conf").write_text(
        f"server:\n  ip-address: 127.0.0.1@{port}\n  server-count: 1\n"
        "  rrl-ratelimit: 0\n"
        f'  username: ""\n  pidfile: "{folder}/pid"\n  zonesdir: "{folder}"\n'
        f'  database: ""\n  xfrdfile: "{folder}/xfrd"\n'
        f'  zonelistfile: "{folder}/list"\n'
        f'  xfrdir: "{folder}"\nremote-control:\n  control-enable: no\n'
        f'zone:\n  name: example.org\n  zonefile: "{folder}/zone"\n'
    )
    return [program("nsd"), "-d", "-c", f"{folder}/nsd.conf"]


def echo(folder: Path, port: int) -> list[str]:
    """The socket."""
    source = Path(__file__).with_name("echo.c")
    subprocess.run(
        ["cc", "-O3", "-o", f"{folder}/echo", str(source)], check=True, timeout=60
    )
    return [f"{folder}/echo", str(port)]


SERVERS: dict[str, tuple[Command, bool]] = {
    "echo": (echo, True),
    "dinamed": (dinamed, True),
    "gdnsd": (gdnsd, True),
    "knot": (knot, False),
    "nsd": (nsd, False),
}
"""By name: how to start it, and whether it has pools (an echo has everything)."""

_ONLY_OURS = frozenset({"hash", "ahead"})


class NotInstalledError(Exception):
    """The server is not on this machine."""


def program(name: str) -> str:
    """The path of a program, also of those for root alone."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        raise NotInstalledError(name)
    return found


def all_cpu_seconds(pid: int) -> float:
    """Of a process and its children."""
    total = cpu_seconds(pid)
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = (task / "children").read_text("ascii").split()
        total += sum(all_cpu_seconds(int(child)) for child in children)
    return total


def free_port() -> int:
    """A port that nobody has on either transport."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
    ):
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp.bind(("127.0.0.1", port))
    return int(port)


@contextmanager
def running(command: Command, port: int) -> Iterator[int]:
    """The pid of a server that answers on a port."""
    with tempfile.TemporaryDirectory() as name:
        pin = ["taskset", "-c", str(SERVER_CORE)]
        arguments = command(Path(name), port)
        with (
            open(f"{name}/log", "wb") as log,
            subprocess.Popen([*pin, *arguments], stdout=log, stderr=log) as process,
        ):
            try:
                wait_for(port, process, Path(name, "log"))
                yield process.pid
            finally:
                process.terminate()
                process.wait(10)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Ask until there is an answer."""
    question = bytes.fromhex("0001000000010000000000000377777707") + b"example\3org\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        sock.connect(("127.0.0.1", port))
        for _ in range(100):
            if process.poll() is not None:
                break
            try:
                sock.send(question + b"\0\1\0\1")
                sock.recv(512)
                return
            except OSError:
                time.sleep(0.1)
    raise RuntimeError(f"does not answer: {log.read_text(errors='replace')[-500:]}")


def measure(
    pid: int, port: int, case: Case, seconds: float
) -> tuple[float, float, int]:
    """Thousand answers per second, per CPU-second of the server, and how many lost."""
    with tempfile.NamedTemporaryFile("w", suffix=".queries") as queries:
        queries.write(case.question + "\n")
        queries.flush()
        before = all_cpu_seconds(pid)
        done = subprocess.run(
            [
                *("taskset", "-c", str(CLIENT_CORE), "dnsperf", "-s", "127.0.0.1"),
                *("-p", str(port), "-c", "20", "-q", "500", "-l", str(seconds)),
                *("-t", "1", "-d", queries.name, *case.options),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        )
        run = read_run(done.stdout, all_cpu_seconds(pid) - before)
    return run.rate / 1000, run.rate_per_cpu / 1000, run.lost


def cases_of(server: str) -> list[Case]:
    """The cases that a server can have."""
    pools = SERVERS[server][1]
    ours = server in ("dinamed", "echo")
    return [
        case
        for case in CASES
        if (pools or not case.pool)
        and (ours or case.question.split(".")[0] not in _ONLY_OURS)
    ]


def main() -> None:
    """Each server in turn for each case, again and again; medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each case")
    parser.add_argument("--server", action="append", choices=sorted(SERVERS))
    options = parser.parse_args()

    found: dict[tuple[str, Case], list[tuple[float, float, int]]] = {}
    servers: Sequence[str] = options.server or list(SERVERS)
    for turn in range(options.repeats):
        for server in servers:
            port = free_port()
            try:
                with running(SERVERS[server][0], port) as pid:
                    for case in cases_of(server):
                        result = measure(pid, port, case, options.seconds)
                        found.setdefault((server, case), []).append(result)
            except NotInstalledError:
                if not turn:
                    print(f"{server} is not installed")
    show(found)


def show(found: dict[tuple[str, Case], list[tuple[float, float, int]]]) -> None:
    """The table, with ratios to the echo and to gdnsd."""
    medians = {
        key: statistics.median(run[1] for run in runs) for key, runs in found.items()
    }
    print(
        f"{'case':<22}{'server':<9}{'k/CPU-s':>8}{'range':>14}{'k/s':>7}"
        f"{'lost':>6}{'of echo':>9}{'of gdnsd':>9}"
    )
    for case in CASES:
        for server in SERVERS:
            runs = found.get((server, case))
            if not runs:
                continue
            figures = [run[1] for run in runs]
            ratios = ""
            for other in ("echo", "gdnsd"):
                base = medians.get((other, case))
                own = medians[server, case]
                ratios += f"{own / base:>9.2f}" if base else f"{'-':>9}"
            print(
                f"{case.name:<22}{server:<9}{statistics.median(figures):>8.0f}"
                f"{f'{min(figures):.0f}-{max(figures):.0f}':>14}"
                f"{statistics.median(run[0] for run in runs):>7.0f}"
                f"{sum(run[2] for run in runs):>6}{ratios}"
            )


if __name__ == "__main__":
    main()
