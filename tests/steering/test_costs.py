"""Costs: each source in its turn, and never a 0 for what is not known."""

from dataclasses import dataclass

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE, Place
from dinamed.steering.costs import REFRESH, Costs
from dinamed.steering.round_trips import RoundTrips

FRANKFURT, PARIS, TOKYO = (50.1, 8.7), (48.9, 2.4), (35.7, 139.7)
NETWORK = bytes((192, 0, 2))


@dataclass(frozen=True)
class Site:
    """A member."""

    name: str
    country: str | None = None
    location: tuple[float, float] | None = None
    network: str | None = None
    bias: float = 0.0


class CostTests(SynchronousTestCase):
    """The sources of a cost."""

    def setUp(self) -> None:
        self.table = RoundTrips()

    def costs(self, *members: Site) -> Costs:
        """The costs of a pool with these members."""
        return Costs("p", members, self.table)

    def measure(
        self, member: str, ms: float, network: bytes = NETWORK, place: Place = NOWHERE
    ) -> None:
        """A sample."""
        self.table.add(("p", member), network, ms, 1, 0.0, place)

    def near(self, value: float, wanted: float) -> None:
        """Equal but for what the table rounds."""
        self.assertLess(abs(value - wanted), 0.03 * wanted + 0.01)

    def test_nothing(self) -> None:
        """Nothing is known: no cost, rather than 0."""
        row = self.costs(Site("a"), Site("b")).row(NETWORK, NOWHERE, 0.0)
        self.assertEqual((row.ms, row.nearest), ((), []))

    def test_measured(self) -> None:
        """What was measured comes first."""
        self.measure("a", 20.0)
        here = Place("DE", "europe", location=FRANKFURT)
        row = self.costs(Site("a", location=TOKYO)).row(NETWORK, here, 0.0)
        self.near(row.ms[0], 20.0)
        self.assertEqual(row.sources, ("measured",))
        self.assertEqual(row.direct, [True])

    def test_area(self) -> None:
        """Else what was measured from the same system."""
        self.measure("a", 20.0, b"xyz", Place("DE", "europe", asn=64500))
        row = self.costs(Site("a")).row(NETWORK, Place(asn=64500), 0.0)
        self.near(row.ms[0], 20.0)
        self.assertEqual(row.sources, ("median of AS64500",))

    def test_distance(self) -> None:
        """Else the distance: Paris is some 474 km from Frankfurt."""
        here = Place("DE", "europe", location=FRANKFURT)
        row = self.costs(Site("a", location=PARIS)).row(NETWORK, here, 0.0)
        self.near(row.ms[0], 4.74)
        self.assertEqual(row.sources, ("by distance",))

    def test_floor(self) -> None:
        """A network with a slow last mile has it to all members."""
        self.measure("a", 34.5)
        here = Place("DE", "europe", location=FRANKFURT)
        sites = Site("a", location=PARIS), Site("b", location=FRANKFURT)
        row = self.costs(*sites).row(NETWORK, here, 0.0)
        self.near(row.ms[1], 30.0)

    def test_region(self) -> None:
        """A client without a location: the mean of its continent."""
        costs = self.costs(Site("a", location=PARIS), Site("b", location=TOKYO))
        costs.row(b"111", Place("DE", "europe", location=FRANKFURT), 0.0)
        costs.row(b"222", Place("FR", "europe", location=PARIS), 0.0)
        row = costs.row(b"333", Place("ES", "europe"), 0.0)
        self.near(row.ms[0], 2.37)
        self.assertEqual(row.sources[0], "mean of 2 networks of europe")
        self.assertEqual(row.direct, [False, False])

    def test_new_member(self) -> None:
        """A member that is new to everybody: the mean of the others of its site."""
        for name, ms in (("a", 20.0), ("b", 30.0), ("c", 200.0)):
            self.measure(name, ms)
        sites = (
            Site("a", "DE"),
            Site("b", "DE"),
            Site("c", "JP"),
            Site("new", "DE"),
            Site("elsewhere"),
        )
        row = self.costs(*sites).row(NETWORK, NOWHERE, 0.0)
        self.near(row.ms[3], 25.0)
        self.assertEqual(row.sources[3], "mean of its site")
        self.near(row.ms[4], 250 / 3)
        self.assertEqual(row.sources[4], "mean of the other members")

    def test_bias(self) -> None:
        """A bias is added, and never leads below 0."""
        self.measure("a", 20.0)
        self.measure("b", 20.0)
        sites = Site("a", bias=15.0), Site("b", bias=-50.0)
        row = self.costs(*sites).row(NETWORK, NOWHERE, 0.0)
        self.near(row.ms[0], 35.0)
        self.assertEqual(row.ms[1], 0.0)
        self.assertEqual(row.nearest, [1, 0])

    def test_kept(self) -> None:
        """A row is worked out again only after a while, and if there is news."""
        costs = self.costs(Site("a"))
        self.measure("a", 20.0)
        first = costs.row(NETWORK, NOWHERE, 0.0)
        self.assertIs(costs.row(NETWORK, NOWHERE, REFRESH), first)
        for _ in range(8):
            self.measure("a", 80.0)
        self.assertIs(costs.row(NETWORK, NOWHERE, REFRESH - 1.0), first)
        self.near(costs.row(NETWORK, NOWHERE, REFRESH).ms[0], 80.0)

    def test_spread(self) -> None:
        """From the 10 % to the 90 % quantile of what is known of all clients."""
        costs = self.costs(Site("a"), Site("b"))
        self.assertEqual(costs.spread(), 0.0)
        for number in range(101):
            network = number.to_bytes(3)
            self.measure("a", 10.0 + number, network)
            costs.row(network, NOWHERE, 0.0)
        # `b` is known by nobody, so what is assumed for it does not count.
        self.near(costs.spread(), 80.0)

    def test_bounded(self) -> None:
        """However many clients come, rows and regions are bounded."""
        costs = self.costs(*(Site(f"m{n}", location=PARIS) for n in range(2000)))
        for number in range(600):
            place = Place("DE", "europe", location=FRANKFURT, asn=number + 1)
            costs.row(number.to_bytes(3), place, 0.0)
        self.assertLessEqual(len(costs._rows), 256)
        self.assertLessEqual(len(costs._regions), 258)

    def test_forgotten_one_by_one(self) -> None:
        """Clients of a region about which nothing is known are forgotten all the
        same."""
        costs = self.costs(Site("a"))
        place = Place("DE", "europe")
        for last in (1, 2):
            costs.row(bytes((10, 0, last)), place, 0.0)
        self.measure("a", 20.0, network=b"111")
        for last in (1, 2):
            row = costs.row(bytes((10, 0, last)), place, REFRESH)
            self.assertEqual(row.ms, ())
        self.assertEqual(len(costs._regions), 2)

    def test_sites(self) -> None:
        """A site goes by the most exact that its member tells, and is not looked for
        among all others for each member."""
        for name, ms in (("a", 20.0), ("b", 30.0), ("c", 90.0)):
            self.measure(name, ms)
        sites = (
            Site("a", "DE", FRANKFURT, "n"),
            Site("b", "DE", PARIS, "n"),
            Site("c", "DE", PARIS),
            Site("by location", "DE", PARIS, "n"),
            Site("by network", "DE", None, "n"),
            Site("by country", "DE"),
            Site("alone", "FR", TOKYO),
        )
        row = self.costs(*sites).row(NETWORK, NOWHERE, 0.0)
        for at, wanted in ((3, 60.0), (4, 25.0), (5, 140 / 3), (6, 140 / 3)):
            self.near(row.ms[at], wanted)
        self.assertEqual(
            row.sources[5:], ("mean of its site", "mean of the other members")
        )
