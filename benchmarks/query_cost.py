"""What a query costs by stage and number of members: weighted, least, predictive.

``python -m benchmarks.query_cost [--seconds 3] [--repeats 3] [--no-sockets]``

In the process: the engine alone, microseconds of CPU a query, with 4096 resolvers of
which each comes back when its answer has run out, 20 000 queries per second of the
pool's time, and a report of every member each 10 seconds.  Over sockets: the daemon's
CPU time a query from /proc while dnsperf asks from one address, which to
``predictive`` is a resolver of very many caches.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

import dns.message

from benchmarks.driving import PinnedDaemon, run_dnsperf
from dinamed.pools.report import make_report
from dinamed.server.authority import Authority
from dinamed.server.config_loader import load_now
from tests.daemon.harness import write_files
from tests.daemon.watched import ZONE, ZONE_TEXT, WatchedDaemon

STAGES = ("weighted", "least", "predictive")
SIZES = (8, 64, 1000)
RESOLVERS = 4096
PACE = 20_000  # queries per second of the pool's time
REPORTS = 10.0  # seconds from one round of reports to the next


CASES = [(stage, size) for stage in STAGES for size in SIZES]


def names() -> str:
    """A name for each pool."""
    return "\n".join(f'{stage}{size} = "{stage}{size}"' for stage, size in CASES)


def pools() -> str:
    """A pool for each stage and size; all members may be pushed to."""
    lines = []
    for stage, size in CASES:
        lines += [f"[pools.{stage}{size}]", f'select = ["{stage}"]']
        lines += [f"[pools.{stage}{size}.load]", 'type = "push"', "interval = 3600"]
        for number in range(size):
            address = f"192.{number // 65536}.{number // 256 % 256}.{number % 256}"
            lines += [
                f"[[pools.{stage}{size}.members]]",
                f'name = "m{number}"',
                f'addresses = ["{address}"]',
                f"weight = {1 + number % 7}",
            ]
    return "\n".join(lines)


class Alone:
    """The engine without a network, on a clock of its own."""

    def __init__(self, folder: Path) -> None:
        zone = f'[zones."{ZONE}"]\nfile = "zone"\n[zones."{ZONE}".names]\n'
        config = zone + names() + "\n" + pools()
        write_files(folder, {"dinamed.toml": config, "zone": ZONE_TEXT})
        path = str(folder / "dinamed.toml")
        self.now = 1e9
        rng = random.Random(1)
        self.authority = Authority(load_now(path), lambda: self.now, rng)
        self.sources = [
            bytes((10, n >> 8 & 255, n & 255, 53)) for n in range(RESOLVERS)
        ]

    def report(self, pool: str) -> None:
        """Have all members of a pool report."""
        manager = self.authority.manager
        for member in manager.view(pool).members:
            report = make_report(member.index % 10 / 10, now=self.now, source="push")
            manager.report(pool, member.name, report, now=self.now)

    def measure(self, pool: str, seconds: float) -> float:
        """Microseconds of CPU a query, after a round that warms up."""
        wire = dns.message.make_query(f"{pool}.{ZONE}", "A", flags=0).to_wire()
        respond = self.authority.engine.respond
        spent, done = 0.0, -RESOLVERS
        while spent < seconds:
            self.now += 61.0  # every answer has run out
            self.report(pool)
            reported = self.now
            before = time.process_time()
            for source in self.sources:
                self.now += 1 / PACE
                respond(wire, source)
            spent += time.process_time() - before
            assert self.now - reported < REPORTS
            done += RESOLVERS
            if not done:
                spent = 0.0
        return spent / done * 1e6


class Served(PinnedDaemon, WatchedDaemon):
    """The daemon with all pools."""

    def __init__(self) -> None:
        WatchedDaemon.__init__(self, pools(), names=names())

    def report(self) -> None:
        """Push a report of every member of every pool."""
        numbers = range(max(SIZES))
        self.push(*({"member": f"m{n}", "load": n % 10 / 10} for n in numbers))

    def measure(self, pool: str, seconds: float) -> float:
        """Microseconds of the server's CPU a query."""
        queries = self.folder / "queries"
        queries.write_text(f"{pool}.{ZONE} A\n", "ascii")
        run_dnsperf(self, queries, min(1.0, seconds))
        self.report()
        return 1e6 / run_dnsperf(self, queries, seconds).rate_per_cpu


def table(title: str, figures: dict[tuple[str, int], list[float]]) -> None:
    """Print medians, and what they are of those of `weighted` with 8 members."""
    print(title)
    print(f"{'':12}" + "".join(f"{size:>16}" for size in SIZES))
    base = statistics.median(figures["weighted", 8])
    for stage in STAGES:
        cells = [statistics.median(figures[stage, size]) for size in SIZES]
        text = "".join(f"{cell:10.1f} {cell / base:4.2f}x" for cell in cells)
        print(f"{stage:12}{text}")


def main() -> None:
    """Measure both ways, round and round, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each case")
    parser.add_argument("--no-sockets", action="store_true")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        alone = Alone(Path(folder))
        figures: dict[tuple[str, int], list[float]] = {case: [] for case in CASES}
        for _ in range(options.repeats):
            for stage, size in CASES:
                taken = alone.measure(f"{stage}{size}", options.seconds)
                figures[stage, size].append(taken)
    table("the engine alone, microseconds a query", figures)
    if options.no_sockets:
        return
    daemon = Served()
    try:
        daemon.start()
        figures = {case: [] for case in CASES}
        for _ in range(options.repeats):
            for stage, size in CASES:
                taken = daemon.measure(f"{stage}{size}", options.seconds)
                figures[stage, size].append(taken)
    finally:
        daemon.clean_up()
    table("over sockets, microseconds of the server's CPU a query", figures)


if __name__ == "__main__":
    main()
