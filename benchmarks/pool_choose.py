"""How long one choice of a pool takes: nanoseconds by picker and number of members.

Run: python -m benchmarks.pool_choose [PICKER...]
"""

import sys
from random import Random
from time import perf_counter_ns

from dinamed.config import settings
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.manager import PoolManager
from dinamed.pools.report import Report

PICKERS = ("weighted", "round-robin", "hash", "least", "predictive", "all")
SIZES = (8, 64, 1000)
CLIENTS = 4096
PACE = 20_000  # questions per second of the pool's time


def pool(picker: str, size: int, answers: int) -> PoolManager:
    """A manager of a pool of `size` members of different weights."""
    members = tuple(
        settings.MemberSettings(
            name=f"host{i}",
            addresses=(f"192.0.{i // 250}.{i % 250}",),
            weight=1 + i % 7,
        )
        for i in range(size)
    )
    select = (settings.StageSettings(name=picker),)
    table = settings.PoolSettings(
        name="p", select=select, members=members, answers=answers
    )
    return PoolManager([table], 0.0)


def report(manager: PoolManager, now: float) -> None:
    """Have all members report some load."""
    for member in manager.view("p").members:
        load = member.index % 10 / 10
        made = Report(load, now, "benchmark", now)
        manager.report("p", member.name, made, now=now)


def measure(manager: PoolManager, cached: bool = True, seconds: float = 0.3) -> float:
    """Nanoseconds a choice, the least of three rounds.

    All members report, then many clients ask at the pace.  If they are `cached`, each
    comes back when its answer has run out, else at once: those are all one address.
    """
    rng = Random(1)
    view = manager.view("p")
    number = CLIENTS if cached else 1
    addresses = [Client.at(rng.randbytes(4)) for _ in range(number)]
    contexts = [DrawContext(addresses[i % number], 4, 0.0, rng) for i in range(CLIENTS)]
    least = float("inf")
    now = 0.0
    for _ in range(3):
        done, spent = 0, 0
        while spent < seconds / 3 * 1e9:
            now += view.ttl + 1 if cached else 1
            report(manager, now)
            for context in contexts:
                now += 1 / PACE
                context.now = now
            start = perf_counter_ns()
            for context in contexts:
                view.choose(context)
            spent += perf_counter_ns() - start
            done += len(contexts)
        least = min(least, spent / done)
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
    if "predictive" in pickers:
        cells = [measure(pool("predictive", n, 1), cached=False) for n in SIZES]
        row = "".join(f"{cell:12.0f}" for cell in cells)
        print(f"{'  one client':14}{1:8}{row}")


if __name__ == "__main__":
    main()
