"""What twisted.names gets wrong as a server, and this server must not.

One test for each defect that was found in its server classes (of 26.10), named after
the defect; all of them go through what the listeners call.
"""

import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.names.dns import Query as TwistedQuery
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.limits import Limits
from dinamed.plans.context import packed
from dinamed.server.resolver import EngineResolver
from dinamed.server.responder import Logged
from dinamed.server.stream import StreamFactory, StreamProtocol
from dinamed.wire.names import from_text
from dinamed.wire.query import Query, read_query
from dinamed.zones.build import build_zone
from tests.plans.support import HERE, Bench, host, is_aa, is_tc, make_pool, make_zone
from tests.plans.support import query as make_query
from tests.server.support import QUESTION, captured, frame
from tests.wire.support import QUESTION as WWW
from tests.wire.support import edns_query, header, opt, option

LONG = "".join(
    f'long IN TXT "{letter * 250}"\n' for letter in "abcdefghijklmnopqrstuvwxyz"
)
TEXT = f"""\
www IN A 192.0.2.80
a\\.b IN A 192.0.2.81
{LONG}
mail IN AFSDB 1 www
mail IN RP www www
dn IN DNAME far
x.far IN A 192.0.2.82
*.wild IN A 192.0.2.7
a.ent IN A 192.0.2.5
sub IN NS ns.sub
ns.sub IN A 192.0.2.60
"""


class TwistedDefectsTests(SynchronousTestCase):
    """The defects, in the order of a message's way through the server."""

    def setUp(self) -> None:
        many = [host(f"m{n}", f"198.51.{n >> 8}.{n & 255}") for n in range(1005)]
        self.bench = Bench(
            [make_zone("example.org.", TEXT, {"many": "many"})],
            [make_pool("many", *many, select=["all"])],
        )
        self.resolver = EngineResolver(self.bench.engine)

    def respond(self, data: bytes) -> bytes:
        """The reply to a datagram, which must not be missing."""
        reply = self.resolver.respond(data, packed(HERE))
        assert reply is not None
        return reply

    def rcode(self, data: bytes) -> int:
        """The rcode of a reply without answers."""
        reply = self.respond(data)
        self.assertTrue(reply[2] & 0x80)
        self.assertEqual(reply[6:8], bytes(2))
        return reply[3] & 0xF

    def connect(self, clock: Clock | None = None) -> StreamProtocol:
        """A connection over a stream."""
        limits = Limits(tcp_per_client=2)
        factory = StreamFactory(self.resolver, clock or Clock(), limits)
        self.protocol = factory.buildProtocol(None)
        return self.open(self.protocol)

    def open(self, protocol: StreamProtocol) -> StreamProtocol:
        """Give a protocol its transport."""
        peer = IPv4Address("TCP", HERE, 4000)
        protocol.makeConnection(StringTransport(peerAddress=peer))
        return protocol

    def test_01_responses_are_answered(self) -> None:
        """A message with QR set is dropped: two servers would talk for ever."""
        self.assertIsNone(self.resolver.respond(header(0x8100) + WWW, packed(HERE)))

    def test_02_refusals_are_sent_as_queries(self) -> None:
        """Every refusal has QR set: none is the query sent back."""
        for opcode in range(16):
            for questions in (0, 1):
                data = header(opcode << 11, questions) + WWW * questions
                reply = self.respond(data)
                self.assertTrue(reply[2] & 0x80)
                self.assertEqual(reply[2] & 0x78, opcode << 3)

    def test_03_rd_is_not_copied(self) -> None:
        """RD and CD of the query stand in the reply."""
        for flags in (0, 0x0100, 0x0010, 0x0110):
            reply = self.respond(header(flags) + WWW)
            self.assertEqual(reply[2:4], struct.pack("!H", 0x8400 | flags))

    def test_04_foreign_names_do_not_exist(self) -> None:
        """A name outside every zone is refused; NXDOMAIN would be a lie."""
        reply = self.bench.ask("www.example.net.", "A")
        self.assertEqual((reply.rcode(), is_aa(reply)), (dns.rcode.REFUSED, False))

    def test_05_nxdomain_without_authority(self) -> None:
        """NXDOMAIN has AA and the SOA with the TTL of negative answers."""
        reply = self.bench.ask("nope.example.org.", "A")
        self.assertEqual((reply.rcode(), is_aa(reply)), (dns.rcode.NXDOMAIN, True))
        self.assertEqual([record.ttl for record in reply.authority], [300])

    def test_06_edns_is_not_answered(self) -> None:
        """An OPT is answered by an OPT, in replies of every kind."""
        for name in ("www.example.org.", "nope.example.org.", "example.net."):
            reply = self.bench.ask(name, "A", size=1232)
            self.assertEqual((reply.edns, reply.payload), (0, 1232))

    def test_07_bad_edns_is_accepted(self) -> None:
        """Another version is BADVERS; two OPTs and one cut off are FORMERR."""
        reply = self.respond(edns_query(version=1))
        self.assertEqual(dns.message.from_wire(reply).rcode(), dns.rcode.BADVERS)
        two = header(additionals=2) + WWW + opt() * 2
        self.assertEqual(self.rcode(two), dns.rcode.FORMERR)
        cut = edns_query(option(3, b"data"))[:-2]
        self.assertEqual(self.rcode(cut), dns.rcode.FORMERR)

    def test_08_long_answers_over_udp(self) -> None:
        """Over 512 octets, or what EDNS allows, an answer is truncated."""
        for size, limit in ((None, 512), (4096, 1232)):
            asked = make_query("long.example.org.", "TXT", size=size)
            reply = self.respond(asked.to_wire())
            self.assertLessEqual(len(reply), limit)
            self.assertTrue(is_tc(dns.message.from_wire(reply)))
        whole = self.bench.ask("long.example.org.", "TXT", stream=True)
        self.assertEqual((is_tc(whole), len(whole.answer)), (False, 26))

    def test_09_truncation_in_the_middle_of_a_record(self) -> None:
        """What is left of a truncated reply is whole, and so are its counts."""
        reply = self.respond(make_query("long.example.org.", "TXT").to_wire())
        parsed = dns.message.from_wire(reply)
        self.assertEqual(parsed.to_wire(), reply)

    def test_10_edns_is_cut_away(self) -> None:
        """A truncated reply keeps its OPT, and the options are read."""
        options = [dns.edns.NSIDOption(b""), dns.edns.ECSOption("192.0.2.0", 24, 0)]
        asked = make_query("long.example.org.", "TXT", size=1232, options=options)
        reply = dns.message.from_wire(self.respond(asked.to_wire()))
        self.assertTrue(is_tc(reply))
        self.assertEqual([int(one.otype) for one in reply.options], [3, 8])

    def test_11_malformed_messages_are_accepted(self) -> None:
        """A cut question, cut data and octets at the end are FORMERR."""
        record = b"\0\0\1\0\1\0\0\0\0\0\4abc"
        for data in (
            header() + WWW[:-1],
            header(additionals=1) + WWW + record,
            header() + WWW + b"junk",
        ):
            self.assertEqual(self.rcode(data), dns.rcode.FORMERR)

    def test_12_impossible_names_are_echoed(self) -> None:
        """Label types that nobody uses and names over 255 octets are FORMERR."""
        long = (b"\x3f" + b"a" * 63) * 5 + b"\0\0\1\0\1"
        for question in (b"\x41a\0\0\1\0\1", long):
            reply = self.respond(header() + question)
            self.assertEqual(reply, header(0x8101, questions=0))

    def test_13_the_class_is_ignored(self) -> None:
        """Classes other than IN have no data of class IN."""
        for rdclass in ("CH", "HS", "ANY"):
            reply = self.bench.ask("www.example.org.", "A", rdclass=rdclass)
            self.assertEqual(reply.rcode(), dns.rcode.REFUSED)
            self.assertEqual(reply.answer, [])

    def test_14_two_questions(self) -> None:
        """Two questions are FORMERR, and none is echoed."""
        reply = self.respond(header(questions=2) + WWW * 2)
        self.assertEqual(reply, header(0x8101, questions=0))

    def test_15_labels_too_long_become_garbage(self) -> None:
        """Names over the limits are found when a zone is read, not when it is sent."""
        origin = from_text("example.org.")
        for owner in ("a" * 64, ".".join(["a" * 60] * 5)):
            path = self.mktemp()
            with open(path, "w") as stream:
                stream.write(f"{owner} IN A 192.0.2.1\n")
            built = build_zone(origin, path, {})
            self.assertTrue(any(owner[:40] in str(p) for p in built.problems))

    def test_16_pointers_overflow(self) -> None:
        """A message over 16 KiB has no pointers that do not fit their 14 bits."""
        lines = "".join(f"big IN NS n{n}.z{n}.far.test.\n" for n in range(1500))
        bench = Bench([make_zone("example.org.", lines)])
        reply = bench.ask("big.example.org.", "NS", stream=True)
        self.assertGreater(len(reply.to_wire(max_size=65535)), 0x4000)
        names = {rrset[0].to_text() for rrset in reply.authority}
        self.assertEqual(len(names), 1500)
        self.assertIn("n1499.z1499.far.test.", names)

    def test_17_a_thousand_pointers(self) -> None:
        """As many pointers as a message can hold are no reason for an error."""
        reply = self.bench.ask("many.example.org.", "A", stream=True)
        self.assertEqual(len(reply.answer), 1005)
        pointed = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd"
        data = header(additionals=3000) + WWW + pointed * 3000
        self.assertIsInstance(read_query(data), Query)

    def test_18_bad_frames_stay_open(self) -> None:
        """An empty frame ends a connection; malformed ones get FORMERR."""
        protocol = self.connect()
        transport = protocol.transport
        assert isinstance(transport, StringTransport)
        protocol.dataReceived(frame(header(questions=0)))
        self.assertEqual(transport.value()[2:], header(0x8101, questions=0))
        self.assertFalse(transport.disconnecting)
        protocol.dataReceived(frame(b""))
        self.assertTrue(transport.disconnecting)

    def test_18_answers_over_64_kib(self) -> None:
        """What does not fit into a frame is truncated, not an exception."""
        hosts = [host(f"m{n}", f"10.9.{n >> 8}.{n & 255}") for n in range(1, 4200)]
        bench = Bench(
            [make_zone("example.org.", "", {"huge": "huge"})],
            [make_pool("huge", *hosts, select=["all"])],
        )
        reply = bench.ask("huge.example.org.", "A", stream=True)
        self.assertEqual((is_tc(reply), reply.answer), (True, []))

    def test_19_streams_without_limits(self) -> None:
        """Idle ones end, an address gets so many, slow readers are waited for."""
        clock = Clock()
        protocol = self.connect(clock)
        transport = protocol.transport
        assert isinstance(transport, StringTransport)
        protocol.pauseProducing()
        protocol.dataReceived(frame(QUESTION))
        self.assertEqual(transport.value(), b"")
        others = [self.open(protocol.factory.buildProtocol(None)) for _ in range(2)]
        closed = [one.transport.disconnecting for one in others]  # type: ignore[attr-defined]
        self.assertEqual(closed, [False, True])
        clock.advance(protocol.factory.limits.tcp_idle)
        self.assertTrue(transport.disconnecting)

    def test_20_one_octet_at_a_time(self) -> None:
        """Frames in any pieces, and several at once, are all answered."""
        protocol = self.connect()
        transport = protocol.transport
        assert isinstance(transport, StringTransport)
        queries = frame(QUESTION) * 3
        for octet in queries:
            protocol.dataReceived(bytes((octet,)))
        protocol.dataReceived(queries)
        reply = frame(self.respond(QUESTION))
        self.assertEqual(transport.value(), reply * 6)

    def test_21_data_of_newer_types_are_compressed(self) -> None:
        """The names in DNAME, AFSDB and RP are written in full (RFC 3597)."""
        target = from_text("www.example.org.")
        for name, rdtype, data in (
            ("mail", "AFSDB", b"\0\1" + target),
            ("mail", "RP", target * 2),
            ("dn", "DNAME", from_text("far.example.org.")),
        ):
            asked = make_query(f"{name}.example.org.", rdtype)
            self.assertIn(data, self.respond(asked.to_wire()))

    def test_22_dots_in_labels_split_them(self) -> None:
        """A label may hold a dot, and is another name than two labels."""
        data = header() + b"\3a.b\7example\3org\0\0\1\0\1"
        self.assertEqual(dns.message.from_wire(self.respond(data)).answer[0].ttl, 3600)
        two = self.bench.ask("a.b.example.org.", "A")
        self.assertEqual(two.rcode(), dns.rcode.NXDOMAIN)
        self.assertEqual(self.rcode(header() + b"\0\0\1\0\1"), dns.rcode.REFUSED)

    def test_23_names_equal_with_unequal_hashes(self) -> None:
        """Every spelling finds the data, and is echoed."""
        for name in ("www.example.org.", "WWW.EXAMPLE.ORG.", "wWw.eXample.oRg."):
            reply = self.bench.ask(name, "A")
            self.assertEqual(len(reply.answer), 1)
            self.assertEqual(reply.question[0].name.to_text(), name)

    def test_24_options_break_the_log(self) -> None:
        """No octets of a query are too strange to be answered, even with --debug."""
        events = captured(self)
        resolver = Logged(EngineResolver(self.bench.engine))
        data = header(additionals=1) + b"\3\xff\xfe{\7example\3org\0\0\1\0\1"
        data += opt(option(65001, b"\xff\xfe{x}"))
        reply = resolver.respond(data, packed(HERE))
        assert reply is not None
        self.assertEqual(reply[3] & 0xF, dns.rcode.NXDOMAIN)
        (event,) = events
        self.assertIn("rcode 3", event["log_format"].format(**event))

    def test_25_resolvers_that_never_answer(self) -> None:
        """An answer needs nothing but what is there, so it is there at once."""
        self.successResultOf(self.resolver.query(TwistedQuery(b"www.example.org")))

    def test_26_wildcards_and_cuts(self) -> None:
        """Wildcards, empty non-terminals, and names below a cut."""
        wild = self.bench.ask("x.y.wild.example.org.", "A")
        self.assertEqual(len(wild.answer), 1)
        empty = self.bench.ask("ent.example.org.", "A")
        self.assertEqual((empty.rcode(), is_aa(empty)), (dns.rcode.NOERROR, True))
        below = self.bench.ask("x.sub.example.org.", "A")
        self.assertEqual((below.rcode(), is_aa(below)), (dns.rcode.NOERROR, False))
        self.assertEqual([record.rdtype.name for record in below.authority], ["NS"])
