"""Tests of pools within pools, and of `when_down`."""

from collections import Counter
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.choice import Choice
from dinamed.pools.manager import PoolManager
from dinamed.pools.recorder import ListRecorder, Out, Picked, Remark
from dinamed.pools.states import Order, State
from tests.pools.support import chosen, context, everyone, host, manager, nested, pool


def fail(pools: PoolManager, name: str, *members: str) -> None:
    """Let the checks of these members fail."""
    for member in members:
        pools.health(name, member, False, now=0.0)


class NestedTests(SynchronousTestCase):
    """A pool as a member."""

    def test_shares_multiply(self) -> None:
        """The inner pool shares out what the outer one gives it (chi-square, 0.1 %)."""
        view = manager(
            pool("outer", nested("inner", 3), host("a", 1)),
            pool("inner", host("b", 1), host("c", 1)),
        ).view("outer")
        rng = Random(8)
        seen = Counter(chosen(view, context(rng))[0] for _ in range(8000))
        expected = {"a": 2000, "b": 3000, "c": 3000}
        self.assertEqual(seen.keys(), expected.keys())
        statistic = sum((seen[k] - n) ** 2 / n for k, n in expected.items())
        self.assertLess(statistic, 13.816)

    def test_answers_and_ttl(self) -> None:
        """It gives as many as its own rule says; the TTL is the least on the way."""
        for outer_ttl, inner_ttl in ((60, 20), (20, 60)):
            view = manager(
                pool("outer", nested("inner"), ttl=outer_ttl),
                pool("inner", host("b"), host("c"), answers=2, ttl=inner_ttl),
            ).view("outer")
            choice = view.choose(context())
            self.assertEqual({m.name for m in choice.members}, {"b", "c"})
            self.assertEqual(choice.ttl, 20)

    def test_duplicates_are_removed(self) -> None:
        """A host that comes by two ways is given once."""
        view = manager(
            pool("outer", nested("x"), nested("y"), host("b"), select=("all",)),
            pool("x", host("b"), host("c"), select=("all",)),
            pool("y", host("c"), host("b"), select=("all",)),
        ).view("outer")
        names = chosen(view)
        self.assertEqual(sorted(names), ["b", "c"])

    def test_hand_outs_are_counted_in_each_pool(self) -> None:
        """The outer counts the pool it gave to, the inner the host."""
        pools = manager(pool("outer", nested("inner")), pool("inner", host("b")))
        pools.view("outer").choose(context())
        self.assertEqual(pools.view("outer").accounting.totals, {"inner": 1})
        self.assertEqual(pools.view("inner").accounting.totals, {"b": 1})

    def test_scope_of_an_inner_choice(self) -> None:
        """What the inner choice depended on counts for the whole."""
        view = manager(
            pool("outer", nested("inner")), pool("inner", host("b"), select=("hash",))
        ).view("outer")
        self.assertEqual(view.choose(context()).scope, 24)

    def test_family(self) -> None:
        """An inner pool is skipped where it has nobody of the family."""
        view = manager(
            pool("outer", nested("inner"), host("a", v6=True)),
            pool("inner", host("b")),
        ).view("outer")
        self.assertEqual(everyone(view, 4), {"a", "b"})
        self.assertEqual(everyone(view, 6), {"a"})

    def test_usable(self) -> None:
        """An inner pool is usable while anyone in it is, however deep."""
        pools = manager(
            pool("outer", nested("middle"), host("a")),
            pool("middle", nested("inner")),
            pool("inner", host("b"), host("c")),
        )
        fail(pools, "inner", "b")
        self.assertEqual(everyone(pools.view("outer")), {"a", "c"})
        fail(pools, "inner", "c")
        outer = pools.view("outer")
        self.assertEqual(everyone(outer), {"a"})
        self.assertFalse(outer.down)
        self.assertIs(outer.state(outer.members[0]), State.DOWN)
        self.assertEqual(outer.why_out(outer.members[0]), "pool middle is down")
        pools.health("inner", "c", True, now=0.0)
        self.assertEqual(everyone(pools.view("outer")), {"a", "c"})

    def test_an_order_does_not_fill_an_empty_pool(self) -> None:
        """A pool ordered up with nobody usable in it stays out."""
        pools = manager(
            pool("outer", nested("inner"), host("a")), pool("inner", host("b"))
        )
        fail(pools, "inner", "b")
        pools.order("outer", "inner", Order.UP, now=0.0)
        self.assertEqual(everyone(pools.view("outer")), {"a"})

    def test_explained(self) -> None:
        """The stages of the inner pool are told under its name."""
        view = manager(pool("outer", nested("inner")), pool("inner", host("b"))).view(
            "outer"
        )
        asked = context()
        asked.recorder = recorder = ListRecorder()
        view.choose(asked)
        self.assertEqual(
            recorder.events,
            [
                Picked("outer", "weighted", ("inner",), (1.0,), (1.0,), ("inner",)),
                Picked("inner", "weighted", ("b",), (1.0,), (1.0,), ("b",)),
            ],
        )


class WhenDownTests(SynchronousTestCase):
    """Nobody is usable."""

    def two(self, when_down: str) -> PoolManager:
        """A pool of two and one of weight 0, and another pool."""
        return manager(
            pool("p", host("a"), host("b"), host("z", 0), when_down=when_down),
            pool("q", host("c"), ttl=20),
        )

    def test_all(self) -> None:
        """All with a weight are offered, whatever their state, and drawn as usual."""
        pools = self.two("all")
        fail(pools, "p", "a")
        pools.order("p", "b", Order.DRAIN, now=0.0)
        view = pools.view("p")
        self.assertTrue(view.choose(context()).down)
        self.assertEqual(len(chosen(view)), 1)
        self.assertEqual(everyone(view), {"a", "b"})

    def test_all_by_the_chain(self) -> None:
        """They go through all stages."""
        pools = manager(
            pool(
                "p",
                host("a", priority=2),
                host("b", priority=1),
                select=("priority", "weighted"),
            )
        )
        fail(pools, "p", "a", "b")
        self.assertEqual(everyone(pools.view("p")), {"b"})

    def test_none(self) -> None:
        """Nothing is given."""
        pools = self.two("none")
        fail(pools, "p", "a", "b")
        self.assertEqual(pools.view("p").choose(context()), Choice((), 60, 0, True))

    def test_last(self) -> None:
        """Those who were usable last are offered."""
        pools = self.two("last")
        fail(pools, "p", "a")
        fail(pools, "p", "b")
        view = pools.view("p")
        self.assertTrue(view.down)
        self.assertEqual(everyone(view), {"b"})

    def test_last_through_further_changes(self) -> None:
        """A change while the pool is down does not forget them."""
        pools = self.two("last")
        fail(pools, "p", "a", "b")
        pools.health("p", "a", False, "still", now=0.0)
        self.assertEqual(everyone(pools.view("p")), {"b"})

    def test_last_before_there_was_one(self) -> None:
        """All are offered if nobody ever was usable."""
        pools = manager(
            pool("p", nested("x"), nested("y"), when_down="last"),
            pool("x", host("a", 0), when_down="q"),
            pool("y", host("b", 0), when_down="q"),
            pool("q", host("c")),
        )
        self.assertTrue(pools.view("p").down)
        self.assertEqual(everyone(pools.view("p")), {"c"})

    def test_another_pool(self) -> None:
        """Its choice is given, with the lower TTL; the pool is down all the same."""
        pools = self.two("q")
        self.assertEqual(everyone(pools.view("p")), {"a", "b"})
        fail(pools, "p", "a", "b")
        view = pools.view("p")
        choice = view.choose(context())
        self.assertEqual([m.name for m in choice.members], ["c"])
        self.assertEqual((choice.ttl, choice.down), (20, True))
        self.assertTrue(view.offers(4))
        self.assertFalse(view.offers(6))
        self.assertIs(view.fallback(4), pools.view("q"))

    def test_another_pool_follows_changes(self) -> None:
        """What happens to the pool that stands in is seen through."""
        pools = self.two("q")
        fail(pools, "p", "a", "b")
        pools.reconfigure([pools.view("p").settings, pool("q", host("d"), ttl=20)], 0.0)
        self.assertEqual(everyone(pools.view("p")), {"d"})

    def test_inner_pools_apply_their_own_rule(self) -> None:
        """Where all is down and a member is a pool, that pool's rule holds for it."""
        pools = manager(
            pool("outer", nested("x"), nested("y")),
            pool("x", host("a"), when_down="none"),
            pool("y", host("b"), when_down="all"),
        )
        fail(pools, "x", "a")
        fail(pools, "y", "b")
        view = pools.view("outer")
        self.assertTrue(view.down)
        self.assertEqual(everyone(view), {"b"})

    def test_explained(self) -> None:
        """The pool that stands in is told, and then what it does."""
        pools = self.two("q")
        fail(pools, "p", "a", "b")
        asked = context()
        asked.recorder = recorder = ListRecorder()
        pools.view("p").choose(asked)
        self.assertEqual(
            recorder.events,
            [
                Out("p", "a", "unhealthy"),
                Out("p", "b", "unhealthy"),
                Out("p", "z", "weight 0"),
                Remark("p", "no usable member: pool q stands in"),
                Picked("q", "weighted", ("c",), (1.0,), (1.0,), ("c",)),
            ],
        )
