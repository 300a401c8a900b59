"""What choosing by place costs a query, and what a new database costs the answers.

    python -m benchmarks.geo_answers FILE.mmdb [--seconds 6] [--rate 5000]

The first table is of the Python engine alone, without sockets: questions with a client
subnet to a pool that does not look at places, and to one that does, from as many
subnets as there are questions and from a few.  Then the daemon is asked by dnsperf
while the database file is replaced by a copy of itself.
"""

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import dns.edns
import dns.message

from benchmarks.driving import PinnedDaemon, dnsperf_command, read_run
from dinamed.geo.files import load_geo
from dinamed.plans.context import packed
from dinamed.plans.engine import Engine
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.manager import PoolManager
from dinamed.server.config_loader import load_here

ZONE = """\
$TTL 3600
@   IN SOA ns1 hostmaster 1 7200 1800 1209600 300
    IN NS  ns1
ns1 IN A   192.0.2.53
"""

COUNTRIES = ("DE", "FR", "US", "JP", "BR", "ZA", "AU", "GB")


def config(database: str) -> str:
    """Two pools of the same eight members, one by country and one not."""
    lines = [f'[geo]\ndatabases = ["{database}"]', '[zones."example.org"]']
    lines += ['file = "zone"', '[zones."example.org".names]']
    lines += ['plain = "plain"', 'placed = "placed"']
    for name, select in (
        ("plain", '["weighted"]'),
        ("placed", '["country", "weighted"]'),
    ):
        lines.append(f"[pools.{name}]\nselect = {select}")
        for number, country in enumerate(COUNTRIES):
            lines.append(f"[[pools.{name}.members]]")
            lines.append(f'name = "m{number}"\naddresses = ["192.0.2.{number + 1}"]')
            lines.append(f'country = "{country}"')
    return "\n".join(lines) + "\n"


def queries(name: str, rng: random.Random, subnets: int, count: int) -> list[bytes]:
    """Questions from so many different /24 networks, in random order."""
    networks = [
        f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.0"
        for _ in range(subnets)
    ]
    wires = []
    for number in range(count):
        option = dns.edns.ECSOption(networks[number % subnets], 24)
        message = dns.message.make_query(f"{name}.example.org.", "A")
        message.use_edns(0, 0, 1232, options=[option])
        wires.append(message.to_wire())
    return wires


def cost(engine: Engine, wires: list[bytes]) -> float:
    """Microseconds a question, the best of three passes."""
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        for wire in wires:
            engine.respond(wire, packed("127.0.0.1"))
        best = min(best, (time.perf_counter() - begin) / len(wires))
    return best * 1e6


def engine_costs(folder: Path) -> None:
    """Print the first table."""
    loaded = load_here(str(folder / "dinamed.toml"))
    manager = PoolManager(loaded.settings.pools, time.time())
    began = time.perf_counter()
    locator = load_geo(loaded.settings.geo).locator
    print(f"database loaded in {(time.perf_counter() - began) * 1e3:.0f} ms")
    snapshot = Snapshot.of(loaded.settings, loaded.zones, manager.views, "b", locator)
    engine = Engine(snapshot, time.time, random.Random(1))
    for subnets in (100, 20000):
        for name in ("plain", "placed"):
            wires = queries(name, random.Random(2), subnets, 20000)
            print(
                f"{name:7} {subnets:6} subnets: {cost(engine, wires):6.2f} us a query"
            )


def replaced_under_load(folder: Path, seconds: float, rate: int) -> None:
    """Print what dnsperf saw while the database file was replaced."""
    files = {name: (folder / name).read_text() for name in ("dinamed.toml", "zone")}
    daemon = PinnedDaemon(files, addresses=("127.0.0.1",))
    try:
        daemon.start()
        asked = folder / "queries"
        asked.write_text("placed.example.org A\n")
        command = dnsperf_command(daemon, asked, seconds, ["-Q", str(rate)])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            fresh = folder / "fresh"
            shutil.copy(folder / "places.mmdb", fresh)
            os.replace(fresh, folder / "places.mmdb")
            said, _ = load.communicate(timeout=seconds + 30)
        run = read_run(said, 0.0)
        print(f"{run.completed} answered, {run.lost} lost while the file was replaced")
        print(f"worst latency: {run.worst_latency * 1e3:.1f} ms")
        again = "databases of places" in daemon.log
        print("it was read again" if again else "it was NOT read again: more seconds")
    finally:
        daemon.clean_up()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", metavar="FILE.mmdb")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load")
    parser.add_argument("--rate", type=int, default=5000, help="queries per second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(options.file, folder / "places.mmdb")
        (folder / "zone").write_text(ZONE)
        (folder / "dinamed.toml").write_text(config(str(folder / "places.mmdb")))
        engine_costs(folder)
        replaced_under_load(folder, options.seconds, options.rate)


if __name__ == "__main__":
    main()
