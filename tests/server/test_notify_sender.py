"""NOTIFY on a clock: again until it is answered, by the one that was told."""

from random import Random
from typing import Any

import dns.flags
import dns.message
import dns.opcode
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.transfers import Peer
from dinamed.server.notify_sender import NotifySender
from dinamed.transfers.tsig import Signer, find_signature
from tests.server.support import captured
from tests.transfers.support import KEY, KEYS, NOW, view_of

PLAIN = Peer(address="192.0.2.1")
KEYED = Peer(address="192.0.2.2:5300", key="ours")


class Port:
    """Takes down what is sent."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.open = True

    def write(self, data: bytes, address: tuple[str, int]) -> None:
        """Take it down."""
        self.sent.append((data, address))

    def stopListening(self) -> None:
        """Close."""
        self.open = False


class Reactor(Clock):
    """A clock with such ports."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[Port] = []

    def listenUDP(self, port: int, protocol: Any, interface: str) -> Port:  # noqa: N802
        """One more."""
        self.ports.append(Port(protocol))
        return self.ports[-1]


class NotifierTests(SynchronousTestCase):
    """Telling."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.events = captured(self)
        self.notifier = NotifySender(
            self.reactor, lambda: NOW, Random(3), lambda host: "192.0.2.53"
        )
        self.soa = view_of({}, 10).soa

    @property
    def sent(self) -> list[tuple[bytes, tuple[str, int]]]:
        """All datagrams so far."""
        return [one for port in self.reactor.ports for one in port.sent]

    def answer(self, peer: Peer, sign: bool, rcode: int = 0) -> None:
        """The server answers the last datagram."""
        data, _ = self.sent[-1]
        reply = bytearray(data[:12] + data[12 : 12 + 17])
        reply[2] |= 0x80
        reply[3] = rcode
        reply[6:12] = bytes(6)
        made = bytes(reply)
        if sign:
            signature = find_signature(data)
            assert signature is not None
            made = Signer(KEY, signature.data.mac).sign(made, NOW)
        port = self.reactor.ports[-1]
        port.protocol.datagramReceived(made, (peer.host, peer.port))

    def test_message(self) -> None:
        """It is a NOTIFY with the SOA, from one socket for all."""
        self.notifier.tell(self.soa, (PLAIN, KEYED), KEYS)
        self.assertEqual(
            [address for _, address in self.sent],
            [("192.0.2.1", 53), ("192.0.2.2", 5300)],
        )
        message = dns.message.from_wire(self.sent[0][0])
        self.assertEqual(message.opcode(), dns.opcode.NOTIFY)
        self.assertTrue(message.flags & dns.flags.AA)
        self.assertEqual(message.answer[0][0].serial, 10)
        self.assertIsNotNone(find_signature(self.sent[1][0]))
        self.assertEqual(len(self.reactor.ports), 1)

    def test_again(self) -> None:
        """Without an answer six times, each wait twice as long; then it is told."""
        self.notifier.tell(self.soa, (PLAIN,), KEYS)
        for number, wait in enumerate((2, 4, 8, 16, 32, 64), 1):
            self.assertEqual(len(self.sent), number)
            self.reactor.advance(wait)
        self.assertEqual(len(self.sent), 6)
        self.assertIn("no answer", [event.get("why") for event in self.events])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_answered(self) -> None:
        """An answer ends it; it must be signed where that was agreed."""
        for peer, sign in ((PLAIN, False), (KEYED, True)):
            self.notifier.tell(self.soa, (peer,), KEYS)
            self.answer(peer, sign)
            self.assertEqual(self.reactor.getDelayedCalls(), [], peer)
        self.notifier.tell(self.soa, (KEYED,), KEYS)
        self.answer(KEYED, False)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)

    def test_refused(self) -> None:
        """A refusal is told, and not asked for again."""
        self.notifier.tell(self.soa, (PLAIN,), KEYS)
        self.answer(PLAIN, False, 5)
        self.assertIn("REFUSED", [event.get("why") for event in self.events])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_rubbish(self) -> None:
        """What is no answer is passed over."""
        self.notifier.tell(self.soa, (KEYED,), KEYS)
        data, address = self.sent[-1]
        heard = self.reactor.ports[0].protocol.datagramReceived
        for made in (b"", data, data[:5], bytes(12), data[:2] + b"\xa0\0" + bytes(8)):
            heard(made, address)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)

    def test_newer(self) -> None:
        """News take the place of what was not heard yet; the end ends all."""
        self.notifier.tell(self.soa, (PLAIN,), KEYS)
        self.notifier.tell(view_of({}, 11).soa, (PLAIN,), KEYS)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        self.notifier.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertFalse(self.reactor.ports[0].open)
