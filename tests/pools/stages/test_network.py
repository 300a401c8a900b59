"""Tests of `dinamed.pools.stages.network`."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE, Place
from dinamed.pools.stages.network import NetworkStage
from tests.pools.stages.placed import PlacedContext
from tests.pools.support import candidates, facts


class NetworkTests(SynchronousTestCase):
    """The client's own network."""

    def test_narrow(self) -> None:
        """The rule is asked about the client's place."""
        a, b, c = candidates([1] * 3)
        members = (replace(a, network="campus"), replace(b, asn=64500), c)
        for place, wanted in (
            (Place(network="campus"), "a"),
            (Place(asn=64500), "b"),
            (NOWHERE, "abc"),
        ):
            context = PlacedContext(place)
            kept = NetworkStage().narrow(members, context, facts(members))
            self.assertEqual("".join(member.name for member in kept), wanted)

    def test_depends(self) -> None:
        """It depends on the place alone."""
        self.assertEqual(NetworkStage().depends, {"place"})

    def test_argument(self) -> None:
        """It takes none."""
        with self.assertRaisesRegex(ValueError, "network takes no argument"):
            NetworkStage(64500)
