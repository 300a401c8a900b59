"""The wiring of the HTTP side."""

import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.interfaces import IProtocolFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from dinamed.server.sockets import ListenAddress
from dinamed.server.stream_listener import StreamListenService
from dinamed.server.tls import Certificates
from dinamed.web.api import Api
from dinamed.web.dashboard import Dashboard
from dinamed.web.guard import Guard
from dinamed.web.health import healthy, ready
from dinamed.web.live import Live
from dinamed.web.metrics import MetricsPage, ServerCollector, registry_of
from dinamed.web.parts import WebParts
from dinamed.web.resources import Endpoint
from dinamed.web.site import QuietSite, make_site
from dinamed.web.slowly import make_cooperator
from dinamed.web.threads import WorkThreads
from dinamed.web.watchers import LiveService


def site_of(
    reactor: Any, parts: WebParts, token_file: str | None
) -> tuple[QuietSite, LiveService]:
    """The site of one server, and the service that feeds its dashboard."""
    cooperator = make_cooperator(reactor)
    live = LiveService(reactor, Live(parts))
    guard = Guard(token_file, parts.settings.server.tokens)
    api = Api(parts, guard, live, cooperator, WorkThreads(reactor))
    live.at_end.append(api.events.end)
    registry = registry_of(ServerCollector(parts))
    pages = {
        b"": Dashboard().resource(),
        b"healthz": Endpoint({b"GET": partial(healthy, parts.liveness)}),
        b"readyz": Endpoint({b"GET": partial(ready, parts.ready)}),
        b"metrics": MetricsPage(registry, cooperator).resource(),
    }
    hosts = parts.settings.server.http_hosts
    return make_site(api, reactor, pages, hosts=hosts), live


def web_service(
    reactor: Any,
    parts: WebParts,
    token_file: str | None,
    sockets: Sequence[tuple[ListenAddress, socket.socket]],
    certificates: Certificates | None = None,
) -> MultiService:
    """All that serves HTTP, on sockets that were bound before; with TLS if it can."""
    site, live = site_of(reactor, parts, token_file)
    factory: IProtocolFactory = site
    if certificates is not None:
        factory = TLSMemoryBIOFactory(certificates, False, site, reactor)
    site.take_limits(parts.settings.limits)
    parts.applied.subscribe(lambda settings: site.take_limits(settings.limits))
    service = MultiService()
    live.setServiceParent(service)
    StreamListenService(reactor, factory, sockets).setServiceParent(service)
    return service
