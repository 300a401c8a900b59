"""What the HTTP side is given of a server."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dinamed.discovery.service import DiscoveryService
from dinamed.querylog.service import QueryLogService
from dinamed.server.authority import Authority
from dinamed.server.liveness import Liveness
from dinamed.server.monitoring import MonitoringService
from dinamed.server.resolver import EngineResolver
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.stalls import TurnMeter
from dinamed.takeover.sender import ReplaceService


@dataclass(frozen=True)
class WebParts:
    """What of a server is told and changed over HTTP."""

    authority: Authority
    resolver: EngineResolver
    listening: ListenService
    reloading: ReloadService
    watching: MonitoringService
    replacing: ReplaceService
    query_log: QueryLogService
    liveness: Liveness
    ready: Callable[[], bool]
    """Whether the first round of checks is over, and queries are answered."""
    turns: TurnMeter = field(default_factory=TurnMeter)
    """How long the reactor's turns take."""
    discovery: DiscoveryService | None = None
    """Where members come from that the config does not name."""
