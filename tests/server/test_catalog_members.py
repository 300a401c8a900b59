"""The members of catalogs that others make: what is taken, and what is said."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import CatalogSettings
from dinamed.config.transfers import Primary
from dinamed.config.zone_rules import origin
from dinamed.server.catalog_members import CatalogMembers
from dinamed.transfers.catalog import catalog_zone, members_of
from dinamed.transfers.view import View
from dinamed.wire.names import WireName, from_text
from dinamed.zones.packed import PackedZone
from tests.server.support import captured
from tests.server.test_secondary import NEW, OLD, SecondaryCase
from tests.transfers.support import KEYS, view_of
from tests.zones.strategies import ORIGIN

ONE, TWO = from_text("one.example."), from_text("two.example.")
A, B = from_text("a.example."), from_text("b.example.")


def settings(name: str, address: str) -> CatalogSettings:
    """A catalog with one primary."""
    return CatalogSettings(name=name, primary=(Primary(address=address),))


class MembersTests(SynchronousTestCase):
    """Two catalogs."""

    def setUp(self) -> None:
        self.events = captured(self)
        self.members = CatalogMembers()
        self.catalogs = {
            ONE: settings("one.example", "192.0.2.1"),
            TWO: settings("two.example", "192.0.2.2"),
        }

    def zones(
        self, one: PackedZone | None, two: PackedZone | None, *own: WireName
    ) -> dict[WireName, str]:
        """The primary of each member."""
        have = {ONE: one, TWO: two}
        found = self.members.zones(self.catalogs, have, {ONE, TWO, *own})
        self.assertEqual({origin(zone) for zone in found.values()}, found.keys())
        return {apex: zone.primary[0].address for apex, zone in found.items()}

    def warnings(self) -> list[str]:
        """What was refused, line by line."""
        return [str(one["names"]) for one in self.events if "names" in one]

    def test_first_has_it(self) -> None:
        """A zone in two catalogs is the first one's, until that has it no more."""
        one, two = catalog_zone(ONE, [A], 1), catalog_zone(TWO, [A, B], 1)
        self.assertEqual(self.zones(one, two), {A: "192.0.2.1", B: "192.0.2.2"})
        self.assertEqual(self.zones(None, two), {A: "192.0.2.2", B: "192.0.2.2"})
        self.assertEqual(self.warnings(), ["a.example."])

    def test_config_has_it(self) -> None:
        """Such zones are not taken, and each is told once while that lasts."""
        one = catalog_zone(ONE, [A, B, ONE], 1)
        for _ in range(3):
            self.assertEqual(self.zones(one, None, A), {B: "192.0.2.1"})
        self.assertEqual(self.warnings(), ["a.example., one.example."])
        self.zones(one, None)
        self.zones(one, None, A)
        self.assertEqual(len(self.warnings()), 2)

    def test_many_refused(self) -> None:
        """One line for all."""
        many = [from_text(f"z{number}.example.") for number in range(9)]
        self.assertEqual(self.zones(catalog_zone(ONE, many, 1), None, *many), {})
        (line,) = self.warnings()
        self.assertTrue(line.endswith("z4.example. and 4 more"), line)

    def test_no_catalog(self) -> None:
        """A copy that is no catalog has no members, and is told once."""
        plain = view_of(OLD, 1).zone
        for _ in range(2):
            self.assertEqual(self.zones(plain, None), {})
        errors = [one for one in self.events if "broken" in str(one.get("why", ""))]
        self.assertEqual(len(errors), 1)


class CheckedTests(SecondaryCase):
    """A catalog that is fetched."""

    def test_broken_changes_nothing(self) -> None:
        """It is not taken nor saved, said once, and asked for again."""
        self.secondary.reconfigure(self.secondary.zone, KEYS, members_of)
        self.secondary.start()
        self.give(View(catalog_zone(ORIGIN, [A], 7)))
        for serial, content in ((8, OLD), (9, NEW)):
            self.advance(3601)
            for _ in range(4):
                self.give(view_of(content, serial))
        self.assertEqual(self.changes, [7])
        assert self.secondary.raw is not None
        self.assertEqual(self.secondary.raw.serial, 7)
        found = self.files.read_copy(ORIGIN)
        assert found is not None
        self.assertEqual(found[0].serial, 7)
        self.assertIn("broken catalog", self.texts())
