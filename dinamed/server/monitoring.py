"""Watching the members: checks and load feeds, put to the pool manager."""

import gc
import random
from collections.abc import Sequence
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dinamed.config.feeds import PushFeed as PushSettings
from dinamed.config.settings import PoolSettings, Settings
from dinamed.health.service import HealthService, MemberVerdict
from dinamed.load.push import PushReceiver
from dinamed.load.service import LoadService
from dinamed.server.authority import Authority


class PoolGateway:
    """The way of verdicts to the pool manager, with the time of day."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def verdicts(self, changed: Sequence[MemberVerdict]) -> None:
        """Take what checks say."""
        self._authority.manager.health_many(changed, now=self._authority.seconds())


class MonitoringService(MultiService):
    """Runs checks and feeds for the pools that are served, also after a reload."""

    def __init__(self, reactor: Any, authority: Authority, rng: random.Random) -> None:
        super().__init__()
        pools = authority.loaded.settings.pools
        manager = authority.manager
        self.health = HealthService(reactor, PoolGateway(authority), pools, rng)
        self.loads = LoadService(reactor, manager, pools, rng)
        self.pushes = PushReceiver(manager, pushed(pools))
        self.health.setServiceParent(self)
        self.loads.setServiceParent(self)

    def reconfigure(self, settings: Settings) -> None:
        """Check and ask the members of another config."""
        pools = settings.pools
        self.health.reconfigure(pools)
        self.loads.reconfigure(pools)
        self.pushes.reconfigure(pushed(pools))


def pushed(pools: Sequence[PoolSettings]) -> dict[str, list[str]]:
    """The pools that take pushed reports, and their members."""
    return {
        pool.name: [member.name for member in pool.members]
        for pool in pools
        if isinstance(pool.load, PushSettings)
    }


class AfterFirstRound(Service):
    """Starts a service once the first round of checks has told something.

    Queries that come earlier wait in the queues of the sockets, which are bound.
    """

    log = Logger()

    def __init__(self, health: HealthService, then: Service) -> None:
        self._health = health
        self._then = then
        self.begun = False
        """Whether the round is over, and the service has started."""

    def startService(self) -> None:
        """Wait for the checks, at most as long as one may take."""
        super().startService()
        waiting: Deferred[None] = self._health.first_round()
        waiting.addCallback(self._begin)
        # Nobody else would tell: what was in memory then is never collected.
        waiting.addErrback(
            lambda failure: self.log.failure("cannot begin to answer", failure)
        )

    def _begin(self, _: None) -> None:
        if self.running:
            # What was loaded stays: full collections need not go through it again.
            gc.collect()
            gc.freeze()
            self._then.startService()
            self.begun = True

    def stopService(self) -> Deferred[object] | None:
        """Stop the service if it has started."""
        super().stopService()
        return self._then.stopService() if self._then.running else None
