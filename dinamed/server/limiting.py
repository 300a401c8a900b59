"""Keeping those who take connections to the limits of the config that is served."""

from collections.abc import Sequence
from typing import Protocol

from twisted.application.service import Service

from dinamed.config.limits import Limits
from dinamed.config.settings import PoolSettings
from dinamed.server.authority import Authority


class TakesLimits(Protocol):
    """Whoever keeps to limits."""

    def take_limits(self, limits: Limits) -> None:
        """Keep to these from now on."""
        ...


class StreamLimitsService(Service):
    """Hands the limits of each new config on."""

    def __init__(self, authority: Authority, taker: TakesLimits) -> None:
        self._authority = authority
        self._taker = taker
        self._applied(())
        authority.on_apply(self._applied)

    def _applied(self, pools: Sequence[PoolSettings]) -> None:
        self._taker.take_limits(self._authority.loaded.settings.limits)
