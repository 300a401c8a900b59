"""Tests for the chain of names and its proofs."""

import dns.rdata
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.secured import Proof
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text, to_text
from dinamed.zones.packed import MatchKind
from dinamed.zones.virtual import Names
from tests.dnssec.support import fixed_key, keyset, online, validate
from tests.plans.support import make_zone

ZONE = f"""\
www A 192.0.2.80
www AAAA 2001:db8::80
*.wild TXT "any"
x.wild A 192.0.2.99
a.b.ent A 192.0.2.70
ins NS ns.ins
ns.ins A 192.0.2.1
sec NS ns1
sec DS 1 13 2 {"aa" * 32}
ftp MX 10 www
tree DNAME example.net.
"""
POOLS = {"mirrors": frozenset({1, 16, 28}), "*": frozenset({1, 16})}


class ChainCase(SynchronousTestCase):
    """A zone with names of all kinds."""

    def setUp(self) -> None:
        self.key = fixed_key()
        self.zone = make_zone(
            "example.org.", ZONE, {"ftp": "mirrors", "*.cdn": "mirrors"}
        )
        self.online = online(self.zone, keyset(self.key), POOLS)
        self.names = Names(self.zone)

    def told(self, proof: Proof) -> list[str]:
        """The records of a proof, whose signatures are checked."""
        found = []
        for owner, rrset, signatures in proof:
            assert signatures is not None
            self.assertEqual(signatures.ttl, rrset.ttl)
            validate(owner, rrset, signatures.rdatas, self.key)
            (rdata,) = rrset.rdatas
            text = dns.rdata.from_wire("IN", "NSEC", rdata, 0, len(rdata)).to_text()
            found.append(f"{to_text(owner)} {text}".replace("example.org.", "@"))
        return found

    def proof(self, name: str, rrtype: int = Type.A) -> list[str]:
        """What denies a name or type that is not there."""
        wire = from_text(name, from_text("example.org."))
        match = self.names.find(wire)
        if match.kind is MatchKind.MISSING:
            return self.told(self.online.no_name(wire, match))
        return self.told(self.online.no_data(wire, match, rrtype))


class ChainTests(ChainCase):
    """What is in the chain, and in which order."""

    def test_order(self) -> None:
        """All names with data once, in canonical order, in a circle."""
        denial = self.online.denial
        told = [denial.record(at)[0] for at in range(len(denial))]
        names = [to_text(name).removesuffix("example.org.") for name in told]
        expected = (
            " _country. _status. *.cdn. a.b.ent. ftp. ins. mgmt. ns1. sec. tree. "
            "*.wild. x.wild. www."
        )
        self.assertEqual(names, expected.split(" "))
        for at, owner in enumerate(told):
            (rdata,) = denial.record(at - 1)[1].rdatas
            self.assertTrue(rdata.startswith(owner))

    def test_types(self) -> None:
        """Bit maps tell the data, what pools can give, and at cuts NS and DS alone."""
        denial = self.online.denial
        cases = {
            "@": {2, 6, 48, 59, 60},
            "ftp": {1, 15, 16, 28},
            "mgmt": {16},
            "ins": {2},
            "sec": {2, 43},
            "tree": {39},
        }
        for name, types in cases.items():
            key = b"" if name == "@" else bytes((len(name),)) + name.encode()
            self.assertEqual(denial.types(key), types, name)

    def test_regions(self) -> None:
        """Names of regions are in the chain, regions alone are not."""
        zone = make_zone("example.org.", "", {"ftp": "mirrors", "*.cdn": "mirrors"})
        signed: OnlineZone = online(
            zone, keyset(self.key), POOLS, regional=frozenset({"mirrors"})
        )
        denial = signed.denial
        keys = {denial.key(at) for at in range(len(denial))}
        self.assertIn(b"\3ftp\2de", keys)
        self.assertIn(b"\1*\3cdn\6europe", keys)
        self.assertNotIn(b"\2de", keys)
        self.assertEqual(len(keys), 2 + 3 + 2 + 2 * 261)


class ProofTests(ChainCase):
    """Proofs, each with good signatures."""

    def test_no_data(self) -> None:
        """The NSEC of the name, without the type that was asked for."""
        self.assertEqual(self.proof("www", Type.MX), ["www.@ @ A AAAA RRSIG NSEC"])

    def test_pool_without_address(self) -> None:
        """A type that a pool can give, and has not now, is left out."""
        self.assertEqual(
            self.proof("ftp", Type.A), ["ftp.@ ins.@ MX TXT AAAA RRSIG NSEC"]
        )

    def test_no_name(self) -> None:
        """What covers the name, and what covers the wildcard."""
        self.assertEqual(
            self.proof("nope"),
            [
                "mgmt.@ ns1.@ TXT RRSIG NSEC",
                "@ _country.@ NS SOA RRSIG NSEC DNSKEY CDS CDNSKEY",
            ],
        )

    def test_no_name_below(self) -> None:
        """The closest encloser is what exists, virtual names included."""
        self.assertEqual(
            self.proof("x.mgmt"),
            ["mgmt.@ ns1.@ TXT RRSIG NSEC"],
        )
        self.assertEqual(
            self.proof("c.b.ent"),
            ["a.b.ent.@ ftp.@ A RRSIG NSEC", "*.cdn.@ a.b.ent.@ A TXT AAAA RRSIG NSEC"],
        )

    def test_empty_name(self) -> None:
        """The record before it, whose next name lies below it."""
        self.assertEqual(self.proof("ent"), ["*.cdn.@ a.b.ent.@ A TXT AAAA RRSIG NSEC"])
        self.assertEqual(self.proof("b.ent"), self.proof("ent"))

    def test_wildcard_without_type(self) -> None:
        """The wildcard's own record, and that the name is not there."""
        self.assertEqual(self.proof("foo.wild"), ["*.wild.@ x.wild.@ TXT RRSIG NSEC"])
        self.assertEqual(
            self.proof("z.wild"),
            ["*.wild.@ x.wild.@ TXT RRSIG NSEC", "x.wild.@ www.@ A RRSIG NSEC"],
        )

    def test_expanded(self) -> None:
        """That a wildcard had to stand for the name."""
        wire = from_text("z.wild.example.org.")
        proof = self.online.expanded(wire, self.names.find(wire))
        self.assertEqual(self.told(proof), ["x.wild.@ www.@ A RRSIG NSEC"])

    def test_cut(self) -> None:
        """A delegation without DS; its NS and its glue have no signature."""
        wire = from_text("a.ins.example.org.")
        match = self.names.find(wire)
        self.assertEqual(
            self.told(self.online.unsigned_cut(match)), ["ins.@ mgmt.@ NS RRSIG NSEC"]
        )
        servers = match.node.get(Type.NS)
        assert servers is not None
        self.assertIsNone(self.online.signatures(match.node, servers))
        glue = self.zone.node(b"\2ns\3ins")
        assert glue is not None
        self.assertIsNone(self.online.signatures(glue, glue.rrsets[Type.A]))

    def test_signed_delegation(self) -> None:
        """DS has a signature of this zone."""
        node = self.zone.node(b"\3sec")
        assert node is not None
        ds = node.rrsets[Type.DS]
        signatures = self.online.signatures(node, ds)
        assert signatures is not None
        validate(from_text("sec.example.org."), ds, signatures.rdatas, self.key)

    def test_negative_soa(self) -> None:
        """Signed with its own TTL, sent with that of negative answers."""
        sent = self.zone.negative
        signatures = self.online.signatures(self.zone.apex, sent)
        assert signatures is not None
        self.assertEqual(signatures.ttl, sent.ttl)
        self.assertEqual(signatures.rdatas[0][4:8], (3600).to_bytes(4, "big"))
        validate(self.zone.origin, sent, signatures.rdatas, self.key)
