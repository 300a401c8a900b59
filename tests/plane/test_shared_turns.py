"""Turns that all threads share, whatever becomes of the pool's views."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.plane.shared_turns import SharedTurns
from dinamed.pools.members import Member
from tests.plane.support import need_plane


def members(*weights: float) -> tuple[Member, ...]:
    """Members with these weights."""
    return tuple(
        Member("p", f"m{number}", number, weight=weight)
        for number, weight in enumerate(weights)
    )


class SharedTurnsTests(SynchronousTestCase):
    """What each has coming to it."""

    def setUp(self) -> None:
        """Nobody yet."""
        need_plane()
        self.turns = SharedTurns(Random(1))

    def test_begin(self) -> None:
        """The start is by chance, within a turn of each."""
        self.turns.settle(members(1, 2, 5))
        for credit, weight in zip(self.turns.native.credits(), (1, 2, 5), strict=True):
            self.assertLess(abs(credit), 8 + weight)

    def test_same(self) -> None:
        """With the same members all goes on where it is."""
        self.turns.settle(members(1, 2, 5))
        before = self.turns.native
        self.turns.settle(members(4, 2, 5))
        self.assertIs(self.turns.native, before)

    def test_others(self) -> None:
        """Those who stay keep what they have; a newcomer begins about the mean."""
        self.turns.settle(members(1, 2, 5))
        before = self.turns.native.credits()
        self.turns.settle(members(1, 2, 5, 3))
        after = self.turns.native.credits()
        self.assertEqual(after[:3], before)
        self.assertLessEqual(abs(after[3] - sum(before) / 3), 1.5)
        self.assertEqual(self.turns.slots(["m3", "m0"]), [3, 0])
