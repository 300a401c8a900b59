"""EDNS options, sizes, several queries on one connection, odd headers."""

import re
import socket
import subprocess

import dns.flags
import dns.message
import dns.opcode
import dns.rcode

from tests.daemon.harness import need_tool
from tests.daemon.scenario import IDENTITY, ZONE, AskingCase


class SubnetTests(AskingCase):
    """The client subnet option (RFC 7871)."""

    def subnet(self, arguments: str) -> str | None:
        """The option in the reply."""
        reply = self.dig(arguments)
        assert reply.opt is not None, reply.text
        return reply.opt.option("CLIENT-SUBNET")

    def test_tailored(self) -> None:
        """Where the choice depends on the client the scope says on how much of it."""
        found = self.subnet(f"+subnet=198.51.100.0/24 a login.{ZONE}")
        scope = re.fullmatch(r"198\.51\.100\.0/24/(\d+)", found or "")
        assert scope is not None, found
        self.assertTrue(1 <= int(scope.group(1)) <= 24, found)

    def test_tailored_for_ipv6(self) -> None:
        """The same with an IPv6 subnet, asked over IPv4."""
        found = self.subnet(f"+subnet=2001:db8:77::/56 a login.{ZONE}")
        scope = re.fullmatch(r"2001:db8:77::/56/(\d+)", found or "")
        assert scope is not None, found
        self.assertTrue(1 <= int(scope.group(1)) <= 56, found)

    def test_one_answer_for_one_scope(self) -> None:
        """Two asks with the same subnet get the same member; many get several."""
        given = {}
        for third in range(24):
            arguments = f"+subnet=198.51.{third}.0/24 a login.{ZONE}"
            first, second = self.dig(arguments), self.dig(arguments)
            self.assertEqual(first.rdatas("A"), second.rdatas("A"))
            given[third] = tuple(first.rdatas("A"))
        self.assertEqual(len(set(given.values())), 3)

    def test_not_tailored(self) -> None:
        """Static data, a weighted draw and negative answers hold for everyone."""
        for question in (
            f"soa {ZONE}",
            f"a www.{ZONE}",
            f"a nope.{ZONE}",
            f"a ftp.{ZONE}",
        ):
            with self.subTest(question):
                found = self.subnet(f"+subnet=198.51.100.0/24 {question}")
                self.assertEqual(found, "198.51.100.0/24/0")

    def test_source_zero(self) -> None:
        """A source length of 0 asks not to tailor: scope 0."""
        found = self.subnet(f"+subnet=0.0.0.0/0 a login.{ZONE}")
        self.assertEqual(found, "0.0.0.0/0/0")

    def test_absent(self) -> None:
        """None in the query, none in the reply."""
        self.assertIsNone(self.subnet(f"a login.{ZONE}"))

    def test_malformed(self) -> None:
        """Stray bits, a scope in the query, wrong lengths or families: FORMERR."""
        for data in (
            "0001180000c63364ff",  # 4 bytes for a /24
            "00011700c63365",  # a bit set behind the /23
            "00011818c63364",  # a scope in the query
            "00012100c633640000",  # longer than an address
            "00031800c63364",  # no such family
            "0001",  # too short
        ):
            with self.subTest(data):
                reply = self.dig(f"+ednsopt=8:{data} a login.{ZONE}")
                self.assertEqual(reply.status, "FORMERR", reply.text)
                self.assertIsNotNone(reply.opt, reply.text)


class OptionTests(AskingCase):
    """Other EDNS options."""

    def test_nsid(self) -> None:
        """NSID names the replica, on request only."""
        asked, silent = self.dig(f"+nsid soa {ZONE}"), self.dig(f"soa {ZONE}")
        assert asked.opt is not None
        assert silent.opt is not None
        self.assertIn(f'("{IDENTITY}")', asked.opt.option("NSID") or "")
        self.assertEqual(silent.opt.options, ())

    def test_size_of_replies(self) -> None:
        """An answer over 1232 bytes is cut whatever the client offers; TCP has it."""
        cut = self.dig(f"+bufsize=4096 +ignore txt big.{ZONE}")
        self.assertIn("tc", cut.flags)
        self.assertEqual(cut.answer, [])
        assert cut.opt is not None
        self.assertEqual(cut.opt.size, 1232)
        whole = self.dig(f"+tcp txt big.{ZONE}")
        self.assertEqual(len(whole.answer), 1)


class TransportTests(AskingCase):
    """Several queries on one connection, and headers that are no plain query."""

    def test_pipelining(self) -> None:
        """Kdig gets the answers to all of its queries over one connection."""
        command = [need_tool("kdig"), "+tcp", "+keepopen", "@127.0.0.1"]
        command += ["-p", str(self.daemon.port), "+time=3", "+retry=0"]
        questions = f"-q {ZONE} -t soa -q ftp.{ZONE} -t a -q www.{ZONE} -t a".split()
        done = subprocess.run(
            [*command, *questions],
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.assertEqual(done.stdout.count("status: NOERROR"), 3, done.stdout)
        self.assertIn("192.0.2.80", done.stdout)

    def test_two_questions(self) -> None:
        """QDCOUNT 2 is FORMERR (RFC 9619)."""
        wire = bytearray(dns.message.make_query(ZONE, "SOA", flags=0).to_wire())
        wire[5] = 2
        wire += bytes(wire[12:])
        self.assertEqual(self.raw_rcode(bytes(wire)), dns.rcode.FORMERR)

    def raw_rcode(self, wire: bytes) -> int:
        """The rcode in the reply to these bytes, over UDP."""
        return self.exchange(wire)[3] & 15

    def exchange(self, wire: bytes, seconds: float = 3.0) -> bytes:
        """The reply to these bytes over UDP; TimeoutError if there is none."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(seconds)
            sock.connect(("127.0.0.1", self.daemon.port))
            sock.send(wire)
            return sock.recv(65535)

    def test_reply_is_dropped(self) -> None:
        """A message with QR=1 is no query: silence, so two servers can't loop."""
        query = dns.message.make_query(ZONE, "SOA", flags=dns.flags.QR)
        self.assertRaises(TimeoutError, self.exchange, query.to_wire(), 0.5)

    def test_other_opcodes(self) -> None:
        """NOTIMP, without AA; NOTIFY and UPDATE may be refused instead."""
        for opcode in range(1, 16):
            query = dns.message.make_query(ZONE, "SOA", flags=0)
            wire = bytearray(query.to_wire())
            wire[2] = opcode << 3
            reply = self.exchange(bytes(wire))
            allowed = {dns.rcode.NOTIMP}
            if opcode in (dns.opcode.NOTIFY, dns.opcode.UPDATE):
                allowed |= {dns.rcode.REFUSED, dns.rcode.NOTAUTH}
            with self.subTest(opcode):
                self.assertIn(reply[3] & 15, allowed)
                self.assertEqual(reply[2] & 0xFE, 0x80 | opcode << 3)
