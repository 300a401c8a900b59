"""IPv4 addresses inside IPv6 ones."""

from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.unwrap import unwrap
from tests.geo.sources import addresses, cut, neighbour, packed

INSIDE = {
    "::ffff:192.0.2.45": 96,
    "64:ff9b::192.0.2.45": 96,
    "2002:c000:22d:1::1": 16,
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": 96,
}


class UnwrapTests(SynchronousTestCase):
    """What is taken out of which addresses."""

    def test_whole_addresses(self) -> None:
        """Mapped, NAT64, 6to4 and Teredo addresses give their client's address."""
        for text, offset in INSIDE.items():
            found = unwrap(packed(text), 128)
            self.assertEqual(str(ip_address(found.address)), "192.0.2.45", text)
            self.assertEqual((found.prefix, found.offset), (32, offset), text)

    def test_plain(self) -> None:
        """IPv4 and other IPv6 addresses stay as they are."""
        for text, prefix in (("192.0.2.1", 24), ("2001:db8::", 56), ("::1", 128)):
            found = unwrap(packed(text), prefix)
            self.assertEqual(found[:3], (packed(text), prefix, 0), text)

    def test_part_of_an_address(self) -> None:
        """Of a prefix just the known bits are taken out."""
        found = unwrap(packed("2002:c000:200::"), 40)
        self.assertEqual(found[:3], (packed("192.0.2.0"), 24, 16))
        found = unwrap(packed("64:ff9b::c000:0"), 112)
        self.assertEqual(found[:3], (packed("192.0.0.0"), 16, 96))

    def test_teredo_unknown_bits(self) -> None:
        """Bits that are not known stay 0 though Teredo turns them round."""
        found = unwrap(packed("2001::3fff:0"), 112)
        self.assertEqual(found[:3], (packed("192.0.0.0"), 16, 96))

    def test_nothing_known(self) -> None:
        """With no bit of the IPv4 address known the IPv6 address is looked up."""
        for text, prefix in (("2001::", 64), ("::ffff:0:0", 96), ("2002::", 16)):
            found = unwrap(packed(text), prefix)
            self.assertEqual(found.address, packed(text))
            self.assertGreaterEqual(found.scope(0), prefix)

    def test_scope_back(self) -> None:
        """A scope found for the IPv4 address comes back behind the other bits."""
        for text, offset in INSIDE.items():
            self.assertEqual(unwrap(packed(text), 128).scope(24), offset + 24, text)

    def test_scope_beside(self) -> None:
        """A scope of other clients never takes in those with an address inside."""
        self.assertEqual(unwrap(packed("2003::1"), 128).scope(0), 16)
        self.assertEqual(unwrap(packed("2a00::1"), 128).scope(29), 29)

    @settings(deadline=None)
    @given(addresses(6), st.integers(0, 32), st.integers(0, 2**128))
    def test_one_way_in_one_scope(self, address: bytes, found: int, noise: int) -> None:
        """Everyone inside one scope is looked up in the same network."""
        first = unwrap(address, 128)
        other = unwrap(neighbour(address, first.scope(found), noise), 128)
        self.assertEqual(other.offset, first.offset)
        self.assertEqual(cut(other.address, found), cut(first.address, found))

    @settings(deadline=None)
    @given(addresses(6), st.integers(1, 128))
    def test_less_known(self, address: bytes, prefix: int) -> None:
        """What is known of a part agrees with what is known of the whole."""
        part = unwrap(cut(address, prefix), prefix)
        whole = unwrap(address, 128)
        if part.offset:
            self.assertEqual(part.address, cut(whole.address, part.prefix))
        else:
            self.assertEqual(part.address, cut(address, prefix))
            self.assertTrue(whole.offset == 0 or part.floor >= prefix)
