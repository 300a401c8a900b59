"""Loading what `[geo]` names, and noticing changes."""

import os

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.places import Geo, GeoFields, GeoNetwork
from dinamed.geo.files import FileWatch, GeoData, load_geo, look_at, stamp_of
from dinamed.geo.private import Stamp
from tests.geo.mmdb import database
from tests.geo.sources import packed
from tests.geo.test_database import MISSING

HERE = packed("203.0.113.7")


def country(code: str) -> bytes:
    """A database in which everything of IPv4 is in one country."""
    return database({"0.0.0.0/1": {"country_code": code},
                     "128.0.0.0/1": {"country_code": code}})  # fmt: skip


class LoadTests(SynchronousTestCase):
    """Loading, and loading again."""

    skip = MISSING

    def setUp(self) -> None:
        """A folder with one database."""
        self.folder = self.mktemp()
        os.mkdir(self.folder)
        self.path = os.path.join(self.folder, "a.mmdb")
        self.write(country("DE"))
        self.geo = Geo(databases=(self.path,))

    def write(self, data: bytes) -> None:
        """Put a new file in place of the old one."""
        with open(self.path + ".new", "wb") as file:
            file.write(data)
        os.replace(self.path + ".new", self.path)

    def where(self, places: GeoData) -> str | None:
        """The country that a client is in."""
        return places.locator.locate(HERE, 32).place.country

    def test_load(self) -> None:
        """Networks and databases are loaded."""
        nets = {"203.0.113.0/24": GeoNetwork(asn=64500)}
        places = load_geo(Geo(databases=(self.path,), networks=nets))
        place = places.locator.locate(HERE, 32).place
        self.assertEqual((place.country, place.asn), ("DE", 64500))
        self.assertEqual(place.source, "networks 203.0.113.0/24, a.mmdb")
        self.assertEqual(places.complaints, ())

    def test_nothing(self) -> None:
        """An empty table knows nobody."""
        self.assertIsNone(self.where(load_geo(Geo())))

    def test_new_file(self) -> None:
        """A file that was replaced is read again."""
        old = load_geo(self.geo)
        self.write(country("FR"))
        new = load_geo(self.geo, old)
        self.assertEqual((self.where(old), self.where(new)), ("DE", "FR"))

    def test_same_file(self) -> None:
        """One that was not replaced is not."""
        old = load_geo(self.geo)
        new = load_geo(self.geo, old)
        self.assertIs(new.databases[0], old.databases[0])

    def test_other_fields(self) -> None:
        """Unless its records are to be read in another way."""
        old = load_geo(self.geo)
        fields = GeoFields(country=("cc",))
        new = load_geo(Geo(databases=(self.path,), fields=fields), old)
        self.assertEqual((self.where(old), self.where(new)), ("DE", None))

    def test_damaged_file(self) -> None:
        """A damaged file is complained of, and the old one stays."""
        old = load_geo(self.geo)
        self.write(country("FR")[:500])
        new = load_geo(self.geo, old)
        self.assertEqual(self.where(new), "DE")
        ((path, message),) = new.complaints
        self.assertEqual(path, ("databases", 0))
        self.assertRegex(message, f"^{self.path}: not a MaxMind DB file: ")

    def test_no_file(self) -> None:
        """So is one that is missing; the others are loaded."""
        gone = os.path.join(self.folder, "gone.mmdb")
        places = load_geo(Geo(databases=(gone, self.path)))
        self.assertEqual(self.where(places), "DE")
        ((path, message),) = places.complaints
        self.assertEqual(path, ("databases", 0))
        self.assertEqual(message, f"{gone}: can't read: No such file or directory")

    def test_removed_from_settings(self) -> None:
        """A database that is no longer named is dropped."""
        self.assertIsNone(self.where(load_geo(Geo(), load_geo(self.geo))))

    def test_noticed(self) -> None:
        """A watch over what was loaded sees the real file change."""
        watch = FileWatch.over(load_geo(self.geo))
        first = [watch.changed(look_at(self.geo.databases)) for _ in range(3)]
        self.write(country("FR"))
        then = [watch.changed(look_at(self.geo.databases)) for _ in range(3)]
        self.assertEqual(first + then, [False] * 3 + [False, True, False])


class WatchTests(SynchronousTestCase):
    """When a file counts as changed."""

    OLD, NEW, NEWER = (Stamp(1, 2, size, 3) for size in (10, 20, 30))

    def told(self, *looks: Stamp | None) -> list[bool]:
        """What a watch that knows the old file says to these looks at it."""
        watch = FileWatch({"a": self.OLD, "b": self.OLD})
        return [watch.changed({"a": one, "b": self.OLD}) for one in looks]

    def test_steady(self) -> None:
        """When it has looked the same twice."""
        looks = self.told(self.OLD, self.NEW, self.NEW)
        self.assertEqual(looks, [False, False, True])

    def test_still_growing(self) -> None:
        """Not while it is being written."""
        looks = self.told(self.NEW, self.NEWER, self.NEWER)
        self.assertEqual(looks, [False, False, True])

    def test_once(self) -> None:
        """Only once, whether loading it went well or not."""
        looks = self.told(self.NEW, self.NEW, self.NEW, self.NEW)
        self.assertEqual(looks, [False, True, False, False])

    def test_gone(self) -> None:
        """Not when it is gone, but when another one has come."""
        looks = self.told(None, None, self.OLD, self.OLD, None, self.NEW, self.NEW)
        self.assertEqual(looks, [False] * 6 + [True])

    def test_late(self) -> None:
        """A file that was not there at first is news."""
        watch = FileWatch({})
        looks = [watch.changed({"a": one}) for one in (None, self.NEW, self.NEW)]
        self.assertEqual(looks, [False, False, True])

    def test_stamp(self) -> None:
        """A stamp changes with the size; a path that can't be has none."""
        path = self.mktemp()
        with open(path, "wb") as file:
            before = stamp_of(path)
            file.write(b"x")
        self.assertNotEqual(stamp_of(path), before)
        self.assertIsNone(stamp_of(path + "x"))
        self.assertIsNone(stamp_of("a\0b"))
