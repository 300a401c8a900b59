"""How long it takes until a member that is new in its source is in the answers.

``python -m benchmarks.members [--rounds 5] [--way file]...``

For each way that members come (a file, a URL, a name in the DNS, the HTTP API), with
few members and with many: one member is added beside the others, with a weight by which
every answer names it, and the pool is asked each millisecond.  ``all`` is from the
change to the first answer that names it, the wait for the next look at the source
included; ``told`` from when the server has the list, where that can be known; ``CPU``
what the server has worked meanwhile and in the half second after.  ``turn`` is the
longest turn of the reactor, beside that of the first list.  Times are medians, in
milliseconds.

The DNS has its own bound: a reply is read up to a thousand names.
"""

import argparse
import json
import os
import socketserver
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset

from benchmarks.driving import cpu_seconds, longest_turn
from tests.daemon.harness import free_port
from tests.daemon.watched import WatchedDaemon

HEAVY = 1e30
PATIENCE = 30.0
WAYS = ("file", "http", "dns", "api")
SIZES = {"dns": (10, 400)}
"""Members that a source has; of all others 10 and 10 000."""


class Table:
    """The members: many of weight 1, and in each round another one that has all."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.round = 0
        self.told_at = 0.0
        """When the server has fetched the list of this round first."""

    def addresses(self) -> list[str]:
        """All of them; the one of this round is the last."""
        light = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(self.size - 1)]
        return [*light, self.newest]

    @property
    def newest(self) -> str:
        """The address of this round's."""
        return f"11.0.0.{self.round}"

    def told(self) -> None:
        """The server has got the list."""
        self.told_at = self.told_at or time.monotonic()

    def prometheus(self) -> bytes:
        """The list as file_sd and http_sd have it."""
        *light, newest = self.addresses()
        heavy = {"targets": [newest], "labels": {"weight": str(HEAVY)}}
        return json.dumps([{"targets": light, "labels": {}}, heavy]).encode()

    def reply(self, query: dns.message.Message) -> dns.message.Message:
        """The SRV records, or the address of one of their targets."""
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        name = query.question[0].name
        kind = query.question[0].rdtype.name
        if kind == "SRV":
            targets = [f"0 1 80 {a}.t." for a in self.addresses()]
            targets[-1] = targets[-1].replace("0 1 ", "0 65535 ")
            reply.answer.append(dns.rrset.from_text_list(name, 0, "IN", kind, targets))
        elif kind == "A":
            address = name.to_text().removesuffix(".t.")
            reply.answer.append(dns.rrset.from_text(name, 0, "IN", kind, address))
        return reply


class Case:
    """A daemon whose pool has its members in one way."""

    def __init__(self, way: str, size: int) -> None:
        self.way = way
        self.table = Table(size)
        discover = getattr(self, f"_{way}")()
        pool = f"[pools.mirrors]\nttl = 1\n[pools.mirrors.discover]\n{discover}\n"
        if way != "api":
            pool += "interval = 1\n"
        self.daemon = WatchedDaemon(pool, server='state = "state"')
        self.daemon.patience = 120.0
        if way == "file":
            self._write()

    def _file(self) -> str:
        return 'type = "file"\npath = "list.json"'

    def _http(self) -> str:
        table = self.table

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = table.prometheus()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)
                table.told()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f'type = "http"\nurl = "http://127.0.0.1:{server.server_port}/"'

    def _dns(self) -> str:
        table, port = self.table, free_port(("127.0.0.1",))

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                query = dns.message.from_wire(data)
                reply = table.reply(query).to_wire(max_size=65535)
                if len(reply) > 512:
                    short = dns.message.make_response(query)
                    short.flags |= dns.flags.TC
                    reply = short.to_wire()
                sock.sendto(reply, self.client_address)

        class Stream(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                size = int.from_bytes(self.rfile.read(2))
                query = dns.message.from_wire(self.rfile.read(size))
                reply = table.reply(query).to_wire(max_size=65535)
                self.wfile.write(len(reply).to_bytes(2) + reply)
                table.told()

        where = ("127.0.0.1", port)
        for server in (
            socketserver.ThreadingUDPServer(where, Datagram),
            socketserver.ThreadingTCPServer(where, Stream),
        ):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return (
            f'type = "dns"\nname = "_h._tcp.t"\nrecord = "SRV"\nmax_loss = 1.0\n'
            f'resolver = "127.0.0.1:{port}"'
        )

    def _api(self) -> str:
        return 'type = "api"\nmax_members = 20000'

    def _write(self) -> None:
        path = Path(self.daemon.folder) / "list.json"
        path.with_suffix(".new").write_bytes(self.table.prometheus())
        os.replace(path.with_suffix(".new"), path)

    def _set(self) -> None:
        """Over the API: all at first, then one goes and another comes."""
        members = f"{self.daemon.url}/api/v1/pools/mirrors/members"
        table = self.table
        if not table.round:
            tables = [{"name": a, "addresses": [a]} for a in table.addresses()[:-1]]
            _change("PUT", members, tables)
        else:
            _change("DELETE", f"{members}/11.0.0.{table.round - 1}")
        self.table.told_at = time.monotonic()
        newest = {"name": table.newest, "addresses": [table.newest], "weight": HEAVY}
        threading.Thread(target=_change, args=("POST", members, newest)).start()

    def change(self) -> None:
        """Have the next member; without waiting."""
        self.table.told_at = 0.0
        if self.way == "file":
            self._write()
        elif self.way == "api":
            self._set()

    def named(self) -> float:
        """When an answer has named this round's member."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            reply = self.daemon.ask("ftp.example.org", "A")
            if any(self.table.newest in rrset.to_text() for rrset in reply.answer):
                return time.monotonic()
            time.sleep(0.001)
        raise TimeoutError(f"{self.way}: {self.table.newest} is in no answer")

    def longest_turn(self) -> float:
        """Milliseconds, by the server's metric."""
        return longest_turn(f"{self.daemon.url}/")

    def rounds(self, number: int) -> tuple[list[float], list[float], list[float]]:
        """Times of so many rounds: all, told, CPU."""
        found: tuple[list[float], list[float], list[float]] = ([], [], [])
        for self.table.round in range(1, number + 1):
            worked = cpu_seconds(self.daemon.pid)
            began = time.monotonic()
            self.change()
            if self.way == "api":  # that the former one goes is another change
                began = self.table.told_at
            end = self.named()
            found[0].append((end - began) * 1e3)
            if self.table.told_at:
                found[1].append((end - self.table.told_at) * 1e3)
            time.sleep(0.5)  # what is done after the answers, as saving
            found[2].append((cpu_seconds(self.daemon.pid) - worked) * 1e3)
        return found


def _change(method: str, url: str, body: object = None) -> None:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as reply:
        reply.read()


def measure(way: str, size: int, rounds: int) -> None:
    """Print one line."""
    case = Case(way, size)
    try:
        case.daemon.start()
        case.change()
        case.named()
        calm = case.longest_turn()
        whole, told, cpu = case.rounds(rounds)
        middle: Callable[[list[float]], float] = statistics.median
        print(
            f"{way:<6}{size:>6}{middle(whole):>10.0f}"
            f"{middle(told) if told else float('nan'):>8.0f}{middle(cpu):>8.0f}"
            f"{case.longest_turn():>10.0f} (first list: {calm:.0f})",
            flush=True,
        )
    finally:
        case.daemon.clean_up()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--way", action="append", choices=WAYS)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"load {load:.1f}\nway  members       all    told     CPU      turn")
    for way in options.way or WAYS:
        for size in SIZES.get(way, (10, 10_000)):
            measure(way, size, options.rounds)


if __name__ == "__main__":
    main()
