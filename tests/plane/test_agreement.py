"""The plane gives the octets that the engine gives, or leaves the query to it."""

from collections import Counter
from math import sqrt

import dns.message
import dns.rdatatype
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.defence import Defence
from dinamed.wire.constants import Type
from dinamed.wire.cookies import Cookies
from dinamed.wire.names import WireName, from_text
from tests.plane.support import BOUND, Pair
from tests.strategies import TYPES, mutated

CLIENT = bytes((192, 0, 2, 77))
CLIENT6 = bytes.fromhex("20010db8000100020003000400050006")
DRAWN = frozenset(BOUND) | {"topool", "toempty", "tocrowd"}
"""Names whose answers are drawn (by some pools: determined all the same)."""
HINTED = frozenset({dns.rdatatype.HTTPS, dns.rdatatype.SVCB})
DETERMINED = frozenset(
    {
        *("hashed", "hashed2", "ranked", "six", "down", "toempty"),
        *("placed", "near", "net", "crowd", "tocrowd"),
        *("deep", "deeper", "standin", "several", "mixed", "byname", "*.byname"),
    }
)

_LEFT = st.sampled_from(
    [
        *BOUND,
        *("", "www", "WwW", "ns1", "mail", "srv", "alias", "away", "loop", "topool"),
        *(
            "toempty",
            "tocrowd",
            "tohint",
            "tomany",
            "b.c",
            "a.b.c",
            "x.a.b.c",
            "deep.a.b.c",
            "q.wild",
            "a.q.wild",
        ),
        *("wild", "q.star", "sub", "x.sub", "ns.sub", "below", "x.below", "odd"),
        *("many", "x.ns1", "y.ns1", "y.x.ns1", "hostmaster", "y.hostmaster"),
        *("mgmt", "weighted.mgmt", "nope.mgmt", "_status", "x._status", "_country"),
        *(
            "q.byname",
            "Q.byname",
            "x.q.byname",
            "missing",
            "x.missing",
            "q.pools",
            "a.q.pools",
            "pools",
            "_tcp",
            "1",
            "pool",
        ),
        *("www.child", "child", "missing.child", "de", "weighted.de", "*.wild"),
    ]
)
_ORIGINS = st.sampled_from(
    ["example.org.", "2.0.192.in-addr.arpa.", "example.net.", "org.", "."]
)


def _name(left: str, origin: str) -> WireName:
    text = f"{left}.{origin}" if left else origin
    return from_text(text.replace("..", "."))


NAMES = st.one_of(
    st.builds(_name, _LEFT, st.just("example.org.")),
    st.builds(_name, _LEFT, _ORIGINS),
    st.builds(
        lambda label, origin: bytes((len(label),)) + label + _name("", origin),
        st.binary(min_size=1, max_size=63),
        _ORIGINS,
    ),
)


def _option(code: int, data: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


@st.composite
def subnets(draw: st.DrawFn) -> bytes:
    """A client subnet, nearly always one that is in order."""
    family = draw(st.sampled_from([1, 1, 2, 3]))
    bits = draw(st.integers(0, 32 if family == 1 else 128))
    size = (bits + 7) // 8
    address = bytearray(draw(st.binary(min_size=size, max_size=size)))
    if bits % 8:
        address[-1] &= 0xFF00 >> bits % 8
    scope = draw(st.sampled_from([0, 0, 0, 24]))
    return _option(8, family.to_bytes(2, "big") + bytes((bits, scope)) + address)


_OPTIONS = st.lists(
    st.one_of(
        subnets(),
        st.just(_option(3, b"")),
        st.just(_option(10, b"12345678")),
        st.just(_option(11, b"")),
        st.binary(min_size=16, max_size=40).map(lambda cookie: _option(10, cookie)),
        st.builds(_option, st.integers(0, 65535), st.binary(max_size=8)),
    ),
    max_size=3,
).map(b"".join)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A query, nearly always a good one."""
    flags = draw(st.sampled_from([0, 0x100, 0x110, 0x20, 0xFFFF, 0x2000, 0x2800]))
    flags &= draw(st.sampled_from([0x7930, 0x7930, 0x7930, 0xFFFF]))
    rrtype = draw(
        st.one_of(st.sampled_from([1, 28, 16, 255, 2, 5, 6, 12, 15, 33, 43, 65]), TYPES)
    )
    class_ = draw(st.sampled_from([1, 1, 1, 1, 1, 1, 3, 255, 0]))
    edns = draw(st.booleans())
    head = draw(st.binary(min_size=2, max_size=2)) + flags.to_bytes(2, "big")
    head += bytes((0, 1, 0, 0, 0, 0, 0, int(edns)))
    question = draw(NAMES) + rrtype.to_bytes(2, "big") + class_.to_bytes(2, "big")
    if not edns:
        return head + question
    options = draw(_OPTIONS)
    size = draw(st.sampled_from([0, 512, 600, 1232, 4096, 65535]))
    ttl = draw(st.sampled_from([0, 0x8000, 0x10000, 0x1000000]))
    opt = b"\0\0\x29" + size.to_bytes(2, "big") + ttl.to_bytes(4, "big")
    return head + question + opt + len(options).to_bytes(2, "big") + options


def is_drawn(data: bytes) -> bool:
    """Whether the answer depends on chance or on the draws before."""
    name = data[12:].lower()
    labels = []
    at = 0
    while at < len(name) and name[at]:
        labels.append(name[at + 1 : at + 1 + name[at]])
        at += 1 + name[at]
    drawn = {name.encode() for name in DRAWN - DETERMINED} | {b"pools", b"pool"}
    return any(label in drawn for label in labels)


class AgreementTests(SynchronousTestCase):
    """The same queries to both."""

    def setUp(self) -> None:
        self.pair = Pair()

    def check(self, data: bytes, source: bytes = CLIENT, stream: bool = False) -> None:
        """Both agree: to the octet, or but for the addresses that were drawn."""
        told = self.pair.ask_plane(data, source, stream)
        if told is None:
            return
        expected = self.pair.ask_engine(data, source, stream)
        if not told or told[3] & 0xF or not is_drawn(data):
            self.assertEqual(told, expected)
            return
        ours, theirs = map(dns.message.from_wire, (told, expected))
        if ours.question[0].rdtype in HINTED:
            # Which families there are depends on who is drawn.
            self.assertEqual(ours.flags, theirs.flags)
            self.assertEqual(
                [(one.rdtype, one.ttl) for one in ours.answer],
                [(one.rdtype, one.ttl) for one in theirs.answer],
            )
            return
        self.assertEqual(shape(ours), shape(theirs))
        self.assertEqual(len(told), len(expected))

    @settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
    @given(messages(), st.sampled_from([CLIENT, CLIENT6]), st.booleans())
    @example(b"\0\0\0\0\0\1\0\0\0\0\0\0\0\0\1\0\1", CLIENT, False)
    def test_queries(self, data: bytes, source: bytes, stream: bool) -> None:
        """Whatever is asked, over UDP or TCP."""
        self.check(data, source, stream)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(messages()), st.booleans())
    def test_garbage(self, data: bytes, stream: bool) -> None:
        """Whatever is broken."""
        self.check(data, stream=stream)

    def test_all_names_and_types(self) -> None:
        """Every name of the zones by every type, by each kind of client."""
        endings = (
            b"",
            bytes.fromhex("00002904d000000000000b0003000000080003000100"),
            bytes.fromhex("00002904d000008000000b00080007000118 00c00002"),
            bytes.fromhex("000029040000008000000f0008000b00023800 20010db8000102"),
        )
        names = [
            "", "www", "mail", "srv", "alias", "topool", "toempty", "x.sub", "x.below",
            "q.star", "q.wild", "missing", "a.b", "ns1", "z.ns1", "many", *BOUND,
        ]  # fmt: skip
        for left in names:
            for rrtype in (1, 28, 16, 6, 2, 15, 255, 5, 33, 43, 64, 65):
                for ending in endings:
                    data = b"\1\2\1\0\0\1\0\0\0\0\0" + bytes((bool(ending),))
                    data += _name(left, "Example.ORG.") + bytes((0, rrtype, 0, 1))
                    self.check(data + ending)
                    self.check(data + ending, stream=True)
        self.assertGreater(self.pair.native, 500)
        self.assertLess(self.pair.left, 40)

    def test_places(self) -> None:
        """Clients of every place and prefix get their members, with the same scope."""
        for left in ("placed", "near", "net"):
            head = bytearray(ask(left))
            head[11] = 1
            head += bytes.fromhex("00002904d000000000")
            for network in ("192.0.2.0", "192.0.2.160", "198.51.100.0", "203.0.113.0"):
                for bits in (0, 7, 8, 16, 22, 24, 25, 26, 32):
                    value = int.from_bytes(bytes(map(int, network.split("."))), "big")
                    value = value >> 32 - bits << 32 - bits
                    address = value.to_bytes(4, "big")[: (bits + 7) // 8]
                    option = _option(8, bytes((0, 1, bits, 0)) + address)
                    data = bytes(head) + bytes((0, len(option))) + option
                    self.check(data)
                    self.check(data)
                for source in (network, "8.8.8.8"):
                    self.check(ask(left), bytes(map(int, source.split("."))))
        self.assertEqual(self.pair.left, 0)
        # Each client is learned once for each pool.
        self.assertGreater(self.pair.native, 2 * self.pair.installed - 20)

    def test_truncation(self) -> None:
        """Whole RRsets go, with TC where they are needed; and none goes to Python."""
        cut = set()
        for left, rrtype in (
            *(("many", 16), ("tomany", 16), ("many", 1), ("www", 1), ("mail", 15)),
            *(("crowd", 1), ("crowd", 28), ("tocrowd", 1), ("tocrowd", 28)),
            *(("x.sub", 1), ("missing", 1), ("srv", 33), ("", 2)),
        ):
            self.check(ask(left, rrtype))
            for size in (512, 600, 985, 990, 1000, 1010, 1232):
                for options in (b"", _option(3, b""), _option(10, b"12345678")):
                    data = bytearray(ask(left, rrtype))
                    data[11] = 1
                    data += b"\0\0\x29" + size.to_bytes(2, "big") + bytes(4)
                    data += bytes((0, len(options))) + options
                    self.check(bytes(data))
                    told = self.pair.ask_plane(bytes(data), CLIENT)
                    assert told is not None
                    if told[2] & 2:
                        cut.add((left, rrtype, size))
        self.assertEqual(self.pair.left, 0)
        self.assertIn(("crowd", 1, 512), cut)
        self.assertIn(("crowd", 28, 1232), cut)
        self.assertNotIn(("crowd", 1, 1232), cut)
        self.assertIn(("tomany", 16, 600), cut)

    def test_class_chaos(self) -> None:
        """What servers tell of themselves, and refusals: none goes to Python."""
        names = ("version.bind.", "id.server.", "hostname.bind.", "version.server.")
        for name in (*names, "other.bind.", "x.version.bind.", "www.example.org.", "."):
            for rrtype in (Type.TXT, Type.A, Type.ANY):
                question = from_text(name) + rrtype.to_bytes(2) + b"\0\3"
                for data in (
                    bytes(5) + b"\1" + bytes(6) + question,
                    bytes(5)
                    + b"\1"
                    + bytes(5)
                    + b"\1"
                    + question
                    + bytes.fromhex("00002904d000000000000b00080007000118 00c00002"),
                ):
                    self.check(data)
                    self.check(data, stream=True)
        self.assertEqual(self.pair.left, 0)

    def test_most_is_native(self) -> None:
        """What is asked all day does not go to Python."""
        for left, types in (
            ("www", (1, 28, 16)),
            ("missing", (1, 28)),
            ("alias", (1,)),
            ("mail", (15,)),
            ("weighted", (1, 28)),
            ("three", (1, 28)),
            ("hashed", (1,)),
            ("turns", (1,)),
            ("everyone", (1,)),
            ("ranked", (1,)),
            ("six", (1, 28)),
            ("topool", (1,)),
            ("toempty", (1, 28)),
            ("placed", (1,)),
            ("near", (1,)),
            ("net", (1,)),
            ("nearby", (1, 28)),
            ("nested", (1, 28, 16)),
            ("two", (1,)),
            ("several", (1, 28, 16)),
            ("deeper", (1, 28, 16)),
            ("standin", (1,)),
            ("best", (1, 16)),
            ("byname", (1, 28, 16)),
            ("q.byname", (1, 28, 16)),
            ("weighted", (16, 65)),
            ("turns", (16, 64)),
            ("hashed", (64, 65)),
            ("several", (65,)),
            ("placed", (65,)),
            ("deeper", (64,)),
            ("best", (65,)),
            ("tohint", (65,)),
            ("mgmt", (16,)),
            ("x.sub", (1,)),
        ):
            for rrtype in types:
                data = bytes(5) + b"\1" + bytes(6) + _name(left, "example.org.")
                data += bytes((0, rrtype, 0, 1))
                self.assertIsNotNone(self.pair.ask_plane(data, CLIENT), left)


def shape(message: dns.message.Message) -> object:
    """All of a reply but which addresses of a pool it holds."""
    sections = [
        sorted(
            (str(rrset.name), rrset.rdtype, rrset.ttl, len(rrset)) for rrset in section
        )
        for section in (message.answer, message.authority, message.additional)
    ]
    options = [option.to_wire() for option in message.options]
    return message.flags, message.ednsflags, message.payload, sections, options


def ask(left: str, rrtype: int = Type.A) -> bytes:
    """A query without EDNS."""
    head = bytes(5) + b"\1" + bytes(6)
    return head + _name(left, "example.org.") + bytes((0, rrtype, 0, 1))


class CookieTests(SynchronousTestCase):
    """Cookies of any age and make, as the engine sees them."""

    def test_cookies(self) -> None:
        """Good, old, from the future, of a former secret, of another client."""
        pair = Pair()
        now = int(pair.bench.now)
        former = Cookies(pair.cookies.secrets[1:])
        made = [
            maker.make(b"12345678", source, now - age)
            for maker in (pair.cookies, former)
            for age in (-400, -200, 0, 1700, 1900, 3500, 3700)
            for source in (CLIENT, CLIENT6)
        ]
        for required in (False, True):
            pair.bench.engine.serve(
                pair.bench.engine.snapshot.with_defence(Defence(pair.cookies, required))
            )
            pair.plane.serve(pair.tables())
            replies = set()
            for cookie in (b"", *made, bytes(16)):
                data = bytearray(ask("www"))
                data[11] = 1
                option = _option(10, b"12345678" + cookie)
                data += bytes.fromhex("00002904d000000000") + bytes((0, len(option)))
                for source in (CLIENT, CLIENT6):
                    told = pair.ask_plane(bytes(data + option), source)
                    if told is None:
                        self.assertTrue(required)
                        continue
                    expected = pair.ask_engine(bytes(data + option), source)
                    self.assertEqual(told, expected)
                    replies.add(told)
            self.assertGreaterEqual(len(replies), 6)


class DistributionTests(SynchronousTestCase):
    """Where answers are drawn, they are drawn as the engine draws them."""

    def setUp(self) -> None:
        self.pair = Pair()

    def addresses(self, left: str, rrtype: int = Type.A) -> list[str]:
        """The addresses of one answer, in order."""
        reply = self.pair.ask_plane(ask(left, rrtype), CLIENT)
        assert reply is not None
        message = dns.message.from_wire(reply, one_rr_per_rrset=True)
        return [str(rrset[0]) for rrset in message.answer]

    def assert_fits(self, found: Counter[str], shares: dict[str, float]) -> None:
        """Chi-square below what chance exceeds once in some ten thousand times."""
        self.assertLessEqual(found.keys(), shares.keys())
        count = found.total()
        total = sum(shares.values())
        chi = sum(
            (found[name] - count * share / total) ** 2 / (count * share / total)
            for name, share in shares.items()
        )
        freedom = len(shares) - 1
        self.assertLess(chi, freedom + 4 * sqrt(2 * freedom) + 6)

    def test_weighted(self) -> None:
        """One by weight."""
        found = Counter(self.addresses("weighted")[0] for _ in range(20000))
        self.assert_fits(found, {f"192.0.2.{n}": n for n in range(1, 9)})

    def test_weighted_ipv6(self) -> None:
        """Only those that have the family."""
        found = Counter(self.addresses("weighted", 28)[0] for _ in range(10000))
        self.assert_fits(found, {f"2001:db8::{n}": n for n in (1, 3, 5, 7)})

    def test_several(self) -> None:
        """The first of three is by weight, the second by weight among the rest."""
        first: Counter[str] = Counter()
        second: Counter[str] = Counter()
        for _ in range(20000):
            drawn = self.addresses("three")
            self.assertEqual(len(set(drawn)), 3)
            first[drawn[0]] += 1
            second[drawn[1]] += 1
        weights = {f"192.0.2.{n}": float(n) for n in range(1, 9)}
        total = sum(weights.values())
        self.assert_fits(first, weights)
        self.assert_fits(
            second,
            {
                name: sum(
                    other / total * weight / (total - other)
                    for left, other in weights.items()
                    if left != name
                )
                for name, weight in weights.items()
            },
        )

    def test_turns(self) -> None:
        """Round robin is exact over a cycle, whatever it begins with."""
        found = Counter(
            address for _ in range(3600) for address in self.addresses("turns")
        )
        for n in range(1, 8):
            # Of two answers the second is a turn among the others.
            self.assertLess(found[f"192.0.2.{n}"], found[f"192.0.2.{n + 1}"])
        self.assertEqual(found.total(), 7200)

    def test_next_turn(self) -> None:
        """TXT names those whose turn it is, and takes none."""
        for _ in range(50):
            told = self.pair.ask_plane(ask("turns", Type.TXT), CLIENT)
            assert told is not None
            (rrset,) = dns.message.from_wire(told).answer
            looked = [item.to_text().strip('"').split(" m")[1] for item in rrset]
            found = [text.rpartition(".")[2] for text in self.addresses("turns")]
            self.assertEqual(looked, found)

    def test_everyone(self) -> None:
        """All of them, each as often in front."""
        found = Counter(self.addresses("everyone")[0] for _ in range(8000))
        self.assert_fits(found, {f"192.0.2.{n}": 1 for n in range(1, 9)})
        self.assertEqual(len(set(self.addresses("everyone"))), 8)

    def test_hand_outs(self) -> None:
        """Every address that goes out is counted, once."""
        for _ in range(50):
            self.addresses("three")
            self.addresses("topool")
        counts = Counter[str]()
        for pool, _, number in self.pair.plane.take_counts():
            counts[pool] += number
        self.assertEqual(counts, {"three": 150, "weighted": 50})
        self.assertEqual(self.pair.plane.take_counts(), [])

    def test_hand_outs_in_slices(self) -> None:
        """Each is taken once; a slice ends with the route that fills it."""
        for _ in range(50):
            self.addresses("three")
            self.addresses("topool")
        place, counts, slices = 0, Counter[str](), 0
        while slices == 0 or place:
            taken, place = self.pair.plane.take_slice(place, 1)
            slices += 1
            self.assertEqual(len({pool for pool, _, _ in taken}), bool(taken))
            for pool, _, number in taken:
                counts[pool] += number
        self.assertEqual(counts, {"three": 150, "weighted": 50})
        self.assertGreater(slices, 1)
