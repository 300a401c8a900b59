"""The servers that are measured beside each other: equal data, one thread each."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.driving import SERVER_CORE, cpu_seconds

WEIGHTS = (10, 10, 10, 10, 4, 4, 1, 1)
ZONE = """\
@    3600 SOA ns1 hostmaster 1 7200 1800 1209600 300
@    3600 NS  ns1
ns1  3600 A   192.0.2.53
www  3600 A   192.0.2.80
"""
RULES = {
    "pool": '["weighted"]',
    "hash": '["hash"]',
    "ahead": '["predictive"]',
    "least": '["least"]',
    "shed": '[{ shed = [0.6, 0.85] }, "weighted"]',
}
"""The names of dinamed's pools, and how each selects."""
LIMITS = """\
[limits]
responses_per_second = 1000000
[mgmt]
allow = ["192.0.2.0/24"]
"""
"""A limit on replies that is looked at each time and never reached, and an ACL."""

Command = Callable[[Path, int], list[str]]
"""Writes its files into a folder; returns how to start, for a port of 127.0.0.1."""


class NotInstalledError(Exception):
    """The server is not on this machine."""


@dataclass(frozen=True)
class Peer:
    """A server: how to start it, and the names that it has an answer for."""

    command: Command
    names: frozenset[str]
    cores: str = str(SERVER_CORE)


def program(name: str) -> str:
    """The path of a program, also of those for root alone."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        raise NotInstalledError(name)
    return found


def config(threads: int, more: str = "") -> str:
    """A config with all the pools, whose members' loads it tells."""
    text = (
        f'[server]\nthreads = {threads}\n{more}[zones."example.org"]\nfile = "zone"\n'
    )
    text += '[zones."example.org".names]\n'
    text += "".join(f'{name} = "{name}"\n' for name in RULES)
    for name, select in RULES.items():
        text += f"[pools.{name}]\nselect = {select}\n"
        for number, weight in enumerate(WEIGHTS, 1):
            text += (
                f'[[pools.{name}.members]]\nname = "m{number}"\n'
                f'addresses = ["192.0.2.{number}"]\nweight = {weight}\n'
                f"load = {0.7 * weight}\n"
            )
    return text


def ours(threads: int, more: str = "") -> Command:
    """Dinamed with that many threads, and `more` in its config."""

    def command(folder: Path, port: int) -> list[str]:
        (folder / "zone").write_text(ZONE)
        (folder / "dinamed.toml").write_text(config(threads, more))
        where = ["-i", "127.0.0.1", "-p", str(port), "-c", f"{folder}/dinamed.toml"]
        return [sys.executable, "-m", "twisted", "dinamed", *where]

    return command


def gdnsd(folder: Path, port: int) -> list[str]:
    """The nearest of the peers: C, weighted addresses, no health checks here."""
    members = ", ".join(
        f"m{number} = [192.0.2.{number}, {weight}]"
        for number, weight in enumerate(WEIGHTS, 1)
    )
    for name in ("zones", "run", "state"):
        (folder / name).mkdir()
    pools = f"pool => {{ service_types => up, multi => false, {members} }}"
    (folder / "config").write_text(
        f"options => {{ listen => 127.0.0.1:{port}, udp_threads => 1, "
        f"tcp_threads => 1, run_dir => {folder}/run, state_dir => {folder}/state, "
        "edns_client_subnet => true }\n"
        f"plugins => {{ weighted => {{ {pools} }} }}\n"
    )
    (folder / "zones" / "example.org").write_text(ZONE + "pool 60 DYNA weighted!pool\n")
    return [program("gdnsd"), "-c", str(folder), "start"]


def powerdns(folder: Path, port: int) -> list[str]:
    """Weighted addresses by a Lua record; the rest comes from its packet cache."""
    members = ", ".join(
        f"{{{weight}, '192.0.2.{number}'}}" for number, weight in enumerate(WEIGHTS, 1)
    )
    pool = f'pool 60 IN LUA A "pickwrandom({{ {members} }})"\n'
    (folder / "zone").write_text("$ORIGIN example.org.\n" + ZONE + pool)
    (folder / "named.conf").write_text(
        f'zone "example.org" {{ type native; file "{folder}/zone"; }};\n'
    )
    (folder / "pdns.conf").write_text(
        f"launch=bind\nbind-config={folder}/named.conf\nenable-lua-records=yes\n"
        f"local-address=127.0.0.1\nlocal-port={port}\nreceiver-threads=1\n"
        f"distributor-threads=1\nsocket-dir={folder}\nguardian=no\ndaemon=no\n"
        "webserver=no\nsecurity-poll-suffix=\nloglevel=3\n"
    )
    return [program("pdns_server"), f"--config-dir={folder}"]


def knot(folder: Path, port: int) -> list[str]:
    """A fast server of static zones."""
    (folder / "zone").write_text("$ORIGIN example.org.\n" + ZONE)
    (folder / "knot.conf").write_text(
        f"server:\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n"
        f"  background-workers: 1\n  rundir: {folder}\n"
        f"database:\n  storage: {folder}\n"
        f"zone:\n  - domain: example.org\n    file: {folder}/zone\n"
        "    zonefile-load: whole\n    zonefile-sync: -1\n    journal-content: none\n"
    )
    return [program("knotd"), "-c", f"{folder}/knot.conf"]


def nsd(folder: Path, port: int) -> list[str]:
    """Another."""
    (folder / "zone").write_text("$ORIGIN example.org.\n" + ZONE)
    (folder / "nsd.conf").write_text(
        f"server:\n  ip-address: 127.0.0.1@{port}\n  server-count: 1\n"
        "  rrl-ratelimit: 0\n"
        f'  username: ""\n  pidfile: "{folder}/pid"\n  zonesdir: "{folder}"\n'
        f'  database: ""\n  xfrdfile: "{folder}/xfrd"\n'
        f'  zonelistfile: "{folder}/list"\n'
        f'  xfrdir: "{folder}"\nremote-control:\n  control-enable: no\n'
        f'zone:\n  name: example.org\n  zonefile: "{folder}/zone"\n'
    )
    return [program("nsd"), "-d", "-c", f"{folder}/nsd.conf"]


def compiled(folder: Path, name: str) -> str:
    """The path of a program whose source in C stands beside this file."""
    source = Path(__file__).with_name(f"{name}.c")
    path = f"{folder}/{name}"
    subprocess.run(["cc", "-O3", "-o", path, str(source)], check=True, timeout=60)
    return path


def echo(folder: Path, port: int) -> list[str]:
    """The socket."""
    return [compiled(folder, "echo"), str(port)]


_STATIC = frozenset({"www", "missing"})
_ALL = _STATIC | RULES.keys()

PEERS: dict[str, Peer] = {
    "echo": Peer(echo, _ALL),
    "dinamed": Peer(ours(1), _ALL),
    "limited": Peer(ours(1, LIMITS), frozenset({"pool"})),
    "gdnsd": Peer(gdnsd, _STATIC | {"pool"}),
    "powerdns": Peer(powerdns, _STATIC | {"pool"}),
    "knot": Peer(knot, _STATIC),
    "nsd": Peer(nsd, _STATIC),
}
"""By name.  `limited` is dinamed with a limit on replies and an ACL besides cookies."""
ONE_OF_TWO, TWO_OF_TWO = (Peer(ours(threads), _ALL, "0,1") for threads in (1, 2))
"""Dinamed with one thread, and with two, on both cores."""


def all_cpu_seconds(pid: int) -> float:
    """Of a process and its children."""
    total = cpu_seconds(pid)
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = (task / "children").read_text("ascii").split()
        total += sum(all_cpu_seconds(int(child)) for child in children)
    return total


def free_port() -> int:
    """A port that nobody has on either transport."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
    ):
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp.bind(("127.0.0.1", port))
    return int(port)


@contextmanager
def running(peer: Peer, port: int) -> Iterator[int]:
    """The pid of a server that answers on a port."""
    with tempfile.TemporaryDirectory() as name:
        pin = ["taskset", "-c", peer.cores]
        arguments = peer.command(Path(name), port)
        with (
            open(f"{name}/log", "wb") as log,
            subprocess.Popen([*pin, *arguments], stdout=log, stderr=log) as process,
        ):
            try:
                wait_for(port, process, Path(name, "log"))
                yield process.pid
            finally:
                process.terminate()
                process.wait(10)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Ask until there is an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        sock.connect(("127.0.0.1", port))
        for _ in range(300):  # a busy machine may need long
            if process.poll() is not None:
                break
            try:
                sock.send(query("www"))
                sock.recv(512)
                return
            except OSError:
                time.sleep(0.1)
    raise RuntimeError(f"does not answer: {log.read_text(errors='replace')[-500:]}")


def query(label: str) -> bytes:
    """A question for the A records of a name in the zone."""
    name = bytes((len(label),)) + label.encode() + b"\7example\3org\0"
    return b"\0\1\0\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1"
