"""The twistd plugin: the wiring of all services."""

import os
import random
from dataclasses import dataclass, replace
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.clock import WallClock, make_steady
from dinamed.config.default import default_path
from dinamed.discovery.service import DiscoveryService
from dinamed.early_signals import expect_signals, leave_log_rotation
from dinamed.happenings import Happenings
from dinamed.journal.events import EventLog
from dinamed.journal.service import JournalService, journal_service
from dinamed.options import Options as Options
from dinamed.plane.service import DataPlane
from dinamed.querylog.service import QueryLogService
from dinamed.server.authority import Authority
from dinamed.server.bound import Bound, bind_all
from dinamed.server.config_loader import ConfigError, Configuration, load_now
from dinamed.server.file_watchers import ConfigWatcher, GeoDatabaseService
from dinamed.server.fleet import FleetMember
from dinamed.server.garbage import uncollected
from dinamed.server.liveness import Liveness
from dinamed.server.member_files import MemberFiles
from dinamed.server.member_of_fleet import member_of_fleet
from dinamed.server.monitoring import AfterFirstRound, MonitoringService
from dinamed.server.parents import ParentAsker
from dinamed.server.periodic import Periodic
from dinamed.server.privileges import NoNewPrivilegesService
from dinamed.server.reaper import ReaperService
from dinamed.server.round_trips_file import round_trips_file
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.signing import SigningService
from dinamed.server.signing_ahead import SigningAheadService
from dinamed.server.sockets import BindError, is_local
from dinamed.server.stack import Stack, stack_of
from dinamed.server.stalls import StallService, TurnMeter
from dinamed.server.start_log import tell_start
from dinamed.server.state_file import StateFileService
from dinamed.server.systemd import SystemdNotifier, SystemdService
from dinamed.server.tls import CertificateService, TlsError, TlsService
from dinamed.server.transfers import TransferService
from dinamed.takeover.launch import launch_of
from dinamed.takeover.process import Process
from dinamed.takeover.receiver import (
    TakeoverError,
    TakeoverReceiver,
    TakeoverReceiverService,
    receiver_of,
)
from dinamed.takeover.sender import ReplaceService, TakeoverHooks
from dinamed.takeover.server_state import ServerState
from dinamed.takeover.sockets import HeldSockets, InheritedSockets
from dinamed.web.parts import WebParts
from dinamed.web.service import web_service

EXPIRY_INTERVAL = 1.0
"""Seconds between looks for operator's orders that are over."""


def _clock_not_followed(error: Exception) -> None:
    Logger("dinamed").failure("the clock was set, and not followed", Failure(error))


def makeService(options: Options) -> IService:
    """Read everything, bind everything, and wire the services.

    This runs before twistd forks and drops privileges, so that what is wrong is told
    on the terminal in one line each, and nothing is left behind.

    Raises `SystemExit` with that text (and so exit status 1).
    """
    from twisted.internet import reactor

    expect_signals()
    launch = launch_of(options.parent, os.environ)
    try:
        receiver = receiver_of(os.environ)
        if receiver is not None:
            launch = replace(launch, pid_file=receiver.pid_file)
        make_steady(reactor)
        loaded = load_now(options["config"] or default_path())
        inherited = InheritedSockets((), ()) if receiver is None else receiver.sockets
        bound = bind_all(options, loaded.settings, inherited)
        process = Process(launch, options.parent, receiver)
        services = wire(reactor, loaded, bound, bool(options["debug"]), process)
        leave_log_rotation(process.has_log_file)
        return services
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    except (BindError, TlsError, TakeoverError) as error:
        raise SystemExit(f"dinamed: {error}") from None


@dataclass(frozen=True)
class Server:
    """The parts of one server, in the order in which they are made."""

    wall: WallClock
    transfers: TransferService
    authority: Authority
    discovery: DiscoveryService
    signing: SigningService
    stack: Stack
    reloading: ReloadService
    liveness: Liveness
    listening: ListenService
    watching: MonitoringService
    fleet: FleetMember
    query_log: QueryLogService
    notifying: SystemdService
    saving: StateFileService | None
    journal: JournalService | None
    happenings: Happenings
    replacing: ReplaceService
    state: ServerState


def build(
    reactor: Any, loaded: Configuration, bound: Bound, debug: bool, process: Process
) -> Server:
    """Make the parts."""
    chance, receiver = random.SystemRandom(), process.receiver
    sources = [one.address.host for one in bound.dns]
    wall = WallClock(_clock_not_followed)
    transfers = TransferService(reactor, wall, chance, sources)
    with uncollected(keep=True):
        authority = Authority(
            loaded, wall, random.Random(), transfers, transfers.answering
        )
    pools, folder = loaded.settings.pools, loaded.settings.server.state
    discovery = DiscoveryService(
        reactor, authority, MemberFiles(reactor, folder), pools
    )
    signing = SigningService(reactor, authority, chance, ParentAsker(reactor), is_local)
    stack = stack_of(authority.engine, debug)
    plane = None
    if bound.threads:
        plane = DataPlane(reactor, authority, stack.sampled, bound.threads)
    reloading, liveness = ReloadService(reactor, authority), Liveness()
    listening = ListenService(reactor, stack, bound.dns, plane, liveness)
    fleet = member_of_fleet(reactor, authority, signing.key_digests, discovery)
    watching = MonitoringService(reactor, authority, chance, fleet)
    health = watching.health
    events = EventLog(wall)
    state = ServerState(
        authority, stack.resolver, listening, reloading, health, fleet, events
    )
    notifying = SystemdService(reactor, SystemdNotifier(os.environ), authority.summary)
    journal, saving = journal_service(reactor, events, authority.manager, folder), None
    if folder is not None:
        inherited = receiver is not None
        saving = StateFileService(reactor, authority, health, folder, inherited)

    def before(pid: int) -> None:
        """Leave the outside to the process that has taken over."""
        process.leave_pid_file()
        notifying.leave(pid)
        fleet.give_up()
        if saving is not None:
            saving.give_up()
        if journal is not None:
            journal.leave()

    replacing = ReplaceService(
        reactor,
        process.launch,
        HeldSockets(bound.dns, bound.http, bound.tls),
        TakeoverHooks(state, listening, before, transfers.hold, reactor.stop),
        None if receiver is None else receiver.supervisor,
    )
    query_log = QueryLogService(reactor, authority, stack, plane, random.Random())
    return Server(
        wall,
        transfers,
        authority,
        discovery,
        signing,
        stack,
        reloading,
        liveness,
        listening,
        watching,
        fleet,
        query_log,
        notifying,
        saving,
        journal,
        Happenings(events, authority.manager, reloading),
        replacing,
        state,
    )


def connect(server: Server) -> None:
    """Subscribe the parts to each other's changes.

    Who is told of one thing is told in this order.  The plane, where there is one, and
    who saves the state subscribe to changes of pools when they start; the authority,
    which is first, has done so.
    """
    authority, listening = server.authority, server.listening
    server.wall.stepped.subscribe(authority.clock_set)
    server.transfers.changed.subscribe(authority.refresh)
    authority.served.subscribe(server.transfers.served)
    authority.applied.subscribe(server.watching.reconfigure)
    authority.applied.subscribe(lambda now: server.discovery.reconfigure(now.pools))
    listening.take_limits(authority.loaded.settings.limits)
    authority.applied.subscribe(lambda now: listening.take_limits(now.limits))
    server.reloading.busy.subscribe(server.notifying.reloading)


def wire(
    reactor: Any, loaded: Configuration, bound: Bound, debug: bool, process: Process
) -> MultiService:
    """Make all services and connect them; those that answer start last."""
    server = build(reactor, loaded, bound, debug, process)
    connect(server)
    authority = server.authority
    answering = wire_answering(reactor, server, bound, process.receiver)
    first_round = AfterFirstRound(server.watching.health, answering)
    services = MultiService()
    turns = TurnMeter()
    for service in (
        StallService(reactor, turns),
        NoNewPrivilegesService() if process.drops_privileges else None,
        ReaperService(reactor) if os.getpid() == 1 else None,
        server.replacing,
        server.reloading,
        server.discovery,
        server.saving,
        server.journal,
        server.happenings,
        round_trips_file(reactor, authority),
        server.watching,
        server.fleet,
        server.signing,
        SigningAheadService(reactor, authority, server.signing),
        server.transfers,
        GeoDatabaseService(reactor, authority),
        ConfigWatcher(reactor, authority, server.reloading.reload),
        Periodic(reactor, EXPIRY_INTERVAL, authority.expire_orders, "ending orders"),
        wire_web(reactor, server, bound, first_round, turns),
        first_round,
    ):
        if service is not None:
            service.setServiceParent(services)
    tell_start(authority, bound.summary(), server.listening.engine)
    return services


def wire_web(
    reactor: Any,
    server: Server,
    bound: Bound,
    first_round: AfterFirstRound,
    turns: TurnMeter,
) -> MultiService | None:
    """The service for HTTP, if there is one."""
    if not bound.http:
        return None
    authority, watching = server.authority, server.watching
    settings = authority.loaded.settings
    parts = WebParts(
        authority.manager,
        authority.engine,
        authority.seconds,
        authority.summary,
        settings,
        authority.applied,
        server.stack,
        server.listening,
        server.reloading,
        watching.health,
        watching.loads,
        watching.pushes,
        server.replacing,
        server.query_log,
        server.signing,
        server.fleet,
        server.liveness,
        lambda: first_round.begun,
        server.happenings,
        turns,
        server.discovery,
        server.transfers,
        journal=None if server.journal is None else server.journal.files,
        stage_failures=authority.stage_failures,
    )
    certificates = bound.certificates if settings.server.http_tls else None
    token_file = settings.server.token_file
    return web_service(reactor, parts, token_file, bound.http, certificates)


def wire_answering(
    reactor: Any, server: Server, bound: Bound, receiver: TakeoverReceiver | None
) -> MultiService:
    """The services that start once the first round of checks is over."""
    answering = MultiService()
    authority, listening = server.authority, server.listening
    streams, certificates = listening.streams, bound.certificates
    listening.setServiceParent(answering)
    if certificates is not None:
        if bound.tls:
            tls = TlsService(reactor, streams, certificates, bound.tls)
            tls.setServiceParent(answering)
        following = CertificateService(reactor, authority, certificates)
        following.setServiceParent(answering)
    server.query_log.setServiceParent(answering)
    server.notifying.setServiceParent(answering)
    if receiver is not None:
        server.state.begin(receiver.built())
        for what in receiver.sockets.close_rest():
            Logger("dinamed").info("no longer listening: {what}", what=what)
        arriving = TakeoverReceiverService(
            reactor, receiver, server.state, listening, authority.summary()
        )
        arriving.setServiceParent(answering)
    return answering
