"""What a zone that was signed elsewhere answers to those who set DO, and the others."""

import tempfile

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.context import packed
from dinamed.wire.names import from_text
from dinamed.zones.build import build_zone
from dinamed.zones.packed import PackedZone
from tests.dnssec.signing import HEAD, ORIGIN, Signer, hashed
from tests.plans.support import Bench

DATA = """\
@ MX 10 www
ns1 A 192.0.2.53
www A 192.0.2.1
www TXT hello
alias CNAME www
dangling CNAME nothere
*.wild TXT w
*.walias CNAME www
*.wpool CNAME ftp.example.net.
a.b.ent A 192.0.2.3
dn DNAME tree
x.tree A 192.0.2.4
ins NS ns.ins
ns.ins A 192.0.2.5
sec NS ns.sec
ns.sec A 192.0.2.6
sec DS 12345 13 2 AAAA
"""
DATA = DATA.replace("AAAA", "A" * 64)


def signed_zone(
    text: str = DATA, hashed: bool = False, opt_out: bool = False
) -> PackedZone:
    """A zone from a signed file."""
    return zone_of(Signer(text, hashed, opt_out).text())


def zone_of(text: str) -> PackedZone:
    """The zone of a master file."""
    with tempfile.NamedTemporaryFile("w", suffix=".zone") as stream:
        stream.write(text)
        stream.flush()
        built = build_zone(from_text(ORIGIN), stream.name, {})
    assert not built.problems, [str(problem) for problem in built.problems]
    return PackedZone(built.packed)


KINDS = {
    "names": signed_zone(),
    "hashes": signed_zone(hashed=True),
    "opt-out": signed_zone(hashed=True, opt_out=True),
}
BENCHES = {kind: Bench([zone]) for kind, zone in KINDS.items()}
PLAIN = Bench([zone_of("$TTL 300\n" + HEAD + DATA)])


def ask(kind: str, name: str, rrtype: str, do: bool = True) -> dns.message.Message:
    """The reply of one of the zones, over TCP."""
    full = ORIGIN if name == "@" else f"{name}.{ORIGIN}"
    return BENCHES[kind].ask(full, rrtype, size=1232, do=do, stream=True)


def types(section: list[dns.rrset.RRset]) -> list[str]:
    """The types in a section, as `NSEC` or `RRSIG(NSEC)`."""
    found = []
    for rrset in section:
        text = dns.rdatatype.to_text(rrset.rdtype)
        if rrset.rdtype == dns.rdatatype.RRSIG:
            text += f"({dns.rdatatype.to_text(rrset.covers)})"
        found.append(text)
    return list(dict.fromkeys(found))


def is_hash(link: dns.rdata.Rdata) -> bool:
    """Whether this is an NSEC3 record."""
    return bool(link.rdtype == dns.rdatatype.NSEC3)


def following(link: dns.rdata.Rdata) -> dns.name.Name:
    """The next name of an NSEC record."""
    return dns.name.from_text(str(link).split()[0])


class Prover:
    """Believes in NSEC and NSEC3 records what a validator reads from them."""

    def __init__(self, reply: dns.message.Message) -> None:
        self.links = [
            (rrset.name, rrset[0])
            for rrset in reply.authority
            if rrset.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)
        ]

    def matches(self, name: str) -> bool:
        """Whether a record of the name is there."""
        owners = {owner.to_text().lower() for owner, _ in self.links}
        return name in owners or f"{hashed(name)}.{ORIGIN}".lower() in owners

    def covers(self, name: str) -> bool:
        """Whether a record says that the name is not there."""
        return any(self._covers(owner, link, name) for owner, link in self.links)

    @staticmethod
    def _covers(owner: dns.name.Name, link: dns.rdata.Rdata, name: str) -> bool:
        if is_hash(link):
            start = owner.labels[0].decode().upper()
            end, text = str(link).split()[4].upper(), hashed(name)
            inside = (start < text, text < end)
            return all(inside) if start < end else any(inside)
        after, asked = following(link), dns.name.from_text(name)
        between = (owner < asked, asked < after)
        return all(between) if owner < after else any(between)

    def denies(self, name: str) -> bool:
        """Whether it is proven that neither the name nor a wildcard for it exists."""
        if not any(is_hash(link) for _, link in self.links):
            return self.covers(name) and self.covers(self._wildcard(name))
        closest = self._closest(name)
        if closest is None:
            return False
        return self.covers(self._below(name, closest)) and self.covers(f"*.{closest}")

    def _wildcard(self, name: str) -> str:
        """The wildcard at the closest encloser, that the covering record shows."""
        asked = dns.name.from_text(name)
        shared = 0
        for owner, link in self.links:
            for other in (owner, following(link)):
                _, _, count = asked.fullcompare(other)
                if self._covers(owner, link, name):
                    shared = max(shared, count)
        closest = dns.name.Name(asked.labels[-shared:])
        return f"*.{closest}"

    def _closest(self, name: str) -> str | None:
        above = name
        while above.endswith(ORIGIN):
            if self.matches(above):
                return above
            above = above.split(".", 1)[1]
        return None

    @staticmethod
    def _below(name: str, closest: str) -> str:
        left = name[: -len(closest) - 1].split(".")
        return f"{left[-1]}.{closest}"


class PresignedTests(SynchronousTestCase):
    """RFC 4035 section 3.1, RFC 5155 section 7.2."""

    def test_signatures_beside_their_sets(self) -> None:
        """Answers, aliases and additional addresses have their RRSIG with DO alone."""
        for kind in KINDS:
            reply = ask(kind, "alias", "A")
            expected = ["CNAME", "RRSIG(CNAME)", "A", "RRSIG(A)"]
            self.assertEqual(types(reply.answer), expected)
            self.assertEqual(reply.authority, [])
            reply = ask(kind, "@", "MX")
            self.assertEqual(types(reply.answer), ["MX", "RRSIG(MX)"])
            self.assertEqual(types(reply.additional), ["A", "RRSIG(A)"])
            reply = ask(kind, "x.dn", "A")
            expected = ["DNAME", "RRSIG(DNAME)", "CNAME", "A", "RRSIG(A)"]
            self.assertEqual(types(reply.answer), expected)

    def test_without_do_as_unsigned(self) -> None:
        """Without DO the octets are those of the same zone without signatures."""
        names = ("www", "@", "alias", "nope", "x.wild", "x.ins", "x.sec", "ent", "x.dn")
        for kind in KINDS:
            for name in names:
                for rrtype in ("A", "TXT", "MX", "DS"):
                    full = ORIGIN if name == "@" else f"{name}.{ORIGIN}"
                    for size in (None, 1232):
                        query = dns.message.make_query(full, rrtype, id=7)
                        if size:
                            query.use_edns(0, payload=size)
                        wire = query.to_wire()
                        self.assertEqual(
                            BENCHES[kind].engine.respond(
                                wire, packed("192.0.2.9"), True
                            ),
                            PLAIN.engine.respond(wire, packed("192.0.2.9"), True),
                        )

    def test_negative(self) -> None:
        """The SOA is signed, and NSEC or NSEC3 prove what is not there."""
        for kind in KINDS:
            for name in ("nope", "a.b.c.nope", "a.www", "c.b.ent", "0", "zzz"):
                reply = ask(kind, name, "A")
                self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
                self.assertEqual(types(reply.authority)[:2], ["SOA", "RRSIG(SOA)"])
                self.assertTrue(Prover(reply).denies(f"{name}.{ORIGIN}"), (kind, name))
            for name in ("www", "@", "ent", "b.ent", "wild"):
                reply = ask(kind, name, "HINFO")
                self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
                prover = Prover(reply)
                full = ORIGIN if name == "@" else f"{name}.{ORIGIN}"
                self.assertTrue(prover.matches(full) or prover.covers(full))

    def test_wildcards(self) -> None:
        """What a wildcard gives comes with the proof that it had to."""
        for kind in KINDS:
            for name in ("x.wild", "a.b.wild"):
                reply = ask(kind, name, "TXT")
                self.assertEqual(types(reply.answer), ["TXT", "RRSIG(TXT)"])
                self.assertEqual(reply.answer[1].name, reply.answer[0].name)
                closer = f"{name.removeprefix('a.')}.{ORIGIN}"
                self.assertTrue(Prover(reply).covers(closer))
                reply = ask(kind, name, "A")
                self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
                self.assertTrue(Prover(reply).matches(f"*.wild.{ORIGIN}"))
                self.assertTrue(Prover(reply).covers(closer))
            reply = ask(kind, "x.walias", "A")
            self.assertEqual(len(reply.answer), 4)
            self.assertTrue(Prover(reply).covers(f"x.walias.{ORIGIN}"))
            reply = ask(kind, "dangling", "A")
            self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
            self.assertTrue(Prover(reply).denies(f"nothere.{ORIGIN}"))

    def test_delegations(self) -> None:
        """Referrals have the DS, or that there is none; NS and glue are not signed."""
        for kind in KINDS:
            reply = ask(kind, "x.sec", "A")
            self.assertEqual(types(reply.authority), ["NS", "DS", "RRSIG(DS)"])
            self.assertEqual(types(reply.additional), ["A"])
            reply = ask(kind, "x.ins", "A")
            self.assertEqual(types(reply.authority)[0], "NS")
            prover = Prover(reply)
            self.assertTrue(
                prover.matches(f"ins.{ORIGIN}")
                if kind != "opt-out"
                else prover.matches(ORIGIN) and prover.covers(f"ins.{ORIGIN}")
            )
            reply = ask(kind, "sec", "DS")
            self.assertEqual(types(reply.answer), ["DS", "RRSIG(DS)"])
            reply = ask(kind, "ins", "DS")
            self.assertEqual(types(reply.authority)[:2], ["SOA", "RRSIG(SOA)"])
            self.assertTrue(Prover(reply).links)

    def test_hashes_are_no_names(self) -> None:
        """Owners of NSEC3 records do not exist (RFC 5155 section 7.2.8)."""
        for kind in ("hashes", "opt-out"):
            owner = hashed(f"www.{ORIGIN}")
            for name in (owner, owner.lower(), f"x.{owner}"):
                for rrtype in ("A", "NSEC3", "RRSIG"):
                    for do in (True, False):
                        reply = ask(kind, name, rrtype, do)
                        self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)

    def test_apex_dname_beside_hashes(self) -> None:
        """A zone whose apex is a DNAME may have NSEC3 records, which are not below."""
        zone = signed_zone("@ DNAME example.net.\n", hashed=True)
        reply = Bench([zone]).ask(f"x.{ORIGIN}", "A", size=1232, do=True)
        self.assertEqual(types(reply.answer), ["DNAME", "RRSIG(DNAME)", "CNAME"])

    def test_any_is_one_signed_set(self) -> None:
        """RFC 8482 section 4.1: no HINFO that nobody has signed."""
        reply = ask("names", "www", "ANY")
        self.assertEqual(types(reply.answer), ["NSEC", "RRSIG(NSEC)"])
        reply = ask("hashes", "www", "ANY")
        self.assertEqual(types(reply.answer), ["A", "RRSIG(A)"])

    def test_own_names_are_denied(self) -> None:
        """The names that answer by themselves have no signature, so not with DO."""
        for kind in KINDS:
            reply = ask(kind, "mgmt", "TXT")
            self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
            self.assertTrue(Prover(reply).denies(f"mgmt.{ORIGIN}"))
            self.assertEqual(len(ask(kind, "mgmt", "TXT", do=False).answer), 5)

    def test_no_half_sets(self) -> None:
        """A set and its signatures go together when there is no room."""
        text = DATA + "".join(f"big TXT {'x' * 200}{n}\n" for n in range(5))
        bench = Bench([signed_zone(text)])
        for size in range(512, 1232, 40):
            reply = bench.ask(f"big.{ORIGIN}", "TXT", size=size, do=True)
            self.assertIn(types(reply.answer), ([], ["TXT", "RRSIG(TXT)"]))
            truncated = bool(reply.flags & dns.flags.TC)
            self.assertEqual(truncated, not reply.answer)

    def test_pool_is_an_error(self) -> None:
        """What a pool gives would have no signature."""
        with tempfile.NamedTemporaryFile("w", suffix=".zone") as stream:
            stream.write(Signer(DATA).text())
            stream.flush()
            name = from_text(f"ftp.{ORIGIN}")
            built = build_zone(from_text(ORIGIN), stream.name, {name: "mirrors"})
        self.assertEqual(len(built.problems), 1)
        self.assertIn("signed elsewhere", built.problems[0].message)

    @given(
        st.lists(st.sampled_from(["a", "b", "*", "c", "A0"]), min_size=1, max_size=4)
    )
    @settings(max_examples=200, deadline=None)
    def test_any_name_is_denied(self, labels: list[str]) -> None:
        """Whatever does not exist is proven not to."""
        name = ".".join(labels) + f".{ORIGIN}"
        for kind, bench in BENCHES.items():
            reply = bench.ask(name, "A", size=1232, do=True, stream=True)
            self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
            self.assertTrue(Prover(reply).denies(name.lower()), (kind, name))
