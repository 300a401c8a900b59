"""Tests for the choice of the zone that answers."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.names import from_text
from dinamed.zones.packed import PackedZone, pack
from dinamed.zones.zoneset import ZoneSet
from tests.zones.strategies import SOA


def _zone(origin: str) -> PackedZone:
    return PackedZone(pack(from_text(origin), [(b"", SOA)], {}))


class ZoneSetTests(SynchronousTestCase):
    """The deepest zone answers; DS is asked of the zone above."""

    def setUp(self) -> None:
        self.outer = _zone("example.org.")
        self.inner = _zone("sub.example.org.")
        self.zones = ZoneSet({zone.origin: zone for zone in (self.outer, self.inner)})

    def test_zone_for(self) -> None:
        """A child zone takes its names from its parent; others are nobody's."""
        expected = {
            "example.org.": self.outer,
            "a.b.example.org.": self.outer,
            "xsub.example.org.": self.outer,
            "sub.example.org.": self.inner,
            "a.sub.example.org.": self.inner,
            "org.": None,
            "xexample.org.": None,
            ".": None,
        }
        for name, zone in expected.items():
            self.assertIs(self.zones.zone_for(from_text(name)), zone, name)

    def test_parent_side(self) -> None:
        """The parent side is strictly above."""
        expected = {
            "sub.example.org.": self.outer,
            "a.sub.example.org.": self.inner,
            "example.org.": None,
            ".": None,
        }
        for name, zone in expected.items():
            self.assertIs(self.zones.parent_side(from_text(name)), zone, name)

    def test_root_zone(self) -> None:
        """With the root among the zones every name has one."""
        root = _zone(".")
        zones = ZoneSet({root.origin: root})
        self.assertIs(zones.zone_for(from_text("a.b.")), root)
        self.assertIsNone(zones.parent_side(b"\0"))

    def test_is_a_mapping(self) -> None:
        """Zones can be counted, listed and taken by origin."""
        self.assertEqual(len(self.zones), 2)
        self.assertEqual(set(self.zones), {self.outer.origin, self.inner.origin})
        self.assertIs(self.zones[self.outer.origin], self.outer)
