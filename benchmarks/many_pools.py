"""Ten thousand pools: time to check and to start, and how soon changes are answered.

``python -m benchmarks.many_pools [--pools 10000] [--changes 300] [--rate 20000]``

While dnsperf asks, members are drained and brought back (``PUT``) and loads are pushed
(``POST``).  The time of a change runs from before the request is sent until the first
answer that shows it.
"""

import argparse
import http.client
import json
import random
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.driving import (
    PinnedDaemon,
    cpu_seconds,
    dnsperf_command,
    read_run,
    resident,
    spread,
)
from tests.daemon.harness import free_port, program

HEAD = """\
[server]
http = "127.0.0.1:{http}"
[zones."example.org"]
file = "zone"
[zones."example.org".names]
"""
ZONE = """\
$TTL 3600
@   IN SOA ns1 hostmaster 1 7200 1800 1209600 300
    IN NS  ns1
ns1 IN A   192.0.2.53
"""
MEMBERS = 8
PATIENCE = 5.0
"""Seconds after which a change has not reached the answers."""
OVER = 9.0
"""A load far above the capacity of a member, which is its weight: 1."""


def config(pools: int, http_port: int) -> str:
    """Every third pool is `weighted`, `shed` by load, or `least`, all members told."""
    parts = [HEAD.format(http=http_port)]
    parts += [f'p{number} = "p{number}"\n' for number in range(pools)]
    chains = ('["weighted"]', '[{shed = [0.6, 0.85]}, "weighted"]', '["least"]')
    for number in range(pools):
        kind = number % 3
        answers = 1 if kind == 2 else MEMBERS
        parts.append(
            f"[pools.p{number}]\nttl = 30\nanswers = {answers}\n"
            f"select = {chains[kind]}\n"
        )
        parts += ['load = {type = "push", interval = 600}\n'] if kind else []
        for place in range(MEMBERS):
            parts.append(
                f"[[pools.p{number}.members]]\n"
                f'name = "m{number}-{place}"\n'
                f'addresses = ["{address(number, place)}"]\n'
            )
    return "".join(parts)


def address(number: int, place: int) -> str:
    """The address of a member."""
    return f"10.{number >> 8 & 255}.{number & 255}.{place + 1}"


class Asker:
    """Asks for the addresses of a pool, over one socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(("127.0.0.1", port))
        self._id = 0

    def places(self, pool: int) -> set[int]:
        """The members in an answer, by place."""
        self._id = (self._id + 1) & 0xFFFF
        label = b"p%d" % pool
        name = bytes((len(label),)) + label + b"\x07example\x03org\x00"
        self._socket.send(
            struct.pack("!6H", self._id, 0, 1, 0, 0, 0) + name + b"\0\1\0\1"
        )
        reply = b""
        while reply[:2] != self._id.to_bytes(2):
            reply = self._socket.recv(512)
        start, count = 12 + len(name) + 4, int.from_bytes(reply[6:8])
        # Each record: a pointer, 10 octets of fixed fields, 4 of the address.
        return {reply[start + 16 * at + 15] - 1 for at in range(count)}

    def seconds_until(self, pool: int, fits: Callable[[set[int]], bool]) -> float:
        """How long until an answer fits; TimeoutError if none does."""
        begin = time.perf_counter()
        while not fits(self.places(pool)):
            if time.perf_counter() - begin > PATIENCE:
                raise TimeoutError(f"pool p{pool} does not change")
        return time.perf_counter() - begin


class Operator:
    """Sends requests over one connection; each method returns when it was sent."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def request(self, method: str, path: str, body: object) -> float:
        """Send one and read the reply, but return the time before it was sent."""
        sent = time.perf_counter()
        self._connection.request(method, path, json.dumps(body))
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{method} {path}: {reply.status} {text!r}")
        return sent

    def order(self, pool: int, place: int, state: str) -> float:
        """Put a member in a state."""
        path = f"/api/v1/pools/p{pool}/members/m{pool}-{place}"
        return self.request("PUT", path, {"state": state})

    def push(self, pool: int, loads: dict[int, float]) -> float:
        """Report loads of members, by place."""
        reports = [
            {"member": f"m{pool}-{place}", "load": load}
            for place, load in loads.items()
        ]
        return self.request("POST", "/api/v1/load", reports)


def time_change(
    asker: Asker, pool: int, act: Callable[[], float], fits: Callable[[set[int]], bool]
) -> float:
    """Seconds from before a request until an answer shows its effect."""
    if fits(asker.places(pool)):
        raise AssertionError(f"pool p{pool} shows the change before it is made")
    sent = act()
    asker.seconds_until(pool, fits)
    return time.perf_counter() - sent


Times = dict[str, list[float]]


def drain_and_back(
    asker: Asker, operator: Operator, pool: int, at: int, times: Times
) -> None:
    """Two orders on a member of a `weighted` pool."""
    for state, gone in (("drain", True), ("auto", False)):
        times[state].append(
            time_change(
                asker,
                pool,
                partial(operator.order, pool, at, state),
                partial(lambda gone, seen: (at not in seen) is gone, gone),
            )
        )


def push_out(
    asker: Asker, operator: Operator, pool: int, at: int, times: Times
) -> None:
    """A load that has a member left out of a pool with `shed`."""
    operator.push(pool, dict.fromkeys(range(MEMBERS), 0.0))
    act = partial(operator.push, pool, {at: OVER})
    times["shed"].append(time_change(asker, pool, act, lambda seen: at not in seen))


def push_first(
    asker: Asker, operator: Operator, pool: int, at: int, times: Times
) -> None:
    """Loads that make a member of a `least` pool the one that is handed out."""
    other = (at + 1) % MEMBERS
    full = dict.fromkeys(range(MEMBERS), 1e6)
    operator.push(pool, full | {other: 0.0})
    asker.seconds_until(pool, lambda seen: seen == {other})
    act = partial(operator.push, pool, full | {at: 0.0})
    times["least"].append(time_change(asker, pool, act, lambda seen: seen == {at}))


def changes(asker: Asker, operator: Operator, pools: int, number: int) -> Times:
    """Times of many changes, by kind."""
    chance = random.Random(1)
    times: Times = {"drain": [], "auto": [], "shed": [], "least": []}
    kinds = (drain_and_back, push_out, push_first)
    for turn in range(number):
        time.sleep(0.02)  # requests are limited to 200 a second
        kind = turn % len(kinds)
        pool = chance.randrange(pools // len(kinds)) * len(kinds) + kind
        kinds[kind](asker, operator, pool, chance.randrange(MEMBERS), times)
    return times


def time_check(folder: Path) -> float:
    """Seconds that ``dinamed check`` takes."""
    begin = time.monotonic()
    command = [program("dinamed"), "check", str(folder / "dinamed.toml")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return time.monotonic() - begin


def main() -> None:
    """Check, start, change under load, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pools", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=300)
    parser.add_argument("--rate", type=int, default=20_000, help="queries per second")
    options = parser.parse_args()
    port = free_port(("127.0.0.1",))
    text = config(options.pools, port)
    daemon = PinnedDaemon(
        {"dinamed.toml": text, "zone": ZONE}, addresses=("127.0.0.1",)
    )
    daemon.start_seconds = 120.0
    try:
        print(f"config: {len(text) / 1e6:.1f} MB, {options.pools} pools of {MEMBERS}")
        print(f"dinamed check: {time_check(daemon.folder):.2f} s")
        begin = time.monotonic()
        daemon.start()
        print(f"start to first answer: {time.monotonic() - begin:.2f} s")
        print(f"resident memory: {resident(daemon.pid) / 1e6:.0f} MB")
        queries = Path(daemon.folder, "queries")
        # The pools without shed and least, which book every hand-out.
        queries.write_text(
            "".join(f"p{n}.example.org A\n" for n in range(0, options.pools, 3)),
            "ascii",
        )
        before = cpu_seconds(daemon.pid)
        command = dnsperf_command(daemon, queries, 3600, ["-Q", str(options.rate)])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            asker, operator = Asker(daemon.port), Operator(port)
            times = changes(asker, operator, options.pools, options.changes)
            load.send_signal(signal.SIGINT)  # dnsperf sums up
            summary, _ = load.communicate(timeout=30)
        run = read_run(summary, cpu_seconds(daemon.pid) - before)
        for kind, seconds in times.items():
            print(f"{kind}: {spread(seconds, 1e-3)} ms until answers show it")
        print(f"queries: {run.sent} sent, {run.completed} answered, {run.lost} lost")
        print(f"worst latency: {run.worst_latency * 1000:.1f} ms")
        print(f"resident memory: {resident(daemon.pid) / 1e6:.0f} MB")
        daemon.assert_quiet()
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
