"""Attack a daemon on loopback: what becomes of it, and of good queries meanwhile.

    python -m benchmarks.attack [--packets N] [--seed N] [--engine python] [NAME ...]

Each attack has an end.  Datagrams are sent in batches, and a good query behind each
batch has to be answered, so that every packet was dealt with and none lost before.
The exit status is 1 if the daemon crashed, logged a traceback, or grew too much.
"""

import argparse
import multiprocessing
import random
import select
import socket
import ssl
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import dns.message

from benchmarks import hostile
from benchmarks.hostile import Packets
from tests.daemon.harness import Daemon, free_port
from tests.daemon.scenario import CONFIG, FILES, ZONE
from tests.health.certificates import key_and_certificate

HERE = "127.0.0.1"
BATCH = 100
MOST_GROWTH = 64
"""MiB that no attack may add: the tables that clients fill have less than that."""
MARKER = dns.message.make_query(
    "version.bind", "TXT", "CH", flags=0, id=0xBEEF
).to_wire()
"""Not in class IN, so that it goes the way of packets that are not plain."""
RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")


@dataclass
class Outcome:
    """What an attack met."""

    sent: int = 0
    replies: Counter[str] = field(default_factory=Counter)

    def reply(self, data: bytes) -> None:
        """Count a reply by its rcode."""
        code = data[3] & 0xF
        name = RCODES[code] if code < len(RCODES) else f"rcode {code}"
        self.replies["TC" if data[2] & 2 else name] += 1


@dataclass(frozen=True)
class Target:
    """Where the daemon listens."""

    port: int
    tls: int


Attack = Callable[[Target, int, random.Random], Outcome]


def over_udp(packets: Packets) -> Attack:
    """An attack with datagrams."""

    def attack(target: Target, count: int, rng: random.Random) -> Outcome:
        outcome = Outcome()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.settimeout(5)
            sock.connect((HERE, target.port))
            while outcome.sent < count:
                for _ in range(min(BATCH, count - outcome.sent)):
                    sock.send(packets(rng))
                    outcome.sent += 1
                _until_marker(sock, outcome)
        return outcome

    return attack


def _until_marker(sock: socket.socket, outcome: Outcome) -> None:
    """Read replies until that to a good query, which is asked again if it is lost."""
    for _ in range(5):
        sock.send(MARKER)
        with suppress(TimeoutError):
            while (reply := sock.recv(65535))[:2] != MARKER[:2]:
                outcome.reply(reply)
            return
    raise RuntimeError("a good query behind the attack was not answered")


def flood(packets: Packets) -> Attack:
    """Datagrams as fast as they can be sent, without a look at what comes back."""

    def attack(target: Target, count: int, rng: random.Random) -> Outcome:
        outcome = Outcome()
        ready = [packets(rng) for _ in range(min(count, 5000))]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((HERE, target.port))
            while outcome.sent < count:
                for packet in ready:
                    sock.send(packet)
                outcome.sent += len(ready)
        return outcome

    return attack


def over_tcp(packets: Packets) -> Attack:
    """The same in frames; a new connection whenever the daemon closes one."""

    def attack(target: Target, count: int, rng: random.Random) -> Outcome:
        outcome = Outcome()
        while outcome.sent < count:
            with socket.create_connection((HERE, target.port), 5) as sock:
                _feed(sock, packets, min(count - outcome.sent, 500), rng, outcome)
        return outcome

    return attack


def _feed(
    sock: socket.socket,
    packets: Packets,
    count: int,
    rng: random.Random,
    outcome: Outcome,
) -> None:
    with suppress(ConnectionError, TimeoutError):
        for _ in range(count):
            packet = packets(rng)
            outcome.sent += 1
            sock.sendall(len(packet).to_bytes(2) + packet)
            head = _exactly(sock, 2)
            outcome.reply(_exactly(sock, int.from_bytes(head)))
        return
    outcome.replies["closed"] += 1


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def big_frames(rng: random.Random) -> bytes:
    """64 kB: of nothing, or behind a good question."""
    good = rng.choice(hostile.GOOD)
    return rng.choice((bytes(65535), good.ljust(65535, b"x"), rng.randbytes(65535)))


def connections(target: Target, count: int, rng: random.Random) -> Outcome:
    """Connections that are opened and left, from many addresses."""
    outcome = Outcome()
    socks: list[socket.socket] = []
    for number in range(count):
        sock = socket.socket()
        sock.settimeout(5)
        sock.bind((f"127.0.{number % 50}.{number % 200 + 2}", 0))
        with suppress(OSError):
            sock.connect((HERE, target.port))
        outcome.sent += 1
        socks.append(sock)
        if len(socks) > 600:
            socks.pop(0).close()
    for sock in socks:
        sock.close()
    return outcome


def slowloris(target: Target, count: int, rng: random.Random) -> Outcome:
    """Connections that send an octet of a query now and then, and are cut off."""
    outcome = Outcome()
    socks = []
    for number in range(min(count, 300)):
        sock = socket.socket()
        sock.bind((f"127.0.{number % 9}.{number % 200 + 2}", 0))
        sock.connect((HERE, target.port))
        sock.send(b"\0\xff")  # 255 octets are to come
        sock.setblocking(False)
        socks.append(sock)
    deadline = time.monotonic() + 10
    while socks and time.monotonic() < deadline:
        for sock in list(socks):
            outcome.sent += 1
            try:
                sock.send(b"x")
                if select.select([sock], [], [], 0)[0] and not sock.recv(9):
                    raise ConnectionError
            except OSError:
                outcome.replies["cut off"] += 1
                sock.close()
                socks.remove(sock)
        time.sleep(0.2)
    outcome.replies["still open"] += len(socks)
    for sock in socks:
        sock.close()
    return outcome


def never_reads(target: Target, count: int, rng: random.Random) -> Outcome:
    """Clients that ask for large answers and read none."""
    outcome = Outcome()
    query = dns.message.make_query(f"big.{ZONE}", "TXT", flags=0).to_wire()
    frames = (len(query).to_bytes(2) + query) * 500
    socks = []
    for _ in range(50):
        sock = socket.create_connection((HERE, target.port), 5)
        sock.setblocking(False)
        with suppress(OSError):
            for _ in range(40):
                outcome.sent += sock.send(frames) // (len(query) + 2)
        socks.append(sock)
    time.sleep(12)  # filling the queues of the kernel takes some of it
    for sock in socks:
        try:
            sock.setblocking(True)
            sock.settimeout(1)
            while sock.recv(1 << 20):
                pass
            outcome.replies["cut off"] += 1
        except ConnectionError:
            outcome.replies["cut off"] += 1
        except TimeoutError:
            outcome.replies["still open"] += 1
        sock.close()
    return outcome


def tls(target: Target, count: int, rng: random.Random) -> Outcome:
    """Handshakes that are nonsense, broken off, or followed by bad queries."""
    outcome = Outcome()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for number in range(count):
        outcome.sent += 1
        with suppress(OSError), socket.create_connection((HERE, target.tls), 5) as raw:
            if number % 3 == 0:
                raw.sendall(rng.choice((b"GET / HTTP/1.0\r\n\r\n", rng.randbytes(300))))
            elif number % 3 == 1:
                raw.sendall(bytes.fromhex("1603010200010001fc0303") + rng.randbytes(60))
            else:
                with context.wrap_socket(raw) as wrapped:
                    _feed(wrapped, hostile.mutated, 5, rng, outcome)
    return outcome


@dataclass(frozen=True)
class Kind:
    """An attack and how many times what `--packets` says it sends."""

    attack: Attack
    share: float


ATTACKS = {
    "mutated, UDP": Kind(over_udp(hostile.mutated), 1.0),
    "mutated, TCP": Kind(over_tcp(hostile.mutated), 0.2),
    "garbage, UDP": Kind(over_udp(hostile.garbage), 0.5),
    "forged cookies": Kind(over_udp(hostile.forged_cookie), 0.5),
    "forged TSIG, UDP": Kind(over_udp(hostile.forged_tsig), 0.25),
    "forged TSIG, TCP": Kind(over_tcp(hostile.forged_tsig), 0.05),
    "flood of garbage": Kind(flood(hostile.garbage), 5.0),
    "flood of queries": Kind(flood(hostile.random_names), 5.0),
    "client subnets": Kind(over_udp(hostile.subnets), 0.5),
    "random names": Kind(over_udp(hostile.random_names), 0.5),
    "64 kB frames": Kind(over_tcp(big_frames), 0.005),
    "connections": Kind(connections, 0.02),
    "slowloris": Kind(slowloris, 1.0),
    "never reads": Kind(never_reads, 1.0),
    "TLS": Kind(tls, 0.005),
}


def good_client(port: int, results: Connection) -> None:
    """Ask a good question every 5 ms until told to stop; latencies, None for lost."""
    latencies: list[float | None] = []
    query = dns.message.make_query(f"ftp.{ZONE}", "A", flags=0).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect((HERE, port))
        number = 0
        while not results.poll(0.005):
            number = (number + 1) % 65536
            ident = number.to_bytes(2)
            began = time.perf_counter()
            try:
                sock.send(ident + query[2:])
                while sock.recv(4096)[:2] != ident:
                    continue
                latencies.append(time.perf_counter() - began)
            except OSError:
                latencies.append(None)
    results.send(latencies)


class AttackedDaemon(Daemon):
    """The conformance tests' scenario, with TLS and short times for streams."""

    def __init__(self, engine: str) -> None:
        self.tls = free_port()
        threads = "\nthreads = 'python'" if engine == "python" else ""
        keys = (
            f"[server]{threads}\ntls = ['{HERE}:{self.tls}']\n"
            "certificate = 'cert'\nkey = 'key'"
        )
        limits = "\n[limits]\ntcp_idle = 3\n"
        config = CONFIG.replace("[server]", keys, 1) + limits
        super().__init__({**FILES, "dinamed.toml": config}, addresses=(HERE,))
        key, certificate = key_and_certificate("ns1.example.org")
        for name, data in (("key", key), ("cert", certificate)):
            path = self.folder / name
            path.touch(0o600)
            path.write_bytes(data)

    def memory(self) -> float:
        """Resident MiB."""
        fields = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()
        return int(fields[1]) * 4096 / 2**20


def run(
    daemon: AttackedDaemon, name: str, packets: int, seed: int
) -> tuple[str, float, bool]:
    """One attack; a line of the table, the growth in MiB, and whether all went well."""
    kind = ATTACKS[name]
    ours, theirs = multiprocessing.Pipe()
    client = multiprocessing.Process(target=good_client, args=(daemon.port, theirs))
    client.start()
    before, began = daemon.memory(), time.monotonic()
    target = Target(daemon.port, daemon.tls)
    count = max(1, int(packets * kind.share))
    outcome = kind.attack(target, count, random.Random(seed))
    seconds = time.monotonic() - began
    ours.send(None)
    latencies: list[float | None] = ours.recv()
    client.join()
    after = daemon.memory()
    well = True
    try:
        daemon.assert_quiet()
    except AssertionError as error:
        print(str(error)[-4000:], file=sys.stderr)
        well = False
    answered = [one for one in latencies if one is not None]
    share = 100 * len(answered) / max(1, len(latencies))
    centiles = statistics.quantiles([*answered, 0.0, 0.0], n=100)
    told = " ".join(f"{key}:{n}" for key, n in outcome.replies.most_common(5))
    line = (
        f"{name:18} {outcome.sent:9} {seconds:6.1f} {before:6.0f} {after:6.0f} "
        f"{share:7.2f} {centiles[49] * 1e3:6.2f} {centiles[98] * 1e3:7.2f}  {told}"
    )
    return line, after - before, well


def main() -> int:
    """Run the attacks; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("default", "python"), default="default")
    parser.add_argument("name", nargs="*", help=", ".join(ATTACKS))
    options = parser.parse_args()
    daemon = AttackedDaemon(options.engine)
    good = True
    try:
        daemon.start()
        print(
            f"{'attack':18} {'sent':>9} {'s':>6} {'MiB':>6} {'after':>6} "
            f"{'good %':>7} {'50% ms':>6} {'99% ms':>7}  replies"
        )
        for name in options.name or ATTACKS:
            line, growth, well = run(daemon, name, options.packets, options.seed)
            print(line, flush=True)
            good = good and well and growth < MOST_GROWTH
        status = daemon.stop()
        print(f"stopped with {status}; log: {len(daemon.log.splitlines())} lines")
    finally:
        daemon.clean_up()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
