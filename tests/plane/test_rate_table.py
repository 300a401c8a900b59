"""Limits on replies in C: the verdicts that the limiter in Python gives."""

import random
from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.limits.responses import BURST, ResponseLimiter
from dinamed.plane import table_compiler
from dinamed.plane.prefixes import prefixes_of
from dinamed.plans.defence import Defence
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, from_text
from tests.plane.support import Pair, need_plane
from tests.plane.test_agreement import CLIENT, CLIENT6, NAMES, ask, is_drawn, messages

Network = IPv4Network | IPv6Network

NETWORKS = st.one_of(
    st.builds(
        lambda number, bits: ip_network((number >> 32 - bits << 32 - bits, bits)),
        st.integers(0, 2**32 - 1),
        st.integers(0, 32),
    ),
    st.builds(
        lambda number, bits: ip_network((number >> 128 - bits << 128 - bits, bits)),
        st.integers(2**32, 2**128 - 1),
        st.integers(0, 128),
    ).filter(lambda network: network.version == 6),
)


class PrefixesTests(SynchronousTestCase):
    """Values by prefix."""

    def setUp(self) -> None:
        need_plane()

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(NETWORKS, unique=True, max_size=12), st.randoms())
    def test_longest(self, networks: list[Network], rng: random.Random) -> None:
        """The longest prefix counts, at its ends and around them, and elsewhere."""
        prefixes = table_compiler.native.Prefixes(
            [
                (network.network_address.packed, network.prefixlen, number)
                for number, network in enumerate(networks, 1)
            ]
        )
        probes = [rng.randbytes(4), rng.randbytes(16)]
        for network in networks:
            first, last = int(network[0]), int(network[-1])
            for number in (first - 1, first, (first + last) // 2, last, last + 1):
                if 0 <= number < 2**network.max_prefixlen:
                    probes.append(number.to_bytes(len(network[0].packed), "big"))
        for probe in probes:
            address = ip_address(probe)
            around = [
                (network.prefixlen, number)
                for number, network in enumerate(networks, 1)
                if network.version == address.version and address in network
            ]
            value, depth = prefixes.value(probe)
            self.assertEqual(value, max(around)[1] if around else 0)
            # Whoever shares these bits has the same value.
            bits = 8 * len(probe)
            tail = rng.getrandbits(bits) & ((1 << bits - depth) - 1)
            other = (int(address) >> bits - depth << bits - depth) | tail
            found, _ = prefixes.value(other.to_bytes(len(probe), "big"))
            self.assertEqual(found, value)

    def test_bad(self) -> None:
        """What is no prefix is refused."""
        for entry in ((b"123", 1, 1), (b"1234", 33, 1), (b"1234", 1, 0)):
            with self.assertRaises(ValueError):
                table_compiler.native.Prefixes([entry])
        with self.assertRaises(ValueError):
            table_compiler.native.Prefixes([]).value(b"12345")


def _a(name: WireName) -> bytes:
    """A query for addresses."""
    return bytes(5) + b"\1" + bytes(6) + name + b"\0\1\0\1"


def shared_of(
    limiter: ResponseLimiter, buckets: int = 4096
) -> "table_compiler.native.RateTable":
    """Native buckets by the rules of a limiter."""
    need_plane()
    return table_compiler.native.RateTable(
        limiter.rate,
        BURST,
        limiter.slip,
        prefixes_of(limiter.exempt),
        bytes(range(16)),
        1,
        buckets,
    )


class BookTests(SynchronousTestCase):
    """Verdict by verdict."""

    def setUp(self) -> None:
        need_plane()

    def test_verdicts(self) -> None:
        """Random replies at random times, with each rate and slip."""
        rng = random.Random(2)
        over = 0
        exempt = (ip_network("198.51.100.0/28"), ip_network("2001:db8:1::/48"))
        sources = [
            *(bytes((198, 51, rng.randrange(99, 101), n)) for n in range(20)),
            *(bytes.fromhex("20010db80001") + rng.randbytes(10) for _ in range(3)),
            *(bytes.fromhex("20010db80002") + rng.randbytes(10) for _ in range(3)),
        ]
        for rate in (0.25, 1.0, 4.0, 64.0):
            for slip in (0, 1, 2, 3):
                limiter = ResponseLimiter(rate, slip, exempt)
                table = shared_of(limiter)
                # Steps that both clocks hold exactly.
                now = 2.0**30
                for _ in range(3000):
                    now += rng.choice((0, 0, 0, 1, 8, 64, 1024)) / 1024
                    if rng.random() < 0.001:
                        now -= 50
                    source, kind = rng.choice(sources), rng.choice((b"e", b"abc"))
                    self.assertEqual(
                        table.judge(source, kind, now), limiter.judge(source, kind, now)
                    )
                self.assertEqual(table.over, limiter.over)
                self.assertEqual(table.slipped, limiter.slipped)
                over += table.over
        self.assertGreater(over, 1000)

    def test_rates(self) -> None:
        """As many pass as the rate says, with a burst of a second, by odd rates too."""
        for rate in (0.7, 3.3, 333.0, 12345.0):
            table = shared_of(ResponseLimiter(rate, 0))
            passed, now = 0, 1e9
            for _ in range(100_000):
                now += 10 / 100_000
                passed += table.judge(b"1234", b"k", now) == 0
            most = min(100_000, rate * 10 + max(1.0, rate))
            self.assertLess(abs(passed - most), 2 + most * 0.005, rate)

    def test_crowd(self) -> None:
        """More networks than buckets: all pass but the one that floods."""
        table = shared_of(ResponseLimiter(2.0, 0), 4096)
        passed = 0
        for number in range(40_000):
            source = (number << 8).to_bytes(4, "big")
            now = 1e9 + number / 40_000
            self.assertEqual(table.judge(source, b"k", now), 0)
            if number % 10 == 0:
                passed += table.judge(b"\xff234", b"k", now) == 0
        self.assertLess(passed, 8)

    def test_bad(self) -> None:
        """Parts that make no limits."""
        native, none = table_compiler.native, prefixes_of(())
        for rate, secret, buckets in (
            (0.0, bytes(16), 8),
            (1.0, b"", 8),
            (1.0, bytes(16), 9),
        ):
            with self.assertRaises(ValueError):
                native.RateTable(rate, 1.0, 2, none, secret, 1, buckets)
        with self.assertRaises(ValueError):
            native.RateTable(1.0, 1.0, 2, none, bytes(16), 1).judge(b"1", b"", 0.0)


class LimitedAnswersTests(SynchronousTestCase):
    """The engine limits by buckets of its own, the plane by native ones."""

    def setUp(self) -> None:
        self.pair = Pair()
        self.limit()

    def limit(self, rate: float = 2.0, slip: int = 2, required: bool = False) -> None:
        """Limit both, each by itself."""
        engine = self.pair.bench.engine
        exempt = (ip_network("203.0.113.0/24"),)
        cookies = self.pair.cookies
        engine.serve(
            engine.snapshot.with_defence(
                Defence(cookies, required, ResponseLimiter(rate, slip, exempt))
            )
        )
        self.pair.plane.serve(self.pair.tables())
        self.apart = ResponseLimiter(rate, slip, exempt)
        engine.serve(
            engine.snapshot.with_defence(Defence(cookies, required, self.apart))
        )

    def check(self, data: bytes, source: bytes = CLIENT) -> bytes | None:
        """Both agree, as long as nothing goes to Python."""
        told = self.pair.ask_plane(data, source)
        if told is None:
            return None
        expected = self.pair.ask_engine(data, source)
        if is_drawn(data) and told and not told[2] & 2:
            self.assertEqual(len(told), len(expected))
        else:
            self.assertEqual(told, expected, data.hex())
        return told

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.one_of(messages(), NAMES.map(_a)), min_size=1, max_size=6),
        st.lists(st.sampled_from([CLIENT, CLIENT6, b"\xcb\0\x71\1"]), min_size=1),
        st.randoms(),
    )
    def test_queries(
        self, asked: list[bytes], sources: list[bytes], rng: random.Random
    ) -> None:
        """Whatever is asked again and again."""
        self.limit()
        for _ in range(30):
            data, source = rng.choice(asked), rng.choice(sources)
            self.check(data, source)

    def test_kinds(self) -> None:
        """Names that share a bucket, and names that do not."""
        for pairs in (
            [("x.missing", 1), ("y.missing", 1), ("www", 99)],  # negative, by zone
            [("a.q.wild", 1), ("q.wild", 1), ("z.wild", 1)],
            [("a.sub", 1), ("b.sub", 28), ("sub", 1)],
            [("a.below", 1), ("b.below", 1)],
            [("q.pools", 1), ("r.pools", 1)],
            [("q.star", 1), ("r.star", 1)],
            [("six", 1), ("six", 1)],
            [("down", 1)],
            [("toempty", 1)],
            [("ftp", 1), ("www", 1), ("weighted", 1)],
        ):
            self.limit()
            seen = Counter[str]()
            for _ in range(6):
                for left, rrtype in pairs:
                    told = self.check(ask(left, rrtype))
                    assert told is not None
                    seen["cut" if told and told[2] & 2 else "sent" if told else ""] += 1
            if len({left for left, _ in pairs}) < 3 or pairs[0][0] != "ftp":
                self.assertEqual(seen["sent"], 2 if pairs[0][0] != "ftp" else 6)
                self.assertLessEqual(abs(seen["cut"] - seen[""]), 1)

    def test_errors(self) -> None:
        """Refusals and malformed messages share a bucket; FORMERR never slips."""
        refused = bytearray(ask("www"))
        refused[12:] = from_text("www.example.net.") + b"\0\1\0\1"
        two = bytearray(ask("www"))
        two[5] = 2
        for _ in range(4):
            self.check(bytes(refused))
            self.check(bytes(two))
        self.assertEqual(self.apart.over, 6)

    def test_cookies(self) -> None:
        """Good ones have no limit, whichever the reply is; bad ones have."""
        now = int(self.pair.bench.now)
        good = self.pair.cookies.make(b"12345678", CLIENT, now)
        for server in (good, b"", bytes(16)):
            option = b"\0\x0a" + bytes((0, 8 + len(server))) + b"12345678" + server
            for left in ("www", "missing", "weighted", "alias"):
                data = bytearray(ask(left)) + bytes.fromhex("00002904d000000000")
                data[11] = 1
                data += bytes((0, len(option))) + option
                told = [self.check(bytes(data)) for _ in range(8)]
                whole = [reply for reply in told if reply and not reply[2] & 2]
                self.assertLessEqual(len(whole), 8 if server is good else 2)
                if server is good:
                    self.assertEqual(len(whole), 8)

    def test_hand_outs(self) -> None:
        """What does not leave is no hand-out."""
        for _ in range(10):
            self.check(ask("weighted"))
        self.assertEqual(
            sum(number for _, _, number in self.pair.plane.take_counts()), 2
        )

    def test_shared(self) -> None:
        """Python uses the plane's buckets, and its counts are among the limiter's."""
        engine = self.pair.bench.engine
        limiter = ResponseLimiter(2.0, 2)
        engine.serve(
            engine.snapshot.with_defence(Defence(self.pair.cookies, limiter=limiter))
        )
        self.pair.plane.serve(self.pair.tables())
        self.assertTrue(self.pair.ask_plane(ask("www"), CLIENT))
        self.assertTrue(self.pair.ask_engine(ask("www"), CLIENT))
        self.assertEqual(self.pair.ask_engine(ask("www"), CLIENT), b"")
        told = self.pair.ask_plane(ask("www"), CLIENT)
        assert told is not None
        self.assertTrue(told[2] & 2)
        self.assertEqual((limiter.over, limiter.slipped, limiter.dropped), (2, 1, 1))
        # With the same rules the next tables go on with the same buckets.
        self.pair.plane.serve(self.pair.tables())
        self.assertEqual(self.pair.ask_plane(ask("www"), CLIENT), b"")


class TrustedTests(SynchronousTestCase):
    """Client subnets count from some resolvers alone."""

    def test_subnet_from(self) -> None:
        """Those of others are answered for the resolver, with scope 0."""
        pair = Pair()
        engine = pair.bench.engine
        engine.serve(
            replace(engine.snapshot, subnet_from=(ip_network("192.0.2.0/24"),))
        )
        pair.plane.serve(pair.tables())
        scopes = Counter[int]()
        for left in ("hashed", "placed"):
            data = bytearray(ask(left, Type.A))
            data[11] = 1
            data += bytes.fromhex("00002904d000000000000b 0008000700011800 c00002")
            for source in (CLIENT, CLIENT6, b"\xcb\0\x71\1"):
                told = pair.ask_plane(bytes(data), source)
                assert told is not None
                self.assertEqual(told, pair.ask_engine(bytes(data), source))
                scopes[told[-4]] += 1
        self.assertEqual(scopes[0], 4)
        self.assertEqual(pair.left, 0)
