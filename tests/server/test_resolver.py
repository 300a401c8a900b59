"""Tests for the engine as a resolver of twisted.names."""

from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IResolver
from twisted.logger import LogLevel
from twisted.names import dns, error
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from dinamed.plans.context import QueryContext, packed
from dinamed.server.resolver import EngineResolver
from dinamed.server.responder import Logged
from dinamed.wire.query import Query, read_query
from tests.plans.support import Bench, host, make_pool, make_zone, query
from tests.server.support import QUESTION, captured

TEXT = """\
www IN A 192.0.2.80
www IN AAAA 2001:db8::80
six IN AAAA 2001:db8::6
alias IN CNAME www
@ IN MX 10 mail
@ IN TXT "a text"
_sip._tcp IN SRV 0 5 5060 www
sub IN NS ns1
"""


class ResolverCase(SynchronousTestCase):
    """A resolver for a small zone."""

    def setUp(self) -> None:
        many = [host(f"m{n}", f"198.51.{n >> 8}.{n & 255}") for n in range(1200)]
        self.bench = Bench(
            [make_zone("example.org.", TEXT, {"ftp": "pool", "many": "many"})],
            [
                make_pool("pool", host("a", "192.0.2.1")),
                make_pool("many", *many, select=["all"]),
            ],
        )
        self.resolver = EngineResolver(self.bench.engine)


class QueryTests(ResolverCase):
    """`IResolver`, for Python code in the same process."""

    def test_interface(self) -> None:
        """It is what twisted.names calls a resolver."""
        self.assertTrue(verifyObject(IResolver, self.resolver))

    def test_query(self) -> None:
        """Three lists of records."""
        asked = dns.Query(b"alias.example.org", dns.A, dns.IN)
        answers, authority, additional = self.successResultOf(
            self.resolver.query(asked)
        )
        self.assertEqual(
            [(record.type, str(record.name)) for record in answers],
            [(dns.CNAME, "alias.example.org"), (dns.A, "www.example.org")],
        )
        self.assertEqual(answers[1].payload, dns.Record_A("192.0.2.80", 3600))
        self.assertTrue(answers[0].auth)
        self.assertEqual((authority, additional), ([], []))

    def test_no_data(self) -> None:
        """No answers, the SOA in the authority section."""
        asked = dns.Query(b"www.example.org", dns.MX)
        answers, authority, _ = self.successResultOf(self.resolver.query(asked))
        self.assertEqual(answers, [])
        self.assertEqual([record.type for record in authority], [dns.SOA])

    def test_failures(self) -> None:
        """Each rcode is the exception that twisted.names has for it."""
        for name, rdtype, kind in (
            (b"nope.example.org", dns.A, error.DNSNameError),
            (b"example.net", dns.A, error.DNSQueryRefusedError),
            (b"example.org", dns.AXFR, error.DNSQueryRefusedError),
            (b"a..example.org", dns.A, error.DNSFormatError),
            (b"x" * 64, dns.A, error.DNSFormatError),
            (b"www.example.org..", dns.A, error.DNSFormatError),
        ):
            self.failureResultOf(self.resolver.query(dns.Query(name, rdtype)), kind)

    def test_classes(self) -> None:
        """The class of the question is not lost."""
        asked = dns.Query(b"id.server", dns.TXT, dns.CH)
        answers, _, _ = self.successResultOf(self.resolver.query(asked))
        self.assertEqual(answers[0].payload, dns.Record_TXT(b"ns-test", ttl=0))

    def test_lookups(self) -> None:
        """The methods by type."""
        for lookup, name, rdtype in (
            (self.resolver.lookupAddress, "ftp.example.org", dns.A),
            (self.resolver.lookupIPV6Address, b"www.example.org.", dns.AAAA),
            (self.resolver.lookupMailExchange, "example.org", dns.MX),
            (self.resolver.lookupText, "example.org", dns.TXT),
            (self.resolver.lookupNameservers, "example.org", dns.NS),
            (self.resolver.lookupAuthority, "EXAMPLE.org", dns.SOA),
            (self.resolver.lookupService, "_sip._tcp.example.org", dns.SRV),
            (self.resolver.lookupCanonicalName, "alias.example.org", dns.CNAME),
            (self.resolver.lookupAllRecords, "example.org", dns.HINFO),
        ):
            answers, _, _ = self.successResultOf(lookup(name))
            self.assertEqual({record.type for record in answers}, {rdtype})

    def test_more_than_twisted_reads(self) -> None:
        """A reply that twisted.names cannot read is a failure, not an exception."""
        asked = dns.Query(b"many.example.org", dns.A)
        self.failureResultOf(self.resolver.query(asked))
        self.assertEqual(
            len(self.bench.ask("many.example.org.", "A", stream=True).answer), 1200
        )

    def test_get_host_by_name(self) -> None:
        """An address, IPv4 first, through aliases; else a failed look-up."""
        for name, address in (
            ("www.example.org", "192.0.2.80"),
            (b"alias.example.org.", "192.0.2.80"),
            ("six.example.org", "2001:db8::6"),
            ("ftp.example.org", "192.0.2.1"),
        ):
            found = self.successResultOf(self.resolver.getHostByName(name))
            self.assertEqual(found, address)
        for name in (
            "nope.example.org",
            "example.org",
            "example.net",
            "x.sub.example.org",
        ):
            self.failureResultOf(self.resolver.getHostByName(name), DNSLookupError)

    def test_local_host(self) -> None:
        """In-process code may see what the local host may."""
        answers, _, _ = self.successResultOf(
            self.resolver.lookupText("pool.mgmt.example.org")
        )
        self.assertEqual(len(answers), 1)


class RespondTests(ResolverCase):
    """Octets in, octets out."""

    def test_respond(self) -> None:
        """The engine's reply; nothing is logged."""
        events = captured(self)
        reply = self.resolver.respond(QUESTION, packed("192.0.2.9"))
        self.assertEqual(
            reply, self.bench.engine.respond(QUESTION, packed("192.0.2.9"))
        )
        self.assertIsNone(self.resolver.respond(b"", packed("192.0.2.9")))
        self.assertEqual(events, [])

    def test_answer(self) -> None:
        """A query that was read, with its context."""
        parsed = read_query(QUESTION)
        assert isinstance(parsed, Query)
        context = QueryContext(parsed, b"\x7f\0\0\1")
        reply = self.resolver.answer(context)
        self.assertEqual(reply, self.resolver.respond(QUESTION, packed("127.0.0.1")))

    def test_fault(self) -> None:
        """A fault of ours is SERVFAIL, and logged at its 1st, 2nd, 4th ... time."""

        def broken(*arguments: object) -> bytes:
            raise ZeroDivisionError

        self.patch(self.bench.engine, "respond", broken)
        asked = query("www.example.org.", "A")
        asked.flags |= 0x0110
        for _ in range(9):
            reply = self.resolver.respond(asked.to_wire(), packed("192.0.2.9"))
        wire = asked.to_wire()
        self.assertEqual(reply, wire[:2] + b"\x81\x12\0\1" + bytes(6) + wire[12:])
        self.assertEqual(self.resolver.failures, 9)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 4)

    def test_debug(self) -> None:
        """With --debug each query is a line, at debug level."""
        resolver = Logged(EngineResolver(self.bench.engine))
        events = captured(self)
        resolver.respond(QUESTION, packed("192.0.2.9"))
        resolver.respond(b"junk", packed("192.0.2.9"))
        resolver.respond(query("é.example.org.", "A").to_wire(), packed("::1"))
        self.assertEqual({event["log_level"] for event in events}, {LogLevel.debug})
        lines = [event["log_format"].format(**event) for event in events]
        self.assertEqual(len(lines), 3)
        self.assertEqual(
            lines[0], "192.0.2.9: www.example.org. IN A: rcode 0, 49 octets"
        )
        self.assertEqual(lines[1], "192.0.2.9: malformed, 4 octets")
        self.assertIn("rcode 3", lines[2])
