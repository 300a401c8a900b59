"""Replaces and reloads under load: what is lost, and how slow the slowest answer is.

``python -m benchmarks.replace [--replaces 10] [--reloads 100] [--rate 100000]``

dnsperf asks over UDP, and another one over TCP on connections that stay open, while the
daemon is replaced and reloaded, one after the other.  Exit status 1: something was
lost, or a state or count was.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from benchmarks.driving import (
    PinnedDaemon,
    Run,
    dnsperf_command,
    read_run,
    spread,
)
from tests.daemon.harness import free_port, wait_for_exit

ZONE = """\
$ORIGIN example.org.
$TTL 3600
@   IN SOA ns1 hostmaster 1 7200 1800 1209600 300
    IN NS  ns1
ns1 IN A   192.0.2.53
www IN A   192.0.2.80
"""
CONFIG = """\
[server]
http = "127.0.0.1:{http}"
threads = {threads}
[zones."example.org"]
file = "zone"
[zones."example.org".names]
ftp = "mirrors"
[pools.mirrors]
"""
MEMBER = '[[pools.mirrors.members]]\nname = "m{0}"\naddresses = ["192.0.2.{0}"]\n'
QUESTIONS = "www.example.org A\nftp.example.org A\n"


class Bench:
    """A daemon with HTTP and a pid file."""

    def __init__(self, threads: str) -> None:
        http = free_port(("127.0.0.1",))
        self._url = f"http://127.0.0.1:{http}/api/v1/"
        config = CONFIG.format(http=http, threads=threads)
        config += "".join(map(MEMBER.format, range(1, 9)))
        files = {"dinamed.toml": config, "zone": ZONE, "queries": QUESTIONS}
        self.daemon = PinnedDaemon(files, addresses=("127.0.0.1",))
        self.pid_file = self.daemon.folder / "pid"
        self.daemon.twistd_options = [f"--pidfile={self.pid_file}"]
        self._opener = build_opener(ProxyHandler({}))

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """One request of the API; `HTTPError` if that is refused."""
        request = Request(self._url + path, body, method=method)
        with self._opener.open(request, timeout=120) as reply:
            return json.load(reply)

    def repeat(self, path: str, times: int) -> list[float]:
        """How long each of so many requests has taken, one after the other."""
        taken = []
        for _ in range(times):
            begin = time.monotonic()
            self.ask("POST", path)
            taken.append(time.monotonic() - begin)
        return taken

    def load(self, rate: int, *options: str) -> "subprocess.Popen[str]":
        """Have dnsperf ask until it is told to stop."""
        queries = Path(self.daemon.folder, "queries")
        command = dnsperf_command(
            self.daemon, queries, 600, ["-Q", str(rate), *options]
        )
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(load: "subprocess.Popen[str]") -> Run:
    """Its figures, once it has stopped."""
    load.send_signal(signal.SIGINT)
    text, _ = load.communicate(timeout=30)
    return read_run(text, 0.0)


def tell(what: str, run: Run) -> None:
    """Print one run."""
    print(
        f"{what}: {run.sent} sent, {run.completed} answered, {run.lost} lost, "
        f"{run.rate / 1000:.1f} thousand/s, slowest {run.worst_latency * 1000:.1f} ms"
    )


def main() -> int:
    """Start, load, replace, reload, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replaces", type=int, default=10)
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--rate", type=int, default=100_000, help="UDP queries/second")
    parser.add_argument("--tcp", type=int, default=500, help="TCP queries per second")
    parser.add_argument("--threads", default="1", help="of the plane, or python")
    options = parser.parse_args()
    threads = options.threads
    bench = Bench(threads if threads.isdecimal() else f'"{threads}"')
    daemon = bench.daemon
    pid = 0
    try:
        begin = time.monotonic()
        daemon.start()
        print(f"start to first answer: {time.monotonic() - begin:.2f} s")
        bench.ask("PUT", "pools/mirrors/members/m1", b'{"state": "drain"}')
        before = bench.ask("GET", "status")
        udp = bench.load(options.rate)
        tcp = bench.load(options.tcp, "-m", "tcp", "-q", "20")
        time.sleep(1)
        replaces = bench.repeat("replace", options.replaces)
        time.sleep(1)
        reloads = bench.repeat("reload", options.reloads)
        runs = finished(udp), finished(tcp)
        time.sleep(0.5)  # counts of the plane are taken over five times a second
        after = bench.ask("GET", "status")
        member = bench.ask("GET", "pools/mirrors")["members"]
        pid = int(bench.pid_file.read_text("ascii"))
        print(f"replace, asked to answered: {spread(replaces, digits=2)} s")
        print(f"reload, asked to answered: {spread(reloads, digits=3)} s")
        tell("UDP", runs[0])
        tell("TCP", runs[1])
        asked = runs[0].sent + runs[1].sent
        counted = after["questions"] - before["questions"]
        print(f"questions counted: {counted} of {asked}")
        drained = [one["name"] for one in member if one["state"] == "drain"]
        print(f"still drained: {', '.join(drained)}")
        kept = drained == ["m1"] and after["started"] == before["started"]
        return 0 if kept and not any(run.lost for run in runs) else 1
    finally:
        if pid:
            signal_and_wait(pid)
        daemon.clean_up()


def signal_and_wait(pid: int) -> None:
    """Stop the last process."""
    os.kill(pid, signal.SIGTERM)
    wait_for_exit(pid, 5)


if __name__ == "__main__":
    sys.exit(main())
