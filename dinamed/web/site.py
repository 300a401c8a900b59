"""The HTTP listener: what requests are let in, and the tree of addresses."""

from collections.abc import Collection, Mapping
from math import ceil
from time import monotonic
from typing import Any

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from dinamed.config.limits import Limits
from dinamed.limits.connections import Connections
from dinamed.limits.files import WEB, files_share
from dinamed.web.api import Api, Folder
from dinamed.web.channel import LimitedChannel
from dinamed.web.guard import names_another_host
from dinamed.web.limits import RateLimit
from dinamed.web.messages import ErrorMessage
from dinamed.web.resources import MAX_BODY

IDLE_TIMEOUT = 60
"""Seconds for a whole request: from the connection, the last reply, its first octet."""
_FREE = frozenset({b"/healthz", b"/readyz"})
"""What load balancers ask: not counted, and by whatever name they know us."""


class LimitedRequest(Request):
    """A request that is refused if it is not sound, or its client asks too often."""

    def process(self) -> None:
        """Answer, if that is allowed.

        Load balancers that ask how we are do not count.
        """
        objection = self._objection()
        if objection is not None:
            self._send_error(*objection)
            return
        if self.path not in _FREE:
            wait = self._site.limit.wait(self.getClientAddress().host)
            if wait:
                self.setHeader(b"retry-after", str(ceil(wait)).encode())
                self._send_error(429, "asked too often")
                return
        super().process()

    @property
    def _site(self) -> "QuietSite":
        channel: Any = self.channel
        site: QuietSite = channel.site
        return site

    def _objection(self) -> tuple[int, str] | None:
        for name, values in self.requestHeaders.getAllRawHeaders():
            for value in values:
                try:
                    value.decode()
                except UnicodeDecodeError:
                    return 400, f"the header {name.decode()} is not UTF-8"
        hosts = self.requestHeaders.getRawHeaders(b"host", ())
        if len(hosts) > 1:  # RFC 9112 section 3.2
            return 400, "more than one Host header"
        if self.path not in _FREE and names_another_host(self, self._site.hosts):
            return 403, "the Host header does not name this host"
        return None

    def _send_error(self, status: int, error: str) -> None:
        self.setResponseCode(status)
        self.setHeader(b"content-type", b"application/json")
        body = _json_of(error)
        self.setHeader(b"content-length", str(len(body)).encode())
        self.write(body)
        self.finish()

    def gotLength(self, length: int | None) -> None:
        """Refuse by the announced length."""
        if length is not None and length > MAX_BODY:
            self._refuse()
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        """Refuse what comes in chunks and does not end."""
        assert self.content is not None
        if self.content.tell() + len(data) > MAX_BODY:
            self._refuse()
            return
        super().handleContentChunk(data)

    def _refuse(self) -> None:
        channel = self.channel
        if channel is not None and channel.transport is not None:
            body = _json_of(f"the body is larger than {MAX_BODY} octets")
            channel.transport.write(
                b"HTTP/1.1 413 Content Too Large\r\n"
                b"Content-Type: application/json\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            channel.loseConnection()


def _json_of(error: str) -> bytes:
    return msgspec.json.encode(ErrorMessage(error)) + b"\n"


class QuietSite(Site):
    """A site that does not log every request, and bounds its connections.

    A connection too many makes the one give way that was idle the longest, of the same
    network if that has too many.  `hosts` are the names that `Host` may have beside
    loopback's on listeners of loopback.
    """

    noisy = False
    protocol = LimitedChannel  # type: ignore[assignment]

    def __init__(
        self,
        root: IResource,
        reactor: IReactorTime,
        limit: RateLimit,
        hosts: Collection[str] = (),
    ) -> None:
        super().__init__(root, timeout=IDLE_TIMEOUT, reactor=reactor)
        self.requestFactory = LimitedRequest
        self.displayTracebacks = False
        self.limit = limit
        self.hosts = hosts
        most = Limits().http_connections
        self.connections: Connections[LimitedChannel] = Connections(most, most, most)
        self.take_limits(Limits())

    def take_limits(self, limits: Limits) -> None:
        """Keep to these limits from the next connection on."""
        most = min(limits.http_connections, files_share(WEB, 8))
        self.connections.most = most
        self.connections.per_prefix = min(limits.http_per_prefix, max(1, most * 3 // 4))
        self.connections.per_client = most

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 alone: nothing bounds what the streams of HTTP/2 would take."""
        return [b"http/1.1"]

    def log(self, request: HttpRequest) -> None:
        """Log nothing: changes are logged by what they change."""


def make_site(
    api: Api,
    reactor: IReactorTime,
    pages: Mapping[bytes, IResource],
    limit: RateLimit | None = None,
    hosts: Collection[str] = (),
) -> QuietSite:
    """The site of one server; `pages` are what stands beside the API, by name."""
    root = Folder()
    for name, page in pages.items():
        root.putChild(name, page)
    versions = Folder()
    versions.putChild(b"v1", api.resource())
    root.putChild(b"api", versions)
    limit = RateLimit(monotonic) if limit is None else limit
    return QuietSite(root, reactor, limit, hosts)
