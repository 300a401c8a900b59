"""Tests of `dinamed.pools.stages.trickle`."""

from dataclasses import replace
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import StageSettings
from dinamed.pools.recorder import ListRecorder, Narrowed
from dinamed.pools.stages.trickle import Trickle
from tests.pools.support import candidates, chosen, context, facts, host, manager, pool


class TrickleTests(SynchronousTestCase):
    """The first rank, and now and then the next."""

    def test_share(self) -> None:
        """So many go to the next rank, none to the third."""
        members = candidates([1, 1, 1])
        members = tuple(replace(m, priority=n) for n, m in enumerate(members))
        stage = Trickle(0.1)
        asked = context(Random(3))
        kept = [stage.narrow(members, asked, facts(members))[0] for _ in range(5000)]
        self.assertEqual(set(kept), set(members[:2]))
        self.assertLess(abs(kept.count(members[1]) - 500), 110)

    def test_ranks_move_up(self) -> None:
        """Where the first rank is down, the third one gets the trickle."""
        ranks = [host(name, priority=n) for n, name in enumerate("abc")]
        select = (StageSettings("trickle", 0.3), "weighted")
        pools = manager(pool("p", *ranks, select=select))
        pools.health("p", "a", False, now=0.0)
        rng = Random(2)
        drawn = {chosen(pools.view("p"), context(rng)) for _ in range(100)}
        self.assertEqual(drawn, {("b",), ("c",)})

    def test_explained(self) -> None:
        """The lot is told."""
        select = (StageSettings("trickle", 0.25), "weighted")
        view = manager(pool("p", host("a"), host("b", priority=2), select=select)).view(
            "p"
        )
        asked = context(Random(1))
        asked.recorder = recorder = ListRecorder()
        (name,) = chosen(view, asked)
        (told,) = [one for one in recorder.events if isinstance(one, Narrowed)]
        which = {"a": "first", "b": "next"}[name]
        self.assertEqual(told.note, f"the {which} rank; 0.25 goes to the next")

    def test_argument(self) -> None:
        """A share between 0 and 1."""
        for bad in (None, 0, 1, "0.1", [0.1], True, float("nan")):
            self.assertRaises(ValueError, Trickle, bad)
