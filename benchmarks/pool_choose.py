"""How long one choice of a pool takes: nanoseconds by picker and number of members.

Run: python -m benchmarks.pool_choose [PICKER...]
"""

import sys
from random import Random
from time import perf_counter_ns

from dinamed.config import settings
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.manager import PoolManager
from dinamed.pools.pool import PoolView

PICKERS = ("weighted", "round-robin", "hash", "all")
SIZES = (8, 64, 1000)


def pool(picker: str, size: int, answers: int) -> PoolView:
    """A pool of `size` members of different weights."""
    members = tuple(
        settings.Member(
            name=f"host{i}",
            addresses=(f"192.0.{i // 250}.{i % 250}",),
            weight=1 + i % 7,
        )
        for i in range(size)
    )
    select = (settings.Stage(name=picker),)
    table = settings.Pool(name="p", select=select, members=members, answers=answers)
    return PoolManager([table], 0.0).view("p")


def measure(view: PoolView, seconds: float = 0.3) -> float:
    """Nanoseconds a choice, the least of three rounds."""
    rng = Random(1)
    contexts = [
        DrawContext(Client.at(rng.randbytes(4)), 4, 0.0, rng) for _ in range(512)
    ]
    for context in contexts[:8]:
        view.choose(context)
    least = float("inf")
    for _ in range(3):
        done, start = 0, perf_counter_ns()
        end = start + int(seconds / 3 * 1e9)
        while perf_counter_ns() < end:
            for context in contexts:
                view.choose(context)
            done += len(contexts)
        least = min(least, (perf_counter_ns() - start) / done)
    return least


def main() -> None:
    """Print the table."""
    pickers = sys.argv[1:] or PICKERS
    print(f"{'picker':14}{'answers':>8}" + "".join(f"{n:>12}" for n in SIZES))
    for picker in pickers:
        for answers in (1, 3):
            cells = [measure(pool(picker, n, answers)) for n in SIZES]
            row = "".join(f"{cell:12.0f}" for cell in cells)
            print(f"{picker:14}{answers:8}{row}")


if __name__ == "__main__":
    main()
