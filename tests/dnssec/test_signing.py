"""Tests for the grid of time, and for the signatures of RRsets."""

import dns.exception
import dns.name
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.grid import HOUR, SKEW, Grid
from dinamed.dnssec.keys import make_key
from dinamed.dnssec.nsec import type_bitmaps
from dinamed.dnssec.numbers import Algorithm
from dinamed.dnssec.signatures import Signatures
from dinamed.dnssec.signing import ZoneSigner
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.canonical import canonical_key
from dinamed.zones.model import RRset
from tests.dnssec.support import NOW, fixed_key, keyset, validate

OWNER = from_text("www.example.org.")
ADDRESSES = RRset(Type.A, 300, (b"\xc0\0\2\1", b"\xc0\0\2\2"))
_labels = st.binary(min_size=1, max_size=6)


class GridTests(SynchronousTestCase):
    """When signatures begin and end."""

    def test_slot(self) -> None:
        """A slot holds now, is on the hour, and stays for a period."""
        grid = Grid()
        for owner in (b"\1a\0", b"\1b\0", b"\1c\0"):
            slot = grid.slot(owner, Type.A, NOW)
            self.assertLessEqual(slot, NOW)
            self.assertGreater(slot + grid.period, NOW)
            self.assertEqual(slot % HOUR, 0)
            self.assertEqual(grid.slot(owner, Type.A, slot + grid.period - 1), slot)
            later = grid.slot(owner, Type.A, slot + grid.period)
            self.assertEqual(later, slot + grid.period)

    def test_reserve(self) -> None:
        """At the end of a slot a quarter of the validity is left."""
        grid = Grid(14 * 24 * HOUR)
        _, expiration = grid.times(0)
        self.assertEqual(expiration - grid.period, grid.reserve)
        self.assertEqual(grid.reserve, 14 * 6 * HOUR)

    def test_spread(self) -> None:
        """Renewals spread over the period: no hour has a crowd of them."""
        grid = Grid()
        hours: dict[int, int] = {}
        for number in range(2000):
            slot = grid.slot(number.to_bytes(4, "big"), Type.A, NOW)
            hours[slot] = hours.get(slot, 0) + 1
        self.assertLess(max(hours.values()), 30)


class SignerTests(SynchronousTestCase):
    """RRSIG records."""

    def setUp(self) -> None:
        self.now = NOW
        self.key = fixed_key()
        self.store = Signatures()
        self.signer = self.signer_of(self.store)

    def signer_of(self, store: Signatures) -> ZoneSigner:
        """A signer with this store."""
        zone = from_text("example.org.")
        return ZoneSigner(zone, keyset(self.key), Grid(), store, lambda: self.now)

    def test_valid(self) -> None:
        """dnspython validates the signature of an RRset, for P-256 and Ed25519."""
        for algorithm in (Algorithm.ECDSAP256SHA256, Algorithm.ED25519):
            self.key = make_key(from_text("example.org."), algorithm)
            signer = self.signer_of(Signatures())
            validate(OWNER, ADDRESSES, signer.rrsigs(OWNER, ADDRESSES), self.key)

    def test_order_and_case(self) -> None:
        """Neither the order of records nor the case of the owner matters."""
        turned = RRset(Type.A, 300, ADDRESSES.rdatas[::-1])
        first = self.signer.rrsigs(OWNER, ADDRESSES)
        self.assertEqual(self.signer.rrsigs(b"\3WWW" + OWNER[4:], turned), first)
        self.assertEqual(self.store.made, 1)

    def test_names_in_data(self) -> None:
        """Names in the data of old types are signed in lower case."""
        upper = RRset(Type.MX, 300, (b"\0\x0a" + from_text("MAIL.Example.org."),))
        lower = RRset(Type.MX, 300, (b"\0\x0a" + from_text("mail.example.org."),))
        self.assertEqual(
            self.signer.rrsigs(OWNER, upper), self.signer.rrsigs(OWNER, lower)
        )
        validate(OWNER, upper, self.signer.rrsigs(OWNER, upper), self.key)

    def test_wildcard(self) -> None:
        """The labels of a wildcard do not count its asterisk."""
        rrsigs = self.signer.rrsigs(from_text("*.example.org."), ADDRESSES)
        validate(OWNER, ADDRESSES, rrsigs, self.key)
        self.assertEqual(rrsigs[0][3], 2)

    def test_other_zone_is_invalid(self) -> None:
        """A changed record or TTL has another signature; another key finds it bad."""
        rrsigs = self.signer.rrsigs(OWNER, ADDRESSES)
        less = RRset(Type.A, 300, ADDRESSES.rdatas[:1])
        self.assertNotEqual(self.signer.rrsigs(OWNER, less), rrsigs)
        longer = ADDRESSES._replace(ttl=301)
        self.assertNotEqual(self.signer.rrsigs(OWNER, longer), rrsigs)
        with self.assertRaises(dns.exception.ValidationFailure):
            validate(OWNER, less, rrsigs, self.key)
        with self.assertRaises(dns.exception.ValidationFailure):
            validate(OWNER, ADDRESSES, rrsigs, fixed_key(number=8))

    def test_same_octets_elsewhere(self) -> None:
        """Another server with the key gives the same octets."""
        self.assertEqual(
            self.signer.rrsigs(OWNER, ADDRESSES),
            self.signer_of(Signatures()).rrsigs(OWNER, ADDRESSES),
        )

    def test_renewal(self) -> None:
        """Signatures are kept for a slot, and good at all times over three of them."""
        period = Grid().period
        seen = set()
        for step in range(0, 3 * period, 6 * HOUR):
            self.now = NOW + step
            rrsigs = self.signer.rrsigs(OWNER, ADDRESSES)
            validate(OWNER, ADDRESSES, rrsigs, self.key, now=self.now)
            seen.add(rrsigs)
        self.assertEqual(len(seen), self.store.made)
        self.assertIn(len(seen), (3, 4))

    def test_slow_clock(self) -> None:
        """A signature that is new is good for a clock that is slow by an hour."""
        slot = Grid().slot(OWNER, Type.A, NOW)
        self.now = float(slot)
        rrsigs = self.signer.rrsigs(OWNER, ADDRESSES)
        validate(OWNER, ADDRESSES, rrsigs, self.key, now=slot - SKEW + 1)

    def test_failure_is_not_kept(self) -> None:
        """What cannot be signed now is signed when it can be."""

        def fail(data: bytes) -> bytes:
            raise RuntimeError("no luck")

        broken = fixed_key()
        broken.__dict__["sign"] = fail
        with self.assertRaises(RuntimeError):
            self.store.signature(broken, b"octets")
        self.assertEqual(len(self.store), 0)
        good = self.store.signature(fixed_key(), b"octets")
        self.assertEqual(good, fixed_key().sign(b"octets"))

    def test_restored(self) -> None:
        """What was saved is not signed again."""
        first = self.signer.rrsigs(OWNER, ADDRESSES)
        store = Signatures()
        store.restore(list(self.store.entries()))
        self.assertEqual(self.signer_of(store).rrsigs(OWNER, ADDRESSES), first)
        self.assertEqual(store.made, 0)


class CanonicalTests(SynchronousTestCase):
    """The order of names, and type bit maps."""

    @settings(max_examples=300, deadline=None)
    @given(st.lists(_labels, max_size=4), st.lists(_labels, max_size=4))
    def test_order(self, first: list[bytes], second: list[bytes]) -> None:
        """Keys sort as dnspython sorts names."""
        names = [
            dns.name.Name([*(label.lower() for label in labels), b""])
            for labels in (first, second)
        ]
        keys = [canonical_key(name.to_wire() or b"") for name in names]
        self.assertEqual(keys[0] < keys[1], names[0] < names[1])

    def test_bitmaps(self) -> None:
        """Types of two windows, as in RFC 4034 section 4.3."""
        expected = bytes.fromhex("0006400100000003041b") + bytes(26) + b"\x20"
        self.assertEqual(type_bitmaps([1, 15, 46, 47, 1234]), expected)
