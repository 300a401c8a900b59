"""The longest turn of the reactor while it is given the most that it may be given.

``python -m benchmarks.longest_turns [--members 10000] [--records 400000]``

Each case has a daemon of its own and prints the longest time for which that did one
thing and nothing else, as its own metric tells, and what it logged of turns over 0.1 s.
"""

import argparse
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dns.query
import dns.tsigkeyring
import dns.update

from benchmarks.driving import longest_turn
from tests.daemon.harness import Daemon, free_port

SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0"
ZONE = (
    "$TTL 300\n@ SOA ns1 hostmaster 7 7200 1800 259200 900\n@ NS ns1\nns1 A 127.0.0.1\n"
)
HEAD = (
    '[server]\nhttp = "127.0.0.1:{web}"\nstate = "state"\n'
    f'[keys.k]\nsecret = "{SECRET}"\n'
    '[zones."example.org"]\nfile = "zone"\nupdate = ["key:k"]\n'
    '[zones."example.org".names]\nftp = "p"\n'
)
LABELS = ",".join(f'l{number}="1"' for number in range(40_000))
PAGES = {
    "/body": b"a" * 28 + b"!",
    "/long": b"load{" + LABELS.encode() + b"} 1\n",
    "/lines": b"".join(b'load{l="%0990d"} 1\n' % number for number in range(120)),
}


class Page(BaseHTTPRequestHandler):
    """What a hostile member answers."""

    def do_GET(self) -> None:
        """The page of that name."""
        body = PAGES[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Case:
    """A daemon with one config, and what is done to it."""

    def __init__(self, config: str, zone: str = "") -> None:
        self.web = free_port(("127.0.0.1",))
        text = HEAD.format(web=self.web) + config
        files = {"dinamed.toml": text, "zone": ZONE + zone}
        self.daemon = Daemon(files, addresses=("127.0.0.1",))
        self.daemon.start_seconds = 120.0

    def fetch(self, path: str) -> bytes:
        """What HTTP has there."""
        url = f"http://127.0.0.1:{self.web}{path}"
        with urllib.request.urlopen(url, timeout=60) as reply:
            return bytes(reply.read())

    def longest(self) -> float:
        """Seconds, by the metric."""
        return longest_turn(f"http://127.0.0.1:{self.web}/") / 1e3

    def run(self, name: str, act: Callable[["Case"], object]) -> None:
        """Start, do it, and print what came of it."""
        try:
            self.daemon.start()
            calm = self.longest()
            act(self)
            print(f"{name:<44}{calm * 1e3:>8.1f}{self.longest() * 1e3:>10.1f} ms")
            for line in self.daemon.log.splitlines():
                if "nothing else was done" in line:
                    print("    " + line.partition("] ")[2])
        finally:
            self.daemon.clean_up()


def members(count: int) -> str:
    """A pool of so many."""
    return "[pools.p]\n" + "".join(
        f'[[pools.p.members]]\nname = "m{n}"\n'
        f'addresses = ["10.{n // 62500}.{n // 250 % 250}.{n % 250 + 1}"]\n'
        for n in range(count)
    )


def read_members(case: Case) -> None:
    """All that tells of members."""
    for tcp in (False, True, True):
        case.daemon.ask("p.mgmt.example.org", "TXT", tcp=tcp)
    for path in ("/api/v1/pools/p", "/api/v1/status", "/metrics", "/api/v1/pools"):
        case.fetch(path)


def update(case: Case) -> None:
    """Ten updates, of which some remove names."""
    ring = dns.tsigkeyring.from_text({"k.": SECRET})
    for number in range(10):
        made = dns.update.UpdateMessage("example.org.", keyring=ring)
        made.add(f"n{number}", 60, "TXT", "token")
        if number > 4:
            made.delete(f"n{number - 5}")
        dns.query.udp(made, "127.0.0.1", port=case.daemon.port, timeout=60)


def wait(case: Case) -> None:
    """Some rounds of checks or polls."""
    time.sleep(5)


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=400_000)
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = f"http://{{address}}:{server.server_port}"
    one = '[[pools.p.members]]\nname = "m"\naddresses = ["127.0.0.1"]\n'
    check = f'[pools.p]\ncheck = {{type = "http", url = "{where}/body", interval = 1, '
    feed = (
        "[pools.p]\nselect = ['least']\n"
        f'load = {{type = "prometheus", url = "{where}%s", metric = "load", '
        "interval = 1}\n"
    )
    print(f"{'':<44}{'at rest':>8}{'then':>10}")
    Case(members(options.members)).run(f"{options.members} members", read_members)
    zone = "".join(f"h{n} A 192.0.2.{n % 256}\n" for n in range(options.records))
    Case("[pools.p]\n" + one, zone).run(f"UPDATE of {options.records} records", update)
    Case(check + 'body = "^(a+)+$"}\n' + one).run("a hostile body for ^(a+)+$", wait)
    Case(feed % "/long" + one).run("a page of one line of 430 kB", wait)
    Case(feed % "/lines" + one).run("a page of 120 lines of 1 kB", wait)
    server.shutdown()


if __name__ == "__main__":
    main()
