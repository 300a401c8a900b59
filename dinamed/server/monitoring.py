"""Watching the members: checks and load feeds, put to the pool manager."""

import gc
import random
from collections.abc import Sequence
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dinamed.config.feeds import PushFeed as PushSettings
from dinamed.config.settings import PoolSettings
from dinamed.health.service import HealthService
from dinamed.load.push import PushReceiver
from dinamed.load.service import LoadService
from dinamed.server.authority import Authority
from dinamed.server.fleet import FleetMember


class MonitoringService(MultiService):
    """Runs checks and feeds for the pools that are served, also after a reload."""

    def __init__(
        self,
        reactor: Any,
        authority: Authority,
        rng: random.Random,
        fleet: FleetMember,
    ) -> None:
        super().__init__()
        pools = authority.loaded.settings.pools
        self._authority = authority
        self._fleet = fleet
        self.health = HealthService(reactor, fleet, pools, rng)
        self.loads = LoadService(reactor, fleet, pools, rng)
        self.pushes = PushReceiver(fleet, pushed(pools))
        self.health.setServiceParent(self)
        self.loads.setServiceParent(self)
        authority.on_apply(self._reconfigure)
        fleet.divide(self._divide)

    def _reconfigure(self, pools: Sequence[PoolSettings]) -> None:
        settings = self._authority.loaded.settings
        identity = self._authority.engine.snapshot.identity
        self.pushes.reconfigure(pushed(pools))
        # Which has the checks and feeds divided among its servers.
        self._fleet.reconfigure(settings.fleet, identity, pools)

    def _divide(
        self, to_check: Sequence[PoolSettings], to_ask: Sequence[PoolSettings]
    ) -> None:
        self.health.reconfigure(to_check)
        self.loads.reconfigure(to_ask)


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
