"""Signed answers of a real daemon, as delv and unbound judge them."""

from typing import NamedTuple

import dns.flags
import dns.message
import dns.rcode
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.signed import KEYS, ZONE, Delv, SigningDaemon, Unbound

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


class NativeTests(PythonTests):
    """The compiled plane, for UDP."""

    threads = "1"
