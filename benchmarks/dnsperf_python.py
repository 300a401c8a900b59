"""Queries per CPU-second of the Twisted engine.

``python -m benchmarks.dnsperf_python [--seconds 5] [--repeats 3]``
"""

import argparse
from pathlib import Path

from benchmarks.driving import PinnedDaemon, run_dnsperf, spread

ZONE = """\
$ORIGIN example.org.
$TTL 3600
@   IN SOA ns1 hostmaster 1 7200 1800 1209600 300
    IN NS  ns1
ns1 IN A   192.0.2.53
www IN A   192.0.2.80
"""

CASES = (
    ("static name", "www.example.org A", ()),
    ("weighted pool of 8", "pool.example.org A", ()),
    ("weighted pool of 8, EDNS", "pool.example.org A", ("-e",)),
)


def config() -> str:
    """One zone and one pool of eight members of different weight."""
    members = "".join(
        f'[[pools.eight.members]]\nname = "m{number}"\n'
        f'addresses = ["192.0.2.{number}"]\nweight = {weight}\n'
        for number, weight in enumerate((10, 10, 10, 10, 4, 4, 1, 1), 1)
    )
    return (
        '[zones."example.org"]\nfile = "zone"\n'
        '[zones."example.org".names]\npool = "eight"\n'
        f'[pools.eight]\nselect = ["weighted"]\n{members}'
    )


def main() -> None:
    """Start the daemon once, measure each case in turn, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each case")
    options = parser.parse_args()

    files = {"dinamed.toml": config(), "zone": ZONE}
    daemon = PinnedDaemon(files, addresses=("127.0.0.1",))
    print(
        f"{'case':<28}{'thousand q/s':>20}{'per CPU-second':>20}"
        f"{'server CPU s':>20}{'lost':>8}"
    )
    try:
        daemon.start()
        queries = Path(daemon.folder, "queries")
        for name, question, extra in CASES:
            queries.write_text(f"{question}\n", "ascii")
            run_dnsperf(daemon, queries, min(1.0, options.seconds), extra)  # warm up
            runs = [
                run_dnsperf(daemon, queries, options.seconds, extra)
                for _ in range(options.repeats)
            ]
            print(
                f"{name:<28}{spread((run.rate for run in runs), 1000):>20}"
                f"{spread((run.rate_per_cpu for run in runs), 1000):>20}"
                f"{spread((run.server_cpu for run in runs), digits=2):>20}"
                f"{sum(run.lost for run in runs):>8}"
            )
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
