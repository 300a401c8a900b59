"""What the records of databases tell."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import Place
from dinamed.geo.record import PlaceReader

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["iso_code", "code", "0", "x"]), inner)
    ),
    max_leaves=8,
)
TOP = st.sampled_from(
    ["country", "country_code", "continent", "subdivisions", "latitude", "lon", "asn"]
)


def told(record: object) -> Place | None:
    """What a record tells by the paths that are usual."""
    return PlaceReader().place(record, "db")


class RecordTests(SynchronousTestCase):
    """Records by the usual paths."""

    def test_city(self) -> None:
        """The shape of GeoLite2 City."""
        record = {
            "continent": {"code": "NA", "names": {"en": "North America"}},
            "country": {"iso_code": "US"},
            "location": {"latitude": 37.4, "longitude": -122.1, "time_zone": "x"},
            "subdivisions": [{"iso_code": "CA"}, {"iso_code": "XY"}],
        }
        wanted = Place("US", "north-america", "us-ca", (37.4, -122.1), source="db")
        self.assertEqual(told(record), wanted)

    def test_country_of_an_old_code(self) -> None:
        """A country that no table has gets the continent of the record."""
        record = {"country": {"iso_code": "SU"}, "continent": {"code": "EU"}}
        self.assertEqual(told(record), Place("SU", "europe", source="db"))

    def test_continent_of_the_table(self) -> None:
        """Else the table has the say, as it has for the members."""
        record = {"country": {"iso_code": "TR"}, "continent": {"code": "AS"}}
        self.assertEqual(told(record), Place("TR", "europe", source="db"))

    def test_asn(self) -> None:
        """The shape of GeoLite2 ASN, and numbers written with letters."""
        wanted = Place(asn=64500, source="db")
        nested = {"autonomous_system_number": 64500,
                  "autonomous_system_organization": "Example"}  # fmt: skip
        for record in (nested, {"asn": "AS64500"}, {"asn": "64500"}):
            self.assertEqual(told(record), wanted)

    def test_flat(self) -> None:
        """Flat shapes, in which numbers may be text."""
        record = {"country_code": "de", "latitude": "50.1", "longitude": 8}
        wanted = Place("DE", "europe", location=(50.1, 8.0), source="db")
        self.assertEqual(told(record), wanted)
        record = {"country": "DE", "continent": "Europe", "lat": 50.1, "lng": 8.0}
        self.assertEqual(told(record), wanted)

    def test_continent_alone(self) -> None:
        """A continent without a country, by code or by name."""
        wanted = Place(continent="north-america", source="db")
        for continent in ({"code": "NA"}, "NA", "North America"):
            self.assertEqual(told({"continent": continent}), wanted)

    def test_region(self) -> None:
        """A region is the country's code and its own, which may be a number."""
        for code, region in (("BE", "de-be"), ("DE-BE", "de-be"), (13, "de-13")):
            place = told({"country_code": "DE", "region_code": code})
            self.assertEqual(place, Place("DE", "europe", region, source="db"))

    def test_nonsense(self) -> None:
        """Values that make no sense tell nothing."""
        records: list[object] = [
            {},
            [],
            None,
            "DE",
            {"country": {"iso_code": "ZZ"}},
            {"country": {"iso_code": "D1"}, "subdivisions": []},
            {"country": ["DE"]},
            {"continent": {"code": "XX"}},
            {"location": {"latitude": 91.0, "longitude": 0.0}},
            {"location": {"latitude": float("nan"), "longitude": 0.0}},
            {"location": {"latitude": 50.0}},
            {"location": {"latitude": True, "longitude": 1}},
            {"asn": 2**32},
            {"asn": 0},
            {"asn": "AS-1"},
        ]
        for record in records:
            self.assertIsNone(told(record), record)

    def test_region_that_is_a_name(self) -> None:
        """Names of regions are no codes."""
        place = told({"country_code": "DE", "region_code": "Berlin"})
        self.assertEqual(place, Place("DE", "europe", source="db"))

    def test_paths(self) -> None:
        """Paths that are set take the place of the usual ones, the others stay."""
        reader = PlaceReader({"country": ("geo.1.cc", "cc"), "network": ("isp",)})
        place = reader.place({"geo": [{}, {"cc": "FR"}], "isp": "Campus"}, "db")
        self.assertEqual(place, Place("FR", "europe", None, None, "Campus", None, "db"))
        place = reader.place({"geo": [{}], "cc": "FR", "asn": 1}, "db")
        self.assertEqual(place, Place("FR", "europe", asn=1, source="db"))
        self.assertIsNone(reader.place({"country_code": "FR"}, "db"))

    def test_unknown_thing(self) -> None:
        """A path for a thing that there is not is refused."""
        with self.assertRaisesRegex(ValueError, "no field is called 'town'"):
            PlaceReader({"town": ("city.names.en",)})

    @settings(deadline=None)
    @given(JSON | st.dictionaries(TOP, JSON))
    def test_anything(self, record: object) -> None:
        """Whatever a record holds, it tells something sensible or nothing."""
        place = told(record)
        if place is not None:
            self.assertTrue(place.country is None or len(place.country) == 2)
            self.assertTrue(place.asn is None or 0 < place.asn < 2**32)
            self.assertTrue(
                place.location is None
                or (abs(place.location[0]) <= 90 and abs(place.location[1]) <= 180)
            )
