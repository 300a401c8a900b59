"""Tests of load reports at the pool manager, and of what is saved of it."""

import msgspec
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import TcpCheck
from dinamed.config.feeds import PushFeed
from dinamed.pools.manager import PoolManager, UnknownMemberError, UnknownPoolError
from dinamed.pools.saved import Saved, SavedMember
from dinamed.pools.states import MemberState, Order, State
from tests.pools.support import (
    chosen,
    context,
    everyone,
    host,
    loaded,
    manager,
    nested,
    pool,
    said_out,
)


class ReportTests(SynchronousTestCase):
    """Reports come in at one door."""

    def setUp(self) -> None:
        """A pool of two, and who is told of changes."""
        self.pools = manager(pool("p", host("a"), host("b"), select=("least",)))
        self.told: list[frozenset[str]] = []
        self.pools.changed.subscribe(self.told.append)

    def usable(self) -> set[str]:
        """Who may be handed out."""
        return {member.name for member in self.pools.view("p").usable}

    def test_no_new_views(self) -> None:
        """A load changes no view, and the one that is there goes by it."""
        view = self.pools.view("p")
        self.pools.report("p", "a", loaded(9.0), now=0.0)
        self.pools.report("p", "b", loaded(1.0), now=0.0)
        self.assertIs(self.pools.view("p"), view)
        self.assertEqual(self.told, [])
        self.assertEqual(chosen(view), ("b",))
        self.pools.report("p", "a", loaded(0.0), now=0.0)
        self.assertEqual(chosen(view), ("a",))

    def test_listing(self) -> None:
        """The load is told while it counts."""
        view = self.pools.view("p")
        a, b = view.members
        self.pools.report("p", "a", loaded(9.0), now=0.0)
        self.assertEqual(view.load_of(a, 1.0), 9.0)
        self.assertIsNone(view.load_of(b, 1.0))
        self.assertIsNone(view.load_of(a, 1000.0))
        self.assertIsNone(view.forecast_of(a, 1.0))
        self.assertEqual(view.posted(a), self.pools.reports("p")["a"])
        self.assertIsNone(view.posted(b))

    def test_older_than_the_last(self) -> None:
        """It is left aside, hand-outs and all."""
        self.assertTrue(self.pools.report("p", "a", loaded(1.0, 10.0), now=10.0))
        self.assertFalse(self.pools.report("p", "a", loaded(9.0, 5.0), now=11.0))
        self.assertFalse(self.pools.report("p", "a", said_out(5.0), now=11.0))
        self.assertEqual(self.pools.reports("p")["a"].report, loaded(1.0, 10.0))
        self.assertEqual(self.usable(), {"a", "b"})

    def test_failure(self) -> None:
        """A feed that fails leaves its reason."""
        self.pools.report("p", "a", loaded(1.0), now=0.0)
        self.pools.feed_failed("p", "a", "timed out", now=5.0)
        posted = self.pools.reports("p")["a"]
        self.assertEqual((posted.failure, posted.failed_at), ("timed out", 5.0))
        self.assertEqual(posted.report, loaded(1.0))
        self.assertEqual(self.told, [])

    def test_unknown(self) -> None:
        """Reports of nobody are refused in plain words."""
        for call in (
            lambda p, m: self.pools.report(p, m, loaded(1.0), now=0.0),
            lambda p, m: self.pools.feed_failed(p, m, "x", now=0.0),
        ):
            with self.assertRaisesRegex(UnknownPoolError, "no pool is named 'q'"):
                call("q", "a")
            with self.assertRaisesRegex(UnknownMemberError, "no member 'c'"):
                call("p", "c")
        with self.assertRaises(UnknownPoolError):
            self.pools.reports("q")

    def test_out(self) -> None:
        """A member that says so is out until it says otherwise."""
        self.pools.report("p", "a", said_out(), now=0.0)
        self.assertEqual(self.usable(), {"b"})
        view = self.pools.view("p")
        self.assertEqual(view.why_out(view.members[0]), "member says: out")
        self.assertIs(view.state(view.members[0]), State.DOWN)
        self.pools.report("p", "a", said_out(10.0), now=10.0)
        self.assertEqual(self.told, [{"p"}])
        self.pools.report("p", "a", loaded(1.0, 20.0), now=20.0)
        self.assertEqual(self.usable(), {"a", "b"})
        self.assertEqual(self.told, [{"p"}, {"p"}])

    def test_out_and_silent(self) -> None:
        """When the report counts no longer the member is taken back."""
        self.pools.report("p", "a", said_out(), now=0.0)
        self.pools.expire(59.0)
        self.assertEqual(self.usable(), {"b"})
        self.pools.expire(60.0)
        self.assertEqual(self.usable(), {"a", "b"})
        self.pools.expire(61.0)
        self.assertEqual(self.told, [{"p"}, {"p"}])

    def test_out_and_orders(self) -> None:
        """An operator's order comes first, a verdict of checks is beside it."""
        self.pools.order("p", "a", Order.UP, now=0.0)
        self.pools.report("p", "a", said_out(), now=0.0)
        self.assertEqual(self.usable(), {"a", "b"})
        self.pools.order("p", "a", Order.AUTO, now=0.0)
        self.assertEqual(self.usable(), {"b"})
        self.pools.health("p", "a", False, "no", now=0.0)
        self.pools.report("p", "a", loaded(1.0), now=1.0)
        self.assertEqual(self.usable(), {"b"})
        self.pools.health("p", "a", True, now=0.0)
        self.assertEqual(self.usable(), {"a", "b"})

    def test_stale_after(self) -> None:
        """How long reports count is the feed's to say, where there is one."""
        table = replace(pool("p", host("a")), load=PushFeed(interval=100.0))
        self.pools.reconfigure([table], 0.0)
        self.pools.report("p", "a", loaded(1.0), now=0.0)
        view = self.pools.view("p")
        self.assertEqual(view.load_of(view.members[0], 599.0), 1.0)
        self.assertIsNone(view.load_of(view.members[0], 600.0))

    def test_reconfigured(self) -> None:
        """Who stays keeps its report, who goes is forgotten, "out" and all."""
        self.pools.report("p", "a", said_out(), now=0.0)
        self.pools.report("p", "b", loaded(1.0), now=0.0)
        self.pools.reconfigure([pool("p", host("b"), host("c"))], 1.0)
        self.assertEqual(set(self.pools.reports("p")), {"b"})
        self.pools.expire(100.0)
        self.pools.reconfigure([pool("p", host("a"), host("b"))], 101.0)
        self.assertEqual(self.usable(), {"a", "b"})


class HealthManyTests(SynchronousTestCase):
    """Many verdicts at once."""

    def test_one_change(self) -> None:
        """Each pool is made anew once, and told once."""
        pools = manager(
            pool("outer", nested("p"), host("x")),
            pool("p", host("a"), host("b"), host("c")),
            pool("q", host("d")),
            pool("r", host("e")),
        )
        told: list[frozenset[str]] = []
        pools.changed.subscribe(told.append)
        pools.health_many(
            [
                ("p", "a", False, "no", ()),
                ("p", "b", True, "", ()),
                ("q", "d", False, "no", ()),
                ("p", "gone", True, "", ()),
                ("gone", "a", True, "", ()),
            ],
            now=0.0,
        )
        self.assertEqual(told, [{"outer", "p", "q"}])
        self.assertEqual(everyone(pools.view("p")), {"b", "c"})
        self.assertTrue(pools.view("q").down)
        pools.health_many([("p", "a", False, "no", ())], now=1.0)
        self.assertEqual(len(told), 1)

    def test_ten_thousand(self) -> None:
        """A first round over very many pools makes each view once."""
        tables = [pool(f"p{n}", host("a"), host("b")) for n in range(2000)]
        pools = manager(*tables)
        told: list[frozenset[str]] = []
        pools.changed.subscribe(told.append)
        pools.health_many(
            [(table.name, name, True, "", ()) for table in tables for name in "ab"],
            now=0.0,
        )
        self.assertEqual([len(names) for names in told], [2000])


class SubscriberTests(SynchronousTestCase):
    """Those who are told, and fail."""

    def setUp(self) -> None:
        """One that fails before one that does not."""
        self.errors: list[Exception] = []
        pools = [pool("p", host("a"), host("b"))]
        self.pools = PoolManager(pools, 0.0, failed=self.errors.append)
        self.told: list[frozenset[str]] = []
        self.pools.changed.subscribe(self.fail_always)
        self.pools.changed.subscribe(self.told.append)

    def fail_always(self, names: frozenset[str]) -> None:
        """Fail."""
        raise RuntimeError("oh")

    def test_failure(self) -> None:
        """The others are told, the change stands, and the error is not hidden."""
        self.pools.order("p", "a", Order.DOWN, now=0.0)
        self.assertEqual((len(self.errors), self.told), (1, [{"p"}]))
        self.assertEqual(everyone(self.pools.view("p")), {"b"})


class SavedTests(SynchronousTestCase):
    """What outlasts a restart."""

    def pools(self) -> PoolManager:
        """A fresh start."""
        checked = pool("p", host("a"), host("b"), host("c"), select=("least",))
        checked = replace(checked, check=(TcpCheck(port=80),))
        return manager(checked, pool("q", host("d")))

    def known(self) -> Saved:
        """What a server knew, when it has gone through a file."""
        pools = self.pools()
        pools.order("p", "a", Order.DRAIN, until=100.0, now=0.0)
        pools.health("p", "b", False, "refused", now=0.0)
        pools.report("p", "b", loaded(3.0, increment=2.0), now=0.0)
        pools.report("p", "c", said_out(), now=0.0)
        saved = msgspec.json.decode(msgspec.json.encode(pools.saved()), type=Saved)
        self.assertEqual(saved, pools.saved())
        return saved

    def test_only_what_is_known(self) -> None:
        """Members as they are in the config are left out."""
        self.assertEqual(self.pools().saved(), Saved({}))
        self.assertEqual(set(self.known().pools), {"p"})

    def test_restored(self) -> None:
        """Orders, verdicts, reports and times are as they were."""
        pools = self.pools()
        told: list[frozenset[str]] = []
        pools.changed.subscribe(told.append)
        pools.restore(self.known(), 50.0)
        self.assertEqual(told, [{"p"}])
        view = pools.view("p")
        self.assertEqual(view.member_states["a"], MemberState(Order.DRAIN, 100.0))
        self.assertEqual(view.why_out(view.members[1]), "unhealthy: refused")
        self.assertEqual(view.why_out(view.members[2]), "member says: out")
        self.assertEqual(view.load_of(view.members[1], 50.0), 3.0)
        self.assertEqual(pools.expire(59.0), 100.0)
        pools.expire(60.0)
        self.assertFalse(pools.view("p").why_out(pools.view("p").members[2]))
        pools.expire(100.0)
        self.assertEqual(pools.view("p").member_states["a"], MemberState())

    def test_long_after(self) -> None:
        """What is over by then is left out; old reports count for nothing."""
        pools = self.pools()
        pools.restore(self.known(), 1e6)
        view = pools.view("p")
        self.assertEqual({m.name for m in view.usable}, {"a", "c"})
        self.assertIsNone(view.load_of(view.members[1], 1e6))

    def test_newer_reports_stay(self) -> None:
        """What has come since the start is better than what was saved."""
        pools = self.pools()
        pools.report("p", "c", loaded(1.0, 5.0), now=5.0)
        pools.restore(self.known(), 6.0)
        view = pools.view("p")
        self.assertEqual(view.load_of(view.members[2], 6.0), 1.0)
        self.assertIn(view.members[2], view.usable)

    def test_of_others(self) -> None:
        """Pools and members that have gone are passed over."""
        pools = self.pools()
        saved = Saved(
            {
                "gone": {"a": SavedMember(Order.DOWN)},
                "q": {"gone": SavedMember(Order.DOWN), "d": SavedMember(Order.DOWN)},
            }
        )
        pools.restore(saved, 0.0)
        self.assertEqual(pools.view("q").member_states, {"d": MemberState(Order.DOWN)})

    def test_no_checks_any_more(self) -> None:
        """A verdict that nobody could ever change is left out."""
        pools = manager(pool("p", host("a"), host("b")))
        pools.restore(self.known(), 1.0)
        self.assertEqual(pools.view("p").member_states["b"], MemberState())

    def test_in_the_middle(self) -> None:
        """A server that restarts goes on choosing by the loads it knew."""
        pools = self.pools()
        pools.restore(Saved({"p": self.loads(a=9.0, b=2.0, c=5.0)}), 10.0)
        names = [chosen(pools.view("p"), context(now=10.0))[0] for _ in range(3)]
        self.assertEqual(names, ["b", "b", "b"])

    def loads(self, **loads: float) -> dict[str, SavedMember]:
        """What is saved of members of which loads are known."""
        return {name: SavedMember(report=loaded(load)) for name, load in loads.items()}
