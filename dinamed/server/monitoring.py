"""Monitoring of members: runs checks and feeds and passes them to the pool manager."""

import gc
import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dinamed.config.feeds import PushFeed as PushSettings
from dinamed.config.settings import PoolSettings, Settings
from dinamed.health.probes import make_probe
from dinamed.health.service import HealthService
from dinamed.load.push import PushReceiver
from dinamed.load.service import LoadService
from dinamed.load.sources import make_source
from dinamed.server.authority import Authority
from dinamed.server.fleet import FleetMember, Pools


class MonitoringService(MultiService):
    """Runs checks and feeds for the pools that are served, also after a reload.

    What they find out goes to the part in the fleet, which says whom to ask.
    """

    def __init__(
        self,
        reactor: Any,
        authority: Authority,
        rng: random.Random,
        fleet: FleetMember,
    ) -> None:
        super().__init__()
        pools = authority.loaded.settings.pools
        self._fleet = fleet
        wall = authority.seconds
        probes = partial(make_probe, wall=wall, lacks=partial(lacking, authority))
        self.health = HealthService(reactor, fleet, pools, rng, make=probes, wall=wall)
        make = partial(make_source, wall=wall)
        self.loads = LoadService(reactor, fleet, pools, rng, make, wall)
        self.pushes = PushReceiver(fleet, pushed(pools))
        self.health.setServiceParent(self)
        self.loads.setServiceParent(self)
        fleet.divided.subscribe(self._divide)

    def reconfigure(self, settings: Settings) -> None:
        """Check and ask the members of another config."""
        self.pushes.reconfigure(pushed(settings.pools))
        self._fleet.reconfigure(settings)

    def _divide(self, to_check: Pools, to_ask: Pools) -> None:
        self.health.reconfigure(to_check)
        self.loads.reconfigure(to_ask)


def lacking(authority: Authority, pool: str) -> str | None:
    """What a pool lacks, in words: see `PoolLacks`."""
    view = authority.manager.views.get(pool)
    return None if view is None else view.lacking


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
