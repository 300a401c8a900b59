"""A server with something of everything for the dashboard's tests and pictures."""

import json
import socket
import urllib.request
from contextlib import closing
from typing import Any

import dns.message

from tests.daemon.harness import Daemon, free_port

PLACES = {
    "127.1.0.0/16": ("DE", 50.1, 8.7),
    "127.2.0.0/16": ("GB", 51.5, -0.1),
    "127.3.0.0/16": ("US", 40.7, -74.0),
    "127.4.0.0/16": ("US", 37.8, -122.4),
    "127.5.0.0/16": ("BR", -23.5, -46.6),
    "127.6.0.0/16": ("IN", 19.1, 72.9),
    "127.7.0.0/16": ("JP", 35.7, 139.7),
    "127.8.0.0/16": ("AU", -33.9, 151.2),
    "127.9.0.0/16": ("ZA", -33.9, 18.4),
    "127.10.0.0/16": ("NL", 52.4, 4.9),
}
"""Where parts of loopback are said to be."""

MEMBERS = (
    ("fra1", "DE", (50.1, 8.7), 10.4),
    ("ams1", "NL", (52.4, 4.9), 13.7),
    ("lon1", "GB", (51.5, -0.1), 8.2),
    ("nyc1", "US", (40.7, -74.0), 6.1),
    ("sfo1", "US", (37.8, -122.4), 2.2),
    ("gru1", "BR", (-23.5, -46.6), 4.0),
    ("nrt1", "JP", (35.7, 139.7), 3.1),
    ("syd1", "AU", (-33.9, 151.2), 1.5),
)
"""Mirrors with their loads; each has a capacity of 10."""

ZONE = """\
$TTL 3600
@ IN SOA ns1 hostmaster 7 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
www IN A 192.0.2.80
"""


def config(port: int) -> str:
    """The config, with HTTP on that port of loopback."""
    lines = [
        f'[server]\nidentity = "ns1"\nhttp = "127.0.0.1:{port}"',
        '[zones."example.org"]\nfile = "zone"',
        '[zones."example.org".names]\nftp = "mirrors"\ncdn = "cdn"\nlogin = "login"',
        "[geo.networks]",
        *(
            f'"{network}" = {{ country = "{country}", location = [{north}, {east}] }}'
            for network, (country, north, east) in PLACES.items()
        ),
        '[pools.mirrors]\nttl = "30-300"\n'
        'select = [{spill = {flow = 0.001}}]\nload = {type = "push"}',
    ]
    for number, (name, country, at, _) in enumerate(MEMBERS, 1):
        lines.append(
            f'[[pools.mirrors.members]]\nname = "{name}"\ncountry = "{country}"\n'
            f"location = [{at[0]}, {at[1]}]\ncapacity = 10\nweight = 10\n"
            f'addresses = ["198.51.100.{number}", "2001:db8::{number}"]'
        )
    for pool, members in (("cdn", 3), ("login", 2)):
        lines.append(f'[pools.{pool}]\nttl = 60\nselect = ["weighted"]')
        for number in range(1, members + 1):
            lines.append(
                f'[[pools.{pool}.members]]\nname = "{pool}{number}"\n'
                f'addresses = ["203.0.113.{len(pool) * 10 + number}"]\n'
                f"weight = {number}"
            )
    return "\n".join(lines) + "\n"


def crowd(port: int, members: int) -> str:
    """A config with one pool of so many members."""
    lines = [
        f'[server]\nhttp = "127.0.0.1:{port}"',
        '[pools.crowd]\nttl = 60\nload = {type = "push"}',
    ]
    for number in range(members):
        low, high = number % 250, number // 250
        lines.append(
            f'[[pools.crowd.members]]\nname = "host{number:05d}"\n'
            f'addresses = ["10.0.{high}.{low + 1}"]'
        )
    return "\n".join(lines) + "\n"


class PageServer:
    """A daemon with a dashboard."""

    def __init__(self, make: Any = config, *arguments: object) -> None:
        self.port = free_port(["127.0.0.1"])
        text = make(self.port, *arguments)
        self.daemon = Daemon({"dinamed.toml": text, "zone": ZONE})
        self.url = f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it; it must be cleaned up at the end."""
        self.daemon.start()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request to the API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}api/v1/{path}",
            data,
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def report(self) -> None:
        """Have all mirrors report their loads."""
        loads = [{"member": name, "load": load} for name, _, _, load in MEMBERS]
        self.call("POST", "load", loads)

    def order(self, target: str, state: str, **more: object) -> None:
        """Order a state of POOL/MEMBER."""
        pool, _, member = target.partition("/")
        path = f"pools/{pool}/members/{member}"
        self.call("PUT", path, {"state": state, **more})

    def question(self, name: str, times: int = 3) -> None:
        """Ask for a name from everywhere; each reply is waited for."""
        wire = dns.message.make_query(name, "A", flags=0).to_wire()
        for at in range(1, len(PLACES) + 1):
            for host in range(1, times + 1):
                with closing(socket.socket(type=socket.SOCK_DGRAM)) as sock:
                    sock.bind((f"127.{at}.0.{host}", 0))
                    sock.settimeout(15)
                    sock.sendto(wire, ("127.0.0.1", self.daemon.port))
                    sock.recv(4096)
