"""Many small zones: the time to the first answer and the memory, beside Knot.

Run: python -m benchmarks.many_zones [--zones 20000] [--repeats 1]

Each server serves a folder of zones of five records.  The clock runs from the start of
the program until the last zone is answered for; memory is that of the process then,
shared pages included.  At the end one zone changes, and the time is taken until its new
answer is there.
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
from contextlib import contextmanager
from pathlib import Path

from benchmarks.driving import cpu_seconds, resident, spread
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

Figures = tuple[float, float, float, float]
"""What one run shows: see `measure`."""
Start = Callable[[Path, int, int], list[str]]
"""Writes what a server needs beside the zones; from folder, number, port to words."""


def name(number: int) -> str:
    """The name of one zone."""
    return f"z{number}.example"


def write_zone(folder: Path, number: int, serial: int = 1) -> None:
    """One version of one zone."""
    path = folder / "zones" / f"{name(number)}.zone"
    aside = path.with_suffix(".new")
    aside.write_text(ZONE.format(serial=serial))
    aside.replace(path)


def ours(folder: Path, zones: int, port: int) -> list[str]:
    """Dinamed with the folder of zones."""
    (folder / "dinamed.toml").write_text(
        '[server]\nzone_folder = "zones"\nreload = "watch"\nthreads = 1\n'
    )
    where = ["-i", "127.0.0.1", "-p", str(port), "-c", f"{folder}/dinamed.toml"]
    return [sys.executable, "-m", "twisted", "dinamed", *where]


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


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[int]:
    """The pid of a server that runs meanwhile."""
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


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
            try:
                sock.send(query)
                if sock.recv(512).endswith(address):
                    return
            except OSError:
                time.sleep(0.02)
    raise SystemExit("no answer")


def measure(
    start: Start, zones: int, reload: bool
) -> tuple[float, float, float, float]:
    """Seconds to the first answer, CPU seconds, octets, seconds until a change."""
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        (folder / "zones").mkdir()
        for number in range(zones):
            write_zone(folder, number)
        command = start(folder, zones, port)
        began = time.monotonic()
        with running(command, folder) as pid:
            wait_for(port, zones - 1, bytes((192, 0, 2, 1)))
            first, memory = time.monotonic() - began, resident(pid)
            cpu = cpu_seconds(pid)
            write_zone(folder, zones // 2, 2)
            changed = time.monotonic()
            if reload:
                os.kill(pid, signal.SIGHUP)
            wait_for(port, zones // 2, bytes((192, 0, 2, 2)))
            return first, cpu, memory, time.monotonic() - changed


def main() -> None:
    """Measure both, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=20000)
    parser.add_argument("--repeats", type=int, default=1)
    wanted = parser.parse_args()
    servers: dict[str, tuple[Start, bool]] = {"dinamed": (ours, False)}
    try:
        program("knotd")
        servers["knot"] = knot, True
    except NotInstalledError:
        print("knotd is not installed")
    rows: dict[str, list[Figures]] = {}
    for _ in range(wanted.repeats):
        for server, (start, reload) in servers.items():
            rows.setdefault(server, []).append(measure(start, wanted.zones, reload))
    for server, figures in rows.items():
        first, cpu, memory, change = zip(*figures, strict=True)
        print(
            f"{server}: first answer {spread(first)} s, {spread(cpu)} s of CPU, "
            f"{spread(memory, 1 << 20, 0)} MiB, a change after {spread(change)} s"
        )


if __name__ == "__main__":
    main()
