"""Tests of replies made ready for client subnets."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.subnet_draw import subnet_tail
from dinamed.wire.names import from_text
from tests.plans.support import Bench, host, make_pool, make_zone

SOURCE = bytes((198, 51, 100, 1))
USUAL = ((1, 24), (2, 56), (1, 32), (2, 48), (2, 64))
UNUSUAL = ((1, 0), (1, 23), (2, 128), (1, 8))


def asked(name: str, family: int, bits: int, number: int, rrtype: int = 1) -> bytes:
    """A query that ends with a client subnet."""
    size = (bits + 7) // 8
    address = bytearray(bytes((192, 0, 2, 7) if family == 1 else (0x20, 1, 0xD, 0xB8)))
    address = (address + bytes(16))[:size]
    if size > 1:
        address[1] = number
    if bits % 8:
        address[-1] &= 0xFF00 >> bits % 8
    option = bytes((0, 8, 0, 4 + size, 0, family, bits, 0)) + address
    opt = b"\0\0\x29\4\xd0" + bytes(5) + bytes((len(option),)) + option
    question = from_text(name) + rrtype.to_bytes(2) + b"\0\1"
    return bytes(5) + b"\1" + bytes(5) + b"\1" + question + opt


def bench() -> Bench:
    """Pools whose answers the client alone decides."""
    members = [
        host(f"m{n}", f"192.0.2.{n}", f"192.0.3.{n}", f"2001:db8::{n}")
        for n in range(1, 9)
    ]
    crowd = [host(f"c{n}", f"198.51.{n}.1") for n in range(100)]
    bound = {"one": "one", "two": "two", "many": "many", "six": "six"}
    pools = [
        make_pool(
            "one",
            *(host(f"m{n}", f"192.0.2.{n}") for n in range(1, 9)),
            select=["hash"],
        ),
        make_pool("two", *members, select=["hash"], answers=2),
        make_pool("many", *crowd, select=["hash"], answers=90),
        make_pool("six", host("only", "2001:db8::6")),
    ]
    return Bench([make_zone("example.org.", "alias IN CNAME two\n", bound)], pools)


class SubnetDrawTests(SynchronousTestCase):
    """What is ready gives the octets that the way by the plan gives."""

    def test_same_octets(self) -> None:
        """For each length, name and type, from the second client on."""
        ready = bench().engine
        for name in ("one", "two", "many", "six", "alias"):
            for family, bits in USUAL + UNUSUAL:
                for rrtype in (1, 28, 16):
                    for number in range(4):
                        full = f"{name}.example.org."
                        data = asked(full, family, bits, number, rrtype)
                        expected = bench().engine.respond(data, SOURCE)
                        self.assertEqual(ready.respond(data, SOURCE), expected)
        self.assertEqual(ready.questions, 5 * 9 * 3 * 4)

    def test_tail(self) -> None:
        """The usual lengths are known by their end."""
        for family, bits in USUAL:
            data = asked("one.example.org.", family, bits, 1)
            self.assertEqual(subnet_tail(data), bits // 8)
        for family, bits in UNUSUAL:
            self.assertEqual(subnet_tail(asked("a.", family, bits, 1)), 0)
        self.assertEqual(subnet_tail(b""), 0)
