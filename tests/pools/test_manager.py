"""Tests of `dinamed.pools.manager`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.manager import UnknownMemberError, UnknownPoolError
from dinamed.pools.pool import PoolView
from dinamed.pools.states import MemberState, Order
from tests.pools.support import chosen, context, everyone, host, manager, nested, pool


class ViewTests(SynchronousTestCase):
    """Looking pools up."""

    def test_view(self) -> None:
        """By exact name; else it is an error that says so."""
        pools = manager(pool("p", host("a")))
        self.assertIs(pools.view("p"), pools.views["p"])
        with self.assertRaisesRegex(UnknownPoolError, "no pool is named 'P'"):
            pools.view("P")

    def test_find(self) -> None:
        """Letter case aside, but an exact match first."""
        pools = manager(pool("Mirrors", host("a")), pool("mirrors", host("b")))
        self.assertIs(pools.find("mirrors"), pools.view("mirrors"))
        self.assertIs(pools.find("Mirrors"), pools.view("Mirrors"))
        self.assertIs(pools.find("MIRRORS"), pools.view("Mirrors"))
        self.assertIsNone(pools.find("mirror"))

    def test_old_views_stay_valid(self) -> None:
        """A change makes a new mapping and leaves the old one as it was."""
        pools = manager(pool("p", host("a"), host("b")))
        before = pools.views
        pools.order("p", "a", Order.DOWN, now=0.0)
        self.assertEqual(everyone(before["p"]), {"a", "b"})
        self.assertEqual(everyone(pools.view("p")), {"b"})
        pools.reconfigure([], 0.0)
        self.assertEqual(everyone(before["p"]), {"a", "b"})
        self.assertEqual(pools.views, {})
        self.assertIsNone(pools.find("p"))

    def test_old_and_new_views_share_the_ledger(self) -> None:
        """Hand-outs from an old view count."""
        pools = manager(pool("p", host("a")))
        old = pools.view("p")
        pools.order("p", "a", Order.UP, now=0.0)
        old.choose(context())
        self.assertEqual(pools.view("p").accounting.totals, {"a": 1})


class ChangeTests(SynchronousTestCase):
    """Changes reach those whom they concern."""

    def test_only_what_depends_is_rebuilt(self) -> None:
        """The pool, and those that contain it or fall back to it, however deep."""
        pools = manager(
            pool("top", nested("outer")),
            pool("outer", nested("p"), host("x")),
            pool("fallback", host("y"), when_down="p"),
            pool("p", host("a"), host("b")),
            *(pool(f"other{i}", host("z")) for i in range(20)),
        )
        told: list[frozenset[str]] = []
        pools.changed.subscribe(told.append)
        before = pools.views
        pools.order("p", "a", Order.DOWN, now=0.0)
        changed = {n for n, view in pools.views.items() if view is not before[n]}
        self.assertEqual(changed, {"top", "outer", "fallback", "p"})
        self.assertEqual(told, [changed])
        top: PoolView | None = pools.view("top")
        for _ in range(2):
            assert top is not None
            top = top.inner(top.members[0])
        self.assertIs(top, pools.view("p"))

    def test_no_change_is_not_told(self) -> None:
        """What leaves everything as it was makes no new views."""
        pools = manager(pool("p", host("a")))
        pools.health("p", "a", True, now=0.0)
        told: list[frozenset[str]] = []
        pools.changed.subscribe(told.append)
        before = pools.views
        pools.health("p", "a", True, now=1.0)
        pools.order("p", "a", Order.AUTO, now=1.0)
        pools.reconfigure([pool("p", host("a"))], 1.0)
        self.assertIsNone(pools.expire(1.0))
        self.assertEqual(told, [])
        self.assertIs(pools.views, before)

    def test_told_after_the_change(self) -> None:
        """Who is told sees the new state; who has ended it is not told."""
        pools = manager(pool("p", host("a"), host("b")))
        seen: list[bool] = []
        end = pools.changed.subscribe(
            lambda _: seen.append(len(pools.view("p").usable) == 1)
        )
        pools.order("p", "a", Order.DOWN, now=0.0)
        end()
        pools.order("p", "a", Order.UP, now=0.0)
        self.assertEqual(seen, [True])

    def test_unknown(self) -> None:
        """Orders and verdicts for nobody are refused in plain words."""
        pools = manager(pool("p", host("a")))
        with self.assertRaisesRegex(UnknownMemberError, "pool 'p' has no member 'b'"):
            pools.order("p", "b", Order.DOWN, now=0.0)
        with self.assertRaisesRegex(UnknownPoolError, "no pool is named 'q'"):
            pools.order("q", "a", Order.DOWN, now=0.0)
        with self.assertRaises(UnknownMemberError):
            pools.health("p", "b", True, now=0.0)


class ExpiryTests(SynchronousTestCase):
    """Orders for a time."""

    def test_expire(self) -> None:
        """Orders end at their time, and the next time is told."""
        pools = manager(pool("p", host("a"), host("b")), pool("q", host("c")))
        pools.order("p", "a", Order.DRAIN, until=100.0, now=0.0)
        pools.order("q", "c", Order.UP, until=200.0, now=0.0)
        told: list[frozenset[str]] = []
        pools.changed.subscribe(told.append)
        self.assertEqual(pools.expire(99.0), 100.0)
        self.assertEqual(everyone(pools.view("p")), {"b"})
        self.assertEqual(pools.expire(100.0), 200.0)
        self.assertEqual(everyone(pools.view("p")), {"a", "b"})
        self.assertEqual(pools.view("p").member_states["a"], MemberState())
        self.assertEqual(told, [{"p"}])
        self.assertIsNone(pools.expire(300.0))

    def test_health_survives_expiry(self) -> None:
        """Under the order the checks go on; at its end their verdict holds."""
        pools = manager(pool("p", host("a"), host("b")))
        pools.order("p", "a", Order.UP, until=10.0, now=0.0)
        pools.health("p", "a", False, "timeout", now=1.0)
        self.assertEqual(everyone(pools.view("p")), {"a", "b"})
        pools.expire(10.0)
        self.assertEqual(everyone(pools.view("p")), {"b"})

    def test_a_later_order_replaces_the_time(self) -> None:
        """The end of an order that was replaced does not end the new one."""
        pools = manager(pool("p", host("a"), host("b")))
        pools.order("p", "a", Order.DRAIN, until=100.0, now=0.0)
        pools.order("p", "a", Order.DOWN, now=1.0)
        self.assertIsNone(pools.expire(100.0))
        self.assertEqual(everyone(pools.view("p")), {"b"})

    def test_over_before_it_began(self) -> None:
        """An order whose time is past is refused and changes nothing."""
        pools = manager(pool("p", host("a")))
        with self.assertRaisesRegex(ValueError, "over before it began"):
            pools.order("p", "a", Order.DOWN, until=5.0, now=5.0)
        self.assertEqual(pools.view("p").member_states["a"], MemberState())

    def test_of_members_that_are_gone(self) -> None:
        """Their time is forgotten with them."""
        pools = manager(pool("p", host("a"), host("b")), pool("q", host("c")))
        pools.order("p", "a", Order.DRAIN, until=100.0, now=0.0)
        pools.order("q", "c", Order.DRAIN, until=100.0, now=0.0)
        pools.reconfigure([pool("p", host("b"))], 1.0)
        self.assertIsNone(pools.expire(1.0))


class ReconfigureTests(SynchronousTestCase):
    """Other pools in place of the present ones."""

    def test_who_stays_keeps_everything(self) -> None:
        """Standing, counts and turn outlast a change of the pool."""
        pools = manager(
            pool("p", host("a"), host("b"), host("c"), select=("round-robin",))
        )
        pools.order("p", "a", Order.DRAIN, until=50.0, now=0.0)
        pools.health("p", "b", True, now=0.0)
        for _ in range(5):
            pools.view("p").choose(context())
        turn = dict(pools.view("p").accounting.credits)
        totals = dict(pools.view("p").accounting.totals)
        next_one = chosen(pools.view("p"), context(count=False))
        pools.reconfigure(
            [
                pool(
                    "p",
                    host("c"),
                    host("b"),
                    host("a"),
                    host("d", 0),
                    select=("round-robin",),
                    ttl=5,
                )
            ],
            1.0,
        )
        view = pools.view("p")
        self.assertEqual(view.ttl, 5)
        self.assertEqual(view.member_states["a"], MemberState(Order.DRAIN, 50.0))
        self.assertEqual(view.member_states["b"], MemberState(healthy=True))
        self.assertEqual(view.accounting.totals, totals | {"d": 0})
        self.assertEqual(view.accounting.credits, turn)
        self.assertEqual(chosen(view), next_one)
        self.assertEqual(pools.expire(2.0), 50.0)

    def test_who_goes_is_forgotten(self) -> None:
        """One who comes back later starts anew."""
        pools = manager(pool("p", host("a"), host("b")))
        pools.order("p", "a", Order.DOWN, now=0.0)
        pools.reconfigure([pool("p", host("b"))], 0.0)
        pools.reconfigure([pool("p", host("a"), host("b"))], 0.0)
        self.assertEqual(pools.view("p").member_states["a"], MemberState())

    def test_unchanged_pools_stay(self) -> None:
        """Only what differs is rebuilt, and told with what has gone."""
        same = pool("same", host("a"))
        pools = manager(same, pool("p", host("a")), pool("gone", host("b")))
        before = pools.view("same")
        told = pools.reconfigure(
            [same, pool("p", host("b")), pool("new", host("c"))], 0.0
        )
        self.assertIs(pools.view("same"), before)
        self.assertEqual(told, {"p", "gone", "new"})
        self.assertEqual(pools.views.keys(), {"same", "p", "new"})

    def test_an_inner_pool_changes(self) -> None:
        """The outer one sees it, though its own table is the same."""
        outer = pool("outer", nested("inner"))
        pools = manager(outer, pool("inner", host("a")))
        pools.reconfigure([outer, pool("inner", host("b"))], 0.0)
        self.assertEqual(everyone(pools.view("outer")), {"b"})

    def test_a_bad_one_changes_nothing(self) -> None:
        """It is refused as a whole, with pool and reason."""
        pools = manager(pool("p", host("a"), host("b")))
        pools.order("p", "a", Order.DOWN, now=0.0)
        before, good = pools.views, pool("p", host("c"))
        for bad, reason in (
            (pool("q", host("a"), select=("x",)), "pool 'q': unknown stage 'x'"),
            (pool("q", host("a"), host("a")), "pool 'q': two members have the same"),
            (pool("q", nested("q")), "pools refer in a loop: q -> q"),
            (pool("q", nested("r")), "pool 'q' refers to unknown pool 'r'"),
            (pool("q", when_down="r"), "pool 'q' refers to unknown pool 'r'"),
            (good, "two pools are named 'p'"),
        ):
            with self.assertRaisesRegex(ValueError, reason):
                pools.reconfigure([good, bad], 1.0)
            self.assertIs(pools.views, before)
        pools.order("p", "a", Order.UP, now=2.0)
        self.assertEqual(everyone(pools.view("p")), {"a", "b"})
        self.assertEqual(pools.view("p").accounting.totals.keys(), {"a", "b"})
