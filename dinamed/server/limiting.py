"""Keeping the streams to the limits of the config that is served."""

from collections.abc import Sequence

from twisted.application.service import Service

from dinamed.config.settings import Pool
from dinamed.server.authority import Authority
from dinamed.server.services import ListenService


class LimitsService(Service):
    """Hands the limits of each new config on to the streams."""

    def __init__(self, authority: Authority, listening: ListenService) -> None:
        self._authority = authority
        self._listening = listening
        self._applied(())
        authority.on_apply(self._applied)

    def _applied(self, pools: Sequence[Pool]) -> None:
        self._listening.take_limits(self._authority.loaded.settings.limits)
