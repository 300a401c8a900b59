"""How long API requests take while DNS is asked 100 thousand times a second.

``python -m benchmarks.api_latency [--rate 100000] [--seconds 10]``

The server has both cores, dnsperf the second.  Each request is one of its own, ten a
second, as a person or a script would send them.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import urllib.request

from benchmarks.driving import CLIENT_CORE, read_run
from tests.daemon.harness import need_tool
from tests.daemon.watched import ZONE, WatchedDaemon, members

PER_SECOND = 10
HOSTS = tuple(f"127.0.1.{number}" for number in range(1, 9))
POOL = (
    '[pools.mirrors]\nselect = ["predictive"]\n'
    '[pools.mirrors.load]\ntype = "push"\ninterval = 60\n' + members(HOSTS)
)
REQUESTS: tuple[tuple[str, str, object], ...] = (
    ("GET", "/api/v1/status", None),
    ("GET", "/api/v1/pools/mirrors", None),
    ("GET", f"/api/v1/explain?name=ftp.{ZONE}", None),
    ("PUT", "/api/v1/pools/mirrors/members/m1", {"state": "drain"}),
    ("PUT", "/api/v1/pools/mirrors/members/m1", {"state": "auto"}),
    ("POST", "/api/v1/load", {"member": "m2", "load": 0.5}),
)


def fetch(url: str, method: str, body: object) -> float:
    """Milliseconds of one request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    request.add_header("Content-Type", "application/json")
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=10) as reply:
        reply.read()
    return (time.perf_counter() - began) * 1000


def rounds(base: str, seconds: float) -> dict[str, list[float]]:
    """Milliseconds by request, each in its turn."""
    found: dict[str, list[float]] = {}
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        method, path, body = REQUESTS[number % len(REQUESTS)]
        took = fetch(base + path, method, body)
        found.setdefault(f"{method} {path}", []).append(took)
        number += 1
        time.sleep(max(0.0, 1 / PER_SECOND - took / 1000))
    return found


def main() -> None:
    """Print medians and 99 % without DNS load, and with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    daemon = WatchedDaemon(POOL)
    try:
        daemon.start()
        calm = rounds(daemon.url, options.seconds)
        with tempfile.NamedTemporaryFile("w") as queries:
            queries.write(f"ftp.{ZONE} A\n")
            queries.flush()
            asking = subprocess.Popen(
                [
                    *(need_tool("taskset"), "-c", str(CLIENT_CORE)),
                    *(need_tool("dnsperf"), "-s", "127.0.0.1", "-p", str(daemon.port)),
                    *("-d", queries.name, "-Q", str(options.rate), "-c", "20"),
                    *("-q", "500", "-t", "1", "-l", str(options.seconds + 1)),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            busy = rounds(daemon.url, options.seconds)
            run = read_run(asking.communicate(timeout=60)[0], 0.0)
    finally:
        daemon.clean_up()
    print(f"DNS: {run.rate / 1000:.0f} k/s, {run.lost} lost")
    print(f"{'milliseconds':<50}{'median':>8}{'99 %':>8}{'busy':>8}{'99 %':>8}")
    for name, quiet in calm.items():
        figures = [*_two(quiet), *_two(busy[name])]
        print(f"{name:<50}" + "".join(f"{one:>8.1f}" for one in figures))


def _two(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=100)[98]


if __name__ == "__main__":
    main()
