"""The wiring of the HTTP side."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twisted.application.service import MultiService

from dinamed.handover.leaving import ReplaceService
from dinamed.querylog.service import QueryLogService
from dinamed.server.adopting import AdoptService
from dinamed.server.authority import Authority
from dinamed.server.resolver import Resolver
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.sockets import Address
from dinamed.server.watching import WatchingService
from dinamed.web.api import Api
from dinamed.web.dashboard import Dashboard
from dinamed.web.events import EventsService
from dinamed.web.guard import Guard
from dinamed.web.live import Live
from dinamed.web.metrics import MetricsPage, ServerCollector, registry_of
from dinamed.web.site import QuietSite, make_site
from dinamed.web.slowly import make_cooperator


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


def site_of(
    reactor: Any, parts: Parts, token_file: str | None
) -> tuple[QuietSite, EventsService]:
    """The site of one server, and the service that feeds its dashboard."""
    cooperator = make_cooperator(reactor)
    collector = ServerCollector(
        parts.authority,
        parts.resolver,
        parts.listening,
        parts.reloading,
        parts.watching,
        parts.query_log,
    )
    live = Live(parts.authority, parts.resolver, parts.listening)
    events = EventsService(reactor, live)
    api = Api(
        parts.authority,
        parts.resolver,
        parts.listening,
        parts.reloading,
        parts.watching,
        parts.replacing,
        Guard(token_file),
        events,
        cooperator,
    )
    pages = {
        b"": Dashboard().resource(),
        b"metrics": MetricsPage(registry_of(collector), cooperator).resource(),
    }
    return make_site(api, reactor, pages), events


def web_service(
    reactor: Any,
    parts: Parts,
    token_file: str | None,
    sockets: Sequence[tuple[Address, socket.socket]],
) -> MultiService:
    """All that serves HTTP, on sockets that were bound before."""
    site, events = site_of(reactor, parts, token_file)
    service = MultiService()
    events.setServiceParent(service)
    AdoptService(reactor, site, sockets).setServiceParent(service)
    return service
