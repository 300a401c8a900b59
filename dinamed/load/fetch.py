"""Fetching a small text over HTTP, in the same way as checks make their requests."""

import copy
import ipaddress

from twisted.internet.defer import Deferred

from dinamed.config.check_forms import split_url
from dinamed.config.checks import HttpCheck, HttpsCheck
from dinamed.config.feeds import HttpFeed
from dinamed.health.connection import ConnectionReactor
from dinamed.health.http import HttpProbe
from dinamed.health.http_message import ResponseReader
from dinamed.health.results import ProbeTarget, Result
from dinamed.load.poller import FeedError, FeedShortageError


class Fetcher(HttpProbe):
    """Fetches what is at the URL of a feed, up to `body_limit` octets.

    There is one limit of time for all of it, names are never looked up, and
    redirects are not followed.

    @raise OSError: the file of authorities can't be read.
    @raise ValueError: it holds no certificate, or a broken one.
    """

    def __init__(
        self, reactor: ConnectionReactor, feed: HttpFeed, accept: str, body_limit: int
    ) -> None:
        super().__init__(reactor, _as_check(feed, accept, body_limit + 1))
        self._body_limit = body_limit
        self._fixed = fixed_address(feed.url)
        self._member = ProbeTarget("", "")
        self._fetched = b""
        self._packed = ""

    def fetch(self, member: ProbeTarget) -> "Deferred[bytes]":
        """Fetch what the member has there; fails with L{FeedError}."""
        once = copy.copy(self)
        once._member = member
        peer = member if self._fixed is None else ProbeTarget(self._fixed, member.name)

        def done(result: Result) -> bytes:
            if result.lacking:
                raise FeedShortageError(result.reason)
            if not result.ok:
                raise FeedError(result.reason)
            return once._fetched

        return once.probe(peer).addCallback(done)

    def request(self, target: ProbeTarget) -> bytes:
        """The request as it is sent; about the member, whoever is asked."""
        return super().request(self._member)

    def host(self, target: ProbeTarget) -> str:
        """The Host line."""
        return super().host(self._member)

    @property
    def body_limit(self) -> int:
        """How many octets of the body are read."""
        return self.check.body_limit

    def judge(self, response: ResponseReader) -> "Deferred[str]":
        """Why the response is not what it should be; "" if it is."""
        self._fetched = bytes(response.body)
        self._packed = response.packed
        return super().judge(response).addCallback(self._judged)

    def _judged(self, reason: str) -> str:
        if not reason and len(self._fetched) > self._body_limit:
            return f"more than {self._body_limit} octets of body"
        return reason or self._packed


def fixed_address(url: str) -> str | None:
    """The address to which a URL leads whoever the member is; None: the member's."""
    try:
        return str(ipaddress.ip_address(split_url(url).host))
    except ValueError:
        return None


def _as_check(feed: HttpFeed, accept: str, body_limit: int) -> HttpCheck:
    headers = feed.headers
    if "accept" not in {name.lower() for name, _ in headers}:
        headers = (*headers, ("Accept", accept))
    if split_url(feed.url).scheme != "https":
        return HttpCheck(
            url=feed.url,
            interval=feed.interval,
            timeout=feed.limit,
            host=feed.host,
            headers=headers,
            body_limit=body_limit,
        )
    return HttpsCheck(
        url=feed.url,
        interval=feed.interval,
        timeout=feed.limit,
        host=feed.host,
        headers=headers,
        body_limit=body_limit,
        verify=feed.verify,
        ca=feed.ca,
    )
