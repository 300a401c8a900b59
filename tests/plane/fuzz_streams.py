"""Broken streams: ``python -m tests.plane.fuzz_streams [THOUSANDS] [SEED]``.

Each has some messages, good and broken, perhaps a frame that is cut, and is sent in
pieces.  The replies have to be those to the messages alone, in any order where some are
Python's; what comes after a message that gets silence must not be answered.
"""

import contextlib
import random
import socket
import sys
import threading
from collections import Counter

from dinamed.plans.defence import Defence
from tests.plane.fuzz import broken
from tests.plane.streaming import StreamServer, exactly, frame
from tests.plane.test_agreement import is_drawn

SOURCE = b"\x7f\0\0\1"


def messages(rng: random.Random) -> list[bytes]:
    """Those of one stream, each with an id of its own."""
    found = []
    for number in range(rng.choice((0, 1, 1, 2, 5, 20))):
        data = broken(rng)
        if rng.random() < 0.01:
            data += bytes(rng.randrange(65535 - len(data)))
        found.append(number.to_bytes(2) + data[2:] if len(data) > 2 else data)
    return found


def pieces(rng: random.Random, whole: bytes) -> list[bytes]:
    """The stream, cut here and there."""
    cuts = sorted(rng.randrange(len(whole) + 1) for _ in range(rng.choice((0, 1, 5))))
    return [
        whole[start:end]
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)
    ]


def expected(server: StreamServer, asked: list[bytes]) -> list[bytes]:
    """The replies of the engine, up to the first silence."""
    found = []
    for data in asked:
        reply = server.pair.ask_engine(data, SOURCE, stream=True)
        if not reply:
            break
        found.append(reply)
    return found


def counts(data: bytes) -> bool:
    """Whether the answer may tell how many questions there were."""
    return b"mgmt" in data.lower() or b"_status" in data.lower()


def try_one(server: StreamServer, rng: random.Random) -> int:
    """Send one stream and look at what comes; how many replies those are."""
    asked = messages(rng)
    whole = b"".join(map(frame, asked))
    left = rng.random() < 0.3
    with server.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces(rng, whole + (b"\1\0half" if left else b"")):
            try:
                sock.sendall(piece)
            except ConnectionError:
                break
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        data = exactly(sock, 1 << 24)
    found = []
    while data:
        size = 2 + int.from_bytes(data[:2])
        assert len(data) >= size, "a reply is cut off"
        found.append(data[2:size])
        data = data[size:]
    wanted = expected(server, asked)
    assert len(found) == len(wanted), (len(found), len(wanted))
    plain = {data[:2] for data in asked if not is_drawn(data) and not counts(data)}
    told = [Counter(r for r in some if r[:2] in plain) for some in (found, wanted)]
    odd = (told[0] - told[1]) + (told[1] - told[0])
    assert not odd, [reply.hex() for reply in odd]
    return len(found)


def main() -> None:
    """Try and count."""
    tried = int(1000 * float(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    rng = random.Random(seed)
    server = StreamServer()
    # The engine's clock stands still here, and a cookie tells the time.
    engine = server.pair.bench.engine
    engine.serve(engine.snapshot.with_defence(Defence()))
    server.plane.serve(server.pair.tables())
    server.start()
    lock = threading.Lock()

    def respond(data: bytes, source: bytes, wanted: int) -> bytes | None:
        with lock:
            return server.respond(data, source, wanted)

    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            if not server.streams.serve_punted(respond, 64):
                ended.wait(0.0005)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        replies = 0
        for _ in range(tried):
            replies += try_one(server, rng)
    finally:
        ended.set()
        thread.join()
        server.stop()
    print(f"seed {seed}: {tried} streams, {replies} replies")


if __name__ == "__main__":
    main()
