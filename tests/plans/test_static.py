"""Tests for plans of static data: RFC 1034 section 4.3.2 and what amended it."""

from itertools import product

import dns.message
import dns.rcode
import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from tests.plans.support import (
    Bench,
    data_of,
    errors_of,
    is_aa,
    is_tc,
    make_zone,
    texts,
)

SOA = "example.org. 300 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 "

OUTER = """\
www IN A 192.0.2.1
www IN A 192.0.2.2
www IN AAAA 2001:db8::1
@ IN MX 10 mail
@ IN MX 20 mail.elsewhere.test.
mail IN A 192.0.2.25
_sip._tcp IN SRV 0 5 5060 www
a.b.ent IN A 192.0.2.5
*.wild IN A 192.0.2.7
few IN MX 10 mail
few IN MX 20 x.wild
host.wild IN TXT "x"
alias IN CNAME www
*.wildalias IN CNAME www
chain IN CNAME alias
ring1 IN CNAME ring2
ring2 IN CNAME ring1
far IN CNAME www.elsewhere.test.
nowhere IN CNAME nothing
toalias IN CNAME x.child
tocut IN CNAME x.sub
dname IN DNAME wild
ddname IN DNAME dname
dfar IN DNAME elsewhere.test.
dlong IN DNAME xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.elsewhere.test.
sub IN NS ns.sub
sub IN NS ns.sibling
sub IN NS ns.elsewhere.test.
sub IN DS 12345 13 2 abababababababababababababababababababababababababababababababab
ns.sub IN A 192.0.2.60
ns.sub IN AAAA 2001:db8::60
sibling IN NS ns.sibling
ns.sibling IN A 192.0.2.61
child IN NS ns.child
child IN DS 12346 13 2 cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
ns.child IN A 192.0.2.62
"""
CHILD = """\
x IN A 192.0.2.99
back IN CNAME www.example.org.
gone IN CNAME gone.example.org.
"""


class StaticCase(SynchronousTestCase):
    """A zone, and a child of it that is served here too."""

    def setUp(self) -> None:
        self.bench = Bench(
            [make_zone("example.org.", OUTER), make_zone("child.example.org.", CHILD)]
        )

    def ask(self, name: str, rdtype: str, **how: int) -> dns.message.Message:
        """Ask for a name in example.org."""
        name = "example.org." if name == "@" else f"{name}.example.org."
        return self.bench.ask(name, rdtype, size=how.get("size"))

    def assert_negative(self, reply: dns.message.Message, rcode: int) -> None:
        """The reply has nothing but the SOA, its TTL the MINIMUM (RFC 2308)."""
        self.assertEqual(reply.rcode(), rcode)
        self.assertTrue(is_aa(reply))
        self.assertEqual(reply.additional, [])
        self.assertEqual(len(reply.authority), 1)
        self.assertTrue(texts(reply.authority)[0].startswith(SOA))


class AnswerTests(StaticCase):
    """Data, and the lack of it."""

    def test_data(self) -> None:
        """All records of the type, with AA."""
        reply = self.ask("www", "A")
        self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
        self.assertTrue(is_aa(reply))
        self.assertEqual(data_of(reply), ["192.0.2.1", "192.0.2.2"])
        self.assertEqual((reply.authority, reply.additional), ([], []))

    def test_addresses_beside(self) -> None:
        """MX, NS and SRV bring the addresses of hosts in the zone."""
        self.assertEqual(
            texts(self.ask("@", "MX").additional),
            ["mail.example.org. 3600 IN A 192.0.2.25"],
        )
        self.assertEqual(
            texts(self.ask("@", "NS").additional),
            ["ns1.example.org. 3600 IN A 192.0.2.53"],
        )
        self.assertEqual(len(self.ask("_sip._tcp", "SRV").additional), 3)
        self.assertEqual(len(self.ask("few", "MX").additional), 1)

    def test_services(self) -> None:
        """SVCB and HTTPS bring the addresses of their targets (RFC 9460 4.1)."""
        zone = make_zone(
            "example.org.",
            "@ HTTPS 0 web\n"
            "web HTTPS 1 . alpn=h2\nweb A 192.0.2.8\nweb AAAA 2001:db8::8\n"
            "api SVCB 1 web.example.org. port=8443\napi A 192.0.2.9\n"
            "away HTTPS 1 cdn.example.net.\nnone HTTPS 0 .\nnone A 192.0.2.1\n"
            "*.all HTTPS 1 .\n*.all A 192.0.2.7\n",
        )
        bench = Bench([zone])
        both = ["web.example.org. A 192.0.2.8", "web.example.org. AAAA 2001:db8::8"]
        for owner, rrtype, expected in (
            ("", "HTTPS", [*both, 'web.example.org. HTTPS 1 . alpn="h2"']),
            ("web.", "HTTPS", both),
            ("api.", "SVCB", both),
            ("away.", "HTTPS", []),
            ("none.", "HTTPS", []),
        ):
            reply = bench.ask(f"{owner}example.org.", rrtype, size=1232)
            found = [
                f"{one.name} {dns.rdatatype.to_text(one.rdtype)} {one[0]}"
                for one in reply.additional
            ]
            self.assertEqual(found, expected, owner)

    def test_no_data(self) -> None:
        """A name without that type, also of unknown types and types of queries."""
        for rdtype in ("MX", "TYPE1000", "DS", "NSEC", "MAILA", "TYPE41", "CNAME"):
            self.assert_negative(self.ask("www", rdtype), dns.rcode.NOERROR)

    def test_nonexistent(self) -> None:
        """NXDOMAIN, for all types."""
        for rdtype in ("A", "TXT", "DS", "ANY", "CNAME"):
            self.assert_negative(self.ask("a.nope", rdtype), dns.rcode.NXDOMAIN)

    def test_empty_non_terminals(self) -> None:
        """Names with names below them exist (RFC 4592 section 2.2.2)."""
        for name in ("ent", "b.ent", "_tcp"):
            for rdtype in ("A", "ANY"):
                self.assert_negative(self.ask(name, rdtype), dns.rcode.NOERROR)
        self.assert_negative(self.ask("x.ent", "A"), dns.rcode.NXDOMAIN)

    def test_wildcards(self) -> None:
        """The owner is the name asked; existing names stop it (RFC 4592)."""
        for name in ("x.wild", "x.y.wild", "*.wild"):
            reply = self.ask(name, "A")
            self.assertEqual(
                texts(reply.answer), [f"{name}.example.org. 3600 IN A 192.0.2.7"]
            )
        self.assert_negative(self.ask("x.wild", "TXT"), dns.rcode.NOERROR)
        self.assert_negative(self.ask("host.wild", "A"), dns.rcode.NOERROR)
        self.assert_negative(self.ask("x.host.wild", "A"), dns.rcode.NXDOMAIN)
        self.assertEqual(
            data_of(self.ask("q.wildalias", "A"))[1:], ["192.0.2.1", "192.0.2.2"]
        )

    def test_any(self) -> None:
        """One HINFO, or the alias (RFC 8482 section 4)."""
        self.assertEqual(
            texts(self.ask("www", "ANY").answer),
            ['www.example.org. 3600 IN HINFO "RFC8482" ""'],
        )
        self.assertEqual(data_of(self.ask("alias", "ANY")), ["www.example.org."])
        self.assertEqual(data_of(self.ask("x.wild", "ANY")), ['"RFC8482" ""'])

    def test_any_below_dname(self) -> None:
        """The alias made from the DNAME is an answer, and is not followed."""
        for rdtype in ("ANY", "CNAME"):
            reply = self.ask("x.dname", rdtype)
            self.assertEqual(
                data_of(reply), ["wild.example.org.", "x.wild.example.org."]
            )
            self.assertEqual((reply.rcode(), reply.authority), (0, []))


class RefusalTests(StaticCase):
    """What is not answered, and why."""

    def assert_refused(self, reply: dns.message.Message, error: int) -> None:
        """REFUSED with this extended error, and nothing else."""
        self.assertEqual(reply.rcode(), dns.rcode.REFUSED)
        self.assertFalse(is_aa(reply))
        self.assertEqual(errors_of(reply), [error])
        for section in (reply.answer, reply.authority, reply.additional):
            self.assertEqual(section, [])

    def test_foreign(self) -> None:
        """Names of others: extended error 20."""
        for name in (".", "org.", "www.example.net.", "xexample.org."):
            self.assert_refused(self.bench.ask(name, "A", size=1232), 20)

    def test_extended_errors_need_edns(self) -> None:
        """Without an OPT in the query there is none in the reply."""
        reply = self.bench.ask("example.net.", "A")
        self.assertEqual((reply.rcode(), reply.edns), (dns.rcode.REFUSED, -1))

    def test_classes(self) -> None:
        """Other classes than IN and CH, ANY among them."""
        for rdclass in ("HS", "ANY", "CLASS9"):
            reply = self.bench.ask("www.example.org.", "A", rdclass=rdclass, size=1232)
            self.assert_refused(reply, 20)

    def test_transfers(self) -> None:
        """AXFR and IXFR of our zones are prohibited (18), of others not ours (20)."""
        for rdtype in ("AXFR", "IXFR"):
            self.assert_refused(self.ask("@", rdtype, size=1232), 18)
            reply = self.bench.ask("example.net.", rdtype, size=1232)
            self.assert_refused(reply, 20)

    def test_notify_and_update(self) -> None:
        """Prohibited for our zones, NOTAUTH for others; the opcode is echoed."""
        for opcode in (4, 5):
            for zone, rcode, error in (
                ("example.org.", dns.rcode.REFUSED, 18),
                ("example.net.", dns.rcode.NOTAUTH, 20),
            ):
                message = dns.message.make_query(zone, "SOA", use_edns=0)
                message.flags |= opcode << 11
                for _ in range(2):
                    reply = self.bench.send(message)
                    self.assertEqual(reply.opcode(), opcode)
                    self.assertEqual(reply.rcode(), rcode)
                    self.assertEqual(errors_of(reply), [error])
                    self.assertFalse(is_aa(reply))


class AliasTests(StaticCase):
    """CNAME and DNAME chains."""

    def test_chain(self) -> None:
        """All aliases and what they lead to."""
        reply = self.ask("chain", "A")
        self.assertEqual(
            data_of(reply),
            ["alias.example.org.", "www.example.org.", "192.0.2.1", "192.0.2.2"],
        )
        self.assertTrue(is_aa(reply))
        self.assertEqual(reply.authority, [])

    def test_asked_for_itself(self) -> None:
        """A question for CNAME is not led on."""
        self.assertEqual(data_of(self.ask("chain", "CNAME")), ["alias.example.org."])

    def test_no_data_and_nxdomain_at_the_end(self) -> None:
        """The rcode is of the last name (RFC 6604), the SOA of its zone."""
        reply = self.ask("chain", "MX")
        self.assertEqual((reply.rcode(), len(reply.answer)), (0, 2))
        self.assertTrue(texts(reply.authority)[0].startswith(SOA))
        reply = self.ask("nowhere", "A")
        self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
        self.assertEqual(data_of(reply), ["nothing.example.org."])
        self.assertTrue(is_aa(reply))
        reply = self.bench.ask("gone.child.example.org.", "A")
        self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
        self.assertTrue(texts(reply.authority)[0].startswith(SOA))

    def test_out_of_our_zones(self) -> None:
        """The chain ends where our data do."""
        reply = self.ask("far", "A")
        self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
        self.assertEqual(data_of(reply), ["www.elsewhere.test."])
        self.assertEqual(reply.authority, [])

    def test_across_our_zones(self) -> None:
        """Into a child zone, and from it."""
        self.assertEqual(data_of(self.ask("toalias", "A"))[-1], "192.0.2.99")
        reply = self.bench.ask("back.child.example.org.", "AAAA")
        self.assertEqual(data_of(reply), ["www.example.org.", "2001:db8::1"])

    def test_into_a_delegation(self) -> None:
        """The referral follows the alias, which is authoritative."""
        reply = self.ask("tocut", "A")
        self.assertEqual(data_of(reply), ["x.sub.example.org."])
        self.assertTrue(is_aa(reply))
        self.assertIn(" NS ", texts(reply.authority)[0])

    def test_loops(self) -> None:
        """A ring of aliases is told once and then left."""
        reply = self.ask("ring1", "A")
        self.assertEqual(data_of(reply), ["ring2.example.org.", "ring1.example.org."])
        self.assertEqual(reply.rcode(), dns.rcode.NOERROR)

    def test_long_chains_end(self) -> None:
        """Sixteen aliases are followed."""
        zone = make_zone(
            "example.org.",
            "".join(f"c{n} IN CNAME c{n + 1}\n" for n in range(40)),
        )
        reply = Bench([zone]).ask("c0.example.org.", "A", stream=True)
        self.assertEqual((reply.rcode(), len(reply.answer)), (0, 16))

    def test_dname(self) -> None:
        """The DNAME, a CNAME made from it with its TTL, and on (RFC 6672)."""
        reply = self.ask("X.y.dname", "A")
        self.assertEqual(
            texts(reply.answer),
            [
                "dname.example.org. 3600 IN DNAME wild.example.org.",
                "X.y.dname.example.org. 3600 IN CNAME x.y.wild.example.org.",
                "x.y.wild.example.org. 3600 IN A 192.0.2.7",
            ],
        )
        self.assertEqual(len(self.ask("x.ddname", "A").answer), 5)
        self.assertEqual(
            data_of(self.ask("x.dfar", "A")), ["elsewhere.test.", "x.elsewhere.test."]
        )

    def test_dname_owner(self) -> None:
        """The owner itself is not redirected."""
        self.assert_negative(self.ask("dname", "A"), dns.rcode.NOERROR)
        self.assertEqual(data_of(self.ask("dname", "DNAME")), ["wild.example.org."])

    def test_dname_overflow(self) -> None:
        """A name that grows over 255 octets is YXDOMAIN, with the DNAME alone."""
        label = "y" * 62
        reply = self.ask(f"{label}.{label}.{label}.dlong", "A")
        self.assertEqual(reply.rcode(), dns.rcode.YXDOMAIN)
        self.assertEqual(len(reply.answer), 1)
        self.assertTrue(is_aa(reply))

    def test_wildcard_behind_alias_to_own_name(self) -> None:
        """An alias to `mgmt` meets the zone's data, in the right sections."""
        text = "* IN A 192.0.2.8\na IN CNAME mgmt\nb IN CNAME _status\n"
        bench = Bench([make_zone("example.org.", text)])
        for name in ("a", "b"):
            reply = bench.ask(f"{name}.example.org.", "A")
            self.assertEqual(data_of(reply)[-1], "192.0.2.8")
            self.assertEqual(reply.authority, [])
        bench = Bench([make_zone("example.org.", "a IN CNAME mgmt\n")])
        reply = bench.ask("a.example.org.", "TXT")
        self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)


class DelegationTests(StaticCase):
    """Referrals, glue and DS."""

    def test_referral(self) -> None:
        """NS in the authority section, glue beside, no AA; DS with DO alone."""
        for name, do in product(("sub", "x.sub", "a.b.sub", "ns.sub"), (False, True)):
            reply = self.bench.ask(f"{name}.example.org.", "A", size=1232, do=do)
            self.assertEqual((reply.rcode(), reply.answer), (0, []))
            self.assertFalse(is_aa(reply))
            types = [record.rdtype.name for record in reply.authority]
            self.assertEqual(types, ["NS", "NS", "NS", *["DS"] * do])
            owners = [record.name.to_text() for record in reply.additional]
            expected = ["ns.sub.example.org."] * 2 + ["ns.sibling.example.org."]
            self.assertEqual(owners, expected)

    def test_required_glue_comes_first(self) -> None:
        """Glue that resolvers cannot do without is the last to be cut (RFC 9471)."""
        text = "".join(
            f"sub NS {name}\n{name} A 192.0.2.1\n" for name in ("a", "z.sub")
        )
        zone = make_zone("example.net.", text)
        reply = Bench([zone]).ask("x.sub.example.net.", "A")
        owners = [record.name.to_text() for record in reply.additional]
        self.assertEqual(owners, ["z.sub.example.net.", "a.example.net."])

    def test_ds_at_the_cut(self) -> None:
        """DS is the parent's, so it is answered here with AA."""
        reply = self.ask("sub", "DS")
        self.assertTrue(is_aa(reply))
        self.assertEqual(len(reply.answer), 1)
        self.assert_negative(self.ask("sibling", "DS"), dns.rcode.NOERROR)
        self.assertFalse(is_aa(self.ask("x.sub", "DS")))

    def test_ds_of_a_child_zone_of_ours(self) -> None:
        """RFC 4035 section 3.1.4.1: from the parent zone, though the child is here."""
        reply = self.ask("child", "DS")
        self.assertEqual([r.rdtype.name for r in reply.answer], ["DS"])
        self.assertTrue(is_aa(reply))
        self.assertTrue(is_aa(self.ask("child", "SOA")))
        self.assertEqual(data_of(self.ask("x.child", "A")), ["192.0.2.99"])

    def test_ds_without_parent(self) -> None:
        """Where we have no parent zone the child has to say that there is none."""
        self.assert_negative(self.ask("@", "DS"), dns.rcode.NOERROR)

    def test_any_at_a_cut(self) -> None:
        """ANY is a referral too."""
        reply = self.ask("sub", "ANY")
        self.assertEqual(reply.answer, [])
        self.assertFalse(is_aa(reply))

    def test_lost_glue_is_truncation(self) -> None:
        """RFC 9471: glue below the cut is no option; that of siblings is."""
        for inside, truncated in (("sub", True), ("elsewhere", False)):
            zone = make_zone(
                "example.org.",
                "".join(f"sub IN NS ns{n}.{inside}\n" for n in range(13))
                + "".join(f"ns{n}.{inside} IN A 192.0.2.1\n" for n in range(13))
                + "".join(f"ns{n}.{inside} IN AAAA ::{n}\n" for n in range(13)),
            )
            reply = Bench([zone]).ask("x.sub.example.org.", "A")
            self.assertEqual(is_tc(reply), truncated)
            self.assertEqual(len(reply.authority), 13)
            self.assertTrue(0 < len(reply.additional) < 26)
            whole = Bench([zone]).ask("x.sub.example.org.", "A", stream=True)
            self.assertFalse(is_tc(whole))
            self.assertEqual(len(whole.additional), 26)
