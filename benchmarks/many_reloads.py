"""Many reloads under load: lost queries, latency, and the memory they leave behind.

``python -m benchmarks.many_reloads [--reloads 1000] [--rate 20000]``

Each reload (SIGHUP) changes the zone, a pool's weights, and every other time the number
of its members.  The next one is sent when the new serial is served.
"""

import argparse
import signal
import statistics
import subprocess
from pathlib import Path

from benchmarks.driving import (
    PinnedDaemon,
    cpu_seconds,
    dnsperf_command,
    dropped,
    read_run,
    resident,
)
from benchmarks.reload import wait_for_serial, zone

CONFIG = """\
[zones."example.org"]
file = "zone"
[zones."example.org".names]
www = "web"
cdn = "near"
[pools.web]
ttl = 30
[pools.near]
ttl = "30-300"
select = ["country", "predictive"]
load = {type = "push"}
"""
MEMBER = """\
[[pools.{pool}.members]]
name = "{pool}{number}"
addresses = ["192.0.2.{number}"]
weight = {weight}
"""
LIMIT = 16 << 20
"""Octets by which resident memory may grow between the first tenth and the end."""


def config(version: int) -> str:
    """A config that differs from the one before in every pool."""
    members = [
        MEMBER.format(pool=pool, number=number, weight=1 + (version + number) % 5)
        for pool in ("web", "near")
        for number in range(1, 9 + version % 2)
    ]
    return CONFIG + "".join(members)


def queries(records: int) -> str:
    """Static names, pools, and names that do not exist."""
    step = max(1, records // 100)
    static = [f"h{number}.example.org A" for number in range(0, records, step)]
    pools = ["www.example.org A", "cdn.example.org A", "www.example.org AAAA"] * 20
    missing = [f"none{number}.example.org A" for number in range(40)]
    return "\n".join([*static, *pools, *missing, ""])


def main() -> None:
    """Start, load, reload again and again, print; exit status 1: a loss or a leak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--records", type=int, default=1000, help="in the zone")
    parser.add_argument("--rate", type=int, default=20_000, help="queries per second")
    options = parser.parse_args()
    files = {"dinamed.toml": config(0), "zone": zone(options.records, 1)}
    daemon = PinnedDaemon(files, addresses=("127.0.0.1",))
    try:
        daemon.start()
        path = Path(daemon.folder, "queries")
        path.write_text(queries(options.records), "ascii")
        before = cpu_seconds(daemon.pid)
        command = dnsperf_command(daemon, path, 24 * 3600, ["-Q", str(options.rate)])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            waits, sizes = [], [resident(daemon.pid)]
            for version in range(1, options.reloads + 1):
                Path(daemon.folder, "dinamed.toml").write_text(config(version), "utf-8")
                text = zone(options.records, version + 1)
                Path(daemon.folder, "zone").write_text(text, "utf-8")
                daemon.send_signal(signal.SIGHUP)
                waits.append(wait_for_serial(daemon, version + 1, 60.0))
                sizes.append(resident(daemon.pid))
            load.send_signal(signal.SIGINT)
            summary, _ = load.communicate(timeout=30)
        overflows = dropped(daemon.port)
        run = read_run(summary, cpu_seconds(daemon.pid) - before)
        warm = sizes[len(sizes) // 10]
        print(f"reloads: {options.reloads}, each {statistics.median(waits):.2f} s")
        print(f"queries: {run.sent} sent, {run.completed} answered, {run.lost} lost")
        # What is lost and was not dropped came too late: after two seconds.
        print(f"dropped from full queues: {overflows}")
        print(f"worst latency: {run.worst_latency * 1000:.1f} ms")
        for share in range(0, 11):
            size = sizes[share * (len(sizes) - 1) // 10]
            print(f"resident memory at {share * 10:3} %: {size / 1e6:.1f} MB")
        daemon.assert_quiet()
        raise SystemExit(run.lost > 0 or sizes[-1] - warm > LIMIT)
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
