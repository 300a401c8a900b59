"""What is our own lack, and what says something of the other side."""

import errno
import os
from unittest.mock import patch

from twisted.internet.error import (
    CannotListenError,
    ConnectBindError,
    getConnectError,
)
from twisted.trial.unittest import SynchronousTestCase

from dinamed import shortage as module
from dinamed.shortage import Shortages, any_ipv4, leads_out, shortage

ROUTE = "{to} {size} {zero} 00 {zero} 00000400 00000003 00000000 {flags} {device}"


def route(to: str, size: str, flags: str, device: str) -> str:
    """A line of `/proc/net/ipv6_route`."""
    return ROUTE.format(
        to=to.ljust(32, "0"), size=size, zero="0" * 32, flags=flags, device=device
    )


class ShortageTests(SynchronousTestCase):
    """Errors by their numbers, as the system and Twisted have them."""

    def test_ours(self) -> None:
        """Files, memory, processes and ports that this host has no more of."""
        for number in (
            errno.EMFILE,
            errno.ENFILE,
            errno.ENOMEM,
            errno.ENOBUFS,
            errno.EAGAIN,
            errno.EADDRNOTAVAIL,
            errno.EAFNOSUPPORT,
        ):
            words = os.strerror(number)
            system = OSError(number, words)
            for error in (
                system,
                getConnectError((number, words)),
                ConnectBindError(number, words),
                CannotListenError("", 0, system),
                number,
            ):
                self.assertEqual(shortage(error, "192.0.2.1"), words, error)
        self.assertEqual(shortage(MemoryError()), os.strerror(errno.ENOMEM))

    def test_theirs(self) -> None:
        """What the other side did, or the way to it."""
        for number in (
            errno.ECONNREFUSED,
            errno.ECONNRESET,
            errno.EHOSTUNREACH,
            errno.ETIMEDOUT,
            errno.EPIPE,
            errno.ENOENT,
            0,
        ):
            self.assertEqual(shortage(OSError(number, ""), "192.0.2.1"), "", number)
        self.assertEqual(shortage(ValueError("x")), "")
        self.assertEqual(shortage(None), "")

    def test_no_route(self) -> None:
        """A network out of reach is our lack only without any route of the family."""
        error = getConnectError((errno.ENETUNREACH, "Network is unreachable"))
        with patch.object(module, "has_route", lambda ipv6: not ipv6):
            self.assertEqual(shortage(error, "2001:db8::1"), "no route for IPv6")
            self.assertEqual(shortage(error, "192.0.2.1"), "")
            self.assertEqual(shortage(error), "")

    def test_ipv6_routes(self) -> None:
        """Neither loopback nor neighbours nor our own addresses are a way out."""
        self.assertTrue(leads_out(route("", "00", "00000003", "eth0")))
        self.assertTrue(leads_out(route("fd00", "40", "00000001", "eth0")))
        for line in (
            route("", "00", "00200200", "lo"),
            route("fe80", "40", "00000001", "eth0"),
            route("ff00", "08", "00000001", "eth0"),
            route("2001", "80", "80200001", "eth0"),
            route("2001", "40", "00000201", "eth0"),
        ):
            self.assertFalse(leads_out(line), line)

    def test_ipv4_routes(self) -> None:
        """The head line is no route, nor is one that rejects."""
        head = "Iface\tDestination\tGateway\tFlags\tRefCnt\n"
        self.assertFalse(any_ipv4([head]))
        self.assertFalse(any_ipv4([head, "lo\t0000007F\t00000000\t0001\t0\n"]))
        self.assertFalse(any_ipv4([head, "eth0\t00000000\t00000000\t0200\t0\n"]))
        self.assertTrue(any_ipv4([head, "eth0\t000200C0\t00000000\t0001\t0\n"]))


class ShortagesTests(SynchronousTestCase):
    """What is counted and what is told."""

    def test_told_once_a_minute(self) -> None:
        """Each kind is news once, and again after a while; all are counted."""
        lacks = Shortages()
        told = [lacks.note("files", at) for at in (0.0, 1.0, 59.0, 60.0, 61.0)]
        self.assertEqual(told, [True, False, False, True, False])
        self.assertTrue(lacks.note("memory", 61.0))
        self.assertEqual(lacks.count, 6)
