"""Sources that do harm: what is told of them, and that nothing is taken."""

import gzip
import json
import os
import socket

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.config.discovery import DnsDiscovery, FileDiscovery, HttpDiscovery
from dinamed.discovery.sources import MAX_BODY, SourceError, make_member_source
from dinamed.discovery.targets import BadMembersError, MemberReader
from tests.at_once import ReactorOfOneThread

GOOD = json.dumps([{"targets": ["192.0.2.1"], "labels": {}}]).encode()


def ok(body: bytes, *headers: str) -> bytes:
    """A reply with this body."""
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", *headers))
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Says(Protocol):
    """Says what it was told to, whatever it is asked, and hangs up or waits."""

    def __init__(self, data: bytes, closes: bool) -> None:
        self._data = data
        self._closes = closes

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(self._data)
        self._data = b""
        if self._closes:
            self.transport.loseConnection()


class HttpTests(TestCase):
    """A URL."""

    async def told(self, data: bytes, closes: bool = True, patience: float = 20) -> str:
        """What goes wrong with a reply; nothing if it is good."""
        factory = Factory.forProtocol(lambda: Says(data, closes))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")  # type: ignore[arg-type]
        self.addCleanup(port.stopListening)
        where = port.getHost()
        assert isinstance(where, IPv4Address)
        url = f"http://127.0.0.1:{where.port}/"
        rules = HttpDiscovery(url=url, timeout=patience)
        source = make_member_source(reactor, rules, MemberReader(most=50))
        assert source is not None
        try:
            members = await source.ask()
        except (SourceError, BadMembersError) as error:
            self.assertNotIn("\n", str(error))
            return str(error)
        assert members is not None
        self.assertEqual([member.name for member in members], ["192.0.2.1"])
        return ""

    async def test_replies(self) -> None:
        """Each way to be wrong has its words."""
        many = json.dumps([{"targets": [f"192.0.2.{n}" for n in range(60)]}]).encode()
        redirect = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
        for data, words in (
            (ok(GOOD), ""),
            (redirect, "status 302"),
            (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "status 500"),
            (ok(b"<html>", "Content-Type: text/html"), "no JSON"),
            (ok(gzip.compress(GOOD), "Content-Encoding: gzip"), "no JSON"),
            (ok(b"[" * 100_000), "no JSON"),
            (ok(b" " * (MAX_BODY + 1)), "too large"),
            (ok(many), "more than 50 members"),
            (ok(GOOD)[:-3], "broke off"),
            (b"SSH-2.0-x\r\n", ""),
            (b"", ""),
        ):
            with self.subTest(data[:40]):
                found = await self.told(data)
                self.assertIn(words, found)
                self.assertEqual(bool(found), data != ok(GOOD))

    async def test_endless(self) -> None:
        """A body without an end is cut off at the bound."""
        head = b"HTTP/1.1 200 OK\r\n\r\n"
        found = await self.told(head + b" " * (MAX_BODY + 70_000), closes=False)
        self.assertIn("too large", found)

    async def test_slow(self) -> None:
        """Who says half and waits is given up."""
        self.assertTrue(await self.told(ok(GOOD)[:-3], closes=False, patience=0.2))


class FileTests(SynchronousTestCase):
    """A file."""

    def told(self, path: str) -> str:
        """What goes wrong with it."""
        rules = FileDiscovery(path=path)
        source = make_member_source(ReactorOfOneThread(), rules, MemberReader())
        assert source is not None
        failure = self.failureResultOf(source.ask(), SourceError, BadMembersError)
        return str(failure.value)

    def test_no_files(self) -> None:
        """A folder, a pipe, nothing, and what is too large."""
        folder = self.mktemp()
        os.makedirs(folder)
        pipe, large = os.path.join(folder, "pipe"), os.path.join(folder, "large")
        os.mkfifo(pipe)
        with open(large, "wb") as file:
            file.truncate(MAX_BODY + 1)
        self.assertIn("not a regular file", self.told(pipe))
        self.assertIn("directory", self.told(folder))
        self.assertIn("No such file", self.told(os.path.join(folder, "none")))
        self.assertIn("too large", self.told(large))


class DnsTests(TestCase):
    """A name whose resolver says nothing of sense."""

    async def test_nonsense(self) -> None:
        """It is no answer, and not an error of ours."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            resolver = f"127.0.0.1:{deaf.getsockname()[1]}"
            rules = DnsDiscovery(
                name="h.example", record="A", resolver=resolver, timeout=1.5
            )
            source = make_member_source(reactor, rules, MemberReader())
            assert source is not None
            asking = source.ask()
            deaf.settimeout(20)
            data, client = deaf.recvfrom(512)
            for reply in (b"", b"\0" * 11, data[:2] + b"\xff" * 500, data):
                deaf.sendto(reply, client)
            with self.assertRaises(SourceError):
                await asking
