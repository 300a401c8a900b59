"""Tests for the built-in names."""

import json
import time
from functools import partial

import dns.message
import dns.rcode
from twisted.trial.unittest import SynchronousTestCase

from dinamed import __version__
from dinamed.plans.builtin_names import within
from dinamed.plans.reply import text_record
from dinamed.pools.states import Order
from tests.plans.support import (
    STARTED,
    Bench,
    errors_of,
    host,
    is_aa,
    is_tc,
    make_pool,
    make_zone,
    strings_of,
)

LOOPBACK = "127.0.0.1"


class OwnNamesCase(SynchronousTestCase):
    """Two zones, of which one has names of its own where ours would be."""

    def setUp(self) -> None:
        self.bench = Bench(
            [
                make_zone("example.org.", "* IN TXT wild\n", {"ftp": "Mirrors"}),
                make_zone(
                    "own.test.", "mgmt IN A 192.0.2.9\na._status IN TXT theirs\n"
                ),
            ],
            [
                make_pool(
                    "Mirrors",
                    host("a", "192.0.2.1"),
                    host("b", "192.0.2.2", weight=2.5),
                    host("c", "192.0.2.3", weight=0),
                ),
                make_pool("dotted.name", host("x", "192.0.2.4")),
            ],
        )

    def ask(self, name: str, rdtype: str = "TXT", **how: str) -> dns.message.Message:
        """Ask for a name of class IN, or another."""
        return self.bench.ask(name, rdtype, size=1232, **how)  # type: ignore[arg-type]


class ZoneNameTests(OwnNamesCase):
    """Names under every zone."""

    def test_mgmt(self) -> None:
        """Five records with TTL 0."""
        self.bench.now += 100
        reply = self.ask("mgmt.example.org.")
        self.assertEqual(
            strings_of(reply),
            [
                f"dinamed/{__version__}",
                "Host: ns-test",
                f"Started: {time.ctime(STARTED)}",
                f"Now:     {time.ctime(STARTED + 100)}",
                "Questions: 1",
            ],
        )
        self.assertEqual({record.ttl for record in reply.answer}, {0})
        self.assertTrue(is_aa(reply))
        self.assertEqual(strings_of(self.ask("mgmt.example.org."))[4], "Questions: 2")

    def test_status(self) -> None:
        """One JSON object with TTL 1."""
        self.bench.now += 12.9
        reply = self.ask("_status.example.org.")
        (text,) = strings_of(reply)
        expected = {"up": 12, "id": "ns-test", "qs": 1, "v": __version__}
        self.assertEqual(json.loads(text), expected)
        self.assertNotIn(" ", text)
        self.assertEqual(reply.answer[0].ttl, 1)

    def test_members(self) -> None:
        """State, weight, load, hand-outs, name; the best member first."""
        for _ in range(40):
            self.bench.ask("ftp.example.org.", "A")
        self.bench.manager.order("Mirrors", "a", Order.DRAIN, now=STARTED)
        reply = self.ask("mirrors.mgmt.example.org.", client=LOOPBACK)
        totals = self.bench.manager.views["Mirrors"].accounting.totals
        self.assertEqual(sum(totals.values()), 40)
        self.assertEqual(
            strings_of(reply),
            [
                f"up 2.5 - {totals['b']} b",
                f"drain 1 - {totals['a']} a",
                "up 0 - 0 c",
            ],
        )
        self.assertEqual({record.ttl for record in reply.answer}, {0})

    def test_more_than_a_message_holds(self) -> None:
        """Over UDP there is TC alone; over TCP the best, and the number of the rest."""
        texts = [f"up 1 - 0 member-{number}" for number in range(10_000)]
        record = partial(text_record, b"\xc0\x0c", 1, 0)
        for count in (0, 1, 2, 3, 100, 2000, 10_000):
            some = texts[:count]
            whole = sum(len(record(text)) for text in some)
            self.assertEqual(within(whole, some, record, True), [*map(record, some)])
            self.assertEqual(within(whole, some, record, False), [*map(record, some)])
            if count < 2:
                continue
            cut = within(whole - 1, some, record, cut=True)
            self.assertLess(sum(map(len, cut)), whole)
            kept = len(cut) - 1
            self.assertEqual(cut[:-1], [*map(record, some[:kept])])
            self.assertEqual(cut[-1], record(f"... {count - kept} more"))
            udp = within(whole - 1, some, record, cut=False)
            self.assertGreater(sum(map(len, udp)), whole - 1)

    def test_large_pool(self) -> None:
        """A pool whose members fill several messages, over both transports."""
        members = [host(f"m{number:05}", "192.0.2.1") for number in range(5000)]
        zone = make_zone("example.org.", "", {"ftp": "large"})
        bench = Bench([zone], [make_pool("large", *members)])
        name = "large.mgmt.example.org."
        reply = bench.ask(name, "TXT", client=LOOPBACK)
        self.assertTrue(is_tc(reply))
        self.assertEqual(reply.answer, [])
        reply = bench.ask(name, "TXT", client=LOOPBACK, stream=True)
        self.assertFalse(is_tc(reply))
        texts = strings_of(reply)
        self.assertEqual(texts[0], "up 1 - 0 m00000")
        self.assertEqual(texts[-1], f"... {5001 - len(texts)} more")
        self.assertGreater(len(reply.to_wire()), 65_000)

    def test_names_of_pools(self) -> None:
        """The case of a pool's name does not matter, and it may have dots."""
        for name in ("MIRRORS.mgmt", "dotted.name.mgmt"):
            for origin in ("example.org.", "EXAMPLE.org."):
                reply = self.ask(f"{name}.{origin}", client="127.9.9.9")
                self.assertTrue(strings_of(reply)[0].startswith("up "))

    def test_members_are_not_for_everybody(self) -> None:
        """Others are refused with extended error 18, also for other types."""
        for rdtype in ("TXT", "A"):
            for client in ("192.0.2.1", "2001:db8::1"):
                reply = self.ask("mirrors.mgmt.example.org.", rdtype, client=client)
                self.assertEqual(reply.rcode(), dns.rcode.REFUSED)
                self.assertEqual(errors_of(reply), [18])
                self.assertEqual(reply.answer, [])
        for client in ("::1", "::ffff:127.0.0.1"):
            reply = self.ask("mirrors.mgmt.example.org.", client=client)
            self.assertEqual(len(reply.answer), 3)

    def test_the_source_address_counts(self) -> None:
        """A client subnet is a claim, and gives no rights."""
        reply = self.bench.ask(
            "mirrors.mgmt.example.org.",
            "TXT",
            options=[dns.edns.ECSOption("127.0.0.0", 8, 0)],
        )
        self.assertEqual(reply.rcode(), dns.rcode.REFUSED)

    def test_no_such_pool(self) -> None:
        """There is nothing else below `mgmt`, whatever wildcard stands above it."""
        for zone in ("example.org.", "own.test."):
            reply = self.ask(f"nothing.mgmt.{zone}", client=LOOPBACK)
            self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)

    def test_other_types(self) -> None:
        """NODATA with the SOA, also for ANY."""
        for name in ("mgmt", "_status", "mirrors.mgmt"):
            for rdtype in ("A", "ANY", "SOA"):
                reply = self.ask(f"{name}.example.org.", rdtype, client=LOOPBACK)
                self.assertEqual((reply.rcode(), reply.answer), (0, []))
                self.assertEqual(len(reply.authority), 1)
                self.assertTrue(is_aa(reply))

    def test_the_zone_wins(self) -> None:
        """Names that the zone has, empty ones too, are the zone's."""
        self.assertEqual(len(self.ask("mgmt.own.test.", "A").answer), 1)
        for name in ("mgmt.own.test.", "_status.own.test."):
            reply = self.ask(name)
            self.assertEqual((reply.rcode(), reply.answer), (0, []))
        # But pools below the zone's own `mgmt` still answer.
        reply = self.ask("mirrors.mgmt.own.test.", client=LOOPBACK)
        self.assertEqual(len(reply.answer), 3)

    def test_too_many_members(self) -> None:
        """A long list is truncated as a whole over UDP, and whole over TCP."""
        members = [host(f"member{n}", f"192.0.2.{n}") for n in range(1, 100)]
        bench = Bench([make_zone("example.org.", "")], [make_pool("p", *members)])
        reply = bench.ask("p.mgmt.example.org.", "TXT", client=LOOPBACK)
        self.assertTrue(is_tc(reply))
        self.assertEqual(reply.answer, [])
        reply = bench.ask("p.mgmt.example.org.", "TXT", client=LOOPBACK, stream=True)
        self.assertEqual(len(reply.answer), 99)


class ChaosTests(OwnNamesCase):
    """Class CH."""

    def test_names(self) -> None:
        """Version and identity, whatever zones there are."""
        for name, text in (
            ("version.bind.", __version__),
            ("Version.Server.", __version__),
            ("id.server.", "ns-test"),
            ("hostname.bind.", "ns-test"),
        ):
            reply = self.ask(name, rdclass="CH")
            self.assertEqual(strings_of(reply), [text])
            self.assertEqual(reply.answer[0].rdclass.name, "CH")
            self.assertEqual(reply.answer[0].ttl, 0)

    def test_nothing_else(self) -> None:
        """Other names and types of that class are refused."""
        for name, rdtype in (
            ("mgmt.example.org.", "TXT"),
            ("version.bind.", "A"),
            ("version.bind.", "ANY"),
            ("authors.bind.", "TXT"),
        ):
            reply = self.ask(name, rdtype, rdclass="CH")
            self.assertEqual(reply.rcode(), dns.rcode.REFUSED)
            self.assertEqual(reply.answer, [])

    def test_long_identity(self) -> None:
        """255 octets of identity fit a string, and UTF-8 may cross its end."""
        for identity in ("i" * 255, "ä" * 127):
            bench = Bench([make_zone("example.org.", "")], identity=identity)
            reply = bench.ask("id.server.", "TXT", rdclass="CH")
            self.assertEqual(strings_of(reply), [identity])
            reply = bench.ask("mgmt.example.org.", "TXT", stream=True)
            self.assertEqual(strings_of(reply)[1], f"Host: {identity}")
