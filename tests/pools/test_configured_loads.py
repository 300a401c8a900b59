"""Tests of loads that the config tells."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.config.feeds import PushFeed
from dinamed.pools.manager import PoolManager
from tests.pools.support import chosen, context, loaded, manager

YEAR = 31_536_000.0


def pool(first: float, feed: PushFeed | None = None) -> settings.PoolSettings:
    """A pool of two with these loads, the second of 500; each answer adds 100."""
    loads = {"a": first, "b": 500.0}
    members = tuple(
        settings.MemberSettings(
            name=name, addresses=(f"192.0.2.{number}",), load=load, increment=100.0
        )
        for number, (name, load) in enumerate(loads.items(), 1)
    )
    return settings.PoolSettings(
        name="p", select=(settings.StageSettings("least"),), load=feed, members=members
    )


def turns(pools: PoolManager, count: int) -> str:
    """The names of so many choices."""
    return "".join(chosen(pools.view("p"), context())[0] for _ in range(count))


class ToldLoadTests(SynchronousTestCase):
    """Loads from the config are reports that do not age, and that a feed replaces."""

    def test_choice(self) -> None:
        """The lowest goes first, until its hand-outs make it equal."""
        pools = manager(pool(210.0))
        self.assertEqual(turns(pools, 4), "aaab")

    def test_age(self) -> None:
        """Without a feed they hold for good."""
        pools = manager(pool(210.0))
        view = pools.view("p")
        (a, _) = view.members
        self.assertEqual(view.load_of(a, YEAR), 210.0)

    def test_another_config(self) -> None:
        """New loads begin anew; the same ones go on."""
        pools = manager(pool(210.0))
        self.assertEqual(turns(pools, 3), "aaa")
        pools.reconfigure([pool(210.0)], 1.0)
        self.assertEqual(turns(pools, 1), "b")
        pools.reconfigure([pool(310.0)], 2.0)
        self.assertEqual(turns(pools, 2), "aa")

    def test_feed(self) -> None:
        """What a feed has said is not overruled by another config."""
        pools = manager(pool(210.0, PushFeed()))
        pools.report("p", "a", loaded(900.0, 1.0), now=1.0)
        pools.reconfigure([pool(220.0, PushFeed())], 2.0)
        view = pools.view("p")
        a, b = view.members
        self.assertEqual((view.load_of(a, 2.0), view.load_of(b, 2.0)), (900.0, 500.0))
        self.assertIsNone(view.load_of(b, YEAR))
