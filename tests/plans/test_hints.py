"""Tests for HTTPS and SVCB records at a pool's name (RFC 9460)."""

import ipaddress

import dns.edns
import dns.message
import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.explain import explain
from dinamed.wire.names import from_text
from tests.plans.support import (
    Bench,
    data_of,
    host,
    make_pool,
    make_zone,
    subnet_of,
    texts,
)

ZONE = """\
ftp   IN HTTPS 1 . alpn=h2
ftp   IN SVCB  1 . port=8443 ipv4hint=203.0.113.1
ftp   IN MX    10 ns1
other IN HTTPS 1 ns1.example.org. alpn=h2
other IN SVCB  0 ftp.example.org.
mixed IN HTTPS 1 . alpn=h3
mixed IN HTTPS 2 ns1.example.org. ipv4hint=192.0.2.53
@     IN HTTPS 1 .
get   IN CNAME ftp
plain IN HTTPS 1 . ipv4hint=203.0.113.1
"""
BOUND = {"ftp": "p", "other": "p", "mixed": "p", "@": "p", "*.cdn": "p"}


def bench_of(*members: object, **pool: object) -> Bench:
    """Everything above, with these members."""
    zone = make_zone("example.org.", ZONE, BOUND)
    return Bench([zone], [make_pool("p", *members, **pool)])  # type: ignore[arg-type]


def hints(reply: dns.message.Message) -> list[str]:
    """The hints in the answers."""
    found = []
    for record in reply.answer:
        if record.rdtype in (dns.rdatatype.HTTPS, dns.rdatatype.SVCB):
            for key in (4, 6):
                if key in record[0].params:
                    found += record[0].params[key].addresses
    return found


def added(reply: dns.message.Message) -> list[str]:
    """The addresses in the additional section."""
    return [record[0].to_text() for record in reply.additional]


class HintTests(SynchronousTestCase):
    """One choice for hints, additional addresses, A and AAAA."""

    MEMBERS = [  # noqa: RUF012
        host(f"m{number}", f"192.0.2.{number}", f"2001:db8::{number}")
        for number in range(1, 9)
    ]

    def test_one_choice(self) -> None:
        """`hash` and `predictive` name one member, in whatever order one asks."""
        for select in ("hash", "predictive"):
            for order in (("HTTPS", "A", "AAAA"), ("AAAA", "A", "HTTPS", "SVCB")):
                seen = set()
                bench = bench_of(*self.MEMBERS, select=[select])
                for number in range(40):
                    client = f"198.51.{number}.1"
                    told = {
                        rdtype: bench.ask("ftp.example.org.", rdtype, client=client)
                        for rdtype in order
                    }
                    addresses = data_of(told["A"]) + data_of(told["AAAA"])
                    for rdtype in {"HTTPS", "SVCB"} & told.keys():
                        self.assertEqual(hints(told[rdtype]), addresses)
                        self.assertEqual(added(told[rdtype]), addresses)
                    seen.update(addresses)
                self.assertGreater(len(seen), 6)

    def test_random(self) -> None:
        """Pickers by chance: hints and additional addresses are of one choice."""
        bench = bench_of(*self.MEMBERS, answers=3)
        for _ in range(20):
            reply = bench.ask("ftp.example.org.", "HTTPS", size=1232)
            self.assertEqual(len(hints(reply)), 6)
            self.assertEqual(hints(reply), added(reply))
            self.assertIn('alpn="h2"', data_of(reply)[0])

    def test_counted_once(self) -> None:
        """It sends the client to a member, so it is a hand-out; explaining is none."""
        bench = bench_of(*self.MEMBERS)
        bench.ask("ftp.example.org.", "HTTPS")
        explanation = explain(
            bench.engine,
            from_text("ftp.example.org."),
            65,
            ipaddress.ip_network("192.0.2.0/24"),
        )
        self.assertIn("pool", {step.topic for step in explanation.steps})
        view = bench.manager.views["p"]
        self.assertEqual(sum(view.accounting.totals.values()), 1)

    def test_one_family(self) -> None:
        """A member without IPv6 leaves no hint for it, and none of the zone file."""
        bench = bench_of(host("four", "192.0.2.4"))
        reply = bench.ask("ftp.example.org.", "SVCB")
        self.assertEqual(data_of(reply), ['1 . port="8443" ipv4hint="192.0.2.4"'])
        self.assertEqual(added(reply), ["192.0.2.4"])

    def test_nobody(self) -> None:
        """With `when_down = "none"` the records stay, without hints."""
        bench = bench_of(host("off", "192.0.2.4", weight=0), when_down="none")
        reply = bench.ask("ftp.example.org.", "SVCB")
        self.assertEqual(data_of(reply), ['1 . port="8443"'])
        self.assertEqual(added(reply), [])

    def test_ttl(self) -> None:
        """The lower one of the record's and the pool's."""
        bench = bench_of(*self.MEMBERS, ttl=45)
        reply = bench.ask("ftp.example.org.", "HTTPS")
        self.assertEqual([one.ttl for one in reply.answer + reply.additional], [45] * 3)

    def test_other_targets(self) -> None:
        """AliasMode, and services of other hosts, are what the zone file says."""
        bench = bench_of(*self.MEMBERS)
        for name, rdtype, expected in (
            ("other", "HTTPS", ['1 ns1.example.org. alpn="h2"']),
            ("other", "SVCB", ["0 ftp.example.org."]),
            ("plain", "HTTPS", ['1 . ipv4hint="203.0.113.1"']),
        ):
            reply = bench.ask(f"{name}.example.org.", rdtype)
            self.assertEqual(data_of(reply), expected)
        mixed = data_of(bench.ask("mixed.example.org.", "HTTPS"))
        self.assertIn('2 ns1.example.org. ipv4hint="192.0.2.53"', mixed)
        self.assertEqual(sum("ipv6hint" in one for one in mixed), 1)

    def test_apex_and_aliases(self) -> None:
        """At the apex, and behind a CNAME."""
        bench = bench_of(self.MEMBERS[0])
        reply = bench.ask("example.org.", "HTTPS")
        self.assertEqual(hints(reply), ["192.0.2.1", "2001:db8::1"])
        reply = bench.ask("get.example.org.", "HTTPS")
        self.assertEqual(
            texts(reply.answer),
            [
                "get.example.org. 3600 IN CNAME ftp.example.org.",
                'ftp.example.org. 60 IN HTTPS 1 . alpn="h2" ipv4hint="192.0.2.1" '
                'ipv6hint="2001:db8::1"',
            ],
        )
        self.assertEqual(
            {record.name.to_text() for record in reply.additional},
            {"ftp.example.org."},
        )

    def test_scope(self) -> None:
        """The bits of the client subnet that the choice went by."""
        for select, scope in (("hash", 24), ("weighted", 0)):
            bench = bench_of(*self.MEMBERS, select=[select])
            subnet = dns.edns.ECSOption("198.51.100.7", 32)
            reply = bench.ask("ftp.example.org.", "HTTPS", options=[subnet])
            self.assertEqual(subnet_of(reply), f"198.51.100.7/32/{scope}")

    def test_truncation(self) -> None:
        """The additional addresses go first, without TC."""
        members = [
            host(f"n{number}", *(f"2001:db8::{number}:{k}" for k in range(4)))
            for number in range(1, 4)
        ]
        bench = bench_of(*members, answers=12)
        reply = bench.ask("ftp.example.org.", "HTTPS")
        self.assertFalse(reply.flags & 0x200)
        self.assertEqual(len(hints(reply)), 12)
        self.assertEqual(reply.additional, [])


class ApexTests(SynchronousTestCase):
    """`"@" = "POOL"`: what other servers call ALIAS."""

    def test_apex(self) -> None:
        """A and AAAA of the pool beside the SOA, NS and MX of the zone file."""
        zone = make_zone("example.org.", "@ IN MX 10 ns1\n", {"@": "p"})
        member = host("a", "192.0.2.1", "2001:db8::1")
        bench = Bench([zone], [make_pool("p", member)])
        for rdtype, expected in (
            ("A", ["192.0.2.1"]),
            ("AAAA", ["2001:db8::1"]),
            ("MX", ["10 ns1.example.org."]),
            ("NS", ["ns1.example.org."]),
        ):
            self.assertEqual(data_of(bench.ask("example.org.", rdtype)), expected)
        self.assertEqual(len(bench.ask("example.org.", "SOA").answer), 1)
