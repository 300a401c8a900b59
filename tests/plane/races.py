"""Load for the plane's threads while all that they read is swapped under them.

`python -m tests.plane.races [SECONDS [SEED]]`.  Meant for builds with AddressSanitizer
(`tests/plane/sanitize.sh`) and ThreadSanitizer (`tests/plane/races.sh`), which tell
when a thread reads what was freed, or what is written without order.
"""

import contextlib
import os
import random
import socket
import sys
import threading
import time

from dinamed.plane import table_compiler
from tests.plane.fuzz import message
from tests.plane.support import Pair

THREADS = 2
MESSAGES = 3000
FILLER = bytes(8000)
"""The body of a plan: a thousand of these fill the table of plans."""


def main(seconds: float, seed: int) -> None:
    """Ask from another process; learn, publish, swap and reclaim in this one."""
    pair = Pair(threads=THREADS)
    sockets = [_socket() for _ in range(THREADS)]
    for number, sock in enumerate(sockets):
        pair.plane.attach(number, sock.fileno())
    end = time.monotonic() + seconds
    rng = random.Random(seed)
    if not os.fork():
        _ask([sock.getsockname() for sock in sockets], rng, end)
        os._exit(0)
    threads = [
        threading.Thread(target=pair.plane.run, args=(number,), daemon=True)
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    swaps = _disturb(pair, end)
    pair.plane.stop()
    for thread in threads:
        thread.join()
    os.wait()
    queries = pair.plane.counters()["queries"]
    print(f"{queries} queries, {swaps} tables of plans swapped, seed {seed}")


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    patience = bytes(8) + (100_000).to_bytes(8, sys.byteorder)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
    return sock


def _ask(addresses: list[tuple[str, int]], rng: random.Random, end: float) -> None:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setblocking(False)
    messages = [message(rng) for _ in range(MESSAGES)]
    number = 0
    while time.monotonic() < end:
        number += 1
        try:
            client.sendto(messages[number % MESSAGES], addresses[number % THREADS])
        except OSError:
            time.sleep(0.001)  # the queue is full


def _disturb(pair: Pair, end: float) -> int:
    """Change all that can be changed, as a running server does; swaps of plans."""
    plane, filled, swaps, turn = pair.plane, 0, 0, 0

    def respond(data: bytes, source: bytes, wanted: int) -> bytes | None:
        if wanted:
            # The plan may have been forgotten meanwhile.
            with contextlib.suppress(AssertionError):
                pair.ask_plane(data, source)
        return None

    plane.set_sampling(0.5)
    while time.monotonic() < end:
        turn += 1
        plane.serve_punted(respond, 64)
        retired = plane.retired
        for _ in range(200):
            filled += 1
            name = b"\x08%08d\x07example\x03org\0" % filled
            native = table_compiler.native
            plane.install_plan(
                native.Plan(name, 255, False, native.PLAN_FIXED, body=FILLER)
            )
        swaps += plane.retired > retired
        plane.reclaim()
        if not turn % 10:
            pair.take_counts()
        if not turn % 50:
            plane.serve(pair.tables())
        if not turn % 7:
            plane.take_samples(100)
            plane.counters()
            plane.times()
        if not turn % 13:
            plane.set_clock(turn / 1e6)
    return swaps


if __name__ == "__main__":
    main(
        float(sys.argv[1]) if len(sys.argv) > 1 else 20.0,
        int(sys.argv[2])
        if len(sys.argv) > 2
        else random.SystemRandom().getrandbits(32),
    )
