"""What the HTTP side is given of a server."""

from collections.abc import Callable
from dataclasses import dataclass

from dinamed.handover.leaving import ReplaceService
from dinamed.querylog.service import QueryLogService
from dinamed.server.authority import Authority
from dinamed.server.liveness import Liveness
from dinamed.server.resolver import Resolver
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.watching import WatchingService


@dataclass(frozen=True)
class Parts:
    """What of a server is told and changed over HTTP."""

    authority: Authority
    resolver: Resolver
    listening: ListenService
    reloading: ReloadService
    watching: WatchingService
    replacing: ReplaceService
    query_log: QueryLogService
    liveness: Liveness
    ready: Callable[[], bool]
    """Whether the first round of checks is over, and queries are answered."""
