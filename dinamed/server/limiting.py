"""Keeping the listeners to the limits of the config that is served."""

from collections.abc import Sequence

from twisted.application.service import Service
from twisted.logger import Logger

from dinamed.config.settings import Pool
from dinamed.server.authority import Authority
from dinamed.server.stream import StreamFactory


class LimitsService(Service):
    """Hands the limits of each new config on to the streams.

    `native` tells that the compiled plane runs, which has no limits on replies.
    """

    log = Logger()

    def __init__(
        self, authority: Authority, streams: StreamFactory, native: bool
    ) -> None:
        self._authority = authority
        self._streams = streams
        self._native = native
        self._applied(())
        authority.on_apply(self._applied)

    def _applied(self, pools: Sequence[Pool]) -> None:
        limits = self._authority.loaded.settings.limits
        self._streams.take_limits(limits)
        if self._native and limits.responses_per_second:
            self.log.warn(
                "[limits] responses_per_second takes effect at the next start"
            )
