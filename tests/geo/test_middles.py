"""Where countries are drawn."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.countries import COUNTRIES
from dinamed.geo.middles import MIDDLE_OF, drawn_at


class MiddleTests(SynchronousTestCase):
    """A place for every country."""

    def test_all(self) -> None:
        """Each country has one, on the globe."""
        self.assertEqual(COUNTRIES - MIDDLE_OF.keys(), frozenset())
        for north, east in MIDDLE_OF.values():
            self.assertTrue(-90 <= north <= 90 and -180 <= east <= 180)

    def test_drawn(self) -> None:
        """A location counts before a country; without either there is no place."""
        self.assertEqual(drawn_at((1.5, 2.5), "DE"), (1.5, 2.5))
        self.assertEqual(drawn_at(None, "DE"), (51.0, 10.0))
        self.assertIsNone(drawn_at(None, None))
        self.assertIsNone(drawn_at(None, "ZZ"))
