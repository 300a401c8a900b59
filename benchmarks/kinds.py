"""Every kind of name and pool beside the plain weighted pool of the same server.

``python -m benchmarks.kinds [--seconds 1] [--repeats 3] [--pure] [--kind TEXT ...]``

One thread on one core answers; `ask.c` on the other core asks, each kind without EDNS
and from a thousand client subnets in forty countries.  Before and after each run the
plain pool is asked for as long, without EDNS: the ratio is to the mean of the two, by
answers per CPU-second of the whole process.  Every question is asked some times before,
one after the other, for what is asked first is Python's to learn.  `handed` is what
Python had to answer, `dropped` what found no room while it waited for that.  With
``--pure`` the server has no compiled plane (``DINAMED_PURE=1``), and plain pools with
EDNS are compared with plain pools with EDNS.
"""

import argparse
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import dns.rdatatype

from benchmarks.driving import CLIENT_CORE
from benchmarks.kinds_world import COUNTRIES, PLAIN, WORLDS, Kind, World
from benchmarks.peers import Peer, all_cpu_seconds, compiled, free_port, running

WARM = 0.3
"""Seconds for which a kind is asked before it is measured."""
GENTLY = 3
"""Times that each question is asked at leisure: its plan, what follows for the client,
how full members are."""
NAMES = 1000
"""Names, and client subnets, that are asked by turns."""
CLASS_IN, CLASS_CH = 1, 3


def wire_name(kind: Kind, number: int) -> bytes:
    """The name of a question."""
    text = kind.label if kind.label.endswith(".") else f"{kind.label}.example.org."
    if kind.below:
        text = f"n{number}.{text}"
    labels = text.removesuffix(".").encode().split(b".")
    return b"".join(bytes((len(one),)) + one for one in labels) + b"\0"


def message(kind: Kind, number: int, subnet: bool) -> bytes:
    """A query, from the numbered client's network if `subnet`."""
    rrtype = dns.rdatatype.from_text(kind.rrtype)
    class_ = CLASS_CH if kind.chaos else CLASS_IN
    question = wire_name(kind, number) + struct.pack("!HH", rrtype, class_)
    edns = subnet or kind.do
    options = b""
    if subnet:
        network = bytes((10, number % len(COUNTRIES), number // len(COUNTRIES)))
        options = struct.pack("!HHHBB", 8, 7, 1, 24, 0) + network
    flags = 0x8000 if kind.do else 0
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, flags, len(options)) + options
    head = struct.pack("!6H", 1, 0, 1, 0, 0, edns)
    return head + question + (opt if edns else b"")


class Server(NamedTuple):
    """A server that runs, and the program that asks it."""

    pid: int
    port: int
    http: int
    ask: str

    def counters(self) -> tuple[float, float]:
        """How many queries the plane has handed to Python, and dropped."""
        with urlopen(f"http://127.0.0.1:{self.http}/metrics") as page:
            text = page.read().decode()
        found = []
        for what in ("handed", "dropped"):
            pattern = rf'^dinamed_plane_queries_total{{\w+="{what}"}} (\S+)$'
            match = re.search(pattern, text, re.MULTILINE)
            found.append(float(match[1]) if match is not None else 0.0)
        return found[0], found[1]

    def warm(self, queries: str) -> None:
        """Ask each question some times, one after the other: nobody is in a hurry."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", self.port))
            sock.settimeout(0.2)
            for _ in range(GENTLY):
                for query in queries.split():
                    sock.send(bytes.fromhex(query))
                    with suppress(OSError):
                        sock.recv(4096)

    def measure(self, queries: str, seconds: float) -> tuple[float, int]:
        """Thousand answers per CPU-second of the server, and how many were lost."""
        before = all_cpu_seconds(self.pid)
        done = subprocess.run(
            ["taskset", "-c", str(CLIENT_CORE), self.ask, str(self.port), str(seconds)],
            input=queries,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        )
        used = all_cpu_seconds(self.pid) - before
        answered, lost, _ = done.stdout.split()
        return int(answered) / max(used, 0.01) / 1000, int(lost)


class Figures(NamedTuple):
    """One run of one kind."""

    rate: float
    ratio: float
    handed: float
    dropped: float
    lost: int


def queries_of(kind: Kind, subnet: bool) -> str:
    """The queries of a kind as `ask` reads them."""
    several = NAMES if subnet or kind.below else 1
    return "\n".join(message(kind, number, subnet).hex() for number in range(several))


def one_kind(server: Server, queries: str, plain: str, seconds: float) -> Figures:
    """Measure a kind between two runs of the plain pool."""
    server.measure(queries, WARM)
    first, _ = server.measure(plain, seconds)
    before = server.counters()
    rate, lost = server.measure(queries, seconds)
    after = server.counters()
    second, _ = server.measure(plain, seconds)
    handed, dropped = (b - a for a, b in zip(before, after, strict=True))
    return Figures(rate, rate / ((first + second) / 2), handed, dropped, lost)


def command(files: World) -> Callable[[Path, int], list[str]]:
    """How to start a world."""

    def start(folder: Path, port: int) -> list[str]:
        for name, text in files.files.items():
            (folder / name).write_text(text)
        where = ["-i", "127.0.0.1", "-p", str(port), "-c", f"{folder}/dinamed.toml"]
        return [sys.executable, "-m", "twisted", "dinamed", *where]

    return start


def runs(
    kinds: Sequence[Kind], server: Server, seconds: float, repeats: int, pure: bool
) -> Iterator[tuple[str, list[Figures]]]:
    """What each kind gave, again and again."""
    plain = Kind(PLAIN, PLAIN)
    for subnet in (False, True):
        base = queries_of(plain, subnet and pure)
        for kind in kinds:
            queries = queries_of(kind, subnet)
            server.warm(queries)
            found = [one_kind(server, queries, base, seconds) for _ in range(repeats)]
            yield kind.name + (", ECS" if subnet else ""), found


def show(name: str, found: list[Figures]) -> None:
    """A line of the table."""
    rates, ratios = [one.rate for one in found], [one.ratio for one in found]
    print(
        f"{name:<40}{statistics.median(rates):>8.1f}{statistics.median(ratios):>7.2f}"
        f"{f'{min(ratios):.2f}-{max(ratios):.2f}':>12}"
        f"{sum(one.handed for one in found):>9.0f}"
        f"{sum(one.dropped for one in found):>9.0f}{sum(one.lost for one in found):>7}",
        flush=True,
    )


def main() -> None:
    """All kinds of all worlds; the lowest ratio last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each kind")
    parser.add_argument("--pure", action="store_true", help="without the plane")
    parser.add_argument("--kind", action="append", help="a part of its name")
    options = parser.parse_args()

    if options.pure:
        os.environ["DINAMED_PURE"] = "1"
    head = f"{'kind':<40}{'k/CPU-s':>8}{'ratio':>7}{'range':>12}"
    print(f"{head}{'handed':>9}{'dropped':>9}{'lost':>7}")
    lowest: list[tuple[float, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        ask = compiled(Path(folder), "ask")
        for made in WORLDS:
            port, http = free_port(), free_port()
            world = made(port, http)
            kinds = [
                kind
                for kind in world.kinds
                if not options.kind or any(one in kind.name for one in options.kind)
            ]
            if not kinds:
                continue
            with running(Peer(command(world), frozenset()), port) as pid:
                server = Server(pid, port, http, ask)
                rows = runs(
                    kinds, server, options.seconds, options.repeats, options.pure
                )
                for name, found in rows:
                    show(name, found)
                    ratios = [one.ratio for one in found]
                    lowest.append((statistics.median(ratios), name))
    print("the lowest:")
    for ratio, name in sorted(lowest)[:5]:
        print(f"  {name} {ratio:.2f}")


if __name__ == "__main__":
    main()
