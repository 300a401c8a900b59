"""A large zone that is signed here: served at once, signed ahead, sent to others.

``python -m benchmarks.signing_large [--names 1000000] [--seconds 5] [--verify]``

One daemon with one thread has a zone with that many names.  The figures: when the
first signed answer came; answers per CPU-second for random names, which are not there,
and the signatures that they cost; how long until all was signed ahead, for how much CPU
time and memory, and the slowest of paced questions for names that are there meanwhile;
what an update, the next hour and a restart cost; with ``--verify`` what BIND and ldns
say of a transfer.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.tsigkeyring
import dns.update

from benchmarks.driving import resident, run_dnsperf
from dinamed.dnssec.grid import HOUR
from tests.daemon import shifted_twistd
from tests.daemon.harness import Daemon, free_port, need_tool

ZONE = "large.test"
HEAD = """\
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 127.0.0.1
"""
CONFIG = """\
[server]
threads = 1
state = "state"
http = "127.0.0.1:{http}"
[keys.k]
secret = "{secret}"
[zones."{zone}"]
file = "zone"
update = ["key:k"]
transfer = ["127.0.0.1"]
[zones."{zone}".dnssec]
parent = ["127.0.0.1:1"]
"""
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0"
UPDATES = 5
PACE = 100
"""Questions a second whose slowest answer is told."""
PATIENCE = 3600.0


class LargeDaemon(Daemon):
    """The daemon with a large zone, whose clock can be set."""

    def __init__(self, names: int) -> None:
        self.http = free_port()
        self.names = names
        files = {
            "dinamed.toml": CONFIG.format(http=self.http, zone=ZONE, secret=SECRET)
        }
        super().__init__(files, f"n0.{ZONE}", ("127.0.0.1",))
        self.start_seconds = PATIENCE
        with (self.folder / "zone").open("w") as file:
            file.write(HEAD)
            file.writelines(
                f"n{number} A 192.0.2.{number & 255}\n" for number in range(names)
            )
        self.set_clock(-HOUR)

    def set_clock(self, ahead: float) -> None:
        """Set its clock."""
        path = self.folder / "clock"
        path.with_suffix(".new").write_text(str(ahead))
        path.with_suffix(".new").replace(path)

    def command(self) -> list[str]:
        """With a clock of its own."""
        script = str(Path(shifted_twistd.__file__))
        head = [sys.executable, script, str(self.folder / "clock")]
        return [*head, *super().command()[1:]]

    def metric(self, name: str) -> float:
        """One figure of its metrics; 0 where there is none yet."""
        with urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=60) as page:
            text = page.read().decode()
        found = re.search(rf"^dinamed_{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def question(self, number: int) -> dns.message.Message:
        """With DO, for a name that is there."""
        return dns.message.make_query(f"n{number}.{ZONE}", "A", want_dnssec=True)


class Prober(threading.Thread):
    """Asks for random names that are there, at a pace."""

    def __init__(self, daemon: LargeDaemon) -> None:
        super().__init__(daemon=True)
        self._server = daemon
        self._over = threading.Event()
        self.waits: list[float] = []
        self.lost = 0

    def run(self) -> None:
        """Until it is over."""
        chance = random.Random(1)
        while not self._over.wait(1 / PACE):
            query = self._server.question(chance.randrange(self._server.names))
            began = time.monotonic()
            try:
                self._server.send(query, seconds=2)
            except dns.exception.Timeout:
                self.lost += 1
            else:
                self.waits.append(time.monotonic() - began)

    def told(self) -> str:
        """End it; the slowest and the usual answers in milliseconds."""
        self._over.set()
        self.join()
        waits = sorted(self.waits)
        middle, most = waits[len(waits) // 2] * 1000, waits[-1] * 1000
        late = waits[int(len(waits) * 0.999)] * 1000
        return (
            f"{len(waits)} questions: {middle:.1f} ms at 50 %, {late:.1f} at 99.9 %, "
            f"{most:.1f} the slowest, {self.lost} lost"
        )


def children_seconds(pid: int) -> float:
    """CPU time of the children that a process has waited for."""
    stat = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(stat[13]) + int(stat[14])) / os.sysconf("SC_CLK_TCK")


def child_peak(pid: int) -> int:
    """The most octets that any child has in memory now."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [
        int(one) for task in tasks for one in (task / "children").read_text().split()
    ]
    return max((resident(child) for child in children), default=0)


def wait_for(done: Callable[[], bool], look: Callable[[], object]) -> float:
    """Seconds until something is so, with a look each second."""
    began = time.monotonic()
    while not done():
        look()
        time.sleep(1)
        if time.monotonic() - began > PATIENCE:
            raise RuntimeError("it takes too long")
    return time.monotonic() - began


def started(daemon: LargeDaemon, what: str) -> None:
    """Start it, and tell when the first signed answer was there."""
    began = time.monotonic()
    daemon.start()
    reply = daemon.send(daemon.question(7))
    assert len(reply.answer) == 2, reply
    print(
        f"{what}: first signed answer after {time.monotonic() - began:.1f} s; "
        f"{resident(daemon.pid) >> 20} MB"
    )


def flood(daemon: LargeDaemon, seconds: float, there: bool) -> None:
    """Random names, of which each is there, or none."""
    chance = random.Random(2)
    names = [
        f"n{chance.randrange(daemon.names)}{'' if there else 'x'}.{ZONE} A\n"
        for _ in range(200_000)
    ]
    path = daemon.folder / "queries"
    path.write_text("".join(names))
    made = daemon.metric("dnssec_signatures_total")
    run = run_dnsperf(daemon, path, seconds, ("-D",))
    more = daemon.metric("dnssec_signatures_total") - made
    what = "there" if there else "not there"
    print(
        f"names that are {what}: {run.rate_per_cpu / 1000:.1f} k/CPU-s, "
        f"{run.completed} answers, {more:.0f} signatures made for them, "
        f"{resident(daemon.pid) >> 20} MB"
    )


def signed_ahead(daemon: LargeDaemon) -> None:
    """Wait until all is signed."""
    peak = 0

    def look() -> None:
        nonlocal peak
        peak = max(peak, child_peak(daemon.pid))

    prober = Prober(daemon)
    before = children_seconds(daemon.pid)
    prober.start()
    done = f"{ZONE}. has "
    seconds = wait_for(lambda: done in daemon.log, look)
    used = children_seconds(daemon.pid) - before
    ahead = daemon.metric("dnssec_signatures_ahead")
    file = next((daemon.folder / "state").rglob("signatures.ahead"))
    print(
        f"{ahead:.0f} signatures ahead after {seconds:.0f} s more: {used:.1f} CPU-s, "
        f"at most {peak >> 20} MB in the process, {file.stat().st_size >> 20} MB kept"
    )
    print(f"meanwhile {prober.told()}")
    turn = daemon.metric("reactor_longest_turn_seconds")
    print(f"the longest turn: {turn * 1000:.0f} ms; {resident(daemon.pid) >> 20} MB")


def next_hour(daemon: LargeDaemon) -> None:
    """Let an hour pass, so that what is due is renewed."""
    prober = Prober(daemon)
    prober.start()
    time.sleep(5)
    before = daemon.metric("dnssec_signatures_total")
    daemon.set_clock(0)
    time.sleep(75)  # more than from one look at the clock to the next
    made = daemon.metric("dnssec_signatures_total") - before
    print(f"the next hour: {made:.0f} signatures made; {prober.told()}")
    turn = daemon.metric("reactor_longest_turn_seconds")
    print(f"the longest turn: {turn * 1000:.0f} ms")


def updated(daemon: LargeDaemon) -> None:
    """Add a name and take another one away, some times."""
    keys = dns.tsigkeyring.from_text({"k": SECRET})
    prober = Prober(daemon)
    prober.start()
    began = time.monotonic()
    for number in range(UPDATES):
        update = dns.update.UpdateMessage(ZONE, keyring=keys)
        update.add(f"new{number}", 60, "A", "192.0.2.1")
        update.delete(f"n{daemon.names - 1 - number}")
        dns.query.tcp(update, "127.0.0.1", 60, port=daemon.port)
    took = (time.monotonic() - began) / UPDATES
    print(f"an update: {took:.2f} s; {prober.told()}")
    turn = daemon.metric("reactor_longest_turn_seconds")
    print(f"the longest turn: {turn * 1000:.0f} ms")


def verified(daemon: LargeDaemon) -> None:
    """Transfer the zone, and have others judge it."""
    path = daemon.folder / "transferred"
    began = time.monotonic()
    with path.open("wb") as file:
        command = [need_tool("dig"), "@127.0.0.1", "-p", str(daemon.port)]
        command += ["+onesoa", "+nocomments", "+nocmd", "+nostats", "axfr", ZONE]
        subprocess.run(command, stdout=file, check=True)
    print(f"transfer: {time.monotonic() - began:.0f} s, {path.stat().st_size >> 20} MB")
    for tool in (
        ("dnssec-verify", "-z", "-o", ZONE, str(path)),
        ("ldns-verify-zone", str(path)),
    ):
        began = time.monotonic()
        done = subprocess.run(
            [need_tool(tool[0]), *tool[1:]], capture_output=True, text=True
        )
        last = (done.stdout + done.stderr).strip().splitlines()
        words = "; ".join(last[:1] + last[-3:])
        took = time.monotonic() - began
        print(f"{tool[0]}: exit status {done.returncode} after {took:.0f} s: {words}")


def main() -> None:
    """All in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one flood")
    parser.add_argument("--verify", action="store_true", help="a transfer as well")
    options = parser.parse_args()
    daemon = LargeDaemon(options.names)
    try:
        started(daemon, "start")
        flood(daemon, options.seconds, there=False)
        signed_ahead(daemon)
        flood(daemon, options.seconds, there=False)
        flood(daemon, options.seconds, there=True)
        next_hour(daemon)
        updated(daemon)
        if options.verify:
            verified(daemon)
        daemon.stop()
        started(daemon, "start again")
        flood(daemon, options.seconds, there=True)
        daemon.assert_quiet()
        daemon.stop()
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
