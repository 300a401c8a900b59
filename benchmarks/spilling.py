"""Answers of `spill` in the plane, beside those of `weighted` and `predictive`.

``python -m benchmarks.spilling [--seconds 2] [--repeats 5]``

Pools of 8 and of 1000 members, all with a place and a load, and clients with a place:
thousands of answers per CPU-second of the server, with one thread on one core and
dnsperf on the other; medians, and the ratio to `weighted` in a pool of that size.
"""

import argparse
import statistics
import sys
from pathlib import Path

from benchmarks.peers import ZONE, Peer, free_port, running
from benchmarks.plane import Case, measure

SIZES = (8, 1000)
STAGES = ("weighted", "predictive", "spill")
HEAD = """\
[server]
threads = 1
[geo.networks]
"127.0.0.0/8" = { country = "DE", location = [50.1, 8.7] }
[zones."example.org"]
file = "zone"
[zones."example.org".names]
"""


def config() -> str:
    """A pool of each size for each stage."""
    names = [(stage, size) for stage in STAGES for size in SIZES]
    text = HEAD + "".join(f'{one}{n} = "{one}{n}"\n' for one, n in names)
    for stage, size in names:
        text += f'[pools.{stage}{size}]\nttl = 60\nselect = ["{stage}"]\n'
        for number in range(size):
            place = f"[{number % 60}, {number % 170}]"
            text += (
                f'[[pools.{stage}{size}.members]]\nname = "m{number}"\n'
                f'addresses = ["198.18.{number >> 8}.{number & 255}"]\n'
                f"weight = {1 + number % 7}\nlocation = {place}\n"
                f"load = {0.7 * (1 + number % 7):.1f}\n"
            )
    return text


def command(folder: Path, port: int) -> list[str]:
    """Write the files; how the server is started."""
    (folder / "zone").write_text(ZONE)
    (folder / "dinamed.toml").write_text(config())
    where = ["-i", "127.0.0.1", "-p", str(port), "-c", f"{folder}/dinamed.toml"]
    return [sys.executable, "-m", "twisted", "dinamed", *where]


def main() -> None:
    """All cases in turn, again and again; medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each case")
    options = parser.parse_args()
    names = [f"{stage}{size}" for size in SIZES for stage in STAGES]
    found: dict[str, list[float]] = {name: [] for name in names}
    lost = 0
    port = free_port()
    with running(Peer(command, frozenset(names)), port) as pid:
        for name in names:  # so that all that is worked out once is there
            measure(pid, port, Case(name, name), 0.3)
        for _ in range(options.repeats):
            for name in names:
                run = measure(pid, port, Case(name, name), options.seconds)
                found[name].append(run[1])
                lost += run[2]
    print(f"{'pool':<16}{'k/CPU-s':>9}{'range':>12}{'of weighted':>13}")
    for size in SIZES:
        base = statistics.median(found[f"weighted{size}"])
        for stage in STAGES:
            runs = found[f"{stage}{size}"]
            middle = statistics.median(runs)
            print(
                f"{stage + ', ' + str(size):<16}{middle:>9.1f}"
                f"{f'{min(runs):.0f}-{max(runs):.0f}':>12}{middle / base:>13.2f}"
            )
    print(f"lost: {lost}")


if __name__ == "__main__":
    main()
