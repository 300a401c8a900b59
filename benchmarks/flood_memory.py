"""A flood of client subnets against `predictive`: the daemon's memory, and who is kept.

``python -m benchmarks.flood_memory [--queries 200000]``

A resolver asks so often that it is known for its many clients.  Then so many others
ask once, each with a client subnet of its own.  Printed are the resident memory of the
daemon as they come, and the TTLs that the first one and a newcomer get before and
after: who has many clients gets a shorter one.
"""

import argparse
import socket
import struct
import time
from pathlib import Path

import dns.edns
import dns.message

from tests.daemon.harness import PATIENCE, wait_until
from tests.daemon.watched import ZONE, WatchedDaemon, members, networks

WINDOW = 50  # queries under way
POOL = (
    '[pools.mirrors]\nttl = "1-25"\nselect = ["predictive"]\n'
    '[pools.mirrors.load]\ntype = "push"\ninterval = 3600\n'
)
HEAVY = networks(1, start=60000)
LIGHT = networks(300, start=50000)


def resident(pid: int) -> float:
    """Resident memory in MB."""
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def flood(daemon: WatchedDaemon, first: int, count: int) -> int:
    """Ask for so many subnets, from that number on; how many answers came."""
    subnet = dns.edns.ECSOption("11.22.33.0", 24)
    query = dns.message.make_query(
        f"ftp.{ZONE}", "A", use_edns=0, options=[subnet], flags=0
    ).to_wire()
    place = query.rindex(bytes((11, 22, 33)))
    before, after = query[2:place], query[place + 3 :]
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(PATIENCE)
        asking.connect((daemon.addresses[0], daemon.port))
        for start in range(first, first + count, WINDOW):
            for number in range(start, start + WINDOW):
                address = struct.pack("!I", number + (100 << 16))[1:]
                asking.send(
                    struct.pack("!H", number & 0xFFFF) + before + address + after
                )
            for _ in range(WINDOW):
                assert asking.recv(4096)[3] & 0xF == 0
                answered += 1
    return answered


def ttl(daemon: WatchedDaemon, networks: list[str]) -> int:
    """The TTL that the last of these clients gets."""
    return int(daemon.many(networks)[-1].answer[0].ttl)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--queries", type=int, default=200_000)
    options = parser.parse_args()
    daemon = WatchedDaemon(POOL + members(["192.0.2.1", "192.0.2.2", "192.0.2.3"]))
    try:
        daemon.start()
        daemon.push(*({"member": f"m{n}", "load": 1} for n in (1, 2, 3)))
        # Some ordinary resolvers come back, so that there is a mean to compare with.
        daemon.many(LIGHT)
        up = daemon.get("/api/v1/status")["up"]
        wait_until(lambda: daemon.get("/api/v1/status")["up"] > up + 12, 30)
        daemon.many(LIGHT)
        daemon.many(HEAVY * 500)
        print(
            f"before: TTL {ttl(daemon, HEAVY)} for the one with many clients,", end=""
        )
        print(f" {ttl(daemon, networks(1, start=70000))} for a newcomer")
        print(f"{0:>8} subnets: {resident(daemon.pid):6.1f} MB")
        began = time.monotonic()
        step = options.queries // 10
        for done in range(0, options.queries, step):
            flood(daemon, done, step)
            print(f"{done + step:>8} subnets: {resident(daemon.pid):6.1f} MB")
        took = time.monotonic() - began
        print(f"in {took:.1f} s, {options.queries / took:.0f} a second")
        print(f"after: TTL {ttl(daemon, HEAVY)} for the one with many clients,", end="")
        print(f" {ttl(daemon, networks(1, start=80000))} for a newcomer")
        daemon.assert_quiet()
    finally:
        daemon.clean_up()


if __name__ == "__main__":
    main()
