"""Tests for the questions that a server asks itself."""

import socket
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.plane.service import DataPlane
from dinamed.plans.context import packed
from dinamed.plans.plan import Plan
from dinamed.server.liveness import STEP, TRIES, Liveness, LivenessProbe, LivenessQuery
from dinamed.server.services import ListenService
from dinamed.server.sockets import ListenAddress, bind
from dinamed.server.stack import stack_of
from dinamed.wire.query import Query
from tests.plane.support import need_plane
from tests.server.support import authority_of, load_config


class LivenessTests(SynchronousTestCase):
    """Ways that answer or not, without sockets."""

    def setUp(self) -> None:
        self.liveness = Liveness()

    def test_names(self) -> None:
        """The dead are named, in the order of their registration."""
        self.liveness.register("b", lambda: succeed(False))
        self.liveness.register("a", lambda: succeed(True))
        self.liveness.register("c", lambda: fail(ValueError("no way")))
        self.assertEqual(self.successResultOf(self.liveness.dead()), ["b", "c"])

    def test_raising(self) -> None:
        """A way that can't even be asked is dead."""

        def way() -> Deferred[bool]:
            raise ValueError("no way")

        self.liveness.register("a", way)
        self.assertEqual(self.successResultOf(self.liveness.dead()), ["a"])

    def test_unregister(self) -> None:
        """What is no longer there is not asked."""
        self.liveness.register("a", lambda: succeed(False))()
        self.assertEqual(self.successResultOf(self.liveness.dead()), [])

    def test_together(self) -> None:
        """Whoever asks while others do costs no question more."""
        asked: list[Deferred[bool]] = []

        def way() -> Deferred[bool]:
            asked.append(Deferred())
            return asked[-1]

        self.liveness.register("a", way)
        replies = [self.liveness.dead() for _ in range(3)]
        self.assertEqual(len(asked), 1)
        replies[1].cancel()
        self.failureResultOf(replies[1])
        asked[0].callback(False)
        self.assertEqual(self.successResultOf(replies[0]), ["a"])
        self.assertEqual(self.successResultOf(replies[2]), ["a"])
        self.liveness.dead()
        self.assertEqual(len(asked), 2)


class QuestionTests(SynchronousTestCase):
    """One question on a clock of the test."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.asked = self.ended = self.progress = 0

    def begin(self) -> LivenessQuery:
        """Ask, and count how often."""

        def ask() -> None:
            self.asked += 1

        def end() -> None:
            self.ended += 1

        question = LivenessQuery(self.clock, ask, end, lambda: self.progress)
        question.begin()
        return question

    def test_silence(self) -> None:
        """Without an answer it is repeated, and then that way is dead."""
        question = self.begin()
        self.clock.pump([STEP] * TRIES)
        self.assertIs(self.successResultOf(question.alive), False)
        self.assertEqual((self.asked, self.ended), (TRIES, 1))

    def test_long_turn(self) -> None:
        """One long turn of the reactor is one try, not all of them."""
        question = self.begin()
        self.clock.advance(10 * STEP * TRIES)
        self.assertNoResult(question.alive)
        question.answer(True)
        self.assertIs(self.successResultOf(question.alive), True)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_busy(self) -> None:
        """Who answers others meanwhile is not dead."""
        question = self.begin()
        self.progress = 1
        self.clock.pump([STEP] * TRIES)
        self.assertIs(self.successResultOf(question.alive), True)


class OwnQuestionsTests(TestCase):
    """A server with sockets asks itself."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.authority = authority_of(load_config(self.mktemp()))
        self.stack = stack_of(self.authority.engine)
        self.liveness = Liveness()

    def serve(self, *hosts: str, threads: int) -> None:
        """Serve on free ports of these hosts."""
        addresses = [
            ListenAddress(host, 0, socket.AF_INET6 if ":" in host else socket.AF_INET)
            for host in hosts
        ]
        sockets = bind(addresses, threads or 1)
        plane = None
        if threads:
            need_plane()
            plane = DataPlane(self.reactor, self.authority, self.stack.sampled, threads)
        self.plane = plane
        self.service = ListenService(
            self.reactor, self.stack, sockets, plane, self.liveness
        )
        self.service.startService()
        self.addCleanup(lambda: self.service.running and self.service.stopService())
        self.addresses = [listening.address for listening in sockets]

    async def assert_nothing_counted(self) -> None:
        """All ways live, and no figure shows that somebody asked."""
        self.assertEqual(await self.liveness.dead(), [])
        figures = {
            name: count
            for name, count in self.service.plane_counters().items()
            if count
        }
        streams = self.service.streams
        self.assertEqual(figures, {})
        self.assertEqual(self.authority.engine.questions, 0)
        self.assertEqual(self.stack.samples.seconds.total, 0.0)
        self.assertEqual((streams.refused, streams.displaced), (0, 0))

    async def test_python(self) -> None:
        """UDP by Python and TCP, on every address."""
        self.serve("127.0.0.1", "::1", "0.0.0.0", threads=0)
        await self.assert_nothing_counted()

    async def test_plane(self) -> None:
        """The plane's threads, its way to Python, and TCP."""
        self.serve("127.0.0.1", "::", threads=2)
        await self.assert_nothing_counted()

    async def test_full(self) -> None:
        """A full table of connections is not dead, and nobody has to go for us."""
        self.serve("127.0.0.1", threads=0)
        streams = self.service.streams
        (address,) = self.addresses
        streams.take_limits(type(streams.limits)(tcp_connections=1))
        client = socket.create_connection((address.host, address.port), 5)
        self.addCleanup(client.close)
        while not streams.open_connections:
            await deferToThread(lambda: None)
        self.assertEqual(await self.liveness.dead(), [])
        self.assertEqual((streams.open_connections, streams.displaced), (1, 0))

    async def test_deaf(self) -> None:
        """Ways that stop to answer are named."""
        self.serve("127.0.0.1", threads=1)
        (address,) = self.addresses
        assert self.plane is not None
        self.reactor.removeReader(self.plane._bell)
        self.assertEqual(await self.liveness.dead(), [f"plane to Python {address}"])
        self.reactor.addReader(self.plane._bell)
        self.assertEqual(await self.liveness.dead(), [])
        self.plane.native.stop()
        self.plane._threads[0].join()
        dead = [f"plane {address}", f"plane to Python {address}"]
        self.assertEqual(await self.liveness.dead(), dead)
        stopped, _ = turns = self.plane.native.turns()
        self.patch(self.plane, "_pulses", [(stopped, 0.0), (turns[1], 1e9)])
        self.assertEqual(await self.liveness.dead(), ["plane", *dead])

    async def test_broken_engine(self) -> None:
        """So are those whose engine can't answer."""
        self.serve("127.0.0.1", threads=0)

        def plan(query: Query) -> Plan:
            raise RuntimeError("broken")

        self.patch(self.authority.engine.executor, "plan", plan)
        (address,) = self.addresses
        self.assertIn(f"UDP {address}", await self.liveness.dead())

    async def test_stopped(self) -> None:
        """After the end there is nothing to ask."""
        self.serve("127.0.0.1", threads=2)
        await self.service.stopService()
        self.assertEqual(await self.liveness.dead(), [])

    def test_secret(self) -> None:
        """A message with another secret gets what any response gets: silence."""
        self.serve("127.0.0.1", threads=0)
        other = LivenessProbe(bytes(16))
        self.assertIsNone(self.stack.sampled.respond(other.python, packed("127.0.0.1")))
