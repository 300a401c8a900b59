"""Tests for sockets on their way."""

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from dinamed.plane.service import spread
from dinamed.server.sockets import ListenAddress, bind, bind_http
from dinamed.takeover.sockets import HTTP, TLS, HeldSockets, InheritedSockets

WHERE = ListenAddress("127.0.0.1", 0, socket.AF_INET)


class PassingTests(SynchronousTestCase):
    """From those that are held to those that are inherited."""

    def setUp(self) -> None:
        dns = bind([WHERE], 3)
        http = bind_http("127.0.0.1")
        self.addresses = dns[0].address, http[0][0]
        self.held = HeldSockets(dns, http)
        self.addCleanup(self.held.close)
        self.modes = [os.get_blocking(one) for one in self.held.descriptors]
        for sock in (dns[0], http[0][1]):
            sock.close()
        copies = [os.dup(one) for one in self.held.descriptors]
        self.inherited = InheritedSockets(self.held.offered, copies)
        self.addCleanup(self.inherited.close_rest)

    def test_same(self) -> None:
        """All sockets of an address are taken, once, and as they are."""
        self.assertEqual(self.modes, [False] * 7)
        dns, http = self.addresses
        found = self.inherited.dns(dns)
        assert found is not None
        self.addCleanup(found.close)
        self.assertEqual(found.address, dns)
        self.assertEqual((len(found.others), len(found.tcp_others)), (2, 2))
        for sock in (found.udp, found.tcp, *found.others, *found.tcp_others):
            self.assertEqual(sock.getsockname(), (dns.host, dns.port))
            self.assertFalse(os.get_blocking(sock.fileno()))
        self.assertIsNone(self.inherited.dns(dns))
        self.assertIsNone(self.inherited.stream(TLS, http))
        stream = self.inherited.stream(HTTP, http)
        assert stream is not None
        stream[1].close()
        self.assertEqual(self.inherited.close_rest(), [])

    def test_any_port(self) -> None:
        """Port 0 stands for the port that it was given."""
        found = self.inherited.dns(WHERE)
        assert found is not None
        found.close()
        self.assertEqual(found.address, self.addresses[0])

    def test_not_wanted(self) -> None:
        """What nobody takes is told and closed."""
        self.assertIsNone(
            self.inherited.dns(ListenAddress("127.0.0.2", 0, socket.AF_INET))
        )
        told = [f"127.0.0.1 port {one.port}" for one in self.addresses]
        self.assertEqual(self.inherited.close_rest(), sorted(told))

    def test_bind(self) -> None:
        """Binding takes what is there, and binds the rest."""
        other = ListenAddress("127.0.0.2", 0, socket.AF_INET)
        found = bind([self.addresses[0], other], 1, self.inherited.dns)
        for one in found:
            self.addCleanup(one.close)
        self.assertEqual([len(one.others) for one in found], [2, 0])
        self.assertEqual(found[0].address, self.addresses[0])


class SpreadTests(SynchronousTestCase):
    """Sockets and threads that are not as many."""

    def test_spread(self) -> None:
        """Each socket is read, and each thread has one."""
        for sockets in range(1, 6):
            for threads in range(1, 6):
                pairs = spread(sockets, threads)
                self.assertEqual({one for one, _ in pairs}, set(range(threads)))
                self.assertEqual({at for _, at in pairs}, set(range(sockets)))
                self.assertEqual(len(pairs), max(sockets, threads))
