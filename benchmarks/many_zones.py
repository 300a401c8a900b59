"""Many small zones: the first answer, memory, and one changed zone, beside others.

Run: python -m benchmarks.many_zones [--zones 20000] [--repeats 1] [--servers a,b]

Each server serves zones of five records, a file each.  The clock runs from the start of
the program until the last zone is answered for; memory is then that of the process and
its children, with pages that they share counted once (PSS).  At the end one zone
changes, and the time is taken from the order to reload until its new answer is there.
`watched` is dinamed that notices the change by itself, and `tables` is dinamed with a
table for each zone in its config.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.driving import spread
from benchmarks.peers import NotInstalledError, program

PATIENCE = 600.0
"""Seconds until a server that has not answered is given up."""
ZONE = """\
$TTL 300
@ SOA ns1 h {serial} 7200 3600 1209600 300
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.{serial}
mail MX 10 www
"""

Figures = tuple[float, float, float, float, float]
"""What one run shows: see `measure`."""
Start = Callable[[Path, int, int], list[str]]
"""Writes what a server needs beside the zones; from folder, number, port to words."""


@dataclass(frozen=True)
class Server:
    """How to start it, and whether a signal has it read a zone again."""

    start: Start
    reloads: bool = True


def name(number: int) -> str:
    """The name of one zone."""
    return f"z{number}.example"


def write_zone(folder: Path, number: int, serial: int = 1) -> None:
    """One version of one zone."""
    path = folder / "zones" / f"{name(number)}.zone"
    aside = path.with_suffix(".new")
    aside.write_text(ZONE.format(serial=serial))
    aside.replace(path)


def _dinamed(folder: Path, port: int, config: str) -> list[str]:
    (folder / "dinamed.toml").write_text(config)
    where = ["-i", "127.0.0.1", "-p", str(port), "-c", f"{folder}/dinamed.toml"]
    return [sys.executable, "-m", "twisted", "dinamed", *where]


def ours(folder: Path, zones: int, port: int) -> list[str]:
    """Dinamed with the folder of zones."""
    return _dinamed(folder, port, '[server]\nzone_folder = "zones"\nthreads = 1\n')


def watched(folder: Path, zones: int, port: int) -> list[str]:
    """The same, with files that are looked at."""
    watch = 'zone_folder = "zones"\nreload = "watch"\n'
    return _dinamed(folder, port, f"[server]\n{watch}threads = 1\n")


def tables(folder: Path, zones: int, port: int) -> list[str]:
    """Dinamed with a table for each zone."""
    listed = (
        f'[zones."{name(n)}"]\nfile = "zones/{name(n)}.zone"\n' for n in range(zones)
    )
    return _dinamed(folder, port, "[server]\nthreads = 1\n" + "".join(listed))


def knot(folder: Path, zones: int, port: int) -> list[str]:
    """Knot, which is told of every zone."""
    listed = "".join(
        f"  - domain: {name(n)}\n    file: {name(n)}.zone\n" for n in range(zones)
    )
    (folder / "run").mkdir()
    (folder / "knot.conf").write_text(
        f"server:\n  rundir: {folder}/run\n  listen: 127.0.0.1@{port}\n"
        "  udp-workers: 1\n  tcp-workers: 1\n"
        f"database:\n  storage: {folder}/run\n"
        f"template:\n  - id: default\n    storage: {folder}/zones\n"
        "    zonefile-sync: -1\n    journal-content: none\n"
        f"zone:\n{listed}"
    )
    return [program("knotd"), "-c", f"{folder}/knot.conf"]


def nsd(folder: Path, zones: int, port: int) -> list[str]:
    """NSD, which is told of every zone too."""
    listed = "".join(
        f'zone:\n  name: {name(n)}\n  zonefile: "{name(n)}.zone"\n'
        for n in range(zones)
    )
    (folder / "nsd.conf").write_text(
        f"server:\n  ip-address: 127.0.0.1@{port}\n  server-count: 1\n"
        f'  username: ""\n  pidfile: "{folder}/pid"\n  zonesdir: "{folder}/zones"\n'
        f'  database: ""\n  xfrdfile: "{folder}/xfrd"\n'
        f'  zonelistfile: "{folder}/list"\n  xfrdir: "{folder}"\n'
        f"remote-control:\n  control-enable: no\n{listed}"
    )
    return [program("nsd"), "-d", "-c", f"{folder}/nsd.conf"]


def gdnsd(folder: Path, zones: int, port: int) -> list[str]:
    """Gdnsd, whose files are named like their zones."""
    for one in ("run", "state"):
        (folder / one).mkdir()
    (folder / "zones").rename(folder / "all")
    (folder / "zones").mkdir()
    for number in range(zones):
        source = folder / "all" / f"{name(number)}.zone"
        source.rename(folder / "zones" / name(number))
    (folder / "config").write_text(
        f"options => {{ listen => 127.0.0.1:{port}, udp_threads => 1, "
        f"tcp_threads => 1, run_dir => {folder}/run, state_dir => {folder}/state }}\n"
    )
    return [program("gdnsd"), "-c", str(folder), "start"]


SERVERS = {
    "dinamed": Server(ours),
    "watched": Server(watched, reloads=False),
    "tables": Server(tables),
    "knot": Server(knot),
    "nsd": Server(nsd),
    "gdnsd": Server(gdnsd, reloads=False),
}
"""By name.  Gdnsd reads a zone again for its own tool alone, and is not asked to."""


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[int]:
    """The pid of a server that runs meanwhile."""
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(port: int, number: int, address: bytes) -> None:
    """Ask for `www` of a zone until that is the answer."""
    labels = ["www", *name(number).split(".")]
    question = b"".join(bytes((len(one),)) + one.encode() for one in labels)
    query = b"\0\1" + bytes(3) + b"\1" + bytes(6) + question + b"\0\0\1\0\1"
    end = time.monotonic() + PATIENCE
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(0.05)
        while time.monotonic() < end:
            with suppress(OSError):
                sock.send(query)
                if address in sock.recv(512):
                    return
            time.sleep(0.02)
    raise SystemExit("no answer")


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, its children, and those that have ended."""
    stat = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    total = sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = (task / "children").read_text("ascii").split()
        total += sum(cpu_of(int(child)) for child in children)
    return total


def memory_of(pid: int) -> int:
    """Octets of a process and its children, shared pages divided among them."""
    total = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            total += int(line.split()[1]) << 10
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = (task / "children").read_text("ascii").split()
        total += sum(memory_of(int(child)) for child in children)
    return total


def measure(server: Server, zones: int) -> Figures:
    """Seconds to the first answer, CPU seconds, octets; then of a change: seconds
    until it is there, and CPU seconds."""
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        (folder / "zones").mkdir()
        for number in range(zones):
            write_zone(folder, number)
        command = server.start(folder, zones, port)
        began = time.monotonic()
        with running(command, folder) as pid:
            wait_for(port, zones - 1, bytes((192, 0, 2, 1)))
            first, memory = time.monotonic() - began, memory_of(pid)
            cpu = cpu_of(pid)
            if server is SERVERS["gdnsd"]:
                return first, cpu, memory, 0.0, 0.0
            time.sleep(3.0)  # until files are no longer fresh
            before = cpu_of(pid)
            write_zone(folder, zones // 2, 2)
            changed = time.monotonic()
            if server.reloads:
                os.kill(pid, signal.SIGHUP)
            wait_for(port, zones // 2, bytes((192, 0, 2, 2)))
            took = time.monotonic() - changed
            return first, cpu, memory, took, cpu_of(pid) - before


def main() -> None:
    """Measure all of them, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=20000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--servers", default=",".join(SERVERS))
    wanted = parser.parse_args()
    rows: dict[str, list[Figures]] = {}
    for _ in range(wanted.repeats):
        for server in wanted.servers.split(","):
            try:
                figures = measure(SERVERS[server], wanted.zones)
            except NotInstalledError:
                print(f"{server} is not installed")
                continue
            rows.setdefault(server, []).append(figures)
    for server, found in rows.items():
        first, cpu, memory, change, spent = zip(*found, strict=True)
        print(
            f"{server}: first answer {spread(first)} s, {spread(cpu)} s of CPU, "
            f"{spread(memory, 1 << 20, 0)} MiB, a change after "
            f"{spread(change, 1, 2)} s with {spread(spent, 1, 2)} s of CPU"
        )


if __name__ == "__main__":
    main()
