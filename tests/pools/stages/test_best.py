"""Tests of `dinamed.pools.stages.best`."""

from collections import Counter
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.pools.pool import PoolView
from dinamed.pools.recorder import ListRecorder, Picked
from dinamed.pools.stages.best import Best
from tests.pools.support import chi_square, chosen, context, host, loaded, manager


def view(answers: int = 1) -> PoolView:
    """A pool of four, whose loads are 10, 20, 30 and 1000."""
    pool = settings.PoolSettings(
        name="p",
        answers=answers,
        select=(settings.StageSettings("best", 3),),
        members=tuple(host(name) for name in "abcd"),
    )
    pools = manager(pool)
    for name, load in zip("abcd", (10, 20, 30, 1000), strict=True):
        pools.report("p", name, loaded(load, increment=0.0), now=0.0)
    return pools.view("p")


class BestTests(SynchronousTestCase):
    """Some of the best, by equal chance."""

    def test_chances(self) -> None:
        """Each of the best three has the same chance, the others have none."""
        pool, rng = view(), Random(5)
        counts = Counter(chosen(pool, context(rng))[0] for _ in range(3000))
        self.assertEqual(set(counts), set("abc"))
        self.assertLess(chi_square(counts, dict.fromkeys("abc", 1 / 3)), 13.8)

    def test_several(self) -> None:
        """An answer of several has different ones; more than the slice widen it."""
        self.assertEqual(len(set(chosen(view(2)))), 2)
        self.assertEqual(set(chosen(view(4))), set("abcd"))

    def test_ranked(self) -> None:
        """Listings go by load, and explain tells it."""
        pool = view()
        self.assertEqual([m.name for m in pool.ranked(0.0)], list("abcd"))
        asked = context()
        asked.recorder = recorder = ListRecorder()
        chosen(pool, asked)
        (picked,) = (e for e in recorder.events if isinstance(e, Picked))
        self.assertEqual(picked.odds, ())
        self.assertEqual(picked.scores[0], "(10 + 0 x 0) / 1 = 10")

    def test_arguments(self) -> None:
        """The number is at least 1."""
        for argument in (0, "3", 1.5, True):
            self.assertRaises(ValueError, Best, argument)
