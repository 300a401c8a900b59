"""Tests for ordering the names of signed zones before they are served."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.dnssec import Dnssec
from dinamed.config.settings import Settings, ZoneSettings
from dinamed.dnssec.denial import Denial
from dinamed.server import ordering_ahead
from dinamed.server.ordering_ahead import order_ahead
from dinamed.zones import packed
from dinamed.zones.ordering import in_order
from dinamed.zones.virtual import Names
from dinamed.zones.zoneset import ZoneSet
from tests.plans.support import make_zone

NAMES = "".join(f"n{number} A 192.0.2.1\n" for number in range(20))


class OrderAheadTests(SynchronousTestCase):
    """How often the names of a zone are put in order, ahead and when it is served."""

    def setUp(self) -> None:
        self.patch(ordering_ahead, "LEAST_NAMES", 10)
        self.times = 0
        really = in_order

        def counted(*what: object) -> object:
            self.times += 1
            return really(*what)  # type: ignore[arg-type]

        self.patch(packed, "in_order", counted)

    def ordered(self, text: str, dnssec: Dnssec | None) -> tuple[int, int]:
        """How often ahead, and then for the chain."""
        self.times = 0
        zone = make_zone("example.org.", text, {})
        one = ZoneSettings(name="example.org", file="zone", dnssec=dnssec)
        settings = Settings(path="x", zones=(one,))
        order_ahead(settings, ZoneSet({zone.origin: zone}))
        ahead = self.times
        self.assertGreater(len(Denial(Names(zone), {}).order), 1)
        return ahead, self.times - ahead

    def test_signed(self) -> None:
        """A large zone that is to be signed has its order when it is served."""
        self.assertEqual(self.ordered(NAMES, Dnssec()), (1, 0))

    def test_others(self) -> None:
        """Nothing is done for small zones, and those that are not signed."""
        self.assertEqual(self.ordered("www A 192.0.2.1\n", Dnssec()), (0, 1))
        self.assertEqual(self.ordered(NAMES, None), (0, 1))
