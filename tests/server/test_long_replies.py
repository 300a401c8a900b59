"""Replies of many messages over one stream."""

from collections.abc import Iterator

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.engine import Learner
from dinamed.server.stream import StreamFactory, StreamProtocol
from dinamed.wire.many import FirstOfMany
from tests.server.support import frame
from tests.server.test_stream import Transport


class Teller:
    """Answers a number with that many messages; they are made when asked for."""

    def __init__(self) -> None:
        self.made = 0

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """A long reply, but for `x`."""
        return data if data == b"x" else FirstOfMany.of(self.messages(int(data)))

    def test(self) -> None:
        """It is always able to."""

    def messages(self, count: int) -> Iterator[bytes]:
        """So many; the hundredth cannot be made."""
        for number in range(count):
            self.made += 1
            if number == 100:
                raise ValueError("no hundredth")
            yield b"%d" % number


class LongReplyTests(SynchronousTestCase):
    """Messages go as the transport takes them."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.teller = Teller()
        self.factory = StreamFactory(self.teller, self.clock)
        self.protocol: StreamProtocol = self.factory.buildProtocol(None)
        self.transport = Transport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4000))
        self.protocol.makeConnection(self.transport)

    def expected(self, count: int) -> bytes:
        """What the teller says, in frames."""
        return b"".join(frame(b"%d" % number) for number in range(count))

    def turn(self, times: int) -> None:
        """Let the reactor turn."""
        for _ in range(times):
            self.clock.advance(0)

    def test_at_once(self) -> None:
        """A reader that keeps up gets all, then what it asked next."""
        self.protocol.dataReceived(frame(b"5") + frame(b"x"))
        self.turn(9)
        self.assertEqual(self.transport.value(), self.expected(5) + frame(b"x"))

    def test_in_turns(self) -> None:
        """After each message others get their turn; a lost connection has none."""
        self.protocol.dataReceived(frame(b"5"))
        self.assertEqual(self.teller.made, 1)
        (turn,) = (call for call in self.clock.getDelayedCalls() if not call.getTime())
        self.protocol.connectionLost(None)
        self.assertFalse(turn.active())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_back_pressure(self) -> None:
        """Nothing is made while the transport has enough; other questions wait."""
        write = self.transport.write

        def full(data: bytes) -> None:
            write(data)
            self.protocol.pauseProducing()

        self.transport.write = full  # type: ignore[method-assign]
        self.protocol.dataReceived(frame(b"5") + frame(b"x"))
        for count in range(1, 5):
            self.assertEqual(self.transport.value(), self.expected(count))
            self.protocol.resumeProducing()
            self.turn(2)
        self.assertEqual(self.teller.made, 5)
        self.protocol.resumeProducing()
        self.turn(2)
        self.assertEqual(self.transport.value(), self.expected(5) + frame(b"x"))

    def test_slow_reader(self) -> None:
        """Who takes nothing for the time limit is cut off."""
        self.transport.write = (  # type: ignore[method-assign]
            lambda data: self.protocol.pauseProducing()
        )
        self.protocol.dataReceived(frame(b"50"))
        self.clock.advance(29)
        self.protocol.resumeProducing()
        self.turn(1)
        self.clock.advance(29)
        self.assertFalse(self.transport.aborted)
        self.clock.advance(2)
        self.assertTrue(self.transport.aborted)

    def test_half_closed(self) -> None:
        """Who only listens gets the rest before the end."""
        write = self.transport.write

        def full(data: bytes) -> None:
            write(data)
            self.protocol.pauseProducing()

        self.transport.write = full  # type: ignore[method-assign]
        self.protocol.dataReceived(frame(b"2"))
        self.protocol.readConnectionLost()
        self.assertFalse(self.transport.disconnecting)
        for _ in range(2):
            self.protocol.resumeProducing()
            self.turn(1)
        self.assertEqual(self.transport.value(), self.expected(2))
        self.assertTrue(self.transport.disconnecting)

    def test_broken(self) -> None:
        """What cannot be made ends the connection, with one report."""
        self.protocol.dataReceived(frame(b"200"))
        self.turn(101)
        self.assertTrue(self.transport.aborted)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
