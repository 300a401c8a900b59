"""Tests for answers from zones that are signed here, without a daemon."""

import random
from dataclasses import replace
from itertools import product

import dns.flags
import dns.message
import dns.rdatatype
import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.context import packed
from dinamed.plans.engine import Engine
from tests.daemon.validating import faults, keys_of, signatures_of
from tests.dnssec.support import fixed_key, keyset, online
from tests.plans.support import STARTED, Bench, host, make_pool, make_zone, query

TEXT = """\
www A 192.0.2.80
big TXT "{filler}"
big AAAA 2001:db8::1
many MX 10 mail
many MX 20 www
mail A 192.0.2.25
*.wild TXT "any"
ins NS ns.ins
ns.ins A 192.0.2.1
alias CNAME ftp
wide CNAME big
tree DNAME www
""".format(filler='" "'.join(["x" * 250] * 4))
NAMES = (
    "@ www big many ftp alias wide nope x.nope a.wild ins x.ins x.tree mgmt x.mgmt "
    "_status ftp.de de gone"
)
TYPES = "A AAAA TXT MX NS SOA ANY DS NSEC RRSIG"
QUESTIONS = list(product(NAMES.split(), TYPES.split()))
HERE = packed("192.0.2.77")
KEY_TYPES = ("DNSKEY", "CDS", "CDNSKEY")


def full(name: str) -> str:
    """The absolute name."""
    return "example.org." if name == "@" else f"{name}.example.org."


class SignedCase(SynchronousTestCase):
    """The same zone signed and not, with the same pools and the same chance."""

    def setUp(self) -> None:
        self.key = fixed_key()
        self.plain, self.signed = self.bench(), self.bench()
        zone = next(iter(self.signed.engine.snapshot.zones.values()))
        pools = {"mirrors": frozenset({1, 16, 28}), "gone": frozenset({1, 16})}
        secured = {
            zone.origin: online(
                zone, keyset(self.key), pools, frozenset({"mirrors"}), STARTED
            )
        }
        self.engine = Engine(
            replace(self.signed.engine.snapshot, secured=secured, online=secured),
            lambda: STARTED,
            random.Random(5),
        )

    @staticmethod
    def bench() -> Bench:
        """The zone and its pools."""
        zone = make_zone("example.org.", TEXT, {"ftp": "mirrors", "gone": "gone"})
        mirrors = make_pool(
            "mirrors",
            host("a", "192.0.2.1", "2001:db8::1"),
            host("b", "192.0.2.2", "2001:db8::2"),
            answers=2,
        )
        gone = make_pool("gone", host("c", "192.0.2.3", weight=0), when_down="none")
        regional = msgspec.structs.replace(mirrors, regions=True)
        return Bench([zone], [regional, gone])

    def ask(self, message: dns.message.Message, stream: bool) -> dns.message.Message:
        """The reply of the engine that signs."""
        reply = self.engine.respond(message.to_wire(), HERE, stream)
        assert reply is not None
        return dns.message.from_wire(reply)


class AnswerTests(SignedCase):
    """What those get who set DO, and those who do not."""

    def test_without_do(self) -> None:
        """Not an octet differs from the unsigned zone, with EDNS and without."""
        for name, rrtype in QUESTIONS:
            for size in (None, 1232):
                message = query(full(name), rrtype, size=size)
                data = message.to_wire()
                ours = self.engine.respond(data, HERE, True)
                theirs = self.plain.engine.respond(data, HERE, True)
                if name in ("mgmt", "_status") and rrtype == "TXT":
                    continue  # tells how many questions there were
                with self.subTest(name=name, type=rrtype, size=size):
                    self.assertEqual(_sorted(ours), _sorted(theirs))

    def test_all_signed(self) -> None:
        """Each RRset that is ours has its signature, with the same TTL."""
        keys = keys_of(self.key)
        for name, rrtype in QUESTIONS:
            if rrtype == "RRSIG" or name == "x.tree":
                continue
            message = query(full(name), rrtype, do=True)
            reply = self.ask(message, stream=True)
            if not reply.flags & dns.flags.AA:
                continue  # NS of a delegation is not
            with self.subTest(name=name, type=rrtype):
                self.assertEqual(faults(reply, keys, STARTED), [])

    def test_keys(self) -> None:
        """DNSKEY, CDS and CDNSKEY are there for everybody, signed for who wants it."""
        for rrtype in KEY_TYPES:
            for do in (False, True):
                message = query("example.org.", rrtype, do=do)
                reply = self.ask(message, stream=False)
                self.assertEqual(len(reply.answer), 1 + do)

    def test_never_parted(self) -> None:
        """Whatever the size, an RRset and its signature go together or not at all."""
        for name, rrtype in QUESTIONS:
            for size in (512, 600, 700, 800, 1000, 1232):
                message = query(full(name), rrtype, size=size, do=True)
                reply = self.ask(message, stream=False)
                self.assertLessEqual(len(reply.to_wire()), 2 * size)
                if name in ("ins", "x.ins", "x.tree") or rrtype == "RRSIG":
                    continue
                for section in (reply.answer, reply.authority, reply.additional):
                    for rrset in section:
                        if rrset.rdtype == dns.rdatatype.RRSIG:
                            continue
                        with self.subTest(name=name, type=rrtype, size=size):
                            self.assertIsNotNone(signatures_of(section, rrset))

    def test_mixed_case(self) -> None:
        """The question comes back as it was; signatures are those of lower case."""
        message = query("wWw.eXample.ORG.", "A", do=True)
        reply = self.ask(message, stream=False)
        self.assertEqual(str(reply.question[0].name), "wWw.eXample.ORG.")
        self.assertEqual(faults(reply, keys_of(self.key), STARTED), [])

    def test_told_names_are_signed_once_a_second(self) -> None:
        """Questions for what changes with each question cause no signature each."""
        signer = next(iter(self.engine.snapshot.online.values())).signer
        for _ in range(50):
            self.ask(query("mgmt.example.org.", "TXT", do=True), stream=False)
        self.assertLess(signer.signatures.made, 5)

    def test_random_names_cause_no_signatures(self) -> None:
        """Beyond one for each name of the chain."""
        signer = next(iter(self.engine.snapshot.online.values())).signer
        rng = random.Random(3)
        chain = len(next(iter(self.engine.snapshot.online.values())).denial)
        for _ in range(3000):
            name = f"{rng.randrange(10**9):x}.{rng.randrange(10**6):x}.example.org."
            self.ask(query(name, "A", do=True), stream=False)
        self.assertLessEqual(signer.signatures.made, chain + 1)


def _sorted(reply: bytes | None) -> object:
    """A reply whose drawn records may come in any order."""
    assert reply is not None
    message = dns.message.from_wire(reply)
    sections = (message.answer, message.authority, message.additional)
    lines = [
        sorted(line for rrset in one for line in str(rrset).splitlines())
        for one in sections
    ]
    return message.flags, message.rcode(), lines, len(reply)
