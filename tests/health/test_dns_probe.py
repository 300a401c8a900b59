"""The `dns` check against peers on real sockets."""

import random
import struct
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import DatagramProtocol, Protocol
from twisted.trial.unittest import TestCase

from dinamed.config.checks import DnsCheck
from dinamed.health.dns_probe import MAX_STRANGERS, DnsProbe
from dinamed.health.results import PASSED, ProbeTarget, Result
from tests.daemon.harness import free_port
from tests.health.support import LOCAL, Peer, Script, half_reactor, real

ADDRESS = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"  # 192.0.2.1


def answer(query: bytes, flags: int = 0x8400, records: bytes = ADDRESS) -> bytes:
    """An answer to a query without EDNS."""
    head = struct.pack("!5H", flags, 1, bool(records), 0, 0)
    return query[:2] + head + query[12:] + records


class Server(DatagramProtocol):
    """A server on UDP that `says` its answers; `asked` fires with the first query."""

    def __init__(self) -> None:
        self.asked: Deferred[bytes] = Deferred()
        self.asker: Any = None

    def datagramReceived(self, data: bytes, addr: Any) -> None:
        """Note the query."""
        self.asker = addr
        if not self.asked.called:
            self.asked.callback(data)

    def say(self, data: bytes) -> None:
        """Send to the asker."""
        cast(Any, self.transport).write(data, self.asker)


class OverTcp(Script):
    """Answers over TCP what `make` makes of the query."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self._make = make

    def said(self, peer: Peer, data: bytes) -> None:
        """Answer."""
        answer = self._make(data[2:])
        cast(Protocol, peer).transport.write(  # type: ignore[union-attr]
            len(answer).to_bytes(2, "big") + answer
        )


class DnsTests(TestCase):
    """Each with one server."""

    timeout = 20

    def setUp(self) -> None:
        """Run a server."""
        self.server = Server()
        self.port = free_port(["127.0.0.1"])
        port = real.listenUDP(self.port, self.server, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.reactor, self.clock = half_reactor()

    def probe(
        self, target: ProbeTarget = LOCAL, name: str = "{name}.example.org"
    ) -> Any:
        """Probe for 192.0.2.1."""
        check = DnsCheck(name=name, port=self.port, answers=("192.0.2.1",))
        rng = random.Random(1)
        return DnsProbe(self.reactor, check, rng).probe(target)

    def serve_tcp(self, script: Script) -> None:
        """Serve over TCP too."""
        port = real.listenTCP(self.port, script, interface="127.0.0.1")
        self.addCleanup(port.stopListening)

    async def test_passes(self) -> None:
        """The right answer passes, and nothing is left."""
        waiting = self.probe()
        query = await self.server.asked
        self.assertIn(b"\4fra1\7example\3org\0", query)
        self.server.say(answer(query))
        self.assertEqual(await waiting, PASSED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_wrong_id(self) -> None:
        """Answers with another id are passed over."""
        waiting = self.probe()
        query = await self.server.asked
        wrong = bytes((query[0] ^ 1, query[1])) + query[2:]
        self.server.say(answer(wrong))
        self.server.say(answer(query))
        self.assertEqual(await waiting, PASSED)

    async def test_only_wrong_ids(self) -> None:
        """If nothing else comes the check fails, and says why."""
        waiting = self.probe()
        query = await self.server.asked
        wrong = bytes((query[0] ^ 1, query[1])) + query[2:]
        for _ in range(MAX_STRANGERS):
            self.server.say(answer(wrong))
        reason = f"{MAX_STRANGERS} answers with another id or question"
        self.assertEqual(await waiting, Result(False, reason))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_silent(self) -> None:
        """A server that never answers is given up at the limit."""
        waiting = self.probe()
        await self.server.asked
        self.clock.advance(5)
        self.assertEqual(await waiting, Result(False, "no answer in 5 s"))

    async def test_unreachable(self) -> None:
        """A closed port is told at once."""
        self.port = await self.closed_port()
        self.assertEqual(await self.probe(), Result(False, "port unreachable"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def closed_port(self) -> int:
        """A port that nobody listens on."""
        port = real.listenUDP(0, DatagramProtocol(), interface="127.0.0.1")
        number: int = port.getHost().port
        await port.stopListening()
        return number

    async def test_rcode(self) -> None:
        """An error fails with its name."""
        waiting = self.probe()
        self.server.say(answer(await self.server.asked, 0x8005, b""))
        self.assertEqual(await waiting, Result(False, "rcode REFUSED"))

    async def test_over_tcp(self) -> None:
        """A cut answer is asked for again over TCP."""
        script = OverTcp(answer)
        self.serve_tcp(script)
        waiting = self.probe()
        self.server.say(answer(await self.server.asked, 0x8600, b""))
        self.assertEqual(await waiting, PASSED)
        await script.lost
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_bad_over_tcp(self) -> None:
        """What is wrong over TCP fails."""
        script = OverTcp(lambda query: answer(b"??" + query[2:]))
        self.serve_tcp(script)
        waiting = self.probe()
        self.server.say(answer(await self.server.asked, 0x8600, b""))
        reason = "an answer with another id or question over TCP"
        self.assertEqual(await waiting, Result(False, reason))
        await script.lost

    async def test_silent_over_tcp(self) -> None:
        """One limit holds over both."""
        script = Script()
        self.serve_tcp(script)
        waiting = self.probe()
        query = await self.server.asked
        self.clock.advance(3)
        self.server.say(answer(query, 0x8600, b""))
        await script.met
        self.clock.advance(2)
        self.assertFalse((await waiting).ok)
        await script.lost
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_cancel(self) -> None:
        """To cancel frees socket, stream and timers."""
        script = Script()
        self.serve_tcp(script)
        waiting = self.probe()
        self.server.say(answer(await self.server.asked, 0x8600, b""))
        await script.met
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        await script.lost
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_v6(self) -> None:
        """IPv6 addresses are as good."""
        server = Server()
        port = real.listenUDP(0, server, interface="::1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        waiting = self.probe(ProbeTarget("::1", "x"))
        server.say(answer(await server.asked))
        self.assertEqual(await waiting, PASSED)

    def test_bad_name(self) -> None:
        """A name that is none, by the member's name, fails the check."""
        result = self.successResultOf(self.probe(ProbeTarget("127.0.0.1", "a..b")))
        self.assertEqual(result, Result(False, "not a domain name: empty label"))
