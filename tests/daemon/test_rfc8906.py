"""The tests of RFC 8906 (BCP 231), and ISC genreport's, by dig against the daemon.

Each row is one command; each runs over UDP and TCP, IPv4 and IPv6.  A missing reply
fails the test.  Without DNSSEC there is no RRSIG, so DO has nothing to ask for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import dns.message
import dns.rcode
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.digging import Reply, run_dig
from tests.daemon.harness import Daemon
from tests.daemon.scenario import ZONE, shared_daemon

PLAIN = "+noedns"
EDNS0 = "+nocookie +edns=0 +noad +norec"
EDNS1 = "+nocookie +edns=1 +noednsneg +noad +norec"


@dataclass(frozen=True)
class Row:
    """One test: its name, dig's arguments, and what the reply must be.

    `soa`: the answer is the SOA; else the answer is empty.  `opt`: whether there is an
    OPT of version 0.  `allow` are flags that may be in the reply besides qr and aa.
    """

    name: str
    arguments: str
    status: str = "NOERROR"
    soa: bool = True
    aa: bool = True
    opt: bool = True
    allow: str = ""


PLAIN_ROWS = (
    Row("8_1_1_soa", f"{PLAIN} +noad +norec soa {ZONE}", opt=False),
    Row(
        "8_1_2_unknown_type",
        f"{PLAIN} +noad +norec type1000 {ZONE}",
        soa=False,
        opt=False,
    ),
    Row("8_1_3_1_cd", f"{PLAIN} +noad +norec +cd soa {ZONE}", opt=False, allow="cd"),
    Row("8_1_3_2_ad", f"{PLAIN} +norec +ad soa {ZONE}", opt=False),
    Row("8_1_3_3_zero_bit", f"{PLAIN} +noad +norec +zflag soa {ZONE}", opt=False),
    Row("8_1_3_4_rd", f"{PLAIN} +noad +rec soa {ZONE}", opt=False, allow="rd"),
    Row(
        "8_1_4_unknown_opcode",
        f"{PLAIN} +noad +opcode=15 +norec +header-only",
        status="NOTIMP",
        soa=False,
        aa=False,
        opt=False,
    ),
    Row("8_1_5_tcp", f"{PLAIN} +noad +norec +tcp soa {ZONE}", opt=False),
)

EDNS_ROWS = (
    Row("8_2_1_edns0", f"{EDNS0} soa {ZONE}"),
    Row(
        "8_2_2_version_1", f"{EDNS1} soa {ZONE}", status="BADVERS", soa=False, aa=False
    ),
    Row("8_2_3_unknown_option", f"{EDNS0} +ednsopt=100 soa {ZONE}"),
    Row("8_2_4_unknown_flag", f"{EDNS0} +ednsflags=0x40 soa {ZONE}"),
    Row(
        "8_2_5_version_1_unknown_flag",
        f"{EDNS1} +ednsflags=0x40 soa {ZONE}",
        status="BADVERS",
        soa=False,
        aa=False,
    ),
    Row(
        "8_2_6_version_1_unknown_option",
        f"{EDNS1} +ednsopt=100 soa {ZONE}",
        status="BADVERS",
        soa=False,
        aa=False,
    ),
    Row("8_2_8_do", f"{EDNS0} +dnssec soa {ZONE}"),
    Row(
        "8_2_9_version_1_do",
        f"{EDNS1} +dnssec soa {ZONE}",
        status="BADVERS",
        soa=False,
        aa=False,
    ),
    Row(
        "8_2_10_many_options",
        "+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa " + ZONE,
    ),
)

GENREPORT_ROWS = (
    Row("genreport_aa", f"{PLAIN} +noad +norec +aaflag soa {ZONE}", opt=False),
    Row("genreport_ra", f"{PLAIN} +noad +norec +raflag soa {ZONE}", opt=False),
    Row("genreport_tc", f"{PLAIN} +noad +norec +tcflag soa {ZONE}", opt=False),
    Row(
        "genreport_opcode_with_flags",
        f"{PLAIN} +opcode=15 +header-only +aaflag +tcflag +rec +raflag +zflag +ad +cd",
        status="NOTIMP",
        soa=False,
        aa=False,
        opt=False,
        allow="rd cd",
    ),
    *(
        Row(
            f"genreport_edns1_{name}",
            f"{EDNS1} {option} soa {ZONE}",
            status="BADVERS",
            soa=False,
            aa=False,
        )
        for name, option in (
            ("nsid", "+nsid"),
            ("cookie", "+cookie=0102030405060708"),
            ("expire", "+expire"),
            ("subnet", "+subnet=192.0.2.0/24"),
        )
    ),
)

# Options that a row asks for and the reply to it may hold: all but those of version 1.
KNOWN_OPTIONS = {
    "8_2_10_many_options": {"NSID", "CLIENT-SUBNET", "COOKIE", "EXPIRE"},
}


class Transport(SynchronousTestCase):
    """What all transports share; not a test case of its own."""

    address = "127.0.0.1"
    tcp = False

    def setUp(self) -> None:
        self.daemon: Daemon = shared_daemon("rfc8906")

    def tearDown(self) -> None:
        self.daemon.assert_quiet()

    def dig(self, arguments: str) -> Reply:
        """Ask over this transport."""
        words = arguments.split()
        if self.tcp and "+tcp" not in words:
            words.insert(0, "+tcp")
        return run_dig(self.daemon, words, self.address)

    def check(self, row: Row) -> None:
        """Ask, and compare with every column of the row."""
        reply = self.dig(row.arguments)
        self.assertEqual(reply.status, row.status, reply.text)
        wanted = {"qr", "aa"} if row.aa else {"qr"}
        self.assertEqual(set(reply.flags) - set(row.allow.split()), wanted, reply.text)
        self.assertFalse(reply.zero_bit, reply.text)
        if row.soa:
            self.assertEqual([one.rdtype for one in reply.answer], ["SOA"], reply.text)
        else:
            self.assertEqual(reply.answer, [], reply.text)
        if not row.aa:
            self.assertEqual(reply.authority, [], reply.text)
        if row.opt:
            self.check_opt(row, reply)
        else:
            self.assertIsNone(reply.opt, reply.text)

    def check_opt(self, row: Row, reply: Reply) -> None:
        """The OPT: version 0, our size, no unknown flag, nothing that was not asked."""
        opt = reply.opt
        assert opt is not None, reply.text
        self.assertEqual((opt.version, opt.zero_bits, opt.size), (0, 0, 1232))
        present = {line.split(":")[0] for line in opt.options}
        allowed = KNOWN_OPTIONS.get(row.name, set())
        self.assertEqual(present - allowed, set(), reply.text)


Case = TypeVar("Case", bound=type[Transport])


def with_rows(*rows: Row) -> Callable[[Case], Case]:
    """A class decorator: one test method for each row, named after it."""

    def add(case: Case) -> Case:
        for row in rows:

            def method(self: Transport, row: Row = row) -> None:
                self.check(row)

            method.__name__ = f"test_{row.name}"
            method.__doc__ = f"dig {row.arguments}"
            setattr(case, method.__name__, method)
        return case

    return add


@with_rows(*PLAIN_ROWS, *EDNS_ROWS, *GENREPORT_ROWS)
class UdpOverIpv4(Transport):
    """All rows, and what is cut off over UDP only."""

    def test_8_2_7_truncated(self) -> None:
        """A DNSKEY answer over 512 bytes: TC and no part of it, with the OPT."""
        reply = self.dig(f"+norec +dnssec +bufsize=512 +ignore dnskey {ZONE}")
        self.assertEqual(reply.status, "NOERROR")
        assert reply.opt is not None
        self.assertEqual(reply.opt.version, 0)
        self.assertIn("tc", reply.flags)
        self.assertEqual(reply.answer, [])

    def test_retried_over_tcp(self) -> None:
        """Without +ignore dig follows TC and gets all keys."""
        reply = self.dig(f"+norec +dnssec +bufsize=512 dnskey {ZONE}")
        self.assertEqual(len(reply.rdatas("DNSKEY")), 3)


@with_rows(*PLAIN_ROWS, *EDNS_ROWS, *GENREPORT_ROWS)
class UdpOverIpv6(Transport):
    """All rows."""

    address = "::1"


@with_rows(*PLAIN_ROWS, *EDNS_ROWS, *GENREPORT_ROWS)
class TcpOverIpv4(Transport):
    """All rows, and what is whole over TCP only."""

    tcp = True

    def test_genreport_ednstcp(self) -> None:
        """The size that the client offers for UDP does not matter over TCP."""
        reply = self.dig(f"+norec +dnssec +bufsize=512 dnskey {ZONE}")
        self.assertEqual(reply.status, "NOERROR")
        self.assertNotIn("tc", reply.flags)
        self.assertEqual(len(reply.rdatas("DNSKEY")), 3)


@with_rows(*PLAIN_ROWS, *EDNS_ROWS, *GENREPORT_ROWS)
class TcpOverIpv6(Transport):
    """All rows."""

    address = "::1"
    tcp = True


class OtherGenreportTests(Transport):
    """What does not fit a row."""

    def test_dnswkk(self) -> None:
        """A query signed with an unknown key: NOTAUTH, or an answer."""
        reply = self.dig(f"-y hmac-sha256:unknown:c2VjcmV0 +norec soa {ZONE}")
        self.assertIn(reply.status, ("NOTAUTH", "NOERROR"), reply.text)

    def test_types_at_the_apex(self) -> None:
        """Every type from A to TLSA is NOERROR; OPT is no type to ask for."""
        wrong = {}
        for rdtype in range(1, 53):
            if rdtype == 41:
                continue
            reply = self.daemon.ask(ZONE, rdtype)
            if reply.rcode() != dns.rcode.NOERROR:
                wrong[rdtype] = dns.rcode.to_text(reply.rcode())
        self.assertEqual(wrong, {})
