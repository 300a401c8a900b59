"""Which members suit a place."""

from dataclasses import dataclass

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.distance import Location
from dinamed.geo.place import NOWHERE, Place
from dinamed.geo.proximity import nearest, of_country, of_network


@dataclass(frozen=True)
class Host:
    """A member, as far as these rules look at it."""

    name: str
    country: str | None = None
    location: Location | None = None
    network: str | None = None
    asn: int | None = None


def names(members: tuple[Host, ...]) -> str:
    """The names of members in one word."""
    return "".join(member.name for member in members)


class CountryTests(SynchronousTestCase):
    """`country`."""

    MEMBERS = (
        Host("a", "DE"),
        Host("b", "US"),
        Host("c", "FR", (48.9, 2.4)),
        Host("d"),
        Host("e", "DE"),
        Host("f", location=(0.0, 0.0)),
        Host("g", network="campus"),
    )

    def test_country(self) -> None:
        """Those of the client's country, if there are any."""
        self.assertEqual(names(of_country(self.MEMBERS, Place("DE", "europe"))), "ae")

    def test_continent(self) -> None:
        """Else those on its continent."""
        self.assertEqual(names(of_country(self.MEMBERS, Place("IT", "europe"))), "ace")
        place = Place(continent="north-america")
        self.assertEqual(names(of_country(self.MEMBERS, place)), "b")

    def test_world(self) -> None:
        """Else those without a place; so for a client without one, too."""
        for place in (Place("JP", "asia"), NOWHERE, Place("QQ")):
            self.assertEqual(names(of_country(self.MEMBERS, place)), "dg")

    def test_all(self) -> None:
        """Else all."""
        members = self.MEMBERS[:3] + self.MEMBERS[5:6]
        self.assertEqual(names(of_country(members, Place("JP", "asia"))), "abcf")


class NearestTests(SynchronousTestCase):
    """`nearest`."""

    BERLIN = Place("DE", "europe", location=(52.5, 13.4))
    MEMBERS = (
        Host("s", location=(-33.9, 151.2)),
        Host("p", location=(48.9, 2.4)),
        Host("x"),
        Host("h", location=(53.6, 10.0)),
        Host("i", location=(53.6, 10.0)),
    )

    def test_ties(self) -> None:
        """Those equally near stay together."""
        self.assertEqual(names(nearest(self.MEMBERS, self.BERLIN)), "hi")
        self.assertEqual(names(nearest(self.MEMBERS, self.BERLIN, 2)), "hi")

    def test_symmetric_ties(self) -> None:
        """Also where rounding makes a difference of nothing."""
        place = Place(location=(0.1, 0.3))
        members = (Host("w", location=(0.1, -0.4)), Host("e", location=(0.1, 1.0)))
        self.assertEqual(names(nearest(members, place)), "we")

    def test_some(self) -> None:
        """The nearest few, in the order of the members."""
        self.assertEqual(names(nearest(self.MEMBERS, self.BERLIN, 3)), "phi")

    def test_without_location(self) -> None:
        """Who has no location never wins while somebody has one."""
        self.assertEqual(names(nearest(self.MEMBERS, self.BERLIN, 9)), "sphi")
        self.assertEqual(names(nearest((Host("x"), Host("y")), self.BERLIN)), "xy")

    def test_client_anywhere(self) -> None:
        """For a client without a location nobody is near: all stay."""
        self.assertEqual(names(nearest(self.MEMBERS, Place("DE"))), "spxhi")


class NetworkTests(SynchronousTestCase):
    """`network`."""

    MEMBERS = (
        Host("a", network="campus"),
        Host("b", asn=64500),
        Host("c"),
        Host("d", network="lab", asn=64501),
        Host("z", asn=0),
    )

    def test_by_name_or_number(self) -> None:
        """Those whose network or number is the client's."""
        for place, wanted in (
            (Place(network="campus"), "a"),
            (Place(asn=64500), "b"),
            (Place(network="campus", asn=64501), "ad"),
            (Place(network="lab", asn=64501), "d"),
            (Place(asn=0), "z"),
        ):
            self.assertEqual(names(of_network(self.MEMBERS, place)), wanted)

    def test_all(self) -> None:
        """Else all; members without a network are in nobody's."""
        for place in (NOWHERE, Place(network="else", asn=1)):
            self.assertEqual(names(of_network(self.MEMBERS, place)), "abcdz")
