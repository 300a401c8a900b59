"""MaxMind DB files, good and bad."""

import os
import random
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.database import Database, DatabaseError, open_database
from dinamed.geo.place import Place
from dinamed.geo.prefixes import Network
from dinamed.geo.private import Stamp, UnsteadyError, check_steady, open_plain
from tests.geo.mmdb import database
from tests.geo.sources import addresses, neighbour, networks, packed

try:
    import maxminddb
except ImportError:
    maxminddb = None  # type: ignore[assignment]

MISSING = None if maxminddb else "needs the package maxminddb"
ENGINES = (
    (True, False) if getattr(maxminddb, "extension", None) is not None else (False,)
)

CITY = {
    "192.0.2.0/24": {
        "country": {"iso_code": "DE"},
        "location": {"latitude": 50.1, "longitude": 8.7},
    },
    "192.0.2.64/26": {"country": {"iso_code": "FR"}},
    "2001:db8::/32": {"country": {"iso_code": "US"}},
    "2001:db8:8000::/33": {"autonomous_system_number": 64500},
}
DE = Place("DE", "europe", location=(50.1, 8.7), source="geo.mmdb")


class FileCase(SynchronousTestCase):
    """Writes databases to files of this test."""

    skip = MISSING

    def written(self, data: bytes, name: str = "geo.mmdb") -> str:
        """The path of a new file; replaces the one of the same name."""
        path = os.path.join(self.mktemp(), name)
        os.makedirs(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(data)
        return path

    def opened(self, data: bytes) -> list[Database]:
        """The file, opened by each engine there is."""
        path = self.written(data)
        return [open_database(path, compiled=engine) for engine in ENGINES]

    def refused(self, data: bytes) -> set[str]:
        """Why each engine refuses the file."""
        path = self.written(data)
        reasons = set()
        for engine in ENGINES:
            with self.assertRaises(DatabaseError) as caught:
                open_database(path, compiled=engine)
            reasons.add(str(caught.exception))
        return reasons


class LookUpTests(FileCase):
    """What is found in good files."""

    def test_v4_and_v6(self) -> None:
        """Records of both families, with the lengths that they hold for."""
        for db in self.opened(database(CITY)):
            found = {
                text: db.look_up(packed(text))
                for text in ("192.0.2.1", "192.0.2.65", "2001:db8::1", "192.0.3.0")
            }
            wanted = {
                "192.0.2.1": (DE, 26),
                "192.0.2.65": (Place("FR", "europe", source="geo.mmdb"), 26),
                "2001:db8::1": (Place("US", "north-america", source="geo.mmdb"), 33),
                "192.0.3.0": (None, 24),
            }
            self.assertEqual(found, wanted)

    def test_record_sizes(self) -> None:
        """All three sizes of the tree's records are read."""
        for size in (24, 28, 32):
            for db in self.opened(database(CITY, record_size=size)):
                self.assertEqual(db.look_up(packed("192.0.2.129")), (DE, 25))

    def test_v4_only(self) -> None:
        """In a file without IPv6 all of IPv6 is alike."""
        v4 = {text: record for text, record in CITY.items() if ":" not in text}
        for db in self.opened(database(v4, ip_version=4)):
            self.assertEqual(db.look_up(packed("192.0.2.129")), (DE, 25))
            self.assertEqual(db.look_up(packed("2001:db8::1")), (None, 0))

    def test_v6_only(self) -> None:
        """In a file without IPv4 all of IPv4 is alike."""
        for db in self.opened(database({"2001:db8::/32": {"country_code": "US"}})):
            self.assertEqual(db.look_up(packed("192.0.2.1")), (None, 0))

    def test_facts(self) -> None:
        """A database tells what it is."""
        for db in self.opened(database(CITY, database_type="My-City")):
            self.assertEqual((db.name, db.kind, db.built, db.v6),
                             ("geo.mmdb", "My-City", 1700000000, True))  # fmt: skip
        engines = [db.engine for db in self.opened(database(CITY))]
        self.assertEqual(engines, ["C", "Python"][-len(engines) :])

    def test_paths(self) -> None:
        """Records of another shape are read by the paths that are set."""
        path = self.written(database({"192.0.2.0/24": {"where": {"cc": "IS"}}}))
        found = open_database(path, {"country": ("where.cc",)})
        self.assertEqual(
            found.look_up(packed("192.0.2.1"))[0],
            Place("IS", "europe", source="geo.mmdb"),
        )


class ScopeTests(FileCase):
    """The prefix lengths that come with records."""

    @settings(deadline=None)
    @given(st.sets(networks(), min_size=1, max_size=8), addresses(), st.data())
    def test_everyone_in_scope_has_the_record(
        self, prefixes: set[Network], address: bytes, data: st.DataObject
    ) -> None:
        """All addresses in the prefix have the record, longer prefixes or not."""
        records = {str(one): {"asn": at + 1} for at, one in enumerate(prefixes)}
        noise = data.draw(st.integers(0, 2**128))
        lengths = set()
        for db in self.opened(database(records)):
            place, length = db.look_up(address)
            other = neighbour(address, length, noise)
            self.assertEqual(db.look_up(other), (place, length))
            self.assertEqual(db.failures, 0)
            lengths.add(length)
        self.assertEqual(len(lengths), 1)


class BadFileTests(FileCase):
    """Files that are not what they should be."""

    def test_no_database(self) -> None:
        """Other files, empty ones too, are refused with a reason on one line."""
        for data in (b"", b"x" * 1000, database(CITY)[:100]):
            for reason in self.refused(data):
                self.assertRegex(reason, r"\Anot a MaxMind DB file: .+\Z")
                self.assertNotIn("/proc", reason)

    def test_no_plain_file(self) -> None:
        """Folders, devices, pipes and nothing at all are refused at once."""
        pipe = os.path.join(self.mktemp(), "pipe")
        os.makedirs(os.path.dirname(pipe))
        os.mkfifo(pipe)
        reasons = {
            pipe: "can't read: not a plain file",
            "/dev/zero": "can't read: not a plain file",
            os.path.dirname(pipe): "can't read: not a plain file",
            pipe + "s": "can't read: No such file or directory",
        }
        for path, reason in reasons.items():
            for engine in ENGINES:
                with self.assertRaises(DatabaseError) as caught:
                    open_database(path, compiled=engine)
                self.assertEqual(str(caught.exception), reason)

    def test_bad_metadata(self) -> None:
        """Metadata that contradict the file are refused."""
        for told in ({"node_count": 2**31}, {"record_size": 20}, {"ip_version": "x"}):
            for reason in self.refused(database(CITY, **told)):
                self.assertRegex(reason, "not a MaxMind DB file|damaged")

    def test_damaged_records(self) -> None:
        """A file whose records are overwritten is refused when it is opened."""
        whole = database({f"{net}.0.0.0/8": {"country_code": "DE"}
                          for net in range(1, 224)})  # fmt: skip
        at = whole.index(b"country_code")
        end = whole.rindex(b"\xab\xcd\xefMaxMind.com")
        broken = whole[: at - 2] + b"\xff" * (end - at + 2) + whole[end:]
        for reason in self.refused(broken):
            self.assertRegex(reason, r"\Adamaged: .+")

    def test_damage_in_one_place(self) -> None:
        """Damage that opening misses costs just the addresses it is at."""
        records = {**CITY, "203.0.113.7/32": {"country_code": "NOPE"}}
        data = database(records).replace(b"NOPE", b"\xff\xfe\xff\xfe")
        for db in self.opened(data):
            if db.look_up(packed("203.0.113.7")) == (None, 32):
                self.assertEqual(db.look_up(packed("192.0.2.1")), (DE, 26))
            else:
                self.fail("text that is not UTF-8 was read")

    def test_loop(self) -> None:
        """A record that points at itself is an error, not the end."""
        data = database({"203.0.113.7/32": {"country_code": "POINTER"}})
        at = data.index(b"\x47POINTER")
        start = data.index(bytes(16)) + 16
        inner = at - 14  # where the map that holds the pointer begins
        loop = b"\x20" + bytes((max(inner - start, 0),)) + b"\xc0\xc0\xc0\xc0\xc0\xc0"
        data = data[:at] + loop + data[at + 8 :]
        for db in self.opened(data):
            place, length = db.look_up(packed("203.0.113.7"))
            self.assertEqual((place, length), (None, 32))

    def test_any_damage(self) -> None:
        """Files with some octets changed are refused, or answer all the same."""
        rng = random.Random(7)
        whole = database(CITY)
        answered = 0
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(rng.randint(1, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            path = self.written(bytes(data))
            try:
                db = open_database(path, compiled=False)
            except DatabaseError:
                continue
            for text in ("192.0.2.1", "192.0.2.65", "2001:db8::1", "203.0.113.1"):
                address = packed(text)
                self.assertLessEqual(db.look_up(address)[1], len(address) * 8)
            answered += 1
        self.assertGreater(answered, 0)


class ReplacedFileTests(FileCase):
    """What happens to the file after it was opened."""

    def test_cut_short_and_removed(self) -> None:
        """What was loaded stays when the file is emptied, and when it goes."""
        path = self.written(database(CITY))
        open_ = [open_database(path, compiled=engine) for engine in ENGINES]
        with open(path, "wb"):
            pass
        os.remove(path)
        for db in open_:
            self.assertEqual(db.look_up(packed("192.0.2.1")), (DE, 26))

    def test_changed_while_read(self) -> None:
        """A file that changes while it is read is not taken."""
        path = self.written(b"12345")
        with open_plain(path) as file:
            before = Stamp.of(os.fstat(file.fileno()))
            check_steady(file, before, 5)
            with self.assertRaises(UnsteadyError):
                check_steady(file, before, 4)
            with open(path, "ab") as more:
                more.write(b"6")
            with self.assertRaises(UnsteadyError):
                check_steady(file, before, 6)


class MissingPackageTests(SynchronousTestCase):
    """Without maxminddb."""

    def test_clear_message(self) -> None:
        """It is said which package to install."""
        self.addCleanup(sys.modules.update, {"maxminddb": maxminddb})
        sys.modules["maxminddb"] = None  # type: ignore[assignment]
        with self.assertRaisesRegex(DatabaseError, r"install dinamed\[geo\]"):
            open_database("geo.mmdb")
