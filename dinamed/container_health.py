"""Whether the server of this container answers: status 0 if it does, else 1.

It is run by itself, without the rest of dinamed, so that it is done in a moment::

    python -I -S container_health.py [PORT]

It asks the DNS port (53, or that of the argument) for `version.bind` over UDP, at the
addresses on which something listens there, and `/healthz` if HTTP is on loopback.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterator

TIMEOUT = 2.0
QUESTION = b"\7version\4bind\0" + struct.pack("!HH", 16, 3)
HTTP_PORT = 8053


def listened_at(port: int, folder: str = "/proc/net") -> Iterator[str]:
    """Addresses to ask at: those on which UDP sockets of this container are bound."""
    for name, family, size in (
        ("udp", socket.AF_INET, 4),
        ("udp6", socket.AF_INET6, 16),
    ):
        try:
            with open(f"{folder}/{name}", encoding="ascii") as file:
                rows = [line.split() for line in file][1:]
        except OSError:
            continue
        found = set()
        for row in rows:
            text, _, number = row[1].partition(":")
            if int(number, 16) == port:
                words = struct.unpack(f">{size // 4}I", bytes.fromhex(text))
                packed = struct.pack(f"={size // 4}I", *words)
                found.add(socket.inet_ntop(family, packed))
        for address in sorted(found):
            yield {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def answers(address: str, port: int) -> bool:
    """Whether there is a reply to a query over UDP."""
    ident = os.urandom(2)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(TIMEOUT)
            sock.connect((address, port))
            sock.send(ident + struct.pack("!5H", 0, 1, 0, 0, 0) + QUESTION)
            return sock.recv(4096)[:2] == ident
    except OSError:
        return False


def is_healthy_by_http(port: int = HTTP_PORT) -> bool:
    """What `/healthz` says; where nobody speaks HTTP there is no objection."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
            sock.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            head = sock.recv(64)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return not head.startswith(b"HTTP/") or head.split()[1] == b"200"


def main(arguments: list[str]) -> int:
    """The exit status."""
    port = int(arguments[0]) if arguments else 53
    addresses = list(listened_at(port)) or ["127.0.0.1"]
    if not all(answers(address, port) for address in addresses):
        return 1
    return 0 if is_healthy_by_http() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
