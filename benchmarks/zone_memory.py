"""What a large zone costs: time to build and to map it, octets a record, lookups.

Run: python benchmarks/zone_memory.py --records 1000000
"""

import argparse
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path

from dinamed.wire.names import from_text
from dinamed.zones.build import build_zone
from dinamed.zones.packed import PackedZone

ORIGIN = "example.org."


def write_zone(path: Path, records: int) -> None:
    """A zone of A records, one to a name."""
    with path.open("w") as out:
        out.write("$TTL 1h\n@ SOA ns1 h 1 7200 3600 86400 300\n@ NS ns1\n")
        out.write("ns1 A 192.0.2.1\n")
        for number in range(records):
            address = ".".join(str(number >> shift & 255) for shift in (16, 8, 0))
            out.write(f"host{number} 300 IN A 10.{address}\n")


def compile_zone(source: str, target: str) -> None:
    """Build the zone in this process, and say what that took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    built = build_zone(from_text(ORIGIN), source, {})
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if built.problems:
        raise SystemExit("\n".join(map(str, built.problems)))
    Path(target).write_bytes(built.packed)
    print(f"build: {seconds:.2f} CPU seconds, peak {(peak - before) >> 10} MiB")


def resident() -> int:
    """Octets of this process in memory, shared pages included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def microseconds(call: Callable[[bytes], object], names: list[bytes]) -> float:
    """Mean time of a call."""
    start = time.process_time()
    for name in names:
        call(name)
    return (time.process_time() - start) / len(names) * 1e6


def main() -> None:
    """Build in a child, map the result, look names up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    records: int = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "zone"), Path(folder, "packed")
        write_zone(source, records)
        # A process of its own, so that what it needed is not counted below.
        child = multiprocessing.get_context("spawn").Process(
            target=compile_zone, args=(str(source), str(target))
        )
        child.start()
        child.join()
        before = resident()
        start = time.perf_counter()
        with target.open("rb") as stream:
            zone = PackedZone(mmap(stream.fileno(), 0, access=ACCESS_READ))
        loading = time.perf_counter() - start
        print(f"map: {loading * 1e3:.2f} ms, {len(zone.buffer) / records:.1f} octets")
        for _ in zone.nodes():
            pass
        grown = (resident() - before) / records
        print(f"resident: {grown:.1f} octets a record with every page touched")
        chance = random.Random(1)
        numbers = [chance.randrange(records) for _ in range(100_000)]
        hits = [from_text(f"host{number}.{ORIGIN}") for number in numbers]
        misses = [from_text(f"a.b.none{number}.{ORIGIN}") for number in numbers]
        print(f"hit: {microseconds(zone.find, hits):.2f} us")
        print(f"miss: {microseconds(zone.find, misses):.2f} us")


if __name__ == "__main__":
    main()
