"""A daemon whose members are watched: its config, its API, and many questions."""

import json
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import (
    PATIENCE,
    Daemon,
    free_port,
    need_tool,
    program,
    wait_until,
)

ZONE = "example.org"
ZONE_TEXT = f"""\
$ORIGIN {ZONE}.
$TTL 3600
@    IN SOA ns1 hostmaster 1 7200 1800 1209600 300
     IN NS  ns1
ns1  IN A   192.0.2.53
"""
NORMAL = ("reactor class", " starting on ")
FOLLOWS = 4.0  # seconds for an interval of 1 s on a machine with much else to do


def members(addresses: Sequence[str], extra: str = "", pool: str = "mirrors") -> str:
    """Members named m1, m2 ... with these addresses; `extra` lines for each."""
    return "".join(
        f'[[pools.{pool}.members]]\nname = "m{number}"\n'
        f'addresses = ["{address}"]\n{extra}\n'
        for number, address in enumerate(addresses, 1)
    )


class WatchedDaemon(Daemon):
    """A daemon with HTTP; `pools` is all of its config from the pools on.

    The pool `mirrors` is bound to `ftp`.  `server` are further lines of `[server]`.
    """

    patience = PATIENCE
    """Seconds that a reply over HTTP may take."""

    def __init__(
        self, pools: str, server: str = "", names: str = 'ftp = "mirrors"'
    ) -> None:
        super().__init__({"zone": ZONE_TEXT}, ZONE, ("127.0.0.1",))
        self.http_port = free_port(("127.0.0.1",))
        self.url = f"http://127.0.0.1:{self.http_port}"
        self._head = (
            f'[server]\nidentity = "watcher"\nhttp = "127.0.0.1:{self.http_port}"\n'
            f'{server}\n[zones."{ZONE}"]\nfile = "zone"\n'
            f'[zones."{ZONE}".names]\n{names}\n'
        )
        self.configure(pools)

    def configure(self, pools: str) -> None:
        """Write the config."""
        (self.folder / "dinamed.toml").write_text(self._head + pools, "utf-8")

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, Any]:
        """Status and JSON of one HTTP request."""
        request = Request(self.url + path, body, method=method)
        if body is not None:
            request.add_header("Content-Type", content_type)
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(request, timeout=self.patience) as reply:
                return reply.status, json.load(reply)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def get(self, path: str) -> Any:
        """What the API says there; it must be a success."""
        status, told = self.request("GET", path)
        assert status == 200, told
        return told

    def push(self, *reports: dict[str, Any]) -> Any:
        """Push reports; the reply, which must be a success."""
        status, told = self.request(
            "POST", "/api/v1/load", json.dumps(list(reports)).encode()
        )
        assert status == 200, told
        return told

    def members(self, pool: str = "mirrors") -> dict[str, Any]:
        """What the API says of a pool's members, by name."""
        told = self.get(f"/api/v1/pools/{pool}")
        return {member["name"]: member for member in told["members"]}

    def member(self, name: str, pool: str = "mirrors") -> Any:
        """What the API says of one member."""
        return self.members(pool)[name]

    def states(self, pool: str = "mirrors") -> str:
        """The states of the members in the order of their names: `up down up`."""
        told = self.members(pool)
        return " ".join(told[name]["state"] for name in sorted(told))

    def loads(self, pool: str = "mirrors") -> list[float | None]:
        """The loads of the members in the order of their names."""
        told = self.members(pool)
        return [told[name]["load"] for name in sorted(told)]

    def explained(self, name: str = "ftp") -> str:
        """The steps of `explain`, one on a line."""
        told = self.get(f"/api/v1/explain?name={name}.{ZONE}&client=192.0.2.7")
        return "\n".join(f"{step['topic']}: {step['text']}" for step in told["steps"])

    def run_command(self, *arguments: str) -> str:
        """What the `dinamed` command prints; it must succeed."""
        config = str(self.folder / "dinamed.toml")
        done = subprocess.run(
            [program("dinamed"), *arguments, "-c", config],
            capture_output=True,
            text=True,
            timeout=PATIENCE * 4,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def named(self, name: str = "ftp") -> set[str]:
        """The addresses of one answer, which must be no error; may be empty."""
        reply = self.ask(f"{name}.{ZONE}", "A")
        assert reply.rcode() == dns.rcode.NOERROR, reply
        return addresses_in(reply)

    def share(self, count: int = 60, name: str = "ftp") -> Counter[str]:
        """How often each address is in so many answers; each has to have one."""
        found: Counter[str] = Counter()
        for reply in self.many([None] * count, name):
            addresses = addresses_in(reply)
            assert len(addresses) == 1, reply
            found.update(addresses)
        return found

    def many(
        self, subnets: Iterable[str | None], name: str = "ftp"
    ) -> list[dns.message.Message]:
        """The answers to questions by clients in these networks (/24), one by one."""
        replies = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(PATIENCE)
            asking.connect((self.addresses[0], self.port))
            for subnet in subnets:
                options: list[dns.edns.Option] = (
                    [dns.edns.ECSOption(subnet, 24)] if subnet else []
                )
                query = dns.message.make_query(
                    f"{name}.{ZONE}", "A", use_edns=0, options=options, flags=0
                )
                asking.send(query.to_wire())
                reply = dns.message.from_wire(asking.recv(4096))
                assert reply.id == query.id, reply
                assert reply.rcode() == dns.rcode.NOERROR, reply
                replies.append(reply)
        return replies

    def changes(self) -> list[str]:
        """The lines of the log since the last start, without times."""
        log = self.log.rpartition("starting up.\n")[2]
        lines = [line.partition("] ")[2] for line in log.splitlines()]
        return [line for line in lines if not any(map(line.__contains__, NORMAL))]


def addresses_in(reply: dns.message.Message) -> set[str]:
    """The addresses in the answer section."""
    return {
        item.address
        for rrset in reply.answer
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        for item in rrset
    }


def networks(count: int, start: int = 0) -> list[str]:
    """Addresses in that many networks of 24 bits."""
    numbers = range(start, start + count)
    return [f"{20 + n // 65536}.{n // 256 % 256}.{n % 256}.0" for n in numbers]


class WatchedCase(SynchronousTestCase):
    """Tests with daemons whose members are watched, and with what they ask."""

    def daemon(self, pools: str, **options: str) -> WatchedDaemon:
        """A daemon, not started, that must be silent but for changes of state."""
        daemon = WatchedDaemon(pools, **options)
        self.addCleanup(daemon.clean_up)
        return daemon

    def started(self, pools: str, **options: str) -> WatchedDaemon:
        """A daemon that answers, and at the end still does and is silent."""
        daemon = self.daemon(pools, **options)
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        return daemon

    def run_tool(self, tool: str, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start another daemon in the foreground; it ends with the test."""
        process = subprocess.Popen(
            [need_tool(tool), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def eventually(
        self,
        condition: Callable[[], bool],
        daemon: WatchedDaemon,
        seconds: float = FOLLOWS,
    ) -> None:
        """Wait until that comes true; how the daemon is goes into the failure."""
        if not wait_until(condition, seconds):
            pool = json.dumps(daemon.get("/api/v1/pools/mirrors"), indent=1)
            self.fail(f"not within {seconds} s:\n{pool}\n{daemon.log}")

    def write(self, path: Path, text: str) -> None:
        """Replace a file, so that nobody reads half of it."""
        new = path.with_name(path.name + ".new")
        new.write_text(text, "utf-8")
        new.rename(path)
