"""Good queries during a flood of broken ones: dinamed beside gdnsd and Knot.

``python -m benchmarks.flooded [--rate 200000] [--seconds 10] [--server NAME ...]``

Each server has one thread and core 0; the flood (`flood.c`) and a client that asks 2000
good questions a second (`pace.c`) have core 1, where the client goes before the flood,
so that what is lost was lost by the server.  The good client ends two seconds before
the flood.  A long run sends many millions of broken packets: the exit status is 1 if a
server died of them or dinamed logged a traceback.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.driving import CLIENT_CORE
from benchmarks.hostile import GOOD
from benchmarks.peers import (
    PEERS,
    NotInstalledError,
    compiled,
    free_port,
    query,
    running,
)
from tests.daemon.scenario import ZONE

GOOD_RATE = 2000
MOST_QUERIES = 64


def broken_from() -> list[str]:
    """The queries that the flood changes, for names of the peers' zone."""
    ours = (b"\7example\3org\0", b"".join(_labels(ZONE)) + b"\0")
    every = -(-len(GOOD) // MOST_QUERIES)
    return [packet.replace(ours[1], ours[0]).hex() for packet in GOOD[::every]]


def _labels(name: str) -> list[bytes]:
    return [bytes((len(label),)) + label.encode() for label in name.split(".")]


def resident(pid: int) -> float:
    """MiB of memory of a process."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * 4096 / 2**20


def flooded(
    server: str, folder: Path, rate: float, seconds: float, seed: int
) -> tuple[str, bool]:
    """A line of the table, and whether the server outlived it."""
    port = free_port()
    pin = ["taskset", "-c", str(CLIENT_CORE)]
    label = "pool" if "pool" in PEERS[server].names else "www"
    with running(PEERS[server], port) as pid:
        before = resident(pid)
        numbers = (str(port), str(rate), str(seconds), str(seed))
        flood = subprocess.Popen(
            ["nice", "-n", "5", *pin, f"{folder}/flood", *numbers, *broken_from()],
            stdout=subprocess.PIPE,
            text=True,
        )
        numbers = (str(port), str(GOOD_RATE), str(seconds - 2), query(label).hex())
        done = subprocess.run(
            [*pin, f"{folder}/pace", *numbers],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        )
        told, _ = flood.communicate(timeout=seconds + 30)
        after = resident(pid)
        alive = Path(f"/proc/{pid}").exists()
        log = Path(f"/proc/{pid}/fd/2").read_text(errors="replace")
    sent, took = (float(word) for word in told.split())
    asked, answered, *times = (int(word) for word in done.stdout.split())
    well = alive and "Traceback" not in log
    return (
        f"{server:<9}{sent:>11.0f}{sent / took / 1000:>7.0f}{answered / asked:>10.3%}"
        f"{times[0]:>8}{times[1]:>8}{times[2]:>8}{before:>8.0f}{after:>7.0f}"
        f"  {'alive' if alive else 'dead'}"
    ), well


def main() -> int:
    """Flood each server in turn, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200_000, help="packets a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", action="append", choices=sorted(PEERS))
    options = parser.parse_args()
    print(
        f"{'server':<9}{'broken':>11}{'k/s':>7}{'good':>10}{'50 % us':>8}"
        f"{'99 %':>8}{'99.9 %':>8}{'MiB':>8}{'after':>7}"
    )
    good = True
    with tempfile.TemporaryDirectory() as name:
        for source in ("flood", "pace"):
            compiled(Path(name), source)
        for server in options.server or ("dinamed", "gdnsd", "knot"):
            try:
                line, well = flooded(
                    server, Path(name), options.rate, options.seconds, options.seed
                )
            except NotInstalledError:
                print(f"{server} is not installed")
                continue
            print(line, flush=True)
            good = good and well
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
