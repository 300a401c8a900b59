"""Places, countries and how two sources are put together."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.countries import (
    CONTINENT_OF,
    CONTINENTS,
    COUNTRIES,
    REGION_GROUPS,
)
from dinamed.geo.place import NOWHERE, Place, merged, place_named

BERLIN = (52.5, 13.4)


class CountriesTests(SynchronousTestCase):
    """The tables."""

    def test_complete(self) -> None:
        """All 249 countries of ISO 3166-1 are there, and Kosovo."""
        self.assertEqual(len(COUNTRIES), 250)
        self.assertIn("XK", COUNTRIES)

    def test_one_continent_each(self) -> None:
        """Every country is in one of the seven continents, each has some."""
        self.assertEqual(set(CONTINENT_OF.values()), set(CONTINENTS))
        self.assertEqual(COUNTRIES - set(CONTINENT_OF), set())

    def test_samples(self) -> None:
        """Some countries, the contested ones as geodns has them."""
        sample = {
            "AQ": "antarctica",
            "AU": "oceania",
            "BR": "south-america",
            "CW": "north-america",
            "CY": "asia",
            "DE": "europe",
            "SS": "africa",
            "TR": "europe",
            "US": "north-america",
        }
        for country, continent in sample.items():
            self.assertEqual(CONTINENT_OF[country], continent, country)

    def test_region_groups(self) -> None:
        """All states of the US and regions of Russia are in a group of their own."""
        us = [one for one in REGION_GROUPS if one.startswith("us-")]
        self.assertEqual(len(us), 51)
        self.assertEqual(len(REGION_GROUPS) - len(us), 83)
        self.assertEqual(REGION_GROUPS["us-ca"], "us-west")
        self.assertEqual(REGION_GROUPS["ru-mow"], "ru-tfd")
        for region, group in REGION_GROUPS.items():
            self.assertEqual(region[:3], group[:3])


class PlaceTests(SynchronousTestCase):
    """One place."""

    def test_region_group(self) -> None:
        """A place has the group of its region, if that has one."""
        self.assertEqual(Place("US", region="us-ny").region_group, "us-east")
        self.assertIsNone(Place("DE", region="de-be").region_group)
        self.assertIsNone(NOWHERE.region_group)

    def test_known(self) -> None:
        """What is not known is left out of the telling."""
        told = Place("DE", asn=0, source="x").known()
        self.assertEqual(told, {"country": "DE", "asn": 0, "source": "x"})
        self.assertEqual(NOWHERE.known(), {})

    def test_complete(self) -> None:
        """A place is complete when nothing is open, be it 0."""
        whole = Place("DE", "europe", "de-be", (0.0, 0.0), "campus", 0)
        self.assertTrue(whole.complete)
        self.assertFalse(Place("DE", "europe", "de-be", BERLIN, "campus").complete)

    def test_named(self) -> None:
        """Labels of countries and continents stand for places, others do not."""
        self.assertEqual(place_named("de"), Place("DE", "europe", source="name de"))
        europe = place_named("Europe")
        self.assertEqual(europe, Place(continent="europe", source="name Europe"))
        for label in ("", "zz", "www", "deu", "eur", "us-ca"):
            self.assertIsNone(place_named(label), label)


class MergedTests(SynchronousTestCase):
    """Two sources put together."""

    def test_fills_up(self) -> None:
        """What the first leaves open comes from the second, which is named too."""
        both = merged(
            Place("DE", "europe", asn=64500, source="a"),
            Place("DE", "europe", "de-be", BERLIN, "campus", 1, source="b"),
        )
        wanted = Place("DE", "europe", "de-be", BERLIN, "campus", 64500, "a, b")
        self.assertEqual(both, wanted)

    def test_nothing_added(self) -> None:
        """A source that adds nothing is not named."""
        first = Place("DE", "europe", source="a")
        self.assertIs(merged(first, Place("FR", "europe", source="b")), first)

    def test_other_country(self) -> None:
        """Of a source that has another country the location is not believed."""
        paris = Place("FR", "europe", "fr-75", (48.9, 2.4), asn=64500, source="b")
        both = merged(Place("DE", "europe", source="a"), paris)
        self.assertEqual(both, Place("DE", "europe", asn=64500, source="a, b"))

    def test_other_continent(self) -> None:
        """Nor is the country of one that has another continent."""
        first = Place(continent="asia", source="a")
        both = merged(first, Place("FR", "europe", location=BERLIN, source="b"))
        self.assertIs(both, first)

    def test_nowhere(self) -> None:
        """Before a place about which nothing is known there is just the other."""
        berlin = Place(location=BERLIN, source="b")
        self.assertEqual(merged(NOWHERE, berlin), berlin)
        self.assertEqual(merged(berlin, NOWHERE), berlin)
