"""Tests for the engine: its caches change nothing but the time an answer takes."""

import random
import socket
from ipaddress import ip_network

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans import engine as engine_module
from dinamed.plans import executor as executor_module
from dinamed.plans.context import QueryContext, packed, unpacked
from dinamed.plans.engine import READY_MESSAGE_MAX, Engine
from dinamed.plans.plan import Fixed, PoolAnswer, Synthesized
from dinamed.plans.reply import NSID_MAX
from dinamed.plans.snapshot import Snapshot
from dinamed.wire.query import Query, read_query
from dinamed.zones.zoneset import ZoneSet
from tests.plans.support import (
    HERE,
    STARTED,
    Bench,
    data_of,
    is_aa,
    is_tc,
    make_pool,
    make_zone,
    query,
    texts,
)
from tests.plans.support import host as member
from tests.strategies import mutated
from tests.wire.support import edns_query

TEXT = """\
www IN A 192.0.2.1
www IN TXT "{long}"
*.wild IN A 192.0.2.7
alias IN CNAME www
palias IN CNAME ftp
dn IN DNAME wild
sub IN NS ns.sub
ns.sub IN A 192.0.2.60
big IN TXT "{long}"
big IN TXT "b{long}"
big IN TXT "c{long}"
""".format(long="x" * 250)
ZONE = make_zone(
    "example.org.", TEXT, {"ftp": "two", "*.cdn": "two", "v4": "v4", "h": "hashed"}
)
POOLS = [
    make_pool(
        "two",
        member("a", "192.0.2.1", "2001:db8::1"),
        member("b", "192.0.2.2", "2001:db8::2"),
    ),
    make_pool("v4", member("a", "192.0.2.1", "192.0.2.9"), member("b", "192.0.2.2")),
    make_pool(
        "hashed",
        member("a", "192.0.2.1", "2001:db8::1"),
        member("b", "192.0.2.2"),
        select=["hash"],
    ),
]
PREFIXES = [
    "www", "WWW", "big", "wild", "a.wild", "alias", "palias", "x.dn", "sub", "x.sub",
    "ftp", "FtP", "x.cdn", "v4", "h", "nope", "a.b.c.nope", "mgmt", "two.mgmt",
]  # fmt: skip

RDTYPES = [
    "A", "AAAA", "TXT", "NS", "SOA", "ANY", "MX", "CNAME", "DS", "AXFR", "TYPE999",
]  # fmt: skip


@st.composite
def queries(draw: st.DrawFn) -> dns.message.Message:
    """Questions that meet every kind of plan, with all that a reply depends on."""
    names = [f"{prefix}.example.org." for prefix in PREFIXES]
    name = draw(st.sampled_from([*names, "example.org.", "example.net.", "."]))
    rdtype = draw(
        st.sampled_from(
            [
                "A",
                "AAAA",
                "TXT",
                "NS",
                "SOA",
                "ANY",
                "MX",
                "CNAME",
                "DS",
                "AXFR",
                "TYPE999",
            ]
        )
    )
    rdclass = draw(st.sampled_from(["IN", "IN", "IN", "CH", "ANY"]))
    message = dns.message.make_query(name, rdtype, rdclass, id=draw(st.integers(0, 99)))
    message.flags = draw(st.sampled_from([0, 0x100, 0x110, 0x7F0])) | (
        draw(st.sampled_from([0, 0, 0, 4, 5])) << 11
    )
    if draw(st.booleans()):
        options: list[dns.edns.Option] = []
        if draw(st.booleans()):
            options.append(dns.edns.NSIDOption(b""))
        if draw(st.integers(0, 2)) == 0:
            options.append(dns.edns.ECSOption("198.51.100.0", 24, 0))
        if draw(st.integers(0, 9)) == 0:
            options.append(
                dns.edns.GenericOption(dns.edns.OptionType.make(65001), bytes(200))
            )
        flags = draw(st.sampled_from([0, int(dns.flags.DO)]))
        size = draw(st.sampled_from([0, 512, 600, 1232, 4096]))
        message.use_edns(0, flags, size, options=options)
    return message


def fresh(identity: str = "ns-test") -> Bench:
    """An engine that has answered nothing yet."""
    return Bench([ZONE], POOLS, identity)


class CacheTests(SynchronousTestCase):
    """The quick ways give what the slow way gives."""

    @settings(max_examples=150, deadline=None)
    @given(st.lists(queries(), min_size=1, max_size=6), st.booleans())
    def test_ready_is_slow(
        self, messages: list[dns.message.Message], stream: bool
    ) -> None:
        """Octet by octet for fixed replies; the same choices where one is drawn."""
        warm = fresh().engine
        for message in messages * 2:
            data = message.to_wire()
            parsed = read_query(data)
            assert isinstance(parsed, Query)
            plan = warm.executor.plan(parsed)
            if isinstance(plan, Synthesized):
                continue  # tells the number of questions
            draws = 40 if isinstance(plan, PoolAnswer) else 2
            slow = fresh().engine.executor
            context = QueryContext(parsed, packed(HERE), stream)
            expected = {slow.execute(slow.plan(parsed), context) for _ in range(draws)}
            found = {warm.respond(data, packed(HERE), stream) for _ in range(draws)}
            self.assertEqual(found, expected)
            limit = parsed.limit(stream)
            self.assertLessEqual(max(len(reply) for reply in expected), limit)

    @settings(max_examples=300, deadline=None)
    @given(queries())
    def test_header_and_opt(self, message: dns.message.Message) -> None:
        """RD, CD, opcode, question and DO are echoed; RA, AD and MBZ are clear."""
        bench = fresh()
        for _ in range(2):
            data = bench.engine.respond(message.to_wire(), packed(HERE))
            assert data is not None
            flags = int.from_bytes(data[2:4], "big")
            self.assertEqual(flags & ~0x060F, 0x8000 | message.flags & 0x7910)
            # dnspython reads no UPDATE but those it would make itself.
            plain = bytes((data[2] & ~0x78,)) + data[3:]
            reply = dns.message.from_wire(data[:2] + plain)
            self.assertEqual(reply.id, message.id)
            question = message.question[0].name.to_wire()
            assert question is not None
            self.assertEqual(data[12 : 12 + len(question)], question)
            self.assertEqual(reply.edns, message.edns)
            if message.edns < 0:
                continue
            self.assertEqual(reply.payload, 1232)
            self.assertEqual(reply.ednsflags & 0xFFFF, message.ednsflags & 0x8000)
            asked = {int(option.otype) for option in message.options} & {3, 8}
            given = {int(option.otype) for option in reply.options} - {15}
            self.assertEqual(given, asked)

    @settings(max_examples=500, deadline=None)
    @given(
        st.one_of(
            st.binary(max_size=60),
            mutated(queries().map(lambda message: message.to_wire())),
        ),
        st.booleans(),
    )
    def test_hostile_octets(self, data: bytes, stream: bool) -> None:
        """Whatever comes, nothing is raised, and a reply is small enough."""
        engine = fresh().engine
        for _ in range(2):
            reply = engine.respond(data, packed(HERE), stream)
            if reply is not None:
                self.assertEqual(reply[:2], data[:2])
                self.assertTrue(reply[2] & 0x80)
                self.assertLessEqual(len(reply), 65535 if stream else 1232)

    def test_bounded(self) -> None:
        """Neither cache grows with the names asked for."""
        self.patch(engine_module, "READY_LIMIT", 8)
        self.patch(executor_module, "PLAN_LIMIT", 4)
        bench = fresh()
        for number in range(100):
            for name in (f"n{number}.example.org.", f"n{number}.cdn.example.org."):
                self.assertEqual(len(bench.ask(name, "A").question), 1)
        self.assertLessEqual(len(bench.engine._ready), 16)
        self.assertLessEqual(len(bench.engine.executor._plans), 8)

    def test_large_plans_are_not_kept(self) -> None:
        """A flood of names below a wildcard with much data fills no memory."""
        text = "".join(f"*.w TXT {'x' * 200}{number}\n" for number in range(20))
        bench = Bench([make_zone("example.org.", text)])
        for number in range(8):
            reply = bench.ask(f"n{number}.w.example.org.", "TXT", stream=True)
            self.assertEqual(len(reply.answer), 20)
        self.assertEqual(len(bench.engine.executor._plans), 0)

    def test_long_queries_are_not_kept(self) -> None:
        """A long query is answered, but not remembered octet by octet."""
        bench = fresh()
        padding = dns.edns.GenericOption(
            dns.edns.OptionType.PADDING, bytes(READY_MESSAGE_MAX)
        )
        reply = bench.ask("www.example.org.", "A", options=[padding])
        self.assertEqual(data_of(reply), ["192.0.2.1"])
        self.assertEqual(len(bench.engine._ready), 0)

    def test_streams_are_not_kept(self) -> None:
        """The limit of a stream's reply is another, so it has no ready replies."""
        bench = fresh()
        self.assertTrue(is_tc(bench.ask("big.example.org.", "TXT")))
        self.assertFalse(is_tc(bench.ask("big.example.org.", "TXT", stream=True)))
        self.assertTrue(is_tc(bench.ask("big.example.org.", "TXT")))

    def test_old_generation(self) -> None:
        """What was ready before a change of generations still is, also a draw."""
        self.patch(engine_module, "READY_LIMIT", 1)
        bench = fresh()
        for _ in range(3):
            self.assertEqual(
                data_of(bench.ask("www.example.org.", "A"))[0], "192.0.2.1"
            )
            self.assertEqual(len(bench.ask("ftp.example.org.", "A").answer), 1)


class EngineTests(SynchronousTestCase):
    """Counting, and changes of what is served."""

    def test_questions(self) -> None:
        """Every well-formed query counts once, on whichever way it is answered."""
        bench = fresh()
        count = 0
        for name, rdtype in (
            ("www.example.org.", "A"),
            ("ftp.example.org.", "A"),
            ("mgmt.example.org.", "TXT"),
            ("example.net.", "A"),
        ):
            for stream in (False, False, False, True):
                bench.ask(name, rdtype, stream=stream)
                count += 1
                self.assertEqual(bench.engine.questions, count)
        option = dns.edns.ECSOption("198.51.100.0", 24, 0)
        for _ in range(2):
            bench.ask("ftp.example.org.", "A", options=[option])
        self.assertEqual(bench.engine.questions, count + 2)
        for data in (b"", b"\0" * 12, edns_query(version=1)):
            bench.engine.respond(data, packed(HERE))
        self.assertEqual(bench.engine.questions, count + 2)

    def test_each_query_is_one_hand_out(self) -> None:
        """Ready draws are booked like the first one."""
        bench = fresh()
        for _ in range(10):
            bench.ask("ftp.example.org.", "A")
        totals = bench.manager.views["two"].accounting.totals
        self.assertEqual(sum(totals.values()), 10)

    def test_serve(self) -> None:
        """Another snapshot answers at once; nothing ready is left of the old one."""
        bench = fresh()
        for _ in range(2):
            self.assertEqual(data_of(bench.ask("www.example.org.", "A")), ["192.0.2.1"])
        zone = make_zone("example.org.", "www IN A 192.0.2.8\n")
        snapshot = Snapshot(ZoneSet({zone.origin: zone}), {}, "other")
        bench.engine.serve(snapshot)
        self.assertIs(bench.engine.snapshot, snapshot)
        for _ in range(2):
            self.assertEqual(data_of(bench.ask("www.example.org.", "A")), ["192.0.2.8"])
            reply = bench.ask("ftp.example.org.", "A")
            self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)

    def test_answer_with_context(self) -> None:
        """A query that was read already is answered for its client."""
        bench = fresh()
        parsed = read_query(query("h.example.org.", "A").to_wire())
        assert isinstance(parsed, Query)
        reply = bench.engine.answer(QueryContext(parsed, packed(HERE)))
        self.assertEqual(len(dns.message.from_wire(reply).answer), 1)
        self.assertEqual(bench.engine.questions, 1)

    def test_plans(self) -> None:
        """The kinds of plans."""
        bench = fresh()
        for name, kind in (("www", Fixed), ("ftp", PoolAnswer), ("mgmt", Synthesized)):
            parsed = read_query(query(f"{name}.example.org.", "A").to_wire())
            assert isinstance(parsed, Query)
            self.assertIsInstance(bench.engine.executor.plan(parsed), kind)

    def test_ipv6_clients(self) -> None:
        """The client's family has nothing to do with the family asked for."""
        bench = fresh()
        for client in ("2001:db8::9", "fe80::1%2", "::ffff:192.0.2.9"):
            for _ in range(2):
                reply = bench.ask("ftp.example.org.", "A", client=client)
                self.assertEqual(len(reply.answer), 1)

    def test_root_zone(self) -> None:
        """The root can be served, and bound to a pool."""
        zone = make_zone(
            ".", "com IN NS ns1.com\nns1.com IN A 192.0.2.3\n", {"@": "two"}
        )
        bench = Bench([zone], POOLS)
        for _ in range(2):
            (record,) = texts(bench.ask(".", "A").answer)
            self.assertTrue(record.startswith(". 60 IN A 192.0.2."))
        self.assertFalse(is_aa(bench.ask("x.com.", "A")))
        self.assertEqual(bench.ask("x.", "A").rcode(), dns.rcode.NXDOMAIN)


class NsidTests(SynchronousTestCase):
    """Who answers (RFC 5001)."""

    def test_on_request(self) -> None:
        """NSID holds the identity, in replies of every kind."""
        bench = fresh()
        for name in ("www.example.org.", "ftp.example.org.", "example.net."):
            for _ in range(2):
                reply = bench.ask(name, "A", options=[dns.edns.NSIDOption(b"")])
                (option,) = (one for one in reply.options if int(one.otype) == 3)
                assert isinstance(option, dns.edns.NSIDOption)
                self.assertEqual(option.nsid, b"ns-test")

    def test_long_identity_fits(self) -> None:
        """With the longest question and all options a reply still fits into 512."""
        bench = fresh("i" * 255)
        options = [dns.edns.NSIDOption(b""), dns.edns.ECSOption("::", 128, 0)]
        label = "q" * 63
        name = f"{label}.{label}.{label}.{'q' * 61}"
        reply = bench.ask(name, "A", size=512, options=options)
        self.assertEqual(reply.rcode(), dns.rcode.REFUSED)
        (option,) = (one for one in reply.options if int(one.otype) == 3)
        assert isinstance(option, dns.edns.NSIDOption)
        self.assertEqual(len(option.nsid), NSID_MAX)


class ContextTests(SynchronousTestCase):
    """Clients and addresses."""

    def test_packed(self) -> None:
        """IPv4 in IPv6 is IPv4; a scope is left out; other text is refused."""
        for text, expected in (
            ("192.0.2.1", b"\xc0\0\2\1"),
            ("::ffff:192.0.2.1", b"\xc0\0\2\1"),
            ("::1", bytes(15) + b"\1"),
            ("fe80::1%eth0", b"\xfe\x80" + bytes(13) + b"\1"),
        ):
            self.assertEqual(packed(text), expected)
        for bad in ("", "x", "1.2.3", "::x"):
            self.assertRaises(OSError, packed, bad)
        self.assertEqual(unpacked(b"\xc0\0\2\1"), "192.0.2.1")
        self.assertEqual(unpacked(socket.inet_pton(socket.AF_INET6, "::1")), "::1")

    def test_client(self) -> None:
        """The subnet where there is one, else the whole address."""
        plain = read_query(query("a.", "A").to_wire())
        option = dns.edns.ECSOption("198.51.100.0", 22, 0)
        subnet = read_query(query("a.", "A", options=[option]).to_wire())
        assert isinstance(plain, Query) and isinstance(subnet, Query)
        client = QueryContext(plain, packed("::1")).client
        self.assertEqual((client.prefix, client.subnet), (128, False))
        client = QueryContext(subnet, packed("::1")).client
        self.assertEqual(client, (b"\xc6\x33\x64\0", 22, True))

    def test_management(self) -> None:
        """Addresses within the networks of their family."""
        networks = (ip_network("127.0.0.0/8"), ip_network("2001:db8::/32"))
        snapshot = Snapshot(ZoneSet({}), {}, "", networks)
        for address, may in (
            ("127.1.2.3", True),
            ("128.0.0.1", False),
            ("2001:db8::1", True),
            ("::1", False),
        ):
            self.assertEqual(snapshot.may_manage(packed(address)), may)

    def test_vitals(self) -> None:
        """The engine knows when it was started, and what it answered."""
        now = [STARTED]
        engine = Engine(Snapshot(ZoneSet({}), {}, ""), lambda: now[0], random.Random(0))
        engine.respond(query("a.", "A").to_wire(), packed(HERE))
        now[0] += 5
        vitals = engine.vitals()
        self.assertEqual(
            (vitals.started, vitals.now, vitals.questions), (STARTED, STARTED + 5, 1)
        )
