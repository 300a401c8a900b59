"""The twistd plugin: options, and the wiring of all services."""

import os
import pwd
import random
import time
from typing import Any

from twisted.application.internet import TimerService
from twisted.application.service import IService, MultiService
from twisted.logger import Logger
from twisted.python import usage

from dinamed import __version__
from dinamed.config.default import default_path
from dinamed.plane.service import DataPlane, threads_for
from dinamed.server.authority import Authority
from dinamed.server.compiler import ConfigError, load_now
from dinamed.server.following import FollowService
from dinamed.server.limiting import LimitsService
from dinamed.server.notify import Notifier, NotifyService
from dinamed.server.places import PlacesService
from dinamed.server.resolver import Resolver
from dinamed.server.saving import SavingService
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.sockets import (
    BindError,
    bind,
    bind_http,
    bind_tls,
    everywhere,
    resolve,
)
from dinamed.server.tls import (
    CertificateService,
    TlsError,
    TlsService,
    certificates_of,
)
from dinamed.server.transfers import TransferService
from dinamed.server.watching import AfterFirstRound, WatchingService
from dinamed.web.service import Parts, web_service

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


def makeService(options: Options) -> IService:
    """Read everything, bind everything, and wire the services.

    This runs before twistd forks and drops privileges, so that what is wrong is told
    on the terminal in one line each, and nothing is left behind.

    Raises `SystemExit` with that text (and so exit status 1).
    """
    from twisted.internet import reactor

    try:
        loaded = load_now(options["config"] or default_path())
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    server = loaded.settings.server
    listen = tuple(options["interfaces"]) or server.listen or everywhere()
    threads = threads_for(server.threads, os.environ, bool(options["debug"]))
    try:
        sockets = bind(resolve(listen, options["port"]), threads or 1)
        http = bind_http(server.http) if server.http is not None else []
        tls = bind_tls(server.tls)
        certificates = certificates_of(server)
    except (BindError, TlsError) as error:
        raise SystemExit(f"dinamed: {error}") from None
    authority = Authority(loaded, time.time, random.Random())
    resolver = Resolver(authority.engine, bool(options["debug"]))
    reloading = ReloadService(reactor, authority)
    plane = DataPlane(reactor, authority, resolver, threads) if threads else None
    listening = ListenService(reactor, resolver, sockets, plane)
    watching = WatchingService(reactor, authority, random.SystemRandom())
    services = MultiService()
    reloading.setServiceParent(services)
    if server.state is not None:
        saving = SavingService(reactor, authority, watching.health, server.state)
        saving.setServiceParent(services)
    watching.setServiceParent(services)
    sources = [bound.address.host for bound in sockets]
    transfers = TransferService(reactor, authority, random.SystemRandom(), sources)
    transfers.setServiceParent(services)
    PlacesService(reactor, authority).setServiceParent(services)
    FollowService(reactor, authority, reloading.reload).setServiceParent(services)
    TimerService(EXPIRY_INTERVAL, authority.expire_orders).setServiceParent(services)
    if http:
        parts = Parts(authority, resolver, listening, reloading, watching)
        web = web_service(reactor, parts, server.token_file, http)
        web.setServiceParent(services)
    answering = MultiService()
    listening.setServiceParent(answering)
    LimitsService(authority, listening.streams).setServiceParent(services)
    if certificates is not None:
        TlsService(reactor, listening.streams, certificates, tls).setServiceParent(
            answering
        )
        following = CertificateService(reactor, authority, certificates)
        following.setServiceParent(services)
    notifying = NotifyService(reactor, Notifier(os.environ), authority.summary)
    reloading.on_busy = notifying.reloading
    notifying.setServiceParent(answering)
    waiting = AfterFirstRound(watching.health, answering)
    waiting.setServiceParent(services)
    Logger("dinamed").info(
        "dinamed {version} serves {what} on {where}{tls}{http}; UDP engine: {engine}",
        version=__version__,
        what=authority.summary(),
        where=", ".join(str(listening.address) for listening in sockets),
        tls="".join(f", TLS on {address}" for address, _ in tls),
        http="".join(f", HTTP on {address}" for address, _ in http),
        engine=listening.engine,
    )
    return services
