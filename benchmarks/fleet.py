"""Servers of one fleet on this machine: what sharing brings, costs, and survives.

``python -m benchmarks.fleet [balance|orders|failures|cost|rate ...]``

Four daemons and three nodes of etcd on loopback.  ``balance``: clients in real time,
whose demand loads the members as the answers say, without and with shared hand-outs.
``orders``: how soon an order given at one server is in the answers of the others.
``failures``: nodes are killed and stopped while dnsperf asks all four servers.
``cost``: CPU, octets and writes with ``--pools``.  ``rate``: answers per CPU-second
with a fleet and without.
"""

import argparse
import json
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.driving import Run, cpu_seconds, read_run, spread
from benchmarks.fleet_clients import Crowd
from benchmarks.fleet_servers import (
    FLAGS,
    INTERVAL,
    SERVERS,
    Asker,
    FleetOfDaemons,
    balanced_pools,
    fleet_of,
    many_pools,
    nodes_of,
    written,
)
from tests.daemon.harness import need_tool
from tests.daemon.watched import WatchedDaemon
from tests.fleet.etcd_nodes import NODES, EtcdNodes

NAMES = 'ftp = "mirrors"\nflag = "flag"'
ALL = ("orders", "reports", "votes", "handouts")
UNSHARED = ALL[:3]
ORDERS = 100
POLL = 0.002
PATIENCE = 10.0
ASKED = 500
"""Questions a second at each server while things fail."""


@contextmanager
def etcd() -> Iterator[EtcdNodes]:
    """Three nodes for a while."""
    with tempfile.TemporaryDirectory(prefix="dinamed-etcd-") as folder:
        nodes = nodes_of(Path(folder))
        try:
            yield nodes
        finally:
            nodes.kill_all()


@contextmanager
def fleet(
    nodes: EtcdNodes,
    share: tuple[str, ...] = ALL,
    pools: str = "",
    names: str = NAMES,
    count: int = SERVERS,
    interval: int = INTERVAL,
) -> Iterator[FleetOfDaemons]:
    """Servers that are together."""
    pools = pools or balanced_pools("12")
    servers = FleetOfDaemons(
        count, pools, names, lambda number: fleet_of(nodes, number, share, interval)
    )
    try:
        servers.wait_for("together", 60.0 + 4 * interval)
        yield servers
    finally:
        servers.stop()


def perf(server: WatchedDaemon, seconds: float, *options: str) -> list[str]:
    """Dnsperf with the questions in the server's folder."""
    where = ["-s", "127.0.0.1", "-p", str(server.port), "-t", "2"]
    queries = str(server.folder / "queries")
    limits = ["-d", queries, "-l", str(seconds)]
    return [need_tool("dnsperf"), *where, *limits, *options]


@contextmanager
def asked(servers: FleetOfDaemons, seconds: float, rate: int) -> Iterator[list[Run]]:
    """Dnsperf at all servers; its runs are there at the end."""
    runs: list[Run] = []
    going = []
    for server in servers.servers:
        (server.folder / "queries").write_text("ftp.example.org A\nns1.example.org A\n")
        command = perf(server, seconds, "-Q", str(rate))
        going.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    try:
        yield runs
    finally:
        runs += [read_run(one.communicate(timeout=600)[0], 0.0) for one in going]


def balance(options: argparse.Namespace) -> None:
    """The busiest member, without and with shared hand-outs."""
    for share in (UNSHARED, ALL):
        with etcd() as nodes, fleet(nodes, share, balanced_pools(options.ttl)) as run:
            crowd = Crowd(run.servers, options.offered, options.seed)
            found = crowd.run(options.warm_up, options.seconds)
            crowd.close()
        print(
            f"hand-outs shared: {'handouts' in share}; {found.questions} questions; "
            f"busiest member under 90 %: {found.under90:.3f} of the time, "
            f"mean {found.mean:.3f}, most {max(found.busiest):.3f}",
            flush=True,
        )


def orders(options: argparse.Namespace) -> None:
    """How soon an order is in the answers of all other servers."""
    with etcd() as nodes, fleet(nodes) as run:
        asker = Asker("flag.example.org")
        print("orders:", _latencies(run, asker, options), flush=True)
        nodes.kill(0)
        print("a node is killed:", _latencies(run, asker, options), flush=True)
        asker.close()


def _latencies(run: FleetOfDaemons, asker: Asker, options: argparse.Namespace) -> str:
    rng = random.Random(options.seed)
    took = []
    for number in range(ORDERS):
        giver = rng.choice(run.servers)
        order = "auto" if number % 2 else "drain"
        wanted = FLAGS[0] if number % 2 else FLAGS[1]
        begun = time.monotonic()
        status, told = giver.request(
            "PUT",
            "/api/v1/pools/flag/members/m1",
            json.dumps({"state": order}).encode(),
        )
        assert status == 200, told
        for server in run.servers:
            while asker.ask(server.port)[0] != wanted:
                assert time.monotonic() - begun < PATIENCE, "an order is lost"
                time.sleep(POLL)
        took.append(time.monotonic() - begun)
    return f"median {median(took) * 1e3:.0f} ms, worst {max(took) * 1e3:.0f} ms"


def failures(options: argparse.Namespace) -> None:
    """What fails, and what of it clients and servers notice."""

    def kill_one(nodes: EtcdNodes, run: FleetOfDaemons) -> str:
        nodes.kill(0)
        time.sleep(10)
        held = all(run.mode(number) == "together" for number in range(SERVERS))
        nodes.start(0)
        return f"all together 10 s later: {held}"

    def stop_all(nodes: EtcdNodes, run: FleetOfDaemons) -> str:
        for number in range(NODES):
            nodes.signal(number, signal.SIGSTOP)
        alone = run.wait_for("alone")
        for number in range(NODES):
            nodes.signal(number, signal.SIGCONT)
        return f"alone after {alone:.1f} s, together {run.wait_for('together'):.1f} s"

    def kill_all(nodes: EtcdNodes, run: FleetOfDaemons) -> str:
        nodes.kill_all()
        alone = run.wait_for("alone")
        nodes.start_all()
        return f"alone after {alone:.1f} s, together {run.wait_for('together'):.1f} s"

    def wipe(nodes: EtcdNodes, run: FleetOfDaemons) -> str:
        nodes.wipe()
        alone = run.wait_for("alone")
        nodes.start_all()
        return f"alone after {alone:.1f} s, together {run.wait_for('together'):.1f} s"

    cases: dict[str, Callable[[EtcdNodes, FleetOfDaemons], str]] = {
        "nothing": lambda nodes, run: f"all {run.mode()}",
        "a node is killed": kill_one,
        "all nodes are stopped": stop_all,
        "all nodes are killed": kill_all,
        "all data are lost": wipe,
    }
    with etcd() as nodes, fleet(nodes) as run:
        for what, happens in cases.items():
            with asked(run, options.seconds, ASKED) as runs:
                said = happens(nodes, run)
            sent, lost = sum(one.sent for one in runs), sum(one.lost for one in runs)
            pause = max(one.worst_latency for one in runs)
            print(
                f"{what}: {said}; {sent} questions, {lost} answers lost, "
                f"slowest answer {pause * 1e3:.0f} ms",
                flush=True,
            )
        # The servers are to stop in time also while the store is stalled.
        for number in range(NODES):
            nodes.signal(number, signal.SIGSTOP)


def cost(options: argparse.Namespace) -> None:
    """What one server and the nodes do, all pools in use, with a fleet and without."""
    pools, names = many_pools(options.pools)
    queries = "".join(f"p{number}.example.org A\n" for number in range(options.pools))
    with etcd() as nodes:
        for share in ((), ALL):
            count = 2
            if share:
                interval = options.interval
                with fleet(nodes, share, pools, names, count, interval) as run:
                    _spent(run, nodes, queries, options)
            else:
                run = FleetOfDaemons(count, pools, names, lambda number: "")
                _spent(run, nodes, queries, options)
                run.stop()


def _spent(
    run: FleetOfDaemons, nodes: EtcdNodes, text: str, options: argparse.Namespace
) -> None:
    servers = run.servers
    for server in servers:
        (server.folder / "queries").write_text(text)
    pids = [process.pid for process in nodes.processes.values()]

    def now() -> tuple[float, ...]:
        counters = [one.get("/api/v1/fleet")["counters"] for one in servers]
        return (
            sum(cpu_seconds(one.pid) for one in servers) / len(servers),
            sum(one.get("octets", 0) for one in counters) / len(servers),
            sum(one.get("puts", 0) for one in counters) / len(servers),
            sum(map(cpu_seconds, pids)) / len(pids),
            sum(map(written, pids)) / len(pids),
        )

    going = [
        subprocess.Popen(
            perf(server, options.seconds + 10, "-Q", str(options.rate)),
            stdout=subprocess.DEVNULL,
        )
        for server in servers
    ]
    time.sleep(5)
    before, begun = now(), time.monotonic()
    time.sleep(options.seconds)
    lapse = time.monotonic() - begun
    cpu, octets, puts, etcd_cpu, disk = (
        (b - a) / lapse for a, b in zip(before, now(), strict=True)
    )
    for one in going:
        one.wait()
    size = servers[0].get("/api/v1/fleet")["sizes"].get("size", 0)
    print(
        f"{options.pools} pools, {options.rate} questions a second, every "
        f"{options.interval} s: a server {cpu:.1%} of a CPU, "
        f"{octets / 1e3:.1f} kB/s in "
        f"{puts:.1f} puts/s; a node of etcd {etcd_cpu:.1%}, {disk / 1e3:.0f} kB/s to "
        f"disk, database {size / 1e6:.1f} MB",
        flush=True,
    )


def rate(options: argparse.Namespace) -> None:
    """Answers per CPU-second, by turns with a fleet and without."""
    found: dict[bool, list[float]] = {True: [], False: []}
    pools = balanced_pools("12")
    with etcd() as nodes, fleet(nodes, ALL, pools, NAMES, 2, options.interval) as run:
        alone = FleetOfDaemons(1, pools, NAMES, lambda number: "")
        for _ in range(options.rounds):
            for shared, servers in ((False, alone), (True, run)):
                server = servers.servers[0]
                (server.folder / "queries").write_text("ftp.example.org A\n")
                before = cpu_seconds(server.pid)
                done = subprocess.run(
                    perf(server, 5, "-q", "200"),
                    capture_output=True,
                    text=True,
                    check=True,
                )
                one = read_run(done.stdout, cpu_seconds(server.pid) - before)
                found[shared].append(one.rate_per_cpu)
        alone.stop()
    for shared, figures in found.items():
        print(f"fleet {shared}: {spread(figures, 1000)} thousand per CPU-second")
    print(f"ratio of medians {median(found[True]) / median(found[False]):.3f}")


PARTS = {one.__name__: one for one in (balance, orders, failures, cost, rate)}


def main() -> None:
    """Run the parts that are wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--offered", type=float, default=0.7)
    parser.add_argument("--ttl", default="12")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warm-up", type=float, default=120.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pools", type=int, default=100)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=INTERVAL)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for name in options.parts or PARTS:
        PARTS[name](options)


if __name__ == "__main__":
    main()
