"""Loading a large zone: dinamed beside gdnsd, Knot and NSD.

``python -m benchmarks.zone_load [--records 1000000] [--server NAME ...]``

Each server is started with a small zone and with one of so many A records, until it
answers: wall-clock and CPU seconds, and the memory of its processes together, pages
that they share counted once (PSS): the most meanwhile, and what is left.
"""

import argparse
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import (
    PEERS,
    NotInstalledError,
    Peer,
    all_cpu_seconds,
    free_port,
    query,
)

SERVERS = ("dinamed", "gdnsd", "knot", "nsd")
PATIENCE = 60.0


@dataclass(frozen=True)
class Start:
    """What a start took; seconds and octets."""

    seconds: float
    cpu: float
    most: int
    left: int


def append_records(folder: Path, records: int) -> None:
    """Make the zone that a server's files name a large one."""
    path = folder / "zones" / "example.org"
    with (path if path.exists() else folder / "zone").open("a") as out:
        for number in range(records):
            address = ".".join(str(number >> shift & 255) for shift in (16, 8, 0))
            out.write(f"host{number} 300 IN A 10.{address}\n")


def memory(pid: int) -> int:
    """Octets that a process and its children hold; 0 when it has gone."""
    total = 0
    with suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
        total = 1024 * int(text.split("\nPss:")[1].split()[0])
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = (task / "children").read_text("ascii").split()
            total += sum(memory(int(child)) for child in children)
    return total


def cpu(pid: int) -> float:
    """CPU seconds of a process, its children, and those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return all_cpu_seconds(pid) + (int(fields[13]) + int(fields[14])) / 100


def measure(peer: Peer, records: int) -> Start:
    """Start a server, and stop it when it answers."""
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        arguments = peer.command(Path(name), port)
        append_records(Path(name), records)
        with (
            open(f"{name}/log", "wb") as log,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
            subprocess.Popen(arguments, stdout=log, stderr=log) as process,
        ):
            try:
                sock.connect(("127.0.0.1", port))
                sock.settimeout(0.02)
                begin, most = time.monotonic(), 0
                while not answers(sock):
                    most = max(most, memory(process.pid))
                    if time.monotonic() - begin > PATIENCE:
                        raise TimeoutError(Path(name, "log").read_text()[-500:])
                    time.sleep(0.02)
                seconds = time.monotonic() - begin
                time.sleep(1)
                left = memory(process.pid)
                return Start(seconds, cpu(process.pid), max(most, left), left)
            finally:
                process.terminate()
                process.wait(30)


def answers(sock: socket.socket) -> bool:
    """Whether the zone is served."""
    with suppress(OSError):
        sock.send(query("www"))
        return len(sock.recv(512)) > 12 + 17 + 4
    return False


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--server", nargs="*", choices=SERVERS, default=SERVERS)
    options = parser.parse_args()
    print(f"{'':16} seconds  CPU s  most MB  left MB")
    for name in options.server:
        for records in (0, options.records):
            try:
                start = measure(PEERS[name], records)
            except NotInstalledError:
                print(f"{name}: not installed")
                break
            print(
                f"{name:8}{records:8} {start.seconds:8.2f} {start.cpu:6.2f} "
                f"{start.most / 1e6:8.0f} {start.left / 1e6:8.0f}"
            )


if __name__ == "__main__":
    main()
