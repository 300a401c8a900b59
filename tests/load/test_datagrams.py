"""Tests of L{dinamed.load.datagrams}, with real sockets."""

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.load.datagrams import MAX_BATCH, Datagrams
from dinamed.load.lbcd import OpenLink
from dinamed.load.poller import FeedError

ANY_REACTOR: Any = reactor
OPEN: OpenLink = Datagrams


class DatagramsTests(TestCase):
    """One socket and its peer."""

    timeout = 20.0

    def setUp(self) -> None:
        """Make the peer and connect to it."""
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.peer.close)
        self.peer.bind(("127.0.0.1", 0))
        self.peer.settimeout(10.0)
        self.came: Deferred[bytes] = Deferred()
        self.broke: Deferred[FeedError] = Deferred()
        address, port = self.peer.getsockname()
        self.link = Datagrams(
            ANY_REACTOR, address, port, self.came.callback, self.broke.callback
        )
        self.addCleanup(self.link.close)

    async def test_there_and_back(self) -> None:
        """What is sent arrives, and so does the answer."""
        self.link.send(b"question")
        data, source = self.peer.recvfrom(100)
        self.assertEqual(data, b"question")
        self.peer.sendto(b"answer", source)
        self.assertEqual(await self.came, b"answer")

    async def test_strangers(self) -> None:
        """What comes from elsewhere does not arrive."""
        self.link.send(b"question")
        _, source = self.peer.recvfrom(100)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"spoofed", source)
        self.peer.sendto(b"answer", source)
        self.assertEqual(await self.came, b"answer")

    async def test_refused(self) -> None:
        """A peer that is not there is told in words."""
        self.peer.close()
        self.link.send(b"question")
        self.assertEqual(str(await self.broke), "port unreachable")

    def test_closed(self) -> None:
        """After closing nothing is sent, and nothing breaks."""
        self.link.close()
        self.link.close()
        self.link.send(b"question")
        self.link.doRead()
        self.assertEqual(self.link.fileno(), -1)
        self.assertNoResult(self.came)
        self.assertNoResult(self.broke)


class BatchTests(SynchronousTestCase):
    """Reading is bounded."""

    def test_batch(self) -> None:
        """A flood does not keep the reactor from other things."""
        came: list[bytes] = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(10.0)
            address, port = peer.getsockname()
            link = Datagrams(ANY_REACTOR, address, port, came.append, self.fail)
            self.addCleanup(link.close)
            link.send(b"?")
            _, source = peer.recvfrom(10)
            for _ in range(3 * MAX_BATCH):
                peer.sendto(b"!", source)
            link.doRead()
        self.assertEqual(len(came), MAX_BATCH)

    def test_no_way(self) -> None:
        """An address that can't be is an OSError."""
        self.assertRaises(OSError, OPEN, ANY_REACTOR, "300.0.0.1", 1, print, self.fail)
