"""Tests of L{dinamed.load.fetch}."""

from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from dinamed.config.feeds import JsonFeed
from dinamed.load.fetch import Fetcher, fixed_address
from dinamed.load.poller import FeedError, ProbeTarget
from tests.health.certificates import Authority
from tests.load.web import WebTestCase

ANY_REACTOR: Any = reactor
MEMBER = ProbeTarget("192.0.2.1", "one")


class FetchTests(WebTestCase):
    """One text, over a connection in memory."""

    def fetcher(self, url: str, host: str | None = None) -> Fetcher:
        """A fetcher that takes up to 10 octets within a second."""
        feed = JsonFeed(url=url, path="a", timeout=1.0, host=host)
        return Fetcher(self.reactor, feed, "text/test", 10)

    def test_body(self) -> None:
        """The body comes from the member's address, whatever the URL's host is."""
        fetched = self.fetcher("http://stats.example.org:81/{name}?x").fetch(MEMBER)
        self.assertEqual(self.memory.tcpClients[0][:2], ("192.0.2.1", 81))
        request = self.respond(b"some text")
        self.assertEqual(self.successResultOf(fetched), b"some text")
        head, *lines = request.decode().split("\r\n")
        self.assertEqual(head, "GET /one?x HTTP/1.1")
        self.assertIn("Host: stats.example.org:81", lines)
        self.assertIn("Accept: text/test", lines)
        self.assertEqual(self.memory.getDelayedCalls(), [])

    def test_fixed(self) -> None:
        """A URL with an address leads there, and may still name the member's."""
        fetcher = self.fetcher("http://[2001:db8::9]/of/{address}")
        fetcher.fetch(MEMBER)
        self.assertEqual(self.memory.tcpClients[0][:2], ("2001:db8::9", 80))
        request = self.respond(b"").decode()
        self.assertIn("GET /of/192.0.2.1 HTTP/1.1\r\nHost: [2001:db8::9]\r\n", request)

    def test_address_in_url(self) -> None:
        """An IPv6 address gets its brackets."""
        self.fetcher("http://{address}:81/").fetch(ProbeTarget("2001:db8::1", "one"))
        self.assertEqual(self.memory.tcpClients[0][:2], ("2001:db8::1", 81))
        self.assertIn(b"Host: [2001:db8::1]:81\r\n", self.respond(b""))

    def test_at_once(self) -> None:
        """Fetches that run at the same time do not mix."""
        fetcher = self.fetcher("http://{address}/{name}", host="{name}.example.org")
        first = fetcher.fetch(MEMBER)
        one, transport = self.connect()
        second = fetcher.fetch(ProbeTarget("192.0.2.2", "two"))
        self.assertIn(b"Host: two.example.org", self.respond(b"2"))
        one.dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        self.assertIn(b"Host: one.example.org", transport.value())
        self.assertEqual(self.successResultOf(first), b"1")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_limit(self) -> None:
        """A body may be as long as the limit, and no longer."""
        fetched = self.fetcher("http://x/").fetch(MEMBER)
        self.respond(b"0123456789")
        self.assertEqual(self.successResultOf(fetched), b"0123456789")
        fetched = self.fetcher("http://x/").fetch(MEMBER)
        self.respond(b"0123456789a")
        self.assert_failed(fetched, "more than 10 octets of body")

    def test_redirect(self) -> None:
        """Redirects are not followed."""
        fetched = self.fetcher("http://x/").fetch(MEMBER)
        self.respond(b"", b"302 Found\r\nLocation: http://y/")
        self.assert_failed(fetched, "status 302")
        self.assertEqual(len(self.memory.tcpClients), 1)

    def test_late(self) -> None:
        """There is one limit of time for everything."""
        fetched = self.fetcher("http://x/").fetch(MEMBER)
        protocol, _ = self.connect()
        for octet in b"HTTP/1.1 200 OK\r\n":
            self.memory.advance(0.05)
            protocol.dataReceived(bytes([octet]))
        self.memory.advance(0.2)
        self.assert_failed(fetched, "no answer in 1 s (answering)")

    def assert_failed(self, fetched: object, words: str) -> None:
        """The fetch has failed, for that reason."""
        failure = self.failureResultOf(fetched, FeedError)
        self.assertEqual(str(failure.value), words)

    def test_fixed_address(self) -> None:
        """Only a literal address is fixed."""
        for url, expected in (
            ("http://192.0.2.9/", "192.0.2.9"),
            ("https://[2001:db8::9]:81/x", "2001:db8::9"),
            ("http://{address}/", None),
            ("http://stats.example.org/", None),
        ):
            self.assertEqual(fixed_address(url), expected)


class SecureFetchTests(TestCase):
    """Texts over TLS, from a real server."""

    timeout = 20.0

    def setUp(self) -> None:
        """Serve a text as `www.example.org`."""
        authority = Authority()
        self.ca = self.mktemp()
        with open(self.ca, "wb") as file:
            file.write(authority.pem)
        root = Resource()
        root.putChild(b"load", Data(b"3", "text/plain"))
        options = authority.options("www.example.org")
        port = ANY_REACTOR.listenSSL(0, Site(root), options, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port

    async def fetch(self, host: str, **others: Any) -> bytes:
        """Fetch the text from whoever must be `host`."""
        url = f"https://{host}:{self.port}/load"
        feed = JsonFeed(url=url, path="a", timeout=10.0, **others)
        fetcher = Fetcher(ANY_REACTOR, feed, "text/plain", 10)
        return await fetcher.fetch(ProbeTarget("127.0.0.1", "one"))

    async def test_trusted(self) -> None:
        """The certificate must be for the host of the URL, by a trusted authority."""
        self.assertEqual(await self.fetch("www.example.org", ca=self.ca), b"3")

    async def test_refused(self) -> None:
        """Otherwise there is no text, unless nothing is to be verified."""
        for host, ca in (("www.example.net", self.ca), ("www.example.org", None)):
            with self.assertRaises(FeedError) as caught:
                await self.fetch(host, ca=ca)
            self.assertIn("certificate refused", str(caught.exception))
        self.assertEqual(await self.fetch("www.example.net", verify=False), b"3")
