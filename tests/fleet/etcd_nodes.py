"""Three nodes of etcd on loopback, to be killed, stopped and wiped."""

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping

from tests.daemon.harness import need_tool

NODES = 3


def free_ports(count: int) -> list[int]:
    """So many ports that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class EtcdNodes:
    """Three nodes of etcd, with some `more` options."""

    def __init__(self, folder: str, more: Mapping[str, str]) -> None:
        self.program = need_tool("etcd")
        self.folder = folder
        self.more = more
        ports = free_ports(2 * NODES)
        self.clients, self.peers = ports[:NODES], ports[NODES:]
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.token = 0

    @property
    def endpoints(self) -> list[str]:
        """Where the nodes are reached."""
        return [f"http://127.0.0.1:{port}" for port in self.clients]

    def start(self, number: int) -> None:
        """Start a node."""
        client = f"http://127.0.0.1:{self.clients[number]}"
        peers = [f"http://127.0.0.1:{port}" for port in self.peers]
        cluster = ",".join(f"n{n}={url}" for n, url in enumerate(peers))
        options = {
            "name": f"n{number}",
            "data-dir": os.path.join(self.folder, f"n{number}"),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peers[number],
            "initial-advertise-peer-urls": peers[number],
            "initial-cluster": cluster,
            "initial-cluster-token": f"fleet{self.token}",
            "heartbeat-interval": "200",
            "election-timeout": "2000",
            **self.more,
        }
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        self.processes[number] = subprocess.Popen(
            [self.program, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start_all(self) -> None:
        """Start all nodes."""
        for number in range(NODES):
            self.start(number)

    def kill(self, number: int) -> None:
        """Kill a node."""
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    def kill_all(self) -> None:
        """Kill all nodes."""
        for number in list(self.processes):
            self.kill(number)

    def wipe(self) -> None:
        """Lose all data; what starts then is another cluster."""
        self.kill_all()
        self.token += 1
        for number in range(NODES):
            shutil.rmtree(os.path.join(self.folder, f"n{number}"), ignore_errors=True)

    def signal(self, number: int, what: int) -> None:
        """Send a node a signal."""
        os.kill(self.processes[number].pid, what)
