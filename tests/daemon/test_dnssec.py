"""Signed answers of a real daemon, as delv and unbound judge them."""

import re
import subprocess
import time
from typing import NamedTuple
from urllib.request import urlopen

import dns.flags
import dns.message
import dns.name
import dns.rcode
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import program
from tests.daemon.signed import KEYS, ZONE, Delv, SigningDaemon, Unbound
from tests.daemon.validating import faults, keys_of, unproven

YES = "fully validated"
NO = "negative response, fully validated"
ELSEWHERE = ""
"""delv follows no alias into a zone that it has no anchor for."""


class Row(NamedTuple):
    """A question, what delv says, and what unbound answers."""

    name: str
    type: str
    delv: str = YES
    rcode: str = "NOERROR"
    secure: bool = True


ROWS = [
    Row("www", "A"),
    Row("@", "SOA"),
    Row("@", "DNSKEY"),
    Row("@", "NS"),
    Row("@", "MX"),
    Row("big", "TXT"),
    Row("foo.wild", "TXT"),
    Row("foo.wild", "A", NO),
    Row("z.wild", "A", NO),
    Row("z.wild", "TXT"),
    Row("www", "MX", NO),
    Row("nope", "A", NO, "NXDOMAIN"),
    Row("a.b.c.nope", "A", NO, "NXDOMAIN"),
    Row("ent", "A", NO),
    Row("b.ent", "TXT", NO),
    Row("de", "A", NO),
    Row("c.b.ent", "A", NO, "NXDOMAIN"),
    Row("nope.de", "A", NO, "NXDOMAIN"),
    Row("ins", "DS", NO),
    Row("cut", "DS", NO),
    Row("sec", "DS"),
    Row("www.sec", "A"),
    Row("nope.sec", "A", NO, "NXDOMAIN"),
    Row("www.ins", "A", "unsigned answer", secure=False),
    Row("alias", "A"),
    Row("alias", "AAAA"),
    Row("zz.walias", "AAAA"),
    Row("zz.walias", "A"),
    Row("far", "A", ELSEWHERE),
    Row("dangling", "A", ELSEWHERE, "NXDOMAIN"),
    Row("b.tree", "A", ELSEWHERE),
    Row("x.ptree", "A"),
    Row("ftp", "A"),
    Row("ftp", "AAAA"),
    Row("ftp", "TXT"),
    Row("ftp", "MX"),
    Row("ftp", "HTTPS"),
    Row("ftp", "SRV", NO),
    Row("one", "A"),
    Row("one", "AAAA"),
    Row("v4", "A"),
    Row("v4", "AAAA", NO),
    Row("gone", "A", NO),
    Row("gone", "AAAA", NO),
    Row("ftp.de", "A"),
    Row("ftp.europe", "AAAA"),
    Row("host7.cdn", "A"),
    Row("host7.cdn", "TXT"),
    Row("host7.cdn", "MX", NO),
    Row("host7.cdn.de", "AAAA"),
    Row("host7.any", "A"),
    Row("mgmt", "TXT"),
    Row("mgmt", "A", NO),
    Row("x.mgmt", "A", NO, "NXDOMAIN"),
    Row("_status", "TXT"),
    Row("_country", "TXT"),
    Row("www", "NSEC"),
    Row("wWw", "AAAA"),
]


UNFIT = frozenset({"x.ptree", "www.sec", "nope.sec"})
"""Names whose replies have a CNAME that was made, or are from another zone."""


def full(name: str) -> str:
    """The absolute name."""
    return f"{ZONE}." if name == "@" else f"{name}.{ZONE}."


class TableCase(SynchronousTestCase):
    """One engine, over all rows."""

    threads = '"python"'

    def setUp(self) -> None:
        self.daemon = SigningDaemon(self.threads)
        self.addCleanup(self.daemon.clean_up)
        self.daemon.start()

    def check_delv(self, tcp: bool) -> None:
        """What BIND's validator says of each answer."""
        delv = Delv(self.daemon, KEYS[ZONE])
        said = {
            (row.name, row.type): delv.verdict(full(row.name), row.type, tcp)
            for row in ROWS
            if row.delv != ELSEWHERE
        }
        expected = {(row.name, row.type): row.delv for row in ROWS if row.delv}
        self.assertEqual(said, expected)
        self.daemon.assert_quiet()

    def check_unbound(self, tcp: bool) -> None:
        """What unbound tells its clients, which uses proofs for other names too."""
        unbound = Unbound(self.daemon, KEYS[ZONE], KEYS["example.net"], tcp=tcp)
        self.addCleanup(unbound.clean_up)
        unbound.start()
        said = {}
        for row in ROWS * 2:
            query = dns.message.make_query(full(row.name), row.type, want_dnssec=True)
            reply = unbound.send(query)
            secure = bool(reply.flags & dns.flags.AD)
            rcode = dns.rcode.to_text(reply.rcode())
            said[row.name, row.type] = (rcode, secure)
        expected = {(row.name, row.type): (row.rcode, row.secure) for row in ROWS}
        self.assertEqual(said, expected)
        self.assertEqual(unbound.complaints, [])
        self.daemon.assert_quiet()


class PythonTests(TableCase):
    """The Python engine."""

    def test_delv(self) -> None:
        """delv, over UDP."""
        self.check_delv(tcp=False)

    def test_delv_tcp(self) -> None:
        """delv, over TCP."""
        self.check_delv(tcp=True)

    def test_unbound(self) -> None:
        """unbound, over UDP."""
        self.check_unbound(tcp=False)

    def test_unbound_tcp(self) -> None:
        """unbound, over TCP."""
        self.check_unbound(tcp=True)

    def test_geodns(self) -> None:
        """A zone of geodns: labels by target, aliases, and what is not there."""
        delv = Delv(self.daemon, KEYS["geo.test"])
        rows = {
            ("www", "A"): YES,
            ("www", "AAAA"): YES,
            ("www", "MX"): NO,
            ("only", "A"): YES,
            ("only", "TXT"): NO,
            ("foo", "A"): YES,
            ("foo", "MX"): NO,
            ("bar", "AAAA"): YES,
            ("txt", "TXT"): YES,
            ("www.europe", "A"): YES,
            ("europe", "A"): NO,
            ("nope", "A"): NO,
            ("x.foo", "A"): NO,
        }
        said = {
            (name, rrtype): delv.verdict(f"{name}.geo.test.", rrtype)
            for name, rrtype in rows
        }
        self.assertEqual(said, rows)

    def test_verify(self) -> None:
        """The command finds nothing wrong with any zone."""
        for name in KEYS:
            done = subprocess.run(
                [
                    program("dinamed"),
                    *("dnssec", "verify", name, "--server"),
                    f"127.0.0.1:{self.daemon.port}",
                ],
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("RRsets with good signatures", done.stdout)


class NativeTests(PythonTests):
    """The compiled plane, for UDP."""

    threads = "1"


def _is_cut(reply: dns.message.Message) -> bool:
    return bool(reply.flags & dns.flags.TC)


class RepeatedTests(TableCase):
    """The same questions again and again: in the end the plane answers by itself."""

    threads = "1"

    def ask(self, name: str, rrtype: str) -> dns.message.Message:
        """The reply to a question with DO, over UDP."""
        query = dns.message.make_query(full(name), rrtype, want_dnssec=True, flags=0)
        reply = self.daemon.send(query)
        return self.daemon.send(query, tcp=True) if _is_cut(reply) else reply

    def check(self, name: str, rrtype: str) -> None:
        """That all is signed, and what is missing is proven to be."""
        reply = self.ask(name, rrtype)
        keys = keys_of(*KEYS.values())
        self.assertEqual(faults(reply, keys, time.time()), [], f"{name} {rrtype}")
        apex = dns.name.from_text(ZONE)
        self.assertEqual(unproven(reply, apex), [], f"{name} {rrtype}")

    def punted(self) -> int:
        """Queries that the plane has left to Python."""
        with urlopen(f"http://127.0.0.1:{self.daemon.http}/metrics") as page:
            text = page.read().decode()
        found = re.search(r'^dinamed_plane_\w+{\w+="handed"} (\S+)$', text, re.M)
        assert found is not None, text
        return int(float(found[1]))

    def test_all_rows(self) -> None:
        """Each reply of many to the same question is valid."""
        rows = [
            row
            for row in ROWS
            if row.delv != ELSEWHERE and row.secure and row.name not in UNFIT
        ]
        for _ in range(12):
            for row in rows:
                self.check(row.name, row.type)
        self.daemon.assert_quiet()

    def test_native(self) -> None:
        """Pools, static data, wildcards and names that are not there come from the
        plane, once it has what it needs; a flood of names is none for Python."""
        questions = [("one", "A"), ("one", "AAAA"), ("www", "A"), ("big", "TXT")]
        questions += [(f"n{number}.any", "A") for number in range(40)]
        questions += [(f"n{number}.wild", "TXT") for number in range(40)]
        questions += [(f"n{number}.nope", "A") for number in range(40)]
        questions += [("www", f"TYPE{number}") for number in range(1000, 1040)]
        questions += [("b.ent", "A"), ("nope.de", "A"), ("ftp", "A"), ("ftp", "SRV")]
        for _ in range(3):
            for name, rrtype in questions:
                self.check(name, rrtype)
        before = self.punted()
        for name, rrtype in questions:
            self.check(name, rrtype)
        self.assertLess(self.punted() - before, 12)
        self.daemon.assert_quiet()
