"""Tests of reading a config and its zone files together."""

import os

from dinamed.config.check import check_all, load_all
from dinamed.wire.names import from_text
from tests.config.folder import FolderTestCase

TEXT = """\
[zones."example.org"]
file = "a.zone"
names.ftp = "p"
[pools.p]
members = [{name = "m", addresses = ["192.0.2.1"]}]
"""


class CheckTests(FolderTestCase):
    """All problems of all files."""

    def test_well(self) -> None:
        """Settings and packed zones."""
        self.write("dinamed.toml", TEXT)
        everything = load_all(self.path)
        self.assertEqual(everything.problems, [])
        self.assertIsNotNone(everything.settings)
        built = everything.zones[from_text("example.org.")]
        self.assertTrue(built.packed)
        self.assertEqual(built.files[0], os.path.join(self.folder, "a.zone"))

    def test_both_files(self) -> None:
        """Problems of the config and of a zone file come in one list."""
        zone = self.write("a.zone", "@ 60 IN SOA a b 1 2 3 4 5\n@ NS a\na A 1.2.3\n")
        self.write("dinamed.toml", TEXT + "weight = 1\n")
        problems = check_all(self.path)
        self.assertIsNone(load_all(self.path).settings)
        places = [(problem.file, problem.line) for problem in problems]
        self.assertIn((self.path, 6), places)
        self.assertIn((zone, 3), places)
        self.assertEqual(places, sorted(places))

    def test_zone_problem_alone(self) -> None:
        """A zone file with a problem is enough to have no settings."""
        self.write("a.zone", "")
        self.write("dinamed.toml", TEXT)
        everything = load_all(self.path)
        self.assertTrue(everything.problems)
        self.assertIsNone(everything.settings)

    def test_unreadable_once(self) -> None:
        """A zone file that isn't there is one problem."""
        self.write("dinamed.toml", TEXT.replace("a.zone", "none"))
        self.assertEqual(
            [problem.line for problem in check_all(self.path)],
            [2],
        )
