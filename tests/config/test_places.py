"""Tests of `[geo]`."""

import tomllib

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import places
from dinamed.config.places import Geo, GeoFields, GeoNetwork, problems
from dinamed.config.reader import Reader
from tests.config.folder import source_of


class ReadTests(SynchronousTestCase):
    """From TOML to settings."""

    def read(self, text: str) -> tuple[Geo | None, list[str]]:
        """The settings, and the problems of their types, each with its line."""
        reader = Reader(source_of("/f", text))
        geo = reader.table(Geo, tomllib.loads(text)["geo"], ("geo",))
        return geo, [str(one).removeprefix("/") for one in reader.problems]

    def test_whole(self) -> None:
        """Everything that the table may have."""
        geo, found = self.read(
            """
            [geo]
            databases = ["a.mmdb", "b.mmdb"]
            fields = { country = "cc", asn = ["as", "net.as"] }
            [geo.networks]
            "192.0.2.0/24" = { country = "de", location = [50, 8.7], network = "x" }
            "2001:db8::/32" = { region = "US-CA", continent = "Asia", asn = 64500 }
            """
        )
        networks = {
            "192.0.2.0/24": GeoNetwork(country="DE", location=(50.0, 8.7), network="x"),
            "2001:db8::/32": GeoNetwork(region="us-ca", continent="asia", asn=64500),
        }
        wanted = Geo(
            databases=("/a.mmdb", "/b.mmdb"),
            fields=GeoFields(country=("cc",), asn=("as", "net.as")),
            networks=networks,
        )
        self.assertEqual((geo, found), (wanted, []))

    def test_problems(self) -> None:
        """Each value that does not fit is told with its line."""
        _, found = self.read(
            "[geo.networks]\n"
            '"192.0.2.0/24" = { country = "UK" }\n'
            '"192.0.3.0/24" = { country = "ZZ", location = [91, 0] }\n'
            '"192.0.4.0/24" = { continent = "europa" }\n'
            '"192.0.5.0/24" = { continent = "moon", region = "California" }\n'
            '"192.0.6.0/24" = { network = "", asn = -1, town = "x" }\n'
            "[geo.fields]\n"
            'country = "a..b"\nasn = [1]\ntown = "x"\n'
        )
        wanted = [
            'f:2: geo.networks."192.0.2.0/24".country: the code of the United '
            'Kingdom is "GB"',
            'f:3: geo.networks."192.0.3.0/24".country: "ZZ" is no country of ISO '
            "3166-1",
            'f:3: geo.networks."192.0.3.0/24".location[0]: expected a number from '
            "-90 to 90, got 91",
            'f:4: geo.networks."192.0.4.0/24".continent: "europa" is no continent; '
            'did you mean "europe"?',
            'f:5: geo.networks."192.0.5.0/24".continent: "moon" is no continent; one '
            "of africa, antarctica, asia, europe, north-america, oceania, "
            "south-america",
            'f:5: geo.networks."192.0.5.0/24".region: expected a code such as '
            '"us-ca", got "California"',
            'f:6: geo.networks."192.0.6.0/24".network: empty name',
            'f:6: geo.networks."192.0.6.0/24".asn: expected a whole number from 0 to '
            "4294967295, got -1",
            'f:6: geo.networks."192.0.6.0/24".town: unknown key',
            "f:8: geo.fields.country: expected keys joined by dots such as "
            '"country.iso_code", or a list of that, got "a..b"',
            "f:9: geo.fields.asn: expected keys joined by dots such as "
            '"country.iso_code", or a list of that, got 1',
            "f:10: geo.fields.town: unknown key",
        ]
        self.assertEqual(found, wanted)


class ProblemsTests(SynchronousTestCase):
    """What does not hold beyond the types."""

    DE = GeoNetwork(country="DE")

    def found(self, *prefixes: str) -> list[tuple[object, str]]:
        """The problems of networks with these prefixes."""
        return list(problems(Geo(networks={one: self.DE for one in prefixes})))

    def test_none(self) -> None:
        """Prefixes inside each other are well."""
        found = self.found("192.0.2.0/24", "192.0.2.0/25", "192.0.2.1", "::/0")
        self.assertEqual(found, [])

    def test_bad_prefixes(self) -> None:
        """What is no prefix, and bits beyond the length."""
        self.assertEqual(
            self.found("192.0.2.1/24", "192.0.2.0/33"),
            [
                (
                    ("networks", "192.0.2.1/24"),
                    "192.0.2.1/24 has bits beyond the prefix; did you mean "
                    "192.0.2.0/24?",
                ),
                (
                    ("networks", "192.0.2.0/33"),
                    '"192.0.2.0/33" is not an address prefix',
                ),
            ],
        )

    def test_twice(self) -> None:
        """The same prefix in another spelling."""
        found = self.found("2001:db8::/32", "2001:DB8:0::/32", "192.0.2.1/32",
                           "192.0.2.1")  # fmt: skip
        self.assertEqual(
            found,
            [
                (("networks", "2001:DB8:0::/32"), 'the same prefix as "2001:db8::/32"'),
                (("networks", "192.0.2.1"), 'the same prefix as "192.0.2.1/32"'),
            ],
        )

    def test_never_met(self) -> None:
        """Prefixes whose clients are looked up by another address."""
        found = self.found("::ffff:192.0.2.0/120", "2002::/16", "2003::/16")
        self.assertEqual(
            [path for path, _ in found],
            [("networks", "::ffff:192.0.2.0/120"), ("networks", "2002::/16")],
        )
        self.assertIn("clients in 2002::/16 are looked up by the IPv4", found[1][1])

    def test_contradictions(self) -> None:
        """A region of another country, and an entry that says nothing."""
        networks = {
            "192.0.2.0/24": GeoNetwork(country="DE", region="us-ca"),
            "192.0.3.0/24": GeoNetwork(),
        }
        self.assertEqual(
            list(problems(Geo(networks=networks))),
            [
                (("networks", "192.0.2.0/24", "region"), "us-ca is not in DE"),
                (
                    ("networks", "192.0.3.0/24"),
                    "says nothing; give a country, location, network or asn",
                ),
            ],
        )

    def test_database_twice(self) -> None:
        """The same file named twice."""
        self.assertEqual(
            list(problems(Geo(databases=("a", "b", "a")))),
            [(("databases", 2), "a stands here twice")],
        )

    def test_forms(self) -> None:
        """Codes in their own case."""
        self.assertEqual(places.country("de"), "DE")
        self.assertEqual(places.region("RU-MOW"), "ru-mow")
        self.assertEqual(places.continent("North-America"), "north-america")
