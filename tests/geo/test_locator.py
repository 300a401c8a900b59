"""One view of all that is known."""

from ipaddress import IPv6Network

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import places
from dinamed.geo.locator import UNKNOWN, Located, Locator
from dinamed.geo.networks import network_table
from dinamed.geo.place import NOWHERE, Place
from dinamed.geo.prefixes import Network, PrefixTable
from tests.geo.sources import Told, addresses, neighbour, networks, packed


class NetworksTests(SynchronousTestCase):
    """The operator's networks as places."""

    def test_place(self) -> None:
        """An entry tells what it sets; the continent follows from the country."""
        entry = places.GeoNetwork(
            country="DE", location=(50.1, 8.7), network="campus", asn=64500
        )
        match = network_table({"192.0.2.0/24": entry}).look_up(packed("192.0.2.1"))
        wanted = Place(
            "DE", "europe", None, (50.1, 8.7), "campus", 64500,
            "networks 192.0.2.0/24",
        )  # fmt: skip
        self.assertEqual(match, (wanted, 24, 24))

    def test_country_of_a_region(self) -> None:
        """A region tells its country."""
        nets = network_table({"192.0.2.0/24": places.GeoNetwork(region="us-ca")})
        place = nets.look_up(packed("192.0.2.1")).value
        self.assertEqual(
            place,
            Place("US", "north-america", "us-ca", source="networks 192.0.2.0/24"),
        )

    def test_own_continent(self) -> None:
        """A continent that is set wins over that of the country."""
        entry = places.GeoNetwork(country="TR", continent="asia")
        place = network_table({"::/0": entry}).look_up(packed("::1")).value
        self.assertEqual(place, Place("TR", "asia", source="networks ::/0"))

    def test_from_around(self) -> None:
        """What an entry does not set comes from the next prefix around that does."""
        nets = network_table(
            {
                "192.0.2.128/25": places.GeoNetwork(network="campus"),
                "192.0.2.0/24": places.GeoNetwork(asn=64500),
                "192.0.0.0/16": places.GeoNetwork(country="DE"),
                "2001:db8::/32": places.GeoNetwork(country="US"),
            }
        )
        wanted = Place(
            "DE", "europe", None, None, "campus", 64500,
            "networks 192.0.2.128/25, networks 192.0.2.0/24, networks 192.0.0.0/16",
        )  # fmt: skip
        self.assertEqual(nets.look_up(packed("192.0.2.200")).value, wanted)

    def test_refusals(self) -> None:
        """What is no prefix, or stands there twice, is refused."""
        entry = places.GeoNetwork(country="DE")
        for one, other in (
            ("192.0.2.1/24", "::/0"),
            ("x", "::/0"),
            ("2001:db8::/32", "2001:DB8::/32"),
        ):
            with self.assertRaises(ValueError):
                network_table({one: entry, other: entry})


class LocatorTests(SynchronousTestCase):
    """Where clients are."""

    def setUp(self) -> None:
        """A campus network, and two databases that know more."""
        self.city = Told(
            {
                "192.0.2.1": (
                    Place("FR", "europe", location=(1, 2), source="city"),
                    20,
                ),
                "198.51.100.1": (Place("US", "north-america", source="city"), 11),
                "198.51.100.0": (Place("US", "north-america", source="city"), 11),
            }
        )
        self.asn = Told({"198.51.100.1": (Place(asn=64500, source="asn"), 23)})
        nets = network_table({"192.0.2.0/24": places.GeoNetwork(country="DE")})
        self.locator = Locator(nets, [self.city, self.asn])

    def test_merged(self) -> None:
        """All sources are put together; the scope is the longest of theirs."""
        found = self.locator.locate(packed("198.51.100.1"), 32)
        wanted = Place("US", "north-america", asn=64500, source="city, asn")
        self.assertEqual(found, Located(wanted, 23))

    def test_networks_first(self) -> None:
        """The operator's networks come before the databases."""
        found = self.locator.locate(packed("192.0.2.1"), 32)
        wanted = Place("DE", "europe", source="networks 192.0.2.0/24")
        self.assertEqual(found, Located(wanted, 24))

    def test_nobody_knows(self) -> None:
        """Where nobody knows anything the scope still keeps out of what is known."""
        found = self.locator.locate(packed("192.0.3.1"), 32)
        self.assertEqual(found, Located(NOWHERE, 24))

    def test_capped(self) -> None:
        """The scope is never longer than the prefix that is known."""
        found = self.locator.locate(packed("192.0.2.0"), 23)
        self.assertEqual(found.scope, 23)

    def test_unknown_bits(self) -> None:
        """Bits beyond the known prefix are not looked at."""
        found = self.locator.locate(packed("198.51.100.1"), 24)
        self.assertEqual(found.place.source, "city")
        self.assertIn(packed("198.51.100.0"), self.city.asked)
        self.assertNotIn(packed("198.51.100.1"), self.city.asked)

    def test_no_tailoring(self) -> None:
        """A client of whom nothing is known is nowhere, with scope 0."""
        self.assertEqual(self.locator.locate(bytes(4), 0), UNKNOWN)
        self.assertEqual(self.locator.locate(b"", 0), UNKNOWN)
        self.assertEqual(self.city.asked, [])

    def test_no_sources(self) -> None:
        """Without any source everyone is alike: scope 0."""
        for text in ("192.0.2.1", "2001:db8::1", "2001::1"):
            address = packed(text)
            self.assertEqual(Locator().locate(address, len(address) * 8), UNKNOWN)

    def test_address_inside(self) -> None:
        """A client of 6to4 is where its IPv4 address is; the scope fits its own."""
        found = self.locator.locate(packed("2002:c000:201::1"), 128)
        self.assertEqual(found.place.country, "DE")
        self.assertEqual(found.scope, 16 + 24)
        found = self.locator.locate(packed("2002:c000:200::"), 40)
        self.assertEqual((found.place.country, found.scope), ("DE", 40))

    def test_no_bit_of_the_address_inside(self) -> None:
        """A scope never reaches those who are looked up as IPv6 clients.

        The IPv4 addresses have nothing known of them, the prefixes around them have.
        """
        networks = ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32")
        locator = Locator(
            PrefixTable((IPv6Network(one), Place(country="DE")) for one in networks)
        )
        for network, offset in zip(networks, (96, 96, 16, 96), strict=True):
            inside = packed(network.partition("/")[0])
            self.assertEqual(locator.locate(inside, 128), (NOWHERE, offset + 1))
            self.assertEqual(locator.locate(inside, offset).place.country, "DE")
            self.assertEqual(locator.locate(inside, offset).scope, offset)

    def test_remembered(self) -> None:
        """The same client is looked up once; how many are remembered is bounded."""
        self.locator = Locator(None, [self.city], remembered=2)
        for last in (1, 1, 2, 3, 4, 5, 1):
            self.locator.locate(bytes((10, 0, 0, last)), 32)
        asked = [address[3] for address in self.city.asked]
        self.assertEqual(asked, [1, 2, 3, 4, 5, 1])

    def test_complete(self) -> None:
        """Once everything is known nobody else is asked, nor in the scope."""
        entry = places.GeoNetwork(
            region="de-be", location=(50, 8), network="campus", asn=0
        )
        nets = network_table({"192.0.2.0/24": entry})
        found = Locator(nets, [self.city]).locate(packed("192.0.2.1"), 32)
        self.assertEqual((found.place.asn, found.scope), (0, 24))
        self.assertEqual(self.city.asked, [])


class ScopeTests(SynchronousTestCase):
    """The scope of everything together."""

    @settings(deadline=None)
    @given(
        st.sets(networks(), max_size=6),
        st.sets(networks(), max_size=6),
        addresses(),
        st.integers(0, 128),
        st.integers(0, 2**128),
    )
    def test_everyone_in_scope_is_there(
        self,
        first: set[Network],
        second: set[Network],
        address: bytes,
        known: int,
        noise: int,
    ) -> None:
        """Two clients inside one announced scope are at the same place.

        Also where one of them is known by a prefix only.
        """
        locator = Locator(
            PrefixTable((one, Place(network=str(one))) for one in first),
            [TableSource(second)],
            remembered=1,
        )
        whole = len(address) * 8
        place, scope = locator.locate(address, whole)
        other = neighbour(address, scope, noise)
        self.assertEqual(locator.locate(other, whole), (place, scope))
        part = locator.locate(other, min(whole, scope + known))
        self.assertEqual(part, (place, scope))


class TableSource:
    """A source with a number for each of its prefixes."""

    def __init__(self, prefixes: set[Network]) -> None:
        self.table = PrefixTable((one, at) for at, one in enumerate(sorted(
            prefixes, key=str)))  # fmt: skip

    def look_up(self, address: bytes) -> tuple[Place | None, int]:
        """The number as that of an autonomous system."""
        match = self.table.look_up(address)
        place = None if match.value is None else Place(asn=match.value, source="t")
        return place, match.scope
