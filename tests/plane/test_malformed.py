"""What is broken is refused by the plane itself, in the engine's octets."""

import random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.names import from_text
from tests.plane.fuzz import broken
from tests.plane.support import Pair
from tests.plane.test_agreement import CLIENT

NAME = from_text("www.example.org.")
END = b"\0\1\0\1"
OPT = bytes.fromhex("00002904d000000000")
RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\1x"
SUBNET = bytes.fromhex("0008000700011800c00002")


def message(
    rest: bytes, *counts: int, opcode: int = 0, name: bytes = NAME + END
) -> bytes:
    """A query with these counts, its question, and what follows that."""
    octets = b"".join(count.to_bytes(2, "big") for count in counts)
    return b"\1\2" + bytes((opcode << 3 | 1, 0x10)) + octets + name + rest


def with_options(options: bytes) -> bytes:
    """A query with an OPT record that holds these octets."""
    return message(OPT + len(options).to_bytes(2, "big") + options, 1, 0, 0, 1)


class MalformedTests(SynchronousTestCase):
    """A flood of broken messages costs Python nothing."""

    def setUp(self) -> None:
        self.pair = Pair()

    def check(self, data: bytes, rcode: int | None) -> None:
        """That is the engine's reply; the plane's too, or None: it leaves that."""
        told, _ = self.pair.plane.answer(data, CLIENT, int(self.pair.bench.now))
        if rcode is None:
            self.assertIsNone(told, data.hex())
            return
        assert told is not None, data.hex()
        self.assertEqual(told, self.pair.ask_engine(data, CLIENT), data.hex())
        self.assertEqual(told[3] & 0xF, rcode, data.hex())

    def test_refused(self) -> None:
        """Each way to break the format: FORMERR."""
        opt = OPT + b"\0\0"
        for data in (
            message(b"", 0, 0, 0, 0, name=b""),
            message(NAME + END + opt, 2, 0, 0, 1),
            message(opt + b"x", 1, 0, 0, 1),
            message(RECORD + opt + RECORD, 1, 2, 0, 1),
            message(b"", 2, 0, 0, 0),
            message(opt, 0, 0, 0, 1, opcode=4, name=b""),
            message(b"", 1, 1, 0, 0),
            message(b"", 1, 0, 2, 0),
            message(b"", 1, 0, 0, 0, name=b""),
            message(b"", 1, 0, 0, 0, name=b"\3ww"),
            message(b"", 1, 0, 0, 0, name=b"\xc0\x0c" + END),
            message(b"", 1, 0, 0, 0, name=b"\x40" + bytes(64) + END),
            message(b"", 1, 0, 0, 0, name=b"\x3f".ljust(64, b"x") * 4 + b"\0" + END),
            message(b"", 1, 0, 0, 0, name=NAME + END[:3]),
            message(b"x", 1, 0, 0, 0),
            message(b"", 1, 0, 0, 1),
            message(opt[:-1], 1, 0, 0, 1),
            message(opt + opt, 1, 0, 0, 2),
            message(b"\3www" + opt, 1, 0, 0, 1),
            message(opt, 1, 0, 1, 0),
            message(b"\xc0", 1, 0, 0, 1),
            message(b"\x80" + opt, 1, 0, 0, 1),
            message(RECORD * 2, 1, 2, 1, 65535, opcode=5),
            message(b"\x3f".ljust(64, b"x") * 4 + b"\0", 1, 0, 0, 1),
            with_options(b"\0\3\0"),
            with_options(b"\0\3\0\1"),
            with_options(SUBNET * 2),
            with_options(SUBNET[:6] + b"\0" + SUBNET[7:]),
            with_options(b"\0\x0a\0\7" + bytes(7)),
            with_options(b"\0\x0a\0\x29" + bytes(41)),
        ):
            self.check(data, 1)

    def test_unknown_opcode(self) -> None:
        """NOTIMP; with an OPT where queries have it the reply has one too."""
        self.check(message(b"", 1, 0, 0, 0, opcode=3), 4)
        self.check(message(b"", 0, 0, 0, 0, opcode=15, name=b""), 4)
        self.check(message(OPT + b"\0\0", 0, 0, 0, 1, opcode=15, name=b""), 4)
        self.check(message(OPT + b"\0\0", 1, 0, 0, 1, opcode=2), 4)
        self.check(message(OPT + b"\0\0", 1, 0, 1, 0, opcode=2), 4)

    def test_left(self) -> None:
        """What is in order, or answered with more, is Python's."""
        for data in (
            message(RECORD, 1, 0, 1, 0),
            message(RECORD + OPT + b"\0\0", 1, 0, 0, 2),
            message(RECORD * 3, 1, 1, 1, 1, opcode=5),
            message(OPT + b"\0\0", 0, 0, 0, 1, name=b""),
            message(OPT[:6] + b"\1\0\0\0\4abcd", 1, 0, 0, 1),
        ):
            self.check(data, None)

    def test_chance(self) -> None:
        """Many broken messages: whatever the plane rejects the engine rejects so."""
        rng = random.Random(6)
        rejected = 0
        for _ in range(3000):
            data = broken(rng)
            told, _ = self.pair.plane.answer(data, CLIENT, int(self.pair.bench.now))
            if told and told[3] & 0xF in (1, 4):
                rejected += 1
                self.assertEqual(told, self.pair.ask_engine(data, CLIENT), data.hex())
        self.assertGreater(rejected, 1000)
