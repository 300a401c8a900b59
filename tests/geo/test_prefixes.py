"""Longest prefix match, and the scope a match is good for."""

from ipaddress import ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.prefixes import Network, PrefixTable
from tests.geo.sources import addresses, cut, neighbour, networks, packed


def table(*prefixes: str) -> PrefixTable[str]:
    """A table in which each prefix has itself as its value."""
    return PrefixTable((ip_network(text), text) for text in prefixes)


class LookUpTests(SynchronousTestCase):
    """What a look-up gives."""

    def test_empty(self) -> None:
        """An empty table matches nothing, and that everywhere."""
        for text in ("192.0.2.1", "2001:db8::1", "0.0.0.0", "::"):
            self.assertEqual(table().look_up(packed(text)), (None, 0, 0))

    def test_longest_wins(self) -> None:
        """Of several prefixes around an address the longest is the match."""
        nets = table("192.0.2.0/24", "192.0.0.0/16", "192.0.2.128/25")
        found = [
            nets.look_up(packed(text))[:2]
            for text in ("192.0.2.200", "192.0.2.1", "192.0.9.1", "192.1.0.0")
        ]
        self.assertEqual(
            found,
            [("192.0.2.128/25", 25), ("192.0.2.0/24", 24), ("192.0.0.0/16", 16),
             (None, 0)],
        )  # fmt: skip

    def test_scope_of_the_match(self) -> None:
        """Without longer prefixes inside, the scope is the match's own length."""
        match = table("192.0.2.0/24").look_up(packed("192.0.2.77"))
        self.assertEqual(match, ("192.0.2.0/24", 24, 24))

    def test_scope_beside_a_longer_prefix(self) -> None:
        """A longer prefix inside makes the scope so long that it stays outside."""
        nets = table("192.0.2.0/24", "192.0.2.64/26")
        self.assertEqual(nets.look_up(packed("192.0.2.1")).scope, 26)
        self.assertEqual(nets.look_up(packed("192.0.2.200")).scope, 25)

    def test_scope_without_a_match(self) -> None:
        """Where nothing matches the scope keeps out of all prefixes."""
        nets = table("192.0.2.0/24")
        self.assertEqual(nets.look_up(packed("192.0.3.1")), (None, 0, 24))
        self.assertEqual(nets.look_up(packed("10.0.0.1")), (None, 0, 1))

    def test_whole_family(self) -> None:
        """A prefix of length 0 matches its own family alone, with scope 0."""
        nets = table("0.0.0.0/0")
        self.assertEqual(nets.look_up(packed("192.0.2.1")), ("0.0.0.0/0", 0, 0))
        self.assertEqual(nets.look_up(packed("::1")), (None, 0, 0))

    def test_single_address(self) -> None:
        """The last address of all has a match of its own."""
        nets = table("255.255.255.255/32", "::/128")
        self.assertEqual(nets.look_up(b"\xff" * 4).scope, 32)
        self.assertEqual(nets.look_up(bytes(16)), ("::/128", 128, 128))

    def test_twice(self) -> None:
        """The same prefix twice is refused."""
        one = ip_network("192.0.2.0/24")
        with self.assertRaisesRegex(ValueError, "192.0.2.0/24 stands there twice"):
            PrefixTable([(one, 1), (one, 2)])

    def test_size(self) -> None:
        """The length of a table is its number of prefixes, of both families."""
        self.assertEqual(len(table("::/0", "10.0.0.0/8", "10.0.0.0/9")), 3)


class PropertyTests(SynchronousTestCase):
    """What holds for any table and address."""

    @settings(deadline=None)
    @given(st.sets(networks(), max_size=8), addresses(), st.integers(0, 2**128))
    def test_everyone_in_scope_has_the_match(
        self, prefixes: set[Network], address: bytes, noise: int
    ) -> None:
        """Two addresses inside one scope have the same match."""
        nets = PrefixTable((one, one) for one in prefixes)
        match = nets.look_up(address)
        other = neighbour(address, match.scope, noise)
        self.assertEqual(nets.look_up(other)[:2], match[:2])

    @settings(deadline=None)
    @given(st.sets(networks(), max_size=8), addresses())
    def test_like_a_search(self, prefixes: set[Network], address: bytes) -> None:
        """The match is the one that a search through all prefixes finds."""
        nets = PrefixTable((one, one) for one in prefixes)
        ip = ip_address(address)
        around = [one for one in prefixes if ip in one]
        best = max(around, key=lambda one: one.prefixlen, default=None)
        match = nets.look_up(address)
        self.assertEqual(match.value, best)
        self.assertEqual(match.length, best.prefixlen if best else 0)

    @settings(deadline=None)
    @given(st.sets(networks(), max_size=8), addresses())
    def test_scope_is_the_shortest(
        self, prefixes: set[Network], address: bytes
    ) -> None:
        """One bit less of scope would take in somebody with another match."""
        nets = PrefixTable((one, one) for one in prefixes)
        match = nets.look_up(address)
        self.assertGreaterEqual(match.scope, match.length)
        if match.scope > match.length:
            wider = cut(address, match.scope - 1)
            inside = [
                one
                for one in prefixes
                if one != match.value
                and one.prefixlen >= match.scope
                and len(one.network_address.packed) == len(address)
                and cut(one.network_address.packed, match.scope - 1) == wider
            ]
            self.assertNotEqual(inside, [])
