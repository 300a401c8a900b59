"""Tests for the services: listening, and reloading."""

import signal
import socket
from collections.abc import Callable
from typing import Any

import dns.message
from twisted.internet.defer import Deferred, fail
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.early_signals import expect_signals
from dinamed.plans.context import unpacked
from dinamed.pools.states import Order
from dinamed.problems import Problem
from dinamed.server import services
from dinamed.server.config_loader import CompileError, ConfigError, Configuration
from dinamed.server.services import ListenService, ReloadOutcome, ReloadService
from dinamed.server.sockets import ListenAddress, bind
from dinamed.server.stack import stack_of
from dinamed.server.udp import DatagramPort, WildcardPort
from tests.server.support import (
    CONFIG,
    QUESTION,
    ZONE,
    Clock,
    authority_of,
    captured,
    frame,
    load_config,
)


class ListenTests(TestCase):
    """Sockets in, answers out."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.authority = authority_of(load_config(self.mktemp()))

    def serve(self, *hosts: str) -> tuple[ListenService, list[ListenAddress]]:
        """Serve on free ports of these hosts."""
        sockets = bind(
            ListenAddress(host, 0, socket.AF_INET6 if ":" in host else socket.AF_INET)
            for host in hosts
        )
        stack = stack_of(self.authority.engine)
        service = ListenService(self.reactor, stack, sockets)
        service.startService()
        for listening in sockets:
            self.assertEqual(listening.udp.fileno(), -1)
        return service, [listening.address for listening in sockets]

    async def test_udp_and_tcp(self) -> None:
        """Both are answered on every address, until the service stops."""
        service, addresses = self.serve("127.0.0.1", "::1", "0.0.0.0")
        kinds = [type(port) for port in service._ports[::2]]
        self.assertEqual(kinds, [DatagramPort, DatagramPort, WildcardPort])
        for address in addresses:
            where = (address.host.replace("0.0.0.0", "127.0.0.1"), address.port)
            for ask in (ask_udp, ask_tcp):
                reply = await deferToThread(ask, where, address.family)
                answer = dns.message.from_wire(reply).answer[0]
                self.assertEqual(answer[0].to_text(), "192.0.2.80")
        await service.stopService()
        self.assertEqual(service.streams.open_connections, 0)
        for address in addresses:
            (again,) = bind([address])
            again.close()

    async def test_stop_waits_for_streams(self) -> None:
        """Open connections are closed with the service."""
        service, (address,) = self.serve("127.0.0.1")
        client = socket.create_connection((address.host, address.port), 5)
        self.addCleanup(client.close)
        client.sendall(frame(QUESTION))
        await deferToThread(client.recv, 2)
        self.assertEqual(service.streams.open_connections, 1)
        await service.stopService()
        self.assertEqual(service.streams.open_connections, 0)


def ask_udp(where: tuple[str, int], family: int) -> bytes:
    """One query over UDP, in a thread."""
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(QUESTION, where)
        return client.recv(4096)


def ask_tcp(where: tuple[str, int], family: int) -> bytes:
    """One query over TCP, in a thread."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(where)
        client.sendall(frame(QUESTION))
        with client.makefile("rb") as stream:
            return stream.read(int.from_bytes(stream.read(2), "big"))


class InlinePool:
    """A thread pool without threads."""

    def callInThreadWithCallback(
        self,
        told: Callable[[bool, object], None],
        work: Callable[..., object],
        *arguments: object,
        **named: object,
    ) -> None:
        """Do the work now."""
        try:
            result = work(*arguments, **named)
        except Exception:
            told(False, Failure())
        else:
            told(True, result)


class InlineReactor(MemoryReactorClock):
    """A reactor whose threads are none."""

    def getThreadPool(self) -> InlinePool:
        """A pool that works at once."""
        return InlinePool()

    def callFromThread(self, work: Callable[..., object], *arguments: object) -> None:
        """Called from here, so now."""
        work(*arguments)


class ReloadTests(SynchronousTestCase):
    """Reading again."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        self.authority = authority_of(load_config(self.folder))
        self.reactor = InlineReactor()
        self.service = ReloadService(self.reactor, self.authority)
        self.loads: list[Deferred[Configuration]] = []
        self.patch(services, "load_aside", self.load)
        self.events = captured(self)

    def load(
        self, reactor: object, path: str, now: Configuration
    ) -> Deferred[Configuration]:
        """A load that the test ends."""
        self.assertIs(now, self.authority.loaded)
        self.assertEqual(path, now.settings.path)
        self.loads.append(Deferred())
        return self.loads[-1]

    def lines(self, level: LogLevel = LogLevel.info) -> list[str]:
        """What was logged at this level."""
        return [line(event) for event in self.events if event["log_level"] == level]

    def test_applied(self) -> None:
        """What was read is served, and the log says so."""
        done = self.service.reload()
        self.assertNoResult(done)
        zone = ZONE + "more IN A 192.0.2.9\n"
        loaded = load_config(self.folder, zone=zone)
        self.loads[0].callback(loaded)
        self.assertEqual(self.successResultOf(done), ReloadOutcome(True))
        self.assertIs(self.authority.loaded, loaded)
        (zone_now,) = self.authority.engine.snapshot.zones.values()
        self.assertEqual(zone_now.records, 5)
        self.assertEqual(
            self.lines(),
            ["reloaded: 1 zone with 5 records, 1 pool with 2 members"],
        )

    def test_one_at_a_time(self) -> None:
        """Requests meanwhile are one more reload, whose outcome they are told."""
        first = self.service.reload()
        others = [self.service.reload() for _ in range(3)]
        self.assertEqual(len(self.loads), 1)
        self.loads[0].errback(ConfigError((Problem("f", 1, "k", "bad"),)))
        outcome = self.successResultOf(first)
        self.assertEqual(outcome, ReloadOutcome(False, ("f:1: k: bad",)))
        self.assertEqual(len(self.loads), 2)
        for other in others:
            self.assertNoResult(other)
        self.loads[1].callback(load_config(self.folder))
        for other in others:
            self.assertEqual(self.successResultOf(other), ReloadOutcome(True))
        self.assertEqual(len(self.loads), 2)
        self.service.reload()
        self.assertEqual(len(self.loads), 3)

    def test_refused(self) -> None:
        """All problems are logged, a line each, and nothing changes."""
        before = (self.authority.loaded, self.authority.engine.snapshot)
        done = self.service.reload()
        problems = (Problem("f", 1, "a", "bad"), Problem("f", None, "b", "worse"))
        self.loads[0].errback(ConfigError(problems))
        self.assertFalse(self.successResultOf(done).applied)
        self.assertEqual(
            self.lines(LogLevel.error),
            [
                "f:1: a: bad",
                "f: b: worse",
                "reload refused for 2 problems, nothing has changed",
            ],
        )
        after = (self.authority.loaded, self.authority.engine.snapshot)
        self.assertEqual(before, after)

    def test_without_a_child(self) -> None:
        """When no child can be had or it fails, the work is done in a thread."""
        for error in (CompileError("x"), OSError(11, "no more processes")):
            self.patch(services, "load_aside", lambda *a, error=error: fail(error))
            done = self.service.reload()
            self.assertTrue(self.successResultOf(done).applied)

        def refuse(*arguments: object) -> None:
            raise OSError(11, "no more processes")

        self.patch(services, "load_aside", refuse)
        self.assertTrue(self.successResultOf(self.service.reload()).applied)
        self.assertEqual(len(self.lines()), 6)
        self.assertIn("no more processes", self.lines()[2])

    def test_without_a_child_and_bad(self) -> None:
        """The thread's problems are told like the child's."""
        self.patch(services, "load_aside", lambda *a: fail(CompileError("x")))
        with open(self.authority.loaded.settings.path, "a") as stream:
            stream.write("[what]\n")
        outcome = self.successResultOf(self.service.reload())
        self.assertFalse(outcome.applied)
        self.assertIn("what", outcome.problems[0])

    def test_fault(self) -> None:
        """A fault of ours is logged, and does not keep later reloads from running."""

        def broken(*arguments: object) -> None:
            raise ZeroDivisionError("our fault")

        apply = self.patch(self.authority, "apply", broken)
        done = self.service.reload()
        self.loads[0].callback(load_config(self.folder))
        outcome = self.successResultOf(done)
        self.assertEqual(outcome, ReloadOutcome(False, ("our fault",)))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        apply.restore()
        done = self.service.reload()
        self.loads[1].callback(load_config(self.folder))
        self.assertTrue(self.successResultOf(done).applied)

    def test_listen(self) -> None:
        """Addresses are bound once; a change of them is only told."""
        done = self.service.reload()
        config = CONFIG.replace("[server]", '[server]\nlisten = ["127.0.0.9"]')
        self.loads[0].callback(load_config(self.folder, config))
        self.assertTrue(self.successResultOf(done).applied)
        (warning,) = self.lines(LogLevel.warn)
        self.assertIn("next start", warning)

    def test_signal(self) -> None:
        """SIGHUP reloads while the service runs, and is given back after."""
        previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, previous)
        self.service.startService()
        signal.raise_signal(signal.SIGHUP)
        self.assertEqual(len(self.loads), 1)
        self.service.stopService()
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)

    def test_early_signal(self) -> None:
        """A SIGHUP that has come before the service is not forgotten."""
        previous = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGHUP, previous)
        expect_signals()
        signal.raise_signal(signal.SIGHUP)
        self.service.startService()
        self.reactor.advance(0)
        self.assertEqual(len(self.loads), 1)
        self.service.stopService()

    def test_foreign_handler(self) -> None:
        """A handler that Python does not know of gives way to the default."""
        previous = signal.getsignal(signal.SIGHUP)
        self.addCleanup(signal.signal, signal.SIGHUP, previous)
        self.service.startService()
        self.service._previous = None
        self.service.stopService()
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_DFL)


def line(event: LogEvent) -> str:
    """A log event as its reader sees it."""
    return str(event["log_format"]).format(**event)


class AuthorityTests(SynchronousTestCase):
    """What is served, and what the log tells of it."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.authority = authority_of(load_config(self.mktemp()), self.clock)
        self.events = captured(self)

    def lines(self) -> list[str]:
        """What was logged since the last look."""
        found = [line(event) for event in self.events]
        self.events.clear()
        return found

    def test_summary(self) -> None:
        """Zones, records, pools, members."""
        self.assertEqual(
            self.authority.summary(),
            "1 zone with 4 records, 1 pool with 2 members",
        )

    def test_identity(self) -> None:
        """That of the config, else the host's name."""
        self.assertEqual(self.authority.engine.snapshot.identity, "ns-test")
        self.patch(socket, "gethostname", lambda: "host.test")
        config = CONFIG.replace('identity = "ns-test"\n', "")
        authority = authority_of(load_config(self.mktemp(), config))
        self.assertEqual(authority.engine.snapshot.identity, "host.test")

    def test_changes_of_state(self) -> None:
        """Each is a line, and serves at once; what changes nothing is none."""
        manager = self.authority.manager
        manager.health("mirrors", "a", True, now=0)
        self.assertEqual(self.lines(), [])
        manager.health("mirrors", "a", False, "timeout", now=0)
        told, family = self.lines()
        self.assertIn("mirrors/a", told)
        self.assertIn("down", told)
        self.assertIn("timeout", told)
        lacking = 'pool mirrors has no usable IPv6 address: when_down = "all"'
        self.assertEqual(family, lacking)
        self.assertIs(self.authority.engine.snapshot.pools, manager.views)
        manager.health("mirrors", "b", False, now=0)
        told_b, down = self.lines()
        self.assertIn("mirrors/b", told_b)
        self.assertEqual(down, 'pool mirrors has no usable member: when_down = "all"')
        manager.health("mirrors", "b", True, now=0)
        self.assertEqual(self.lines()[1], "pool mirrors has usable members again")

    def test_changes_of_addresses(self) -> None:
        """An address that goes out or comes back is a line, and so is its family."""
        manager = self.authority.manager
        address = next(iter(manager.view("mirrors").members[0].v6))
        dead = [(unpacked(address), "refused")]
        manager.health("mirrors", "a", True, "refused", dead, now=0)
        told, family = self.lines()
        self.assertEqual(told, f"mirrors/a: {unpacked(address)} is out, refused")
        self.assertIn("no usable IPv6 address", family)
        manager.health("mirrors", "a", True, now=0)
        told, family = self.lines()
        self.assertEqual(told, f"mirrors/a: {unpacked(address)} is back")
        self.assertEqual(family, "pool mirrors has usable IPv6 addresses again")

    def test_orders_expire(self) -> None:
        """An order is over at its time, and the log says so."""
        now = self.clock()
        manager = self.authority.manager
        manager.order("mirrors", "a", Order.DRAIN, until=now + 10, now=now)
        self.assertEqual(len(self.lines()), 2)
        self.authority.expire_orders()
        self.assertEqual(self.lines(), [])
        self.clock.now += 10
        self.authority.expire_orders()
        told, family = self.lines()
        self.assertIn("IPv6 addresses again", family)
        self.assertIn("mirrors/a", told)
        self.assertIn("up", told)
