"""The check of another pool's state."""

from functools import partial
from random import Random
from typing import cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import AnyCheck, PoolCheck
from dinamed.config.combined import CheckRule
from dinamed.config.settings import PoolSettings
from dinamed.health.pool_state import no_pools
from dinamed.health.probes import HealthReactor, make_probe
from dinamed.health.results import PASSED, ProbeTarget
from dinamed.health.service import HealthService
from dinamed.pools.manager import PoolManager
from tests.health.test_service import Keeper
from tests.pools.support import host, manager, nested, pool

CHECK = PoolCheck(pool="db")


def lacking(pools: PoolManager, name: str) -> str | None:
    """As the server tells it."""
    view = pools.views.get(name)
    return None if view is None else view.lacking


class PoolStateTests(SynchronousTestCase):
    """Members that depend on another pool."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.pools = manager(pool("db", host("a")))
        self.keeper = Keeper()

    def serve(
        self, check: tuple[AnyCheck, ...], rule: CheckRule | None = None
    ) -> HealthService:
        """Check hosts x and y and a pool, for two seconds."""
        settings = PoolSettings(
            name="web",
            members=(host("x"), host("y"), nested("db")),
            check=check,
            check_rule=rule,
        )
        service = HealthService(
            cast(HealthReactor, self.clock),
            self.keeper,
            [settings],
            Random(1),
            make=partial(make_probe, lacks=partial(lacking, self.pools)),
        )
        service.startService()
        self.addCleanup(service.stopService)
        self.clock.pump([0.1] * 20)
        return service

    def test_probe(self) -> None:
        """It passes while the pool is up, and says what that lacks."""
        reactor, target = cast(HealthReactor, self.clock), ProbeTarget("", "")
        known = partial(lacking, self.pools)
        probe = make_probe(reactor, CHECK, Random(1), lacks=known)
        self.assertEqual(self.successResultOf(probe.probe(target)), PASSED)
        self.pools.health("db", "a", False, now=0.0)
        result = self.successResultOf(probe.probe(target))
        self.assertEqual((result.ok, result.reason), (False, "no usable member"))
        probe = make_probe(reactor, CHECK, Random(1), lacks=no_pools)
        self.assertTrue(self.successResultOf(probe.probe(target)).lacking)

    def test_members(self) -> None:
        """One look serves all members, those that are pools too."""
        service = self.serve((CHECK,))
        self.assertEqual(service.watches, 1)
        self.assertEqual([one.healthy for one in self.keeper.told], [True] * 3)
        self.keeper.told.clear()
        self.pools.health("db", "a", False, now=0.0)
        self.clock.pump([0.1] * 20)
        self.assertEqual(
            [(one.member, one.healthy, one.reason) for one in self.keeper.told],
            [(name, False, "pool db: no usable member") for name in ("db", "x", "y")],
        )
        self.assertEqual([one.failing for one in self.keeper.told], [()] * 3)
        (status,) = service.status("web", "x")
        self.assertEqual((status.check, status.up), ("pool", False))

    def test_combined(self) -> None:
        """By the pool's rule, beside a check that can not be made."""
        rule = CheckRule(rules=(CheckRule(checks=(1,), negated=True),))
        self.serve((PoolCheck(pool="gone"), CHECK), rule)
        told = {one.member: (one.healthy, one.reason) for one in self.keeper.told}
        self.assertEqual(told["db"], (False, "pool db passes"))
