"""Queries per CPU-second of the compiled plane, beside other servers and the socket.

``python -m benchmarks.plane [--seconds 3] [--repeats 5] [--server NAME ...]``

Servers that are not installed are left out.  All serve the same zone with one thread
on one core; dnsperf has another core.  `echo`, a loop in C that sends every datagram
back, is what the socket gives at most.  The load is what dnsperf can make: the figure
to compare is answers by CPU time of the server, in one run of this program.

Then come two tables more.  Latency at 50 thousand queries a second, as `pace.c` sees
it, which keeps to its rate whatever the server does.  And dinamed with two threads on
two cores beside one: dnsperf shares the cores then, so that what is compared is answers
by CPU-second, times two.
"""

import argparse
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.driving import CLIENT_CORE, read_run
from benchmarks.peers import (
    ONE_OF_TWO,
    PEERS,
    TWO_OF_TWO,
    NotInstalledError,
    Peer,
    all_cpu_seconds,
    compiled,
    free_port,
    query,
    running,
)

SUBNET = ("-e", "-E", "8:00011800c00002")
"""EDNS with the client subnet 192.0.2.0/24."""
LOAD = ("-c", "20", "-q", "500")
LOAD_OF_TWO = ("-c", "40", "-q", "2000", "-T", "2")
"""So much that both threads find full batches, although dnsperf has their cores too."""
PACE = 50_000
"""Queries a second at which latency is measured."""


@dataclass(frozen=True)
class Case:
    """One kind of question: for what label of the zone, with what options."""

    name: str
    label: str
    options: tuple[str, ...] = ()


CASES = (
    Case("static", "www"),
    Case("NXDOMAIN", "missing"),
    Case("weighted", "pool"),
    Case("weighted, EDNS + ECS", "pool", SUBNET),
    Case("hash, EDNS + ECS", "hash", SUBNET),
    Case("predictive", "ahead"),
    Case("predictive, EDNS + ECS", "ahead", SUBNET),
    Case("least", "least"),
    Case("shed, weighted", "shed"),
)
PACED = ("static", "weighted", "predictive")

Runs = list[tuple[float, float, int]]


def measure(
    pid: int,
    port: int,
    case: Case,
    seconds: float,
    core: str = str(CLIENT_CORE),
    load: tuple[str, ...] = LOAD,
) -> tuple[float, float, int]:
    """Thousand answers per second, per CPU-second of the server, and how many lost."""
    with tempfile.NamedTemporaryFile("w", suffix=".queries") as queries:
        queries.write(f"{case.label}.example.org A\n")
        queries.flush()
        before = all_cpu_seconds(pid)
        done = subprocess.run(
            [
                *("taskset", "-c", core, "dnsperf", "-s", "127.0.0.1"),
                *("-p", str(port), *load, "-l", str(seconds)),
                *("-t", "1", "-d", queries.name, *case.options),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        )
        run = read_run(done.stdout, all_cpu_seconds(pid) - before)
    return run.rate / 1000, run.rate_per_cpu / 1000, run.lost


def latency(pace: str, port: int, case: Case, seconds: float) -> list[int]:
    """Sent, answered, and in microseconds the median, 99 %, 99.9 % and the longest."""
    done = subprocess.run(
        [
            *("taskset", "-c", str(CLIENT_CORE), pace, str(port), str(PACE)),
            *(str(seconds), query(case.label).hex()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    return [int(word) for word in done.stdout.split()]


def cases_of(peer: Peer) -> list[Case]:
    """The cases that a server can have."""
    return [case for case in CASES if case.label in peer.names]


def main() -> None:
    """Each server in turn for each case, again and again; medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each case")
    parser.add_argument("--server", action="append", choices=sorted(PEERS))
    parser.add_argument("--case", action="append", choices=[c.name for c in CASES])
    options = parser.parse_args()

    found: dict[tuple[str, Case], Runs] = {}
    paced: dict[tuple[str, Case], list[list[int]]] = {}
    threads: dict[str, Runs] = {}
    servers: Sequence[str] = options.server or list(PEERS)
    wanted = options.case or [case.name for case in CASES]
    with tempfile.TemporaryDirectory() as folder:
        pace = compiled(Path(folder), "pace")
        for turn in range(options.repeats):
            for server in servers:
                try:
                    one_turn(server, wanted, options.seconds, pace, found, paced)
                except NotInstalledError:
                    if not turn:
                        print(f"{server} is not installed")
            if "dinamed" in servers and "weighted" in wanted:
                scale(options.seconds, threads)
    show(found)
    show_latency(paced)
    show_threads(threads)


def one_turn(
    server: str,
    wanted: Sequence[str],
    seconds: float,
    pace: str,
    found: dict[tuple[str, Case], Runs],
    paced: dict[tuple[str, Case], list[list[int]]],
) -> None:
    """Start a server, and measure all its cases once."""
    peer, port = PEERS[server], free_port()
    with running(peer, port) as pid:
        for case in cases_of(peer):
            if case.name not in wanted:
                continue
            result = measure(pid, port, case, seconds)
            found.setdefault((server, case), []).append(result)
            if case.name in PACED:
                times = latency(pace, port, case, seconds)
                paced.setdefault((server, case), []).append(times)


def scale(seconds: float, found: dict[str, Runs]) -> None:
    """Weighted answers by one thread and by two, with dnsperf on the same cores."""
    case = next(case for case in CASES if case.name == "weighted")
    for name, peer in (("1 thread", ONE_OF_TWO), ("2 threads", TWO_OF_TWO)):
        port = free_port()
        with running(peer, port) as pid:
            result = measure(pid, port, case, seconds, "0,1", LOAD_OF_TWO)
            found.setdefault(name, []).append(result)


def show(found: dict[tuple[str, Case], Runs]) -> None:
    """The table, with ratios to the echo and to gdnsd."""
    medians = {
        key: statistics.median(run[1] for run in runs) for key, runs in found.items()
    }
    print(
        f"{'case':<23}{'server':<9}{'k/CPU-s':>8}{'range':>14}{'k/s':>7}"
        f"{'lost':>6}{'of echo':>9}{'of gdnsd':>9}"
    )
    for case in CASES:
        for server in PEERS:
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
                f"{case.name:<23}{server:<9}{statistics.median(figures):>8.1f}"
                f"{f'{min(figures):.0f}-{max(figures):.0f}':>14}"
                f"{statistics.median(run[0] for run in runs):>7.0f}"
                f"{sum(run[2] for run in runs):>6}{ratios}"
            )


def show_latency(found: dict[tuple[str, Case], list[list[int]]]) -> None:
    """Medians of the quantiles, in microseconds, at the fixed rate."""
    print(f"\nat {PACE} queries a second, microseconds")
    print(
        f"{'case':<23}{'server':<9}{'median':>8}{'99 %':>8}{'99.9 %':>8}"
        f"{'longest':>9}{'answered':>10}"
    )
    for case in CASES:
        for server in PEERS:
            runs = found.get((server, case))
            if not runs:
                continue
            middle = [int(statistics.median(run[i] for run in runs)) for i in range(6)]
            sent, answered = (sum(run[i] for run in runs) for i in range(2))
            print(
                f"{case.name:<23}{server:<9}{middle[2]:>8}{middle[3]:>8}"
                f"{middle[4]:>8}{middle[5]:>9}{answered / sent:>10.4%}"
            )


def show_threads(found: dict[str, Runs]) -> None:
    """Answers by CPU-second of one thread and of two."""
    if not found:
        return
    one, two = (
        statistics.median(run[1] for run in found[name])
        for name in ("1 thread", "2 threads")
    )
    print(
        f"\nweighted, dnsperf on the same cores: {one:.0f} k/CPU-s by one thread, "
        f"{two:.0f} by two: two do {2 * two / one:.2f} times the work of one"
    )


if __name__ == "__main__":
    main()
