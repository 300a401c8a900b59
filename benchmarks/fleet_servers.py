"""Four daemons of a fleet with three nodes of etcd, as `benchmarks.fleet` has them."""

import socket
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.daemon.harness import PATIENCE, wait_until
from tests.daemon.watched import WatchedDaemon, members
from tests.fleet.etcd_nodes import EtcdNodes

SERVERS = 4
INTERVAL = 1
CAPACITIES = (10, 10, 10, 10, 4, 4, 1, 1)
FLAGS = ("192.0.2.1", "192.0.2.2")
"""The members of the pool `flag`: the second is answered while the first is out."""

MIRRORS = """\
[pools.mirrors]
ttl = "{ttl}"
select = ["predictive"]
[pools.mirrors.load]
type = "push"
interval = 2
"""
FLAG = """\
[pools.flag]
ttl = 0
select = ["priority", "weighted"]
"""


def fleet_of(nodes: EtcdNodes, number: int, share: Sequence[str], interval: int) -> str:
    """`[fleet]` of the server with that number."""
    endpoints = ", ".join(f'"{url}"' for url in nodes.endpoints)
    kinds = ", ".join(f'"{kind}"' for kind in share)
    return (
        f'[fleet]\nengine = "etcd"\nendpoints = [{endpoints}]\nserver = "ns{number}"\n'
        f"interval = {interval}\nlease = {10 * interval}\nshare = [{kinds}]\n"
    )


def balanced_pools(ttl: str) -> str:
    """The pools `mirrors`, by load, and `flag`, by order."""
    parts = [MIRRORS.format(ttl=ttl)]
    for number, capacity in enumerate(CAPACITIES):
        parts.append(
            f'[[pools.mirrors.members]]\nname = "m{number}"\n'
            f'addresses = ["10.0.0.{number}"]\n'
            f"weight = {capacity}\ncapacity = {capacity}\n"
        )
    parts.append(FLAG + members(FLAGS[:1], "priority = 1", "flag"))
    parts.append(members(FLAGS[1:], "priority = 2", "flag").replace('"m1"', '"m2"'))
    return "".join(parts)


def many_pools(pools: int) -> tuple[str, str]:
    """So many pools of eight members by load, and the names that they are bound to."""
    names = "".join(f'p{number} = "p{number}"\n' for number in range(pools))
    parts = []
    for number in range(pools):
        parts.append(
            f'[pools.p{number}]\nttl = 60\nselect = ["predictive"]\n'
            f'load = {{ type = "push", interval = 60 }}\n'
        )
        addresses = [
            f"10.{number >> 8 & 255}.{number & 255}.{place}" for place in range(8)
        ]
        parts.append(members(addresses, "", f"p{number}"))
    return "".join(parts), names


class FleetOfDaemons:
    """Servers of one fleet, which start and end together."""

    def __init__(
        self, count: int, pools: str, names: str, fleet: Callable[[int], str]
    ) -> None:
        self.servers = [
            WatchedDaemon(pools + fleet(number), "threads = 1", names)
            for number in range(1, count + 1)
        ]
        for server in self.servers:
            server.start_seconds = 120.0
            server.patience = 30.0
            server.start()

    def mode(self, number: int = 0) -> str:
        """Whether a server is together with the others."""
        return str(self.servers[number].get("/api/v1/fleet")["mode"])

    def wait_for(self, mode: str, seconds: float = 60.0) -> float:
        """Seconds until all are in that mode.  Raises AssertionError after a while."""
        begun = time.monotonic()
        count = len(self.servers)
        reached = wait_until(
            lambda: all(self.mode(number) == mode for number in range(count)), seconds
        )
        assert reached, self.servers[0].get("/api/v1/fleet")
        return time.monotonic() - begun

    def stop(self) -> None:
        """End."""
        for server in self.servers:
            server.assert_quiet()
            server.stop()
            server.clean_up()


class Asker:
    """Asks for the addresses of one name, from an address of its own."""

    def __init__(self, name: str, source: str = "127.0.0.1") -> None:
        labels = name.split(".")
        wire = b"".join(bytes((len(one),)) + one.encode() for one in labels) + b"\0"
        self._query = struct.pack("!6H", 0, 0, 1, 0, 0, 0) + wire + b"\0\x01\0\x01"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((source, 0))
        self._socket.settimeout(PATIENCE)
        self._number = 0

    def ask(self, port: int) -> tuple[str, int]:
        """The first address of the answer, and its TTL.  Raises OSError."""
        self._number = (self._number + 1) & 0xFFFF
        head = struct.pack("!H", self._number)
        self._socket.sendto(head + self._query[2:], ("127.0.0.1", port))
        while True:
            reply = self._socket.recv(4096)
            if reply[:2] == head:
                break
        start = len(self._query)
        ttl = struct.unpack_from("!I", reply, start + 6)[0]
        return socket.inet_ntoa(reply[start + 12 : start + 16]), int(ttl)

    def close(self) -> None:
        """Ask no more."""
        self._socket.close()


def written(pid: int) -> int:
    """Octets that a process has had written to disk."""
    for line in Path(f"/proc/{pid}/io").read_text("ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def nodes_of(folder: Path) -> EtcdNodes:
    """Nodes that have started."""
    nodes = EtcdNodes(str(folder), {})
    nodes.start_all()
    return nodes
