"""Broken messages for the plane: ``python -m tests.plane.fuzz [MILLIONS] [SEED]``.

No crash, and nothing but replies that begin as replies to the message must.  For one
in a hundred the engine is asked too, and has to say the same.
"""

import random
import sys

from dinamed.wire.names import from_text
from tests.plane.support import BOUND, Pair
from tests.plane.test_agreement import CLIENT, CLIENT6, is_drawn

LABELS = (
    *BOUND,
    *("www", "mail", "alias", "x.sub", "x.below", "q.star", "q.wild", "missing"),
    *("deep.a.b.c", "a.b.c", "ns1", "z.ns1", "mgmt", "_status", "many", "odd"),
)
ENDINGS = (
    b"",
    bytes.fromhex("00002904d0000000000000"),
    bytes.fromhex("00002904d000008000000b00080007000118 00c00002"),
    bytes.fromhex("000029040000000000000f0008000b00023800 20010db8000102"),
    bytes.fromhex("000029ffff0000000000100003000000 0a00080102030405060708"),
)


def message(rng: random.Random) -> bytearray:
    """A good query."""
    ending = rng.choice(ENDINGS)
    data = bytearray(rng.randbytes(2) + b"\1\0\0\1\0\0\0\0\0")
    data.append(bool(ending))
    name = bytearray(from_text(rng.choice(LABELS) + ".example.org."))
    if rng.random() < 0.3:
        at = rng.randrange(len(name))
        name[at] ^= 0x20
    rrtype = rng.choice((1, 28, 16, 6, 2, 15, 255, rng.randrange(65536)))
    return data + name + rrtype.to_bytes(2, "big") + b"\0\1" + ending


def broken(rng: random.Random) -> bytes:
    """A message with octets changed, cut, doubled or put in; or noise."""
    if rng.random() < 0.02:
        return rng.randbytes(rng.randrange(600))
    data = message(rng)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0 if at < len(data):
                data[at] = rng.randrange(256)
            case 1 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + rng.randrange(1, 20)]
            case 3:
                data[at:at] = rng.randbytes(rng.randrange(1, 20))
            case 4:
                data[at:at] = data[at : at + rng.randrange(1, 80)]
            case _:
                del data[at:]
        if not data:
            break
    return bytes(data[:4096])


def is_counted(data: bytes) -> bool:
    """Whether a reply may tell of questions so far, which is fixed for a second."""
    return b"mgmt" in data.lower() or b"_status" in data.lower()


def main() -> None:
    """Try and count."""
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    rng = random.Random(seed)
    pair = Pair()
    tried = int(millions * 1_000_000)
    for number in range(tried):
        data = broken(rng)
        source = CLIENT6 if number & 1 else CLIENT
        reply = pair.ask_plane(data, source)
        if not reply:
            continue
        assert reply[:2] == data[:2] and reply[2] & 0x80, data.hex()
        assert len(reply) <= 1232, data.hex()
        if not number % 100 and not is_drawn(data) and not is_counted(data):
            assert reply == pair.ask_engine(data, source), data.hex()
    print(
        f"seed {seed}: {tried} messages, {pair.native} answered natively, "
        f"{pair.left} left to Python, {pair.installed} plans learned"
    )


if __name__ == "__main__":
    main()
