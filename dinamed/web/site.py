"""The HTTP listener: limits on requests, and the tree of addresses."""

from collections.abc import Mapping
from math import ceil
from time import monotonic
from typing import Any

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from dinamed.web.api import Api, Folder
from dinamed.web.limits import RateLimit
from dinamed.web.messages import ErrorMessage
from dinamed.web.resources import MAX_BODY

IDLE_TIMEOUT = 60
"""Seconds until a connection without a request is closed."""

UNLIMITED = frozenset({b"/healthz", b"/readyz"})
"""What load balancers ask does not count."""


class LimitedRequest(Request):
    """A request that is refused if its client asks too often or its body is large."""

    def process(self) -> None:
        """Answer, if the client has not asked too often."""
        channel: Any = self.channel
        limit: RateLimit = channel.site.limit
        if self.path not in UNLIMITED:
            wait = limit.wait(self.getClientAddress().host)
            if wait:
                self._too_often(wait)
                return
        super().process()

    def _too_often(self, wait: float) -> None:
        self.setResponseCode(429)
        self.setHeader(b"content-type", b"application/json")
        self.setHeader(b"retry-after", str(ceil(wait)).encode())
        self.write(_json_of("asked too often"))
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
    """A site that does not log every request."""

    noisy = False
    limit: RateLimit

    def log(self, request: HttpRequest) -> None:
        """Log nothing: changes are logged by what they change."""


def make_site(
    api: Api,
    reactor: IReactorTime,
    pages: Mapping[bytes, IResource],
    limit: RateLimit | None = None,
) -> QuietSite:
    """The site of one server; `pages` are what stands beside the API, by name."""
    root = Folder()
    for name, page in pages.items():
        root.putChild(name, page)
    versions = Folder()
    versions.putChild(b"v1", api.resource())
    root.putChild(b"api", versions)
    site = QuietSite(root, timeout=IDLE_TIMEOUT, reactor=reactor)
    site.requestFactory = LimitedRequest
    site.displayTracebacks = False
    site.limit = RateLimit(monotonic) if limit is None else limit
    return site
