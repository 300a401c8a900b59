"""The plane gives the answers of zones that came signed, as the engine does."""

import dns.message
import dns.rcode
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.presigned import ByName
from dinamed.plane import chains
from dinamed.plane.chains import Chains
from tests.dnssec.signing import ORIGIN, Signer, hashed
from tests.dnssec.test_presigned import DATA, Prover, signed_zone, types, zone_of
from tests.plane.support import Pair
from tests.plane.test_agreement import CLIENT

NAMES = (
    *("@", "www", "nope", "a.www", "a.b.nope", "ent", "b.ent", "x.ent", "alias"),
    *("x.wild", "a.b.wild", "x.walias", "dangling", "x.dn", "x.ins", "sec", "x.sec"),
    *("0", "zzz", "mgmt", "*.wild", "wild", "NoPe", "ns1", "x.ns1"),
)


def ask(name: str, rrtype: str, size: int = 1232, do: bool = True) -> bytes:
    """A query in wire form."""
    full = ORIGIN if name == "@" else f"{name}.{ORIGIN}"
    query = dns.message.make_query(full, rrtype, id=7, flags=0)
    query.use_edns(0, 0x8000 if do else 0, size)
    return query.to_wire()


def sections(reply: bytes) -> list[object]:
    """What a reply holds, however its names are compressed."""
    read = dns.message.from_wire(reply)
    parts = (read.answer, read.authority, read.additional)
    return [read.flags, read.rcode(), *(sorted(map(str, part)) for part in parts)]


class PresignedTests(SynchronousTestCase):
    """What is native, and that it is the same."""

    def test_all(self) -> None:
        """Every kind of answer, from both kinds of chains, with DO and without."""
        for zone in (signed_zone(), signed_zone(hashed=True)):
            pair = Pair(served=([zone], []))
            for _ in range(2):
                for name in (*NAMES, hashed(f"www.{ORIGIN}")):
                    for rrtype in ("A", "TXT", "MX", "DS", "NSEC", "SOA", "ANY"):
                        for do in (True, False):
                            data = ask(name, rrtype, do=do)
                            ours = pair.ask_plane(data, CLIENT)
                            if ours is not None:
                                if b"Questions" in ours:
                                    continue  # fixed for a second, see the plane
                                theirs = pair.ask_engine(data, CLIENT)
                                self.assertEqual(
                                    sections(ours), sections(theirs), (name, rrtype)
                                )
            self.assertGreater(pair.native, 5 * pair.left)

    def test_native(self) -> None:
        """Once a part of the chain is known, names there cost Python nothing."""
        pair = Pair(served=([signed_zone()], []))
        pair.ask_plane(ask("nope", "A"), CLIENT)
        pair.ask_plane(ask("x.wild", "TXT"), CLIENT)
        installed = pair.installed
        for number in range(50):
            reply = pair.ask_plane(ask(f"nop{number}e", "A"), CLIENT)
            assert reply is not None
            read = dns.message.from_wire(reply)
            self.assertEqual(read.rcode(), dns.rcode.NXDOMAIN)
            self.assertTrue(Prover(read).denies(f"nop{number}e.{ORIGIN}"))
            reply = pair.ask_plane(ask(f"x{number}.wild", "TXT"), CLIENT)
            assert reply is not None
            read = dns.message.from_wire(reply)
            self.assertEqual(types(read.answer), ["TXT", "RRSIG(TXT)"])
            self.assertEqual(types(read.authority), ["NSEC", "RRSIG(NSEC)"])
        self.assertLessEqual(pair.installed - installed, 2)
        self.assertEqual(pair.left, 0)

    def test_large_chain(self) -> None:
        """Chains that are not listed in Python are the same; one with gaps is left."""
        zone = signed_zone()
        listed = Chains().of(ByName(zone))
        self.patch(chains, "MOST_LISTED", 0)
        ordered = Chains().of(ByName(zone))
        assert listed is not None and ordered is not None
        self.assertEqual(ordered.keys.count, listed.keys.count)
        pair = Pair(served=([zone], []))
        pair.ask_plane(ask("nope", "A"), CLIENT)
        reply = pair.ask_plane(ask("nopf", "A"), CLIENT)
        assert reply is not None
        self.assertTrue(Prover(dns.message.from_wire(reply)).denies(f"nopf.{ORIGIN}"))
        text = Signer(DATA).text().splitlines()
        gap = [line for line in text if not line.startswith(f"www.{ORIGIN} NSEC")]
        self.assertLess(len(gap), len(text))
        self.assertIsNone(Chains().of(ByName(zone_of("\n".join(gap)))))

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["a", "*", "www", "ent", "b", "\\000", "\\001x", "z"])
        ),
        st.sampled_from([512, 700, 1232]),
    )
    def test_any_name(self, labels: list[str], size: int) -> None:
        """Whatever is asked for, the plane and the engine agree."""
        data = ask(".".join(labels) or "@", "A", size)
        ours = PAIR.ask_plane(data, CLIENT)
        if ours is not None:
            self.assertEqual(sections(ours), sections(PAIR.ask_engine(data, CLIENT)))


PAIR = Pair(served=([signed_zone(DATA + "a.b A 192.0.2.9\n\\001 A 192.0.2.1\n")], []))
