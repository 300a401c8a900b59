"""The parts of a server that the HTTP side uses."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dinamed.config.settings import Settings
from dinamed.discovery.service import DiscoveryService
from dinamed.happenings import Happenings
from dinamed.health.service import HealthService
from dinamed.journal.files import JournalFiles
from dinamed.load.push import PushReceiver
from dinamed.load.service import LoadService
from dinamed.plans.engine import Engine
from dinamed.pools.manager import PoolManager
from dinamed.pools.stages.guarded import StageFailures
from dinamed.querylog.service import QueryLogService
from dinamed.server.fleet import FleetMember
from dinamed.server.liveness import Liveness
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.signing import SigningService
from dinamed.server.stack import Stack
from dinamed.server.stalls import TurnMeter
from dinamed.server.transfers import TransferService
from dinamed.signals import Signal
from dinamed.takeover.sender import ReplaceService


@dataclass(frozen=True)
class WebParts:
    """The parts of a server that HTTP reads and changes."""

    pools: PoolManager
    engine: Engine
    clock: Callable[[], float]
    """Gives Unix time."""
    summary: Callable[[], str]
    """What is served, in a few words."""
    settings: Settings
    """Those of the start."""
    applied: Signal[[Settings]]
    """There are others."""
    stack: Stack
    listening: ListenService
    reloading: ReloadService
    health: HealthService
    loads: LoadService
    pushes: PushReceiver
    replacing: ReplaceService
    query_log: QueryLogService
    signing: SigningService
    fleet: FleetMember
    liveness: Liveness
    ready: Callable[[], bool]
    """Whether the first round of checks is over, and queries are answered."""
    happenings: Happenings
    """What notes what has happened."""
    turns: TurnMeter = field(default_factory=TurnMeter)
    """How long the reactor's turns take."""
    discovery: DiscoveryService | None = None
    """Where members come from that the config does not name."""
    transfers: TransferService | None = None
    """What changes the records of zones."""
    journal: JournalFiles | None = None
    """Where that is kept, if it is."""
    stage_failures: StageFailures = field(default_factory=StageFailures)
    """What stages of other packages have raised."""
