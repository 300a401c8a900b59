"""Tests of `dinamed.pools.stages.priority`."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.stages.priority import PriorityStage
from tests.pools.support import candidates, context, facts


class PriorityTests(SynchronousTestCase):
    """The lowest rank that has anyone."""

    def test_lowest(self) -> None:
        """Only those of the lowest priority are kept, in their order."""
        members = tuple(
            replace(member, priority=rank)
            for member, rank in zip(candidates([1] * 4), (2, -1, 3, -1), strict=True)
        )
        kept = PriorityStage().narrow(members, context(), facts(members))
        self.assertEqual(kept, (members[1], members[3]))
        kept = PriorityStage().narrow(
            (members[2], members[0]), context(), facts(members)
        )
        self.assertEqual(kept, (members[0],))

    def test_argument(self) -> None:
        """It takes none."""
        with self.assertRaisesRegex(ValueError, "priority takes no argument"):
            PriorityStage(2)
