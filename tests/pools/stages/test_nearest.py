"""Tests of `dinamed.pools.stages.nearest`."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE, Place
from dinamed.pools.stages.nearest import NearestStage
from tests.pools.stages.placed import PlacedContext
from tests.pools.support import candidates, facts


class NearestTests(SynchronousTestCase):
    """The nearest few."""

    def test_narrow(self) -> None:
        """As many as the argument says, one without it; all for a client anywhere."""
        members = tuple(
            replace(member, location=(50.0, float(degrees)))
            for member, degrees in zip(
                candidates([1] * 4), (40, 10, 10, -5), strict=True
            )
        )
        here = Place(location=(50.0, 9.0))
        for argument, place, wanted in (
            (None, here, "bc"),
            (1, here, "bc"),
            (3, here, "bcd"),
            (1, Place(location=(50.0, -90.0)), "d"),
            (1, NOWHERE, "abcd"),
        ):
            context = PlacedContext(place)
            kept = NearestStage(argument).narrow(members, context, facts(members))
            self.assertEqual("".join(member.name for member in kept), wanted)

    def test_remembered(self) -> None:
        """The same question gets the same answer, other candidates another one."""
        near, far = (
            replace(member, location=(0.0, degrees))
            for member, degrees in zip(candidates([1] * 2), (1.0, 9.0), strict=True)
        )
        stage, here = NearestStage(), PlacedContext(Place(location=(0.0, 0.0)))
        for members, wanted in (
            ((near, far), (near,)),
            ((near, far), (near,)),
            ((far,), (far,)),
        ):
            self.assertEqual(stage.narrow(members, here, facts(members)), wanted)

    def test_depends(self) -> None:
        """It depends on the place alone."""
        self.assertEqual(NearestStage().depends, {"place"})

    def test_argument(self) -> None:
        """It takes a whole number of at least 1."""
        for argument in (0, -1, 1.5, "3", True):
            with self.assertRaisesRegex(ValueError, "a whole number of at least 1"):
                NearestStage(argument)
