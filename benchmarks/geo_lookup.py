"""What it costs to know where a client is.

    python -m benchmarks.geo_lookup FILE.mmdb ... [--networks 1000]

Printed are the time to load each file and the memory that this takes, and the time a
look-up takes: in the operator's networks, in each file by each engine, and of the
whole view for clients that come for the first time and again.  A file of real size is
in the npm package @ip-location-db/geo-whois-asn-country-mmdb (`npm pack`).
"""

import argparse
import resource
import time
from collections.abc import Callable
from ipaddress import ip_network
from random import Random

from dinamed.geo.database import Database, DatabaseError, open_database
from dinamed.geo.locator import Locator
from dinamed.geo.place import Place
from dinamed.geo.prefixes import Network, PrefixTable

CLIENTS = 20000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = Random(options.seed)
    clients = {
        "IPv4": [rng.randbytes(4) for _ in range(CLIENTS)],
        "IPv6": [_v6(rng) for _ in range(CLIENTS)],
    }

    began = time.perf_counter()
    networks = _networks(rng, options.networks)
    took = time.perf_counter() - began
    print(f"{len(networks)} networks: built in {took * 1e3:.0f} ms")
    for family, addresses in clients.items():
        _time(f"  {family}", networks.look_up, addresses)

    databases = [_opened(file, compiled=None) for file in options.files]
    for file, database in zip(options.files, databases, strict=True):
        engines = [database]
        if database.engine == "C":
            engines.append(_opened(file, compiled=False))
        for one in engines:
            for family, addresses in clients.items():
                _time(f"  {one.name}, {one.engine}, {family}", one.look_up, addresses)

    for family, addresses in clients.items():
        locator = Locator(networks, databases, remembered=CLIENTS)
        whole = len(addresses[0]) * 8

        def locate(
            address: bytes, locator: Locator = locator, whole: int = whole
        ) -> object:
            return locator.locate(address, whole)

        _time(f"whole view, {family}, first time", locate, addresses, repeats=1)
        _time(f"whole view, {family}, again", locate, addresses)


def _v6(rng: Random) -> bytes:
    return bytes((0x2A, rng.randrange(0x20))) + rng.randbytes(14)


def _networks(rng: Random, count: int) -> PrefixTable[Place]:
    found: dict[Network, Place] = {}
    while len(found) < count:
        length = rng.randint(8, 28)
        address = rng.getrandbits(32) >> 32 - length << 32 - length
        network = ip_network((address, length))
        found[network] = Place("DE", "europe", source=f"networks {network}")
    return PrefixTable(found.items())


def _opened(file: str, *, compiled: bool | None) -> Database:
    before = _resident()
    began = time.perf_counter()
    try:
        database = open_database(file, compiled=compiled)
    except DatabaseError as error:
        raise SystemExit(f"{file}: {error}") from None
    took = time.perf_counter() - began
    print(
        f"{database.name} ({database.kind}), {database.engine}: loaded in "
        f"{took * 1e3:.0f} ms, a copy of {database.stamp.size / 2**20:.1f} MiB, "
        f"{(_resident() - before) / 2**20:.1f} MiB more resident"
    )
    return database


def _resident() -> int:
    """Octets of this process that are in memory; of the copy just what is mapped."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _time(
    what: str,
    look_up: Callable[[bytes], object],
    addresses: list[bytes],
    repeats: int = 3,
) -> None:
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        for address in addresses:
            look_up(address)
        best = min(best, time.perf_counter() - began)
    print(f"{what}: {best / len(addresses) * 1e9:.0f} ns")


if __name__ == "__main__":
    main()
