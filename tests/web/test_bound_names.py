"""Tests of telling of very many zones little by little."""

from prometheus_client.samples import Sample
from twisted.trial.unittest import SynchronousTestCase

from dinamed.web.bound_names import PIECE, zones_with
from dinamed.web.lazy_metric import LazyMetric, in_pieces
from dinamed.zones.zoneset import ZoneEntry, ZoneSet
from tests.plans.support import make_zone

MANY = 2 * PIECE + 3


class ManyZonesTests(SynchronousTestCase):
    """More zones than are looked at together."""

    def setUp(self) -> None:
        """Zones that nobody has asked for."""
        made = (make_zone(f"z{number}.example.", "") for number in range(MANY))
        entries: dict[bytes, ZoneEntry] = {zone.origin: zone.buffer for zone in made}
        self.zones = ZoneSet.of(entries)

    def test_pieces(self) -> None:
        """All are told, some at a time, and no objects are made of them."""
        pieces = list(zones_with(self.zones))
        self.assertEqual([len(piece) for piece in pieces], [PIECE, PIECE, 3])
        self.assertEqual(pieces[2][2].name, f"z{MANY - 1}.example.")
        self.assertEqual(
            {type(entry) for entry in self.zones.entries().values()}, {memoryview}
        )

    def test_search(self) -> None:
        """Only those with the text in their names, however far they are."""
        found = [one.name for piece in zones_with(self.zones, "z13") for one in piece]
        self.assertEqual(found[0], "z13.example.")
        self.assertEqual(found[1:], ["z130.example."])


class LazyMetricTests(SynchronousTestCase):
    """Samples in pieces."""

    def test_samples(self) -> None:
        """All samples in their order, again and again; none gives no piece."""
        made = [Sample("n", {"zone": str(number)}, number) for number in range(MANY)]
        metric = LazyMetric("n", "About it.", "gauge", in_pieces(lambda: iter(made)))
        for _ in range(2):
            self.assertEqual(list(metric.samples), made)
            self.assertLessEqual(max(map(len, metric.pieces())), PIECE)
        none = LazyMetric("n", "About it.", "gauge", in_pieces(lambda: iter([])))
        self.assertEqual(list(none.pieces()), [])
