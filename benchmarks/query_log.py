"""What the query log costs: answers per CPU-second with it, beside those without.

``python -m benchmarks.query_log [--seconds 4] [--repeats 5] [--pace 100000]``

The server has one thread that answers, on one core with all its other threads, the one
that writes the log among them; dnsperf has another core.  Each turn asks the same
questions of all settings, one after the other.  Then every full log is written at a
fixed pace, and what was dropped is counted.
"""

import argparse
import re
import tempfile
import urllib.request
from pathlib import Path

from benchmarks.driving import PinnedDaemon, Run, run_dnsperf, spread
from tests.daemon.harness import free_port

LOGS = {
    "none": "",
    "JSON": 'file = "queries.log"',
    "dnstap": 'dnstap_file = "queries.tap"',
    "both": 'file = "queries.log"\ndnstap_file = "queries.tap"',
    "JSON, 1 %": 'file = "queries.log"\nsample = 0.01',
}
ZONE = """\
$ORIGIN example.org.
$TTL 3600
@   IN SOA ns1 hostmaster 1 7200 1800 1209600 300
    IN NS  ns1
ns1 IN A   192.0.2.53
www IN A   192.0.2.80
"""
QUERIES = (
    "pool.example.org A\nwww.example.org A\npool.example.org AAAA\nx.example.org A\n"
)


def config(http: int, log: str) -> str:
    """A pool of eight, and a log."""
    members = "\n".join(
        f'{{ name = "m{n}", addresses = ["192.0.2.{n}", "2001:db8::{n}"] }},'
        for n in range(1, 9)
    )
    return (
        f'[server]\nhttp = "127.0.0.1:{http}"\n'
        '[zones."example.org"]\nfile = "zone"\nnames = { pool = "pool" }\n'
        f"[pools.pool]\nmembers = [\n{members}\n]\n"
    ) + (f"[query_log]\n{log}\n" if log else "")


def logged(http: int) -> tuple[int, int]:
    """How many exchanges were written, and how many dropped."""
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/metrics") as page:
        text = page.read().decode()
    found = dict(
        re.findall(r'dinamed_logged_queries_total\{outcome="(\w+)"\} (\d+)', text)
    )
    return int(found.get("written", 0)), int(found.get("dropped", 0))


def one_run(
    log: str, seconds: float, options: tuple[str, ...] = ()
) -> tuple[Run, int, int]:
    """A fresh server with a log under load; how much that wrote and dropped."""
    http = free_port(["127.0.0.1"])
    daemon = PinnedDaemon(
        {"dinamed.toml": config(http, log), "zone": ZONE}, addresses=("127.0.0.1",)
    )
    with tempfile.NamedTemporaryFile("w", suffix=".queries") as queries:
        queries.write(QUERIES)
        queries.flush()
        daemon.start()
        try:
            run = run_dnsperf(daemon, Path(queries.name), seconds, options)
            return run, *logged(http)
        finally:
            daemon.stop()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pace", type=int, default=100_000, help="queries a second")
    options = parser.parse_args()
    rates: dict[str, list[float]] = {name: [] for name in LOGS}
    for _ in range(options.repeats):
        for name, log in LOGS.items():
            run, _, _ = one_run(log, options.seconds)
            rates[name].append(run.rate_per_cpu)
    print(f"{'log':<12}{'thousand answers per CPU-second':<36}of none")
    for name, found in rates.items():
        ratios = [one / none for one, none in zip(found, rates["none"], strict=True)]
        print(f"{name:<12}{spread(found, 1000):<36}{spread(ratios, 1, 2)}")
    print(f"\n{'log':<12}{'answered a second':>18}{'written':>12}{'dropped':>10}")
    for name in ("JSON", "dnstap", "both"):
        pace = ("-Q", str(options.pace))
        run, written, lost = one_run(LOGS[name], options.seconds, pace)
        print(f"{name:<12}{run.rate:>18.0f}{written:>12}{lost:>10}")


if __name__ == "__main__":
    main()
