"""Zones and pools: what a balancer must answer beyond RFC 8906, by dig.

Cookies, TCP keepalive, DNSSEC, UPDATE, zone transfers and DNS over TLS are not here.
"""

import dns.message
import dns.rcode

from tests.daemon.digging import Reply, run_dig
from tests.daemon.scenario import MINIMUM, MIRRORS, MIRRORS_6, ZONE, AskingCase


class ZoneTests(AskingCase):
    """Names of the zone file, and names of others."""

    def assert_negative(self, reply: Reply, status: str) -> None:
        """The SOA in the authority section, its TTL cut to the minimum, and AA."""
        self.assertEqual(reply.status, status, reply.text)
        self.assertIn("aa", reply.flags)
        self.assertEqual(reply.answer, [])
        soa = [(one.name, one.ttl, one.rdtype) for one in reply.authority]
        self.assertEqual(soa, [(f"{ZONE}.", MINIMUM, "SOA")])

    def test_foreign_name(self) -> None:
        """A name outside our zones: REFUSED, no AA, no SOA, and why (RFC 8914)."""
        reply = self.dig("a example.com")
        self.assertEqual(reply.status, "REFUSED")
        self.assertEqual(reply.flags, {"qr"})
        self.assertEqual(reply.authority, [])
        assert reply.opt is not None
        self.assertEqual(reply.opt.option("EDE"), "20 (Not Authoritative)", reply.text)

    def test_foreign_name_without_edns(self) -> None:
        """Without an OPT in the query there is none in the refusal."""
        reply = self.dig("+noedns a example.com")
        self.assertEqual(reply.status, "REFUSED")
        self.assertIsNone(reply.opt)

    def test_root_and_parent(self) -> None:
        """Names above our zone are foreign too."""
        for name in (".", "org"):
            with self.subTest(name):
                self.assertEqual(self.dig(f"ns {name}").status, "REFUSED")

    def test_nodata(self) -> None:
        """A name without the type."""
        self.assert_negative(self.dig(f"mx www.{ZONE}"), "NOERROR")

    def test_nxdomain(self) -> None:
        """A name that is not there."""
        self.assert_negative(self.dig(f"a nope.{ZONE}"), "NXDOMAIN")

    def test_empty_non_terminal(self) -> None:
        """A name that only has names below it exists (RFC 8020)."""
        self.assert_negative(self.dig(f"a b.deep.{ZONE}"), "NOERROR")

    def test_wildcard(self) -> None:
        """A wildcard answers with the name that was asked (RFC 4592)."""
        reply = self.dig(f"txt any.thing.wild.{ZONE}")
        self.assertEqual(
            [(one.name, one.rdata) for one in reply.answer],
            [(f"any.thing.wild.{ZONE}.", '"by the wildcard"')],
        )

    def test_delegation(self) -> None:
        """Below a cut: a referral with glue, without AA."""
        reply = self.dig(f"a host.lab.{ZONE}")
        self.assertEqual((reply.status, reply.flags), ("NOERROR", {"qr"}))
        self.assertEqual(reply.answer, [])
        self.assertEqual([one.rdtype for one in reply.authority], ["NS"])
        glue = [(one.name, one.rdata) for one in reply.records("ADDITIONAL")]
        self.assertEqual(glue, [(f"ns.lab.{ZONE}.", "192.0.2.55")])

    def test_case_is_echoed(self) -> None:
        """The question comes back byte for byte, and the owner in the same case."""
        for name in (f"FtP.{ZONE}", "wWw.ExAmPlE.oRg", f"nOpE.{ZONE}", "eXample.CoM"):
            with self.subTest(name):
                query = dns.message.make_query(name, "A", flags=0)
                reply = self.daemon.send(query)
                self.assertEqual(reply.question[0].name.to_text(), name + ".")
                for rrset in reply.answer:
                    self.assertEqual(rrset.name.to_text(), name + ".")

    def test_any(self) -> None:
        """ANY gets one RRset or HINFO (RFC 8482)."""
        for name in (ZONE, f"ftp.{ZONE}", f"www.{ZONE}"):
            with self.subTest(name):
                reply = self.dig(f"+notcp -t ANY {name}")
                self.assertEqual(reply.status, "NOERROR")
                self.assertIn("aa", reply.flags)
                self.assertEqual(len({one.rdtype for one in reply.answer}), 1)

    def test_transfer_is_refused(self) -> None:
        """AXFR over TCP and UDP, IXFR: REFUSED while nobody is allowed."""
        axfr = run_dig(self.daemon, ["axfr", ZONE, "+tcp", "+all", "+noidnout"])
        self.assertEqual(axfr.answer, [])
        for tcp in (True, False):
            reply = self.daemon.ask(ZONE, "AXFR", tcp=tcp)
            with self.subTest(f"axfr, tcp {tcp}"):
                self.assertEqual(reply.rcode(), dns.rcode.REFUSED)
        self.assertEqual(self.daemon.ask(ZONE, "IXFR").rcode(), dns.rcode.REFUSED)


class PoolTests(AskingCase):
    """Names that are bound to pools."""

    def test_a(self) -> None:
        """One address of a member with a weight, and the pool's TTL."""
        reply = self.dig(f"a ftp.{ZONE}")
        self.assertEqual((reply.status, reply.flags), ("NOERROR", {"qr", "aa"}))
        (record,) = reply.answer
        self.assertEqual((record.name, record.ttl), (f"ftp.{ZONE}.", 60))
        self.assertIn(record.rdata, MIRRORS)

    def test_aaaa(self) -> None:
        """The same over the other family."""
        (record,) = self.dig(f"aaaa ftp.{ZONE}").answer
        self.assertIn(record.rdata, MIRRORS_6)

    def test_by_wildcard(self) -> None:
        """A wildcard may be bound to a pool."""
        (record,) = self.dig(f"a some.cdn.{ZONE}").answer
        self.assertEqual(record.name, f"some.cdn.{ZONE}.")
        self.assertIn(record.rdata, MIRRORS)

    def test_every_member_with_a_weight(self) -> None:
        """In 60 answers each member with a weight is seen, and weight 0 is not."""
        seen: set[str] = set()
        for _ in range(60):
            reply = self.daemon.ask(f"ftp.{ZONE}", "A")
            seen.update(str(item) for rrset in reply.answer for item in rrset)
        self.assertEqual(seen, set(MIRRORS))

    def test_no_address_of_the_family(self) -> None:
        """AAAA of a pool with IPv4 only is NODATA, not an error."""
        reply = self.dig(f"aaaa v4.{ZONE}")
        self.assertEqual((reply.status, reply.answer), ("NOERROR", []))
        self.assertEqual([one.rdtype for one in reply.authority], ["SOA"])
        self.assertIn("aa", reply.flags)

    def test_other_types(self) -> None:
        """MX and HTTPS come from the zone file; SRV stands nowhere."""
        self.assertEqual(self.dig(f"mx ftp.{ZONE}").rdatas("MX"), [f"10 mail.{ZONE}."])
        self.assertEqual(len(self.dig(f"-t HTTPS ftp.{ZONE}").answer), 1)
        reply = self.dig(f"srv ftp.{ZONE}")
        self.assertEqual((reply.status, reply.answer), ("NOERROR", []))

    def test_alias_of_a_pool(self) -> None:
        """A CNAME inside the zone is followed into the pool."""
        reply = self.dig(f"a get.{ZONE}")
        self.assertEqual([one.rdtype for one in reply.answer], ["CNAME", "A"])
        self.assertIn(reply.answer[1].rdata, MIRRORS)

    def test_txt(self) -> None:
        """TXT of a pool's name says who serves this client."""
        (record,) = self.dig(f"txt ftp.{ZONE}").answer
        self.assertEqual(record.ttl, 60)
        self.assertIn(
            record.rdata, [f'"serviced by {name}"' for name in MIRRORS.values()]
        )

    def test_hash_is_one_decision(self) -> None:
        """By hash A, AAAA and TXT name the same member, each time."""
        for _ in range(3):
            (four,) = self.dig(f"a login.{ZONE}").rdatas("A")
            (six,) = self.dig(f"aaaa login.{ZONE}").rdatas("AAAA")
            (text,) = self.dig(f"txt login.{ZONE}").rdatas("TXT")
            number = four.removeprefix("192.0.2.2")
            self.assertEqual(six, f"2001:db8::2{number}")
            self.assertEqual(text, f'"serviced by login{number}"')
