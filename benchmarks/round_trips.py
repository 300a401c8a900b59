"""What posted round trips cost: time, memory, and what they do to answers beside.

``python -m benchmarks.round_trips [--samples 10000000] [--networks 200000]``

A pool of eight picks by `spill`.  dnsperf asks for it alone, and then beside posts of
samples from very many client networks, one message after the other.  Every tenth of the
samples the memory and the CPU time are told.  With more networks than the table holds
(65 536) this is a flood, too: see `--networks`.
"""

import argparse
import random
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.driving import (
    PinnedDaemon,
    Run,
    cpu_seconds,
    dnsperf_command,
    read_run,
    resident,
    run_dnsperf,
)
from benchmarks.scrape import ZONE
from tests.daemon.harness import free_port

MEMBERS = 8
MESSAGE = 10_000  # samples, which is somewhat under a mebibyte
STEPS = 10
SECONDS = 5.0


def config(port: int) -> str:
    """A pool that picks by cost and load."""
    members = "\n".join(
        f'{{name = "m{n}", addresses = ["192.0.2.{n}"], capacity = 1e6, load = 1.0}},'
        for n in range(1, MEMBERS + 1)
    )
    return f"""\
[server]
http = "127.0.0.1:{port}"
threads = 1
[zones."example.org"]
file = "zone"
[zones."example.org".names]
p = "p"
[pools.p]
ttl = 30
select = ["spill"]
members = [
{members}
]
"""


def messages(samples: int, networks: int) -> Iterator[bytes]:
    """Bodies of a sample a line, `MESSAGE` each."""
    rng = random.Random(1)
    for start in range(0, samples, MESSAGE):
        lines = []
        for _ in range(min(MESSAGE, samples - start)):
            number = rng.randrange(networks)
            client = f"{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.0/24"
            member, ms = rng.randrange(1, MEMBERS + 1), rng.expovariate(1 / 60) + 2
            lines.append(
                f'{{"pool":"p","member":"m{member}","client":"{client}","rtt":{ms:.1f}}}'
            )
        yield "\n".join(lines).encode()


def post(url: str, body: bytes) -> float:
    """Post a message; seconds."""
    headers = {"Content-Type": "application/x-ndjson"}
    began = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as reply:
        reply.read()
    return time.perf_counter() - began


def told(name: str, run: Run) -> None:
    """Print a run of dnsperf."""
    print(
        f"{name:<28}{run.rate:10.0f}/s{run.rate_per_cpu:10.0f}/CPU-s"
        f"{run.worst_latency * 1000:9.1f} ms worst{run.lost:8} lost",
        flush=True,
    )


def pour(daemon: PinnedDaemon, url: str, samples: int, networks: int) -> None:
    """Post all samples, and tell of each tenth."""
    print(
        f"{'samples':>12}{'us of CPU each':>16}{'a message, ms':>16}{'memory, MiB':>14}"
    )
    posted, step = 0, max(MESSAGE, samples // STEPS)
    cpu, took = cpu_seconds(daemon.pid), list[float]()
    for body in messages(samples, networks):
        took.append(post(url, body))
        posted += MESSAGE
        if posted % step == 0 or posted >= samples:
            now = cpu_seconds(daemon.pid)
            each = (now - cpu) / (len(took) * MESSAGE) * 1e6
            longest = max(took) * 1000
            memory = resident(daemon.pid) / 2**20
            print(
                f"{posted:>12}{each:>16.1f}{longest:>16.0f}{memory:>14.1f}", flush=True
            )
            cpu, took = now, []


def beside(daemon: PinnedDaemon, queries: Path, url: str, networks: int) -> Run:
    """dnsperf while samples are posted one message after the other."""
    before = cpu_seconds(daemon.pid)
    with subprocess.Popen(
        dnsperf_command(daemon, queries, SECONDS), stdout=subprocess.PIPE, text=True
    ) as asking:
        for body in messages(1 << 40, networks):
            if asking.poll() is not None:
                break
            post(url, body)
        output, _ = asking.communicate()
    return read_run(output, cpu_seconds(daemon.pid) - before)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--networks", type=int, default=200_000)
    options = parser.parse_args()
    port = free_port(["127.0.0.1"])
    files = {"dinamed.toml": config(port), "zone": ZONE, "queries": "p.example.org A\n"}
    daemon = PinnedDaemon(files, addresses=("127.0.0.1",))
    url = f"http://127.0.0.1:{port}/api/v1/rtt"
    try:
        daemon.start()
        queries = Path(daemon.folder) / "queries"
        told("alone", run_dnsperf(daemon, queries, SECONDS))
        told("beside posts", beside(daemon, queries, url, options.networks))
        pour(daemon, url, options.samples, options.networks)
        told("alone again", run_dnsperf(daemon, queries, SECONDS))
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
