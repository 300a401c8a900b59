"""The table of measured round trips: what is found, and that it stays bounded."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE, Place
from dinamed.steering import round_trips
from dinamed.steering.round_trips import KEEP, RETURN, RoundTrips, network_of

KEY = ("mirrors", "fra1")
OTHER = ("mirrors", "ams1")


def net(number: int) -> bytes:
    """A network by its number."""
    return number.to_bytes(3)


class OldestTests(SynchronousTestCase):
    """Whoever was silent for the longest makes room, at once."""

    def test_order(self) -> None:
        """In the order in which they were last heard of."""
        table = RoundTrips(capacity=16)
        networks = [bytes((10, 0, n)) for n in range(40)]
        for n, network in enumerate(networks):
            table.add(KEY, network, 5.0, 1, float(n), NOWHERE)
            if n == 30:
                table.add(KEY, networks[16], 5.0, 1, 100.0, NOWHERE)
        known = [table.measured(KEY, one, 101.0) is not None for one in networks]
        self.assertEqual(known, [n == 16 or n >= 25 for n in range(40)])


class NetworkTests(SynchronousTestCase):
    """The networks that costs are kept for."""

    def test_networks(self) -> None:
        """The /24 or /48, if so many bits are known."""
        self.assertEqual(network_of(bytes((192, 0, 2, 1)), 32), bytes((192, 0, 2)))
        self.assertEqual(network_of(bytes((192, 0, 2, 0)), 24), bytes((192, 0, 2)))
        self.assertIsNone(network_of(bytes((192, 0, 0, 0)), 16))
        self.assertEqual(network_of(bytes(range(16)), 56), bytes(range(6)))
        self.assertIsNone(network_of(bytes(16), 32))


class RoundTripTests(SynchronousTestCase):
    """What is found."""

    def setUp(self) -> None:
        self.table = RoundTrips(capacity=64)

    def add(
        self, number: int, ms: float, at: float = 0.0, place: Place = NOWHERE
    ) -> None:
        """Take a sample of KEY."""
        self.table.add(KEY, net(number), ms, 1, at, place)

    def test_measured(self) -> None:
        """By network and member; nothing else is told."""
        self.add(1, 20.0, at=5.0)
        found = self.table.measured(KEY, net(1), 15.0)
        assert found is not None
        self.assertLess(abs(found.ms - 20.0), 0.5)
        self.assertEqual((found.age, found.source), (10.0, "measured"))
        self.assertIsNone(self.table.measured(OTHER, net(1), 15.0))
        self.assertIsNone(self.table.measured(KEY, net(2), 15.0))
        self.assertIsNone(self.table.measured(KEY, None, 15.0))

    def test_old(self) -> None:
        """What is a week old is not told any more."""
        self.add(1, 20.0)
        self.assertIsNotNone(self.table.measured(KEY, net(1), KEEP))
        self.assertIsNone(self.table.measured(KEY, net(1), KEEP + 1.0))

    def test_areas(self) -> None:
        """The system comes before the country."""
        self.add(1, 20.0, place=Place("DE", "europe", asn=64500))
        self.add(2, 80.0, place=Place("DE", "europe", asn=64501))
        known = self.table.of_area(KEY, Place("DE", asn=64501), 0.0)
        assert known is not None
        self.assertEqual(known.source, "median of AS64501")
        self.assertGreater(known.ms, 75.0)
        known = self.table.of_area(KEY, Place("DE", asn=64999), 0.0)
        assert known is not None
        self.assertEqual(known.source, "median of DE")
        self.assertIsNone(self.table.of_area(KEY, Place("FR"), 0.0))
        self.assertIsNone(self.table.of_area(KEY, NOWHERE, 0.0))

    def test_forget(self) -> None:
        """Members that are gone, and networks that are empty then."""
        self.add(1, 20.0)
        self.table.add(OTHER, net(1), 30.0, 1, 0.0, NOWHERE)
        self.table.forget({"mirrors": frozenset({"ams1"})})
        self.assertIsNone(self.table.measured(KEY, net(1), 0.0))
        self.assertIsNotNone(self.table.measured(OTHER, net(1), 0.0))
        self.table.forget({})
        self.assertEqual(len(self.table), 0)

    def test_restore(self) -> None:
        """What was saved is there again, but does not replace what is known."""
        for number in (1, 2):
            self.add(number, 20.0)
            self.add(number, 20.0, at=RETURN)
        saved = {network: dict(cells) for network, cells in self.table.networks()}
        self.assertEqual(len(saved), 2)
        again = RoundTrips(capacity=64)
        for network, cells in saved.items():
            again.restore(network, cells)
        self.assertEqual(
            again.measured(KEY, net(2), RETURN),
            self.table.measured(KEY, net(2), RETURN),
        )


class BoundTests(SynchronousTestCase):
    """A flood takes neither memory nor what was known before."""

    def test_flood(self) -> None:
        """Networks that came back stay, however many new ones there are."""
        table = RoundTrips(capacity=64)
        for number in range(40):
            table.add(KEY, net(number), 20.0, 1, 0.0, NOWHERE)
            table.add(KEY, net(number), 20.0, 1, RETURN, NOWHERE)
        for number in range(1000, 4000):
            table.add(KEY, net(number), 20.0, 1, RETURN, NOWHERE)
        self.assertEqual(len(table), 64)
        for number in range(40):
            self.assertIsNotNone(table.measured(KEY, net(number), RETURN), number)

    def test_known_are_bounded(self) -> None:
        """Of those that came back the longest silent one makes room."""
        table = RoundTrips(capacity=64)
        for number in range(100):
            table.add(KEY, net(number), 20.0, 1, 0.0, NOWHERE)
            table.add(KEY, net(number), 20.0, 1, RETURN, NOWHERE)
        self.assertLessEqual(len(table), 64)
        self.assertIsNone(table.measured(KEY, net(0), RETURN))
        self.assertIsNotNone(table.measured(KEY, net(99), RETURN))

    def test_cells(self) -> None:
        """Many members of few networks are bounded as well."""
        table = RoundTrips(capacity=64)
        with patch.object(round_trips, "MOST_CELLS", 100):
            for number in range(20):
                for member in range(10):
                    key = ("mirrors", f"m{member}")
                    table.add(key, net(number), 20.0, 1, 0.0, NOWHERE)
        cells = sum(
            table.measured(("mirrors", f"m{member}"), net(number), 0.0) is not None
            for number in range(20)
            for member in range(10)
        )
        self.assertLessEqual(cells, 100)
        self.assertGreaterEqual(cells, 90)

    def test_areas(self) -> None:
        """Systems are bounded too."""
        table = RoundTrips(capacity=64)
        with patch.object(round_trips, "MOST_SYSTEMS", 10):
            for number in range(30):
                place = Place(asn=number + 1)
                table.add(KEY, net(number), 20.0, 1, 0.0, place)
        known = [
            table.of_area(KEY, Place(asn=number + 1), 0.0) is not None
            for number in range(30)
        ]
        self.assertEqual(sum(known), 10)
        self.assertTrue(known[-1])
