"""The `tcp` check against real and hostile peers."""

import socket
from typing import cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.trial.unittest import TestCase

from dinamed.config.checks import TcpCheck
from dinamed.health.results import PASSED, ProbeTarget, Result
from dinamed.health.tcp import MAX_BANNER, TcpProbe
from tests.health.support import LOCAL, Answer, Flood, Script, half_reactor, real


class TcpTests(TestCase):
    """Each with one connection to a scripted server."""

    timeout = 20

    def serve(self, script: Script, interface: str = "127.0.0.1") -> int:
        """Run a server; its port."""
        listening: IListeningPort = real.listenTCP(0, script, interface=interface)
        self.addCleanup(listening.stopListening)
        return cast(int, listening.getHost().port)  # type: ignore[attr-defined]

    def probe(self, check: TcpCheck, target: ProbeTarget = LOCAL) -> Deferred[Result]:
        """Probe; time goes by `self.clock`."""
        reactor, self.clock = half_reactor()
        return TcpProbe(reactor, check).probe(target)

    async def test_connect(self) -> None:
        """To be connected is enough, and the connection goes away at once."""
        script = Script()
        result = await self.probe(TcpCheck(port=self.serve(script)))
        await script.lost
        self.assertEqual(result, PASSED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_v6(self) -> None:
        """IPv6 addresses are as good."""
        script = Script()
        port = self.serve(script, "::1")
        result = await self.probe(TcpCheck(port=port), ProbeTarget("::1", "x"))
        await script.lost
        self.assertEqual(result, PASSED)

    async def test_refused(self) -> None:
        """A closed port is told as such."""
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        result = await self.probe(TcpCheck(port=port))
        self.assertEqual(result, Result(False, "connection refused"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_no_route(self) -> None:
        """What the system refuses to connect to fails with its words."""
        result = await self.probe(TcpCheck(port=1), ProbeTarget("255.255.255.255", "x"))
        self.assertFalse(result.ok)
        self.assertNotEqual(result.reason, "")

    async def test_never_connected(self) -> None:
        """A peer that never takes the connection costs the time limit, no more."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            clients = [socket.socket() for _ in range(4)]
            for client in clients:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
            waiting = self.probe(TcpCheck(port=port))
            self.clock.advance(5)
            result = self.successResultOf(waiting)
            for client in clients:
                client.close()
        self.assertEqual(result, Result(False, "no answer in 5 s (connecting)"))

    async def test_expect(self) -> None:
        """Words are sent with what is filled in, and the answer is searched."""
        script = Answer(b"220 ready\r\n")
        port = self.serve(script)
        check = TcpCheck(port=port, send="hello {name} at {address}", expect="^2.0 ")
        self.assertEqual(await self.probe(check), PASSED)
        self.assertEqual(await script.lost, b"hello fra1 at 127.0.0.1")

    async def test_unexpected(self) -> None:
        """Another answer than expected is told, made harmless."""
        script = Answer(b"\x1b[1m500 \xff\r\n", close=True)
        check = TcpCheck(port=self.serve(script), send="x", expect="^220")
        result = await self.probe(check)
        self.assertEqual(result.reason, "not what is expected: ?[1m500 ?")

    async def test_closes_early(self) -> None:
        """A peer that closes without a word ends the check at once."""
        script = Answer(b"", close=True)
        check = TcpCheck(port=self.serve(script), send="x", expect="220")
        self.assertEqual(await self.probe(check), Result(False, "closed early"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_silent(self) -> None:
        """A peer that never answers is given up at the limit, and reset."""
        script = Script()
        waiting = self.probe(TcpCheck(port=self.serve(script), send="x", expect="y"))
        await script.met
        self.clock.advance(5)
        self.assertEqual(await waiting, Result(False, "no answer in 5 s"))
        await script.lost

    async def test_drips(self) -> None:
        """A peer that drips is given up at the limit, for every drop the same one."""
        script = Script()
        check = TcpCheck(port=self.serve(script), expect="never")
        waiting = self.probe(check)
        peer = await script.met
        for _ in range(4):
            self.clock.advance(1)
            peer.transport.write(b"n")  # type: ignore[union-attr]
            self.assertNoResult(waiting)
        self.clock.advance(1)
        result = await waiting
        self.assertFalse(result.ok)
        await script.lost

    async def test_flood(self) -> None:
        """A peer that sends without end is cut off."""
        script = Flood()
        check = TcpCheck(port=self.serve(script), send="x", expect="y")
        result = await self.probe(check)
        self.assertTrue(result.reason.startswith("not what is expected: xxx"))
        await script.lost
        self.assertLess(len(result.reason), MAX_BANNER)

    async def test_cancel(self) -> None:
        """To cancel frees the connection and the timer."""
        script = Script()
        waiting = self.probe(TcpCheck(port=self.serve(script), send="x", expect="y"))
        await script.met
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        await script.lost
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancel_connecting(self) -> None:
        """So it does while the connection is being made."""
        waiting = self.probe(TcpCheck(port=1))
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
