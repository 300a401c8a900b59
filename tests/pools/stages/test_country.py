"""Tests of `dinamed.pools.stages.country`."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE, Place
from dinamed.pools.stages.country import CountryStage
from tests.pools.stages.placed import PlacedContext
from tests.pools.support import candidates, facts


class CountryTests(SynchronousTestCase):
    """The client's country, its continent, the world."""

    def test_narrow(self) -> None:
        """The rule is asked about the client's place."""
        members = tuple(
            replace(member, country=country)
            for member, country in zip(
                candidates([1] * 4), ("DE", "FR", None, "US"), strict=True
            )
        )
        for place, wanted in (
            (Place("FR", "europe"), "b"),
            (Place("IT", "europe"), "ab"),
            (Place("JP", "asia"), "c"),
            (NOWHERE, "c"),
        ):
            context = PlacedContext(place)
            kept = CountryStage().narrow(members, context, facts(members))
            self.assertEqual("".join(member.name for member in kept), wanted)

    def test_depends(self) -> None:
        """It depends on the place alone."""
        self.assertEqual(CountryStage().depends, {"place"})

    def test_argument(self) -> None:
        """It takes none."""
        with self.assertRaisesRegex(ValueError, "country takes no argument"):
            CountryStage("DE")
