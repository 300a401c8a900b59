"""The twistd plugin: options, and the wiring of all services."""

import os
import pwd
import random
import socket
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from dinamed import __version__
from dinamed.clock import WallClock, make_steady
from dinamed.config.default import default_path, is_example
from dinamed.config.settings import Settings
from dinamed.discovery.service import DiscoveryService
from dinamed.early_signals import expect_signals, leave_log_rotation
from dinamed.plane.extension import why_not
from dinamed.plane.service import DataPlane, threads_for
from dinamed.querylog.service import QueryLogService
from dinamed.server.authority import Authority
from dinamed.server.collecting import uncollected
from dinamed.server.config_loader import ConfigError, Configuration, load_now
from dinamed.server.following import ConfigWatcher
from dinamed.server.limiting import StreamLimitsService
from dinamed.server.liveness import Liveness
from dinamed.server.member_files import MemberFiles
from dinamed.server.monitoring import AfterFirstRound, MonitoringService
from dinamed.server.parents import ParentAsker
from dinamed.server.periodic import Periodic
from dinamed.server.places import GeoDatabaseService
from dinamed.server.privileges import NoNewPrivilegesService
from dinamed.server.reaper import ReaperService
from dinamed.server.resolver import EngineResolver
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.signing import SigningService
from dinamed.server.sockets import (
    BindError,
    ListenAddress,
    Listening,
    Stream,
    bind,
    bind_http,
    bind_tls,
    everywhere,
    is_local,
    resolve,
)
from dinamed.server.stalls import StallService, TurnMeter
from dinamed.server.state_file import StateFileService
from dinamed.server.systemd import SystemdNotifier, SystemdService
from dinamed.server.tls import (
    Certificates,
    CertificateService,
    TlsError,
    TlsService,
    certificates_of,
)
from dinamed.server.transfers import TransferService
from dinamed.takeover.launch import Launch, launch_of
from dinamed.takeover.receiver import (
    TakeoverError,
    TakeoverReceiver,
    TakeoverReceiverService,
    receiver_of,
)
from dinamed.takeover.sender import ReplaceService, TakeoverHooks
from dinamed.takeover.server_state import ServerState
from dinamed.takeover.sockets import HTTP, TLS, HeldSockets, Inherited
from dinamed.web.parts import WebParts
from dinamed.web.service import web_service

EXPIRY_INTERVAL = 1.0
"""Seconds between looks for operator's orders that are over."""


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


_port.coerceDoc = "Must be from 0 to 65535."  # type: ignore[attr-defined]


class Options(usage.Options):
    """The options of `twistd dinamed`."""

    synopsis = "[options]"
    longdesc = "Load-balancing authoritative DNS server."
    optParameters = [  # noqa: RUF012
        ["port", "p", 53, "UDP and TCP port where an interface names none.", _port],
        [
            "config",
            "c",
            None,
            "Config file; else /etc/dinamed/dinamed.toml, else the built-in example.",
        ],
    ]
    optFlags = [["debug", "d", "Log every query."]]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self["interfaces"] = []

    def opt_interface(self, interface: str) -> None:
        """Address or host name to listen on, may be repeated; replaces `listen`."""
        self["interfaces"].append(interface)

    opt_i = opt_interface

    def opt_version(self) -> None:
        """Print the version and exit."""
        print(f"dinamed {__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: list[str] | None = None) -> None:
        """Parse; what is wrong ends the program with one line."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise SystemExit(f"dinamed: {error}") from None

    def parseArgs(self, *arguments: str) -> None:
        """There are no arguments beside the options."""
        if arguments:
            raise usage.UsageError(f"unexpected argument {arguments[0]!r}")

    def postOptions(self) -> None:
        """See that twistd will be able to drop privileges as it was told."""
        parent: Any = self.parent
        uid = parent.get("uid") if parent is not None else None
        if uid is None:
            return
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise usage.UsageError(f"no user has the uid {uid}") from None
        if parent["gid"] is None:
            # twistd cannot drop the supplementary groups without a group.
            parent["gid"] = entry.pw_gid


@dataclass(frozen=True)
class Bound:
    """The sockets of a server, bound while it has the right to."""

    threads: int
    """Of the compiled plane; 0: Python answers everything."""
    dns: list[Listening]
    http: list[tuple[ListenAddress, socket.socket]]
    tls: list[tuple[ListenAddress, socket.socket]]
    certificates: Certificates | None

    def summary(self) -> str:
        """Where the server is reached."""
        where = ", ".join(str(one.address) for one in self.dns)
        tls = "".join(f", TLS on {address}" for address, _ in self.tls)
        http = "".join(f", HTTP on {address}" for address, _ in self.http)
        return where + tls + http


def _clock_not_followed(error: Exception) -> None:
    Logger("dinamed").failure("the clock was set, and not followed", Failure(error))


def bind_all(options: Options, settings: Settings, inherited: Inherited) -> Bound:
    """Bind what the options and `[server]` name, but for what is inherited.

    Raises `BindError`, `TlsError`.
    """
    server = settings.server
    listen = tuple(options["interfaces"]) or server.listen or everywhere()
    threads = threads_for(server.threads, os.environ, bool(options["debug"]))
    return Bound(
        threads,
        bind(resolve(listen, options["port"]), threads or 1, inherited.dns),
        bind_web(settings, inherited),
        bind_tls(server.tls, partial(inherited.stream, TLS)),
        certificates_of(server),
    )


def bind_web(settings: Settings, inherited: Inherited) -> list[Stream]:
    """Bind what `[server] http` names, if it names anything.

    The built-in example is for trying things out, perhaps twice on one machine: there a
    port that is taken costs the HTTP side alone.

    Raises `BindError`.
    """
    if settings.server.http is None:
        return []
    try:
        return bind_http(settings.server.http, there=partial(inherited.stream, HTTP))
    except BindError as error:
        if not is_example(settings.path):
            raise
        Logger("dinamed").warn("the example goes without HTTP: {error}", error=error)
        return []


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
        inherited = Inherited((), ()) if receiver is None else receiver.sockets
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
class Process:
    """How this process came to be."""

    launch: Launch
    twistd: Any
    """The options of twistd, if they are within reach."""
    receiver: TakeoverReceiver | None
    """What there is of the process before this one."""

    @property
    def has_log_file(self) -> bool:
        """Whether twistd writes one, which it begins anew on SIGUSR1."""
        twistd = self.twistd
        if twistd is None or twistd.get("syslog") or twistd.get("logfile") == "-":
            return False
        return bool(twistd.get("logfile")) or not twistd.get("nodaemon")

    @property
    def drops_privileges(self) -> bool:
        """Whether it becomes another user once all is bound."""
        return self.twistd is not None and self.twistd.get("uid") is not None

    def leave_pid_file(self) -> None:
        """Have twistd leave the pid file to the process after this one."""
        if self.twistd is not None:
            self.twistd["pidfile"] = ""


def wire(
    reactor: Any, loaded: Configuration, bound: Bound, debug: bool, process: Process
) -> MultiService:
    """Make all services and connect them; those that answer start last."""
    server = loaded.settings.server
    wall = WallClock(_clock_not_followed)
    with uncollected(keep=True):
        authority = Authority(loaded, wall, random.Random())
    wall.stepped.subscribe(authority.clock_set)
    resolver = EngineResolver(authority.engine, debug)
    plane = (
        DataPlane(reactor, authority, resolver, bound.threads)
        if bound.threads
        else None
    )
    reloading = ReloadService(reactor, authority)
    liveness = Liveness()
    listening = ListenService(reactor, resolver, bound.dns, plane, liveness)
    watching = MonitoringService(reactor, authority, random.SystemRandom())
    state = ServerState(authority, resolver, listening, reloading, watching.health)
    query_log = QueryLogService(
        reactor, authority, resolver, plane, listening.timed.locate, random.Random()
    )
    notifying = SystemdService(reactor, SystemdNotifier(os.environ), authority.summary)
    reloading.on_busy = notifying.reloading
    discovery = DiscoveryService(
        reactor,
        authority,
        MemberFiles(reactor, server.state),
        authority.loaded.settings.pools,
    )
    authority.on_apply(discovery.reconfigure)
    sources = [one.address.host for one in bound.dns]
    transfers = TransferService(reactor, authority, random.SystemRandom(), sources)
    signing = SigningService(
        reactor, authority, random.SystemRandom(), ParentAsker(reactor), is_local
    )
    services = MultiService()
    answering = wire_answering(reactor, authority, listening, bound)
    first_round = AfterFirstRound(watching.health, answering)
    saving = None
    if server.state is not None:
        saving = StateFileService(reactor, authority, watching.health, server.state)
        saving.inherited = process.receiver is not None

    def before(pid: int) -> None:
        """Leave the outside to the process that has taken over."""
        process.leave_pid_file()
        notifying.leave(pid)
        if saving is not None:
            saving.given_up = True

    replacing = ReplaceService(
        reactor,
        process.launch,
        HeldSockets(bound.dns, bound.http, bound.tls),
        TakeoverHooks(state, listening, before, transfers.hold, reactor.stop),
    )
    turns = TurnMeter()
    StallService(reactor, turns).setServiceParent(services)
    if process.drops_privileges:
        NoNewPrivilegesService().setServiceParent(services)
    if os.getpid() == 1:
        ReaperService(reactor).setServiceParent(services)
    replacing.setServiceParent(services)
    reloading.setServiceParent(services)
    if saving is not None:
        saving.setServiceParent(services)
    discovery.setServiceParent(services)
    watching.setServiceParent(services)
    signing.setServiceParent(services)
    transfers.setServiceParent(services)
    GeoDatabaseService(reactor, authority).setServiceParent(services)
    ConfigWatcher(reactor, authority, reloading.reload).setServiceParent(services)
    expiry = "lifting orders that are over"
    Periodic(
        reactor, EXPIRY_INTERVAL, authority.expire_orders, expiry
    ).setServiceParent(services)
    if bound.http:
        parts = WebParts(
            authority,
            resolver,
            listening,
            reloading,
            watching,
            replacing,
            query_log,
            liveness,
            lambda: first_round.begun,
            turns,
            discovery,
        )
        certificates = bound.certificates if server.http_tls else None
        web = web_service(reactor, parts, server.token_file, bound.http, certificates)
        web.setServiceParent(services)
    StreamLimitsService(authority, listening).setServiceParent(services)
    query_log.setServiceParent(answering)
    notifying.setServiceParent(answering)
    if process.receiver is not None:
        state.begin(process.receiver.built())
        for what in process.receiver.sockets.close_rest():
            Logger("dinamed").info("no longer listening: {what}", what=what)
        replacing.supervisor = process.receiver.supervisor
        arriving = TakeoverReceiverService(
            reactor, process.receiver, state, listening, authority.summary()
        )
        arriving.setServiceParent(answering)
    first_round.setServiceParent(services)
    Logger("dinamed").info(
        "dinamed {version} serves {what} on {where}; UDP engine: {engine}",
        version=__version__,
        what=authority.summary(),
        where=bound.summary(),
        engine=listening.engine,
    )
    if why_not and server.threads != "python":
        Logger("dinamed").warn("UDP is answered by Python: {why}", why=why_not)
    return services


def wire_answering(
    reactor: Any, authority: Authority, listening: ListenService, bound: Bound
) -> MultiService:
    """What starts once the first round of checks is over: the listeners."""
    answering = MultiService()
    listening.setServiceParent(answering)
    if bound.certificates is not None:
        if bound.tls:
            tls = TlsService(reactor, listening.streams, bound.certificates, bound.tls)
            tls.setServiceParent(answering)
        following = CertificateService(reactor, authority, bound.certificates)
        following.setServiceParent(answering)
    return answering
