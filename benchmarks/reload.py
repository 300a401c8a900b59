"""A large zone: from start to the first answer, and a reload under load.

``python -m benchmarks.reload [--records 100000] [--seconds 10]``
"""

import argparse
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import dns.exception

from benchmarks.driving import (
    PinnedDaemon,
    cpu_seconds,
    dnsperf_command,
    dropped,
    read_run,
    resident,
)

HEAD = """\
$ORIGIN example.org.
$TTL 3600
@   IN SOA ns1 hostmaster {serial} 7200 1800 1209600 300
    IN NS  ns1
ns1 IN A   192.0.2.53
"""


def zone(records: int, serial: int) -> str:
    """A zone with so many addresses; the serial tells the versions apart."""
    lines = (
        f"h{number} IN A 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}\n"
        for number in range(records)
    )
    return HEAD.format(serial=serial) + "".join(lines)


def serial_of(daemon: PinnedDaemon) -> int:
    """The serial that is served."""
    reply = daemon.ask("example.org", "SOA", seconds=30)
    return int(reply.answer[0][0].to_text().split()[2])


def wait_for_serial(daemon: PinnedDaemon, serial: int, seconds: float) -> float:
    """Seconds until the serial is served; TimeoutError after so many."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        try:
            if serial_of(daemon) == serial:
                return time.monotonic() - begin
        except dns.exception.Timeout:
            continue
        time.sleep(0.02)
    raise TimeoutError(f"serial {serial} not served in {seconds} s:\n{daemon.log}")


def wait_and_watch(
    daemon: PinnedDaemon, serial: int, seconds: float
) -> tuple[float, int]:
    """As `wait_for_serial`, and the most octets that a child held meanwhile."""
    most = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            for task in Path(f"/proc/{daemon.pid}/task").iterdir():
                with suppress(OSError):
                    for child in (task / "children").read_text("ascii").split():
                        most = max(most, resident(int(child)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        waited = wait_for_serial(daemon, serial, seconds)
        return waited, most
    finally:
        over.set()
        watcher.join()


def main() -> None:
    """Start, load, reload, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="in the zone")
    parser.add_argument("--seconds", type=float, default=10.0, help="of load")
    parser.add_argument("--rate", type=int, default=5000, help="queries per second")
    options = parser.parse_args()

    config = '[zones."example.org"]\nfile = "zone"\n'
    files = {"dinamed.toml": config, "zone": zone(options.records, 1)}
    daemon = PinnedDaemon(files, addresses=("127.0.0.1",))
    try:
        begin = time.monotonic()
        daemon.start()
        print(f"start to first answer: {time.monotonic() - begin:.2f} s")
        queries = Path(daemon.folder, "queries")
        step = max(1, options.records // 1000)
        queries.write_text(
            "".join(f"h{n}.example.org A\n" for n in range(0, options.records, step)),
            "ascii",
        )
        before, size_before = cpu_seconds(daemon.pid), resident(daemon.pid)
        command = dnsperf_command(
            daemon, queries, options.seconds, ["-Q", str(options.rate)]
        )
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            time.sleep(options.seconds / 4)
            Path(daemon.folder, "zone").write_text(zone(options.records, 2), "utf-8")
            daemon.send_signal(signal.SIGHUP)
            waited, child = wait_and_watch(daemon, 2, 60.0)
            print(f"SIGHUP to the new serial: {waited:.2f} s")
            text, _ = load.communicate(timeout=options.seconds + 30)
        run = read_run(text, cpu_seconds(daemon.pid) - before)
        print(f"queries: {run.sent} sent, {run.completed} answered, {run.lost} lost")
        print(f"worst latency: {run.worst_latency * 1000:.1f} ms")
        print(f"dropped from full queues: {dropped(daemon.port)}")
        size = resident(daemon.pid)
        print(f"resident memory: {size_before / 1e6:.0f} MB, then {size / 1e6:.0f} MB")
        print(f"the child that reads: at most {child / 1e6:.0f} MB")
        daemon.assert_quiet()
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
