"""What a scrape of many members does to answers, and what API requests take.

``python -m benchmarks.scrape [--members 10000] [--seconds 10] [--repeats 3]``

The server is on one core.  On the other one client asks it over UDP, one question
after the other, once while nobody else asks and once while the metrics are fetched
over and over.
"""

import argparse
import socket
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from itertools import count

import dns.message

from benchmarks.driving import PinnedDaemon
from tests.daemon.harness import free_port

ZONE = """\
$ORIGIN example.org.
$TTL 3600
@   IN SOA ns1 hostmaster 1 7200 1800 1209600 300
    IN NS  ns1
ns1 IN A   192.0.2.53
"""


def config(members: int, port: int, threads: str) -> str:
    """Pools of a thousand members that predict, with pushed loads."""
    lines = [
        f'[server]\nhttp = "127.0.0.1:{port}"\nthreads = {threads}',
        '[zones."example.org"]\nfile = "zone"\n[zones."example.org".names]',
    ]
    pools = range(max(1, members // 1000))
    lines += [f'p{pool} = "p{pool}"' for pool in pools]
    numbers = count(1)
    for pool in pools:
        lines.append(f"[pools.p{pool}]\nload = {{type = 'push'}}")
        lines.append("select = ['predictive']\nmembers = [")
        for member in range(members // len(pools)):
            address = f"2001:db8::{next(numbers):x}"
            lines.append(f'{{name = "m{member}", addresses = ["{address}"]}},')
        lines.append("]")
    return "\n".join(lines) + "\n"


def latencies(port: int, seconds: float) -> list[float]:
    """Milliseconds of one answer after the other."""
    found = []
    data = dns.message.make_query("p0.example.org", "AAAA").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("127.0.0.1", port))
        asking.settimeout(2)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            asking.send(data)
            asking.recv(4096)
            found.append((time.perf_counter() - began) * 1000)
    return found


def quantiles(values: list[float]) -> str:
    """Median, 99 of 100, and the worst, in milliseconds."""
    cut = statistics.quantiles(values, n=1000)
    return f"{cut[499]:8.3f}{cut[989]:8.3f}{cut[998]:8.3f}{max(values):8.3f}"


def fetch(url: str) -> tuple[float, int]:
    """Milliseconds and octets of one request."""
    began = time.perf_counter()
    with urllib.request.urlopen(url) as reply:
        size = len(reply.read())
    return (time.perf_counter() - began) * 1000, size


def meanwhile(
    work: Callable[[], object], port: int, seconds: float, pause: float
) -> list[float]:
    """Latencies while `work` is done over and over, with a pause after each."""
    done = threading.Event()

    def again() -> None:
        while not done.is_set():
            work()
            done.wait(pause)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        return latencies(port, seconds)
    finally:
        done.set()
        thread.join()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", default='"python"', help='as in [server], or "0"')
    options = parser.parse_args()
    port = free_port(["127.0.0.1"])
    text = config(options.members, port, options.threads)
    files = {"dinamed.toml": text, "zone": ZONE}
    daemon = PinnedDaemon(files, addresses=("127.0.0.1",))
    base = f"http://127.0.0.1:{port}"
    try:
        daemon.start()
        print(
            f"{'DNS latency, ms':<34}{'median':>8}{'99 %':>8}{'99.9 %':>8}{'worst':>8}"
        )
        calm = latencies(daemon.port, options.seconds)
        print(f"{'nobody else asks':<34}{quantiles(calm)}")
        for name, path, pause in (
            ("a scrape a second", "/metrics", 1.0),
            ("scrapes without a pause", "/metrics", 0.0),
            ("a pool of 1000 without a pause", "/api/v1/pools/p0", 0.0),
            ("status 150 times a second", "/api/v1/status", 1 / 150),
        ):
            busy = meanwhile(
                lambda path=path: fetch(base + path),  # type: ignore[misc]
                daemon.port,
                options.seconds,
                pause,
            )
            print(f"{name:<34}{quantiles(busy)}")
        for path in ("/metrics", "/api/v1/pools/p0", "/api/v1/status", "/healthz", "/"):
            runs = [fetch(base + path) for _ in range(11)]
            took = statistics.median(ms for ms, _ in runs)
            print(f"{path:<34}{took:8.1f} ms {runs[0][1]:>10} octets")
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
