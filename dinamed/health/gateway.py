"""The way from the checks to the pool manager."""

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from dinamed.health.service import Told
from dinamed.pools.manager import PoolManager


class ManagerGateway:
    """Hands verdicts to the pool manager, as one change each time."""

    def __init__(self, manager: PoolManager, clock: IReactorTime) -> None:
        self._manager = manager
        self._clock = clock

    def verdicts(self, changed: Sequence[Told]) -> None:
        """See L{dinamed.health.service.Gateway}."""
        self._manager.health_many(changed, now=self._clock.seconds())
