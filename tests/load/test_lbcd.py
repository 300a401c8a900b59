"""Tests of L{dinamed.load.lbcd}."""

import random
import struct

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from dinamed.config.feeds import LbcdFeed
from dinamed.load.lbcd import FORGET_AFTER, MAX_STRANGE, TRY_V3_AGAIN, LbcdSource
from dinamed.load.poller import FeedError, ProbeTarget
from dinamed.pools.report import Report, make_report, out_report
from tests.load.fakes import FakeLink, FakeNetwork, PollTestCase, load_reactor

LIMIT = 4.0


def answer(request: bytes, *pairs: tuple[int, int]) -> bytes:
    """A good reply to a request of version 3; the default's pair comes first."""
    header = request[:6] + struct.pack("!H", 1)
    body = bytes(27) + bytes([len(pairs) - 1])
    return header + body + b"".join(struct.pack("!II", *pair) for pair in pairs)


def answer_v2(request: bytes, load: int) -> bytes:
    """A good reply to a request of version 2, of a newer lbcd."""
    loads = struct.pack("!HHH", load, load, load)
    return request[:6] + struct.pack("!H", 1) + bytes(12) + loads + bytes(6)


def refusal(request: bytes, status: int) -> bytes:
    """A reply that refuses a request."""
    return b"\0\3" + request[2:6] + struct.pack("!H", status)


class LbcdTests(PollTestCase):
    """One member, asked over a fake link."""

    def setUp(self) -> None:
        """Ask for the default service; there are 4 seconds to answer."""
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.network = FakeNetwork()
        self.use(LbcdFeed(timeout=LIMIT))

    def use(self, feed: LbcdFeed) -> None:
        """Take a feed, and a poller that knows nothing yet."""
        reactor = load_reactor(self.clock)
        source = LbcdSource(reactor, feed, random.Random(1), self.network.open)
        self.poller = source.poller(ProbeTarget("192.0.2.1", "one"))

    def poll(self) -> tuple["Deferred[Report | None]", FakeLink]:
        """Begin a poll; its link too."""
        polled = self.poller.poll()
        return polled, self.network.links[-1]

    def versions(self, link: FakeLink) -> list[int]:
        """The versions of the requests that were sent."""
        return [request[1] for request in link.sent]

    def assert_clean(self) -> None:
        """Nothing is open and nothing waits."""
        self.assertTrue(all(link.closed for link in self.network.links))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def learn_v2(self) -> None:
        """Let the member be known to speak version 2."""
        polled, link = self.poll()
        link.received(refusal(link.sent[0], 3))
        link.received(answer_v2(link.sent[1], 5))
        self.reported(polled)

    def test_report(self) -> None:
        """Weight and increment make a report of now."""
        polled, link = self.poll()
        self.assertEqual(link.peer, ("192.0.2.1", 4330))
        self.assertEqual(self.versions(link), [3])
        self.clock.advance(0.5)
        link.received(answer(link.sent[0], (439, 200)))
        expected = make_report(439, now=1000.5, source="lbcd", increment=200)
        self.assertEqual(self.reported(polled), expected)
        self.assert_clean()

    def test_service(self) -> None:
        """Its own pair counts, not the default's."""
        self.use(LbcdFeed(timeout=LIMIT, service="http:80", port=4331))
        polled, link = self.poll()
        self.assertEqual(link.peer, ("192.0.2.1", 4331))
        self.assertEqual(link.sent[0][8:], b"http:80" + bytes(25))
        link.received(answer(link.sent[0], (1, 1), (7, 2)))
        self.assertEqual(self.reported(polled).load, 7)

    def test_out(self) -> None:
        """A member that is out says so."""
        polled, link = self.poll()
        link.received(answer(link.sent[0], (0xFFFFFFFF, 0)))
        expected = out_report(now=1000.0, source="lbcd")
        self.assertEqual(self.reported(polled), expected)

    def test_asks_again(self) -> None:
        """A lost datagram is sent again, with the same id; then version 2 is tried."""
        polled, link = self.poll()
        self.clock.pump([1.0, 1.0, 1.0])
        self.assertEqual(self.versions(link), [3, 3, 2])
        self.assertEqual(link.sent[0], link.sent[1])
        self.assertNotEqual(link.sent[1][2:4], link.sent[2][2:4])
        link.received(answer(link.sent[0], (3, 1)))
        self.assertEqual(self.reported(polled).load, 3)
        self.assert_clean()

    def test_silence(self) -> None:
        """Without an answer the poll ends at its limit."""
        polled, link = self.poll()
        self.clock.pump([0.25] * 15)
        self.assertNoResult(polled)
        self.clock.advance(0.25)
        self.assertEqual(self.refused(polled), "no answer in 4 s")
        self.assert_clean()
        link.received(answer(link.sent[0], (3, 1)))  # too late: nothing happens

    def test_only_v2(self) -> None:
        """A member that refuses version 3 is asked in version 2 at once, and later."""
        polled, link = self.poll()
        link.received(refusal(link.sent[0], 3))
        self.assertEqual(self.versions(link), [3, 2])
        link.received(answer_v2(link.sent[1], 111))
        report = self.reported(polled)
        self.assertEqual((report.load, report.increment), (111, None))
        self.assert_clean()
        _, link = self.poll()
        self.clock.pump([1.0] * 3)
        self.assertEqual(self.versions(link), [2, 2, 2])

    def test_silent_v3(self) -> None:
        """So is one that never answers in version 3."""
        polled, link = self.poll()
        self.clock.pump([1.0, 1.0])
        link.received(answer_v2(link.sent[2], 5))
        self.assertEqual(self.reported(polled).load, 5)
        self.assertEqual(self.poller.version, 2)

    def test_v3_again(self) -> None:
        """A member of version 2 is asked in version 3 now and then."""
        self.learn_v2()
        began = []
        for _ in range(2 * TRY_V3_AGAIN):
            polled, link = self.poll()
            began += self.versions(link)
            if began[-1] == 3:
                self.clock.advance(1.0)
            link.received(answer_v2(link.sent[-1], 5))
            self.reported(polled)
        self.assertEqual(began.count(3), 2)
        for _ in range(TRY_V3_AGAIN):
            polled, link = self.poll()
        link.received(answer(link.sent[0], (5, 1)))
        self.assertEqual(self.reported(polled).increment, 1)
        self.assertEqual(self.poller.version, 3)

    def test_forgets(self) -> None:
        """After some silence the version is no longer taken for granted."""
        self.learn_v2()
        for _ in range(FORGET_AFTER):
            self.assertEqual(self.poller.version, 2)
            polled, link = self.poll()
            link.broken(FeedError("port unreachable"))
            self.assertEqual(self.refused(polled), "port unreachable")
        self.assertEqual(self.versions(self.poll()[1]), [3])

    def test_v3_stays(self) -> None:
        """A member known for version 3 is never asked in version 2."""
        polled, link = self.poll()
        link.received(answer(link.sent[0], (3, 1)))
        self.reported(polled)
        polled, link = self.poll()
        self.clock.pump([1.0] * 4)
        self.assertEqual(self.versions(link), [3, 3, 3])
        self.refused(polled)

    def test_service_needs_v3(self) -> None:
        """The default's load of version 2 never stands for that of a service."""
        self.use(LbcdFeed(timeout=LIMIT, service="http"))
        polled, link = self.poll()
        link.received(refusal(link.sent[0], 3))
        words = "does not speak version 3, and older ones know no services"
        self.assertEqual(self.refused(polled), words)
        polled, link = self.poll()
        self.clock.pump([1.0] * 3)
        self.assertEqual(self.versions(link), [3, 3, 3])

    def test_refused(self) -> None:
        """An error reply ends the poll with its reason."""
        self.use(LbcdFeed(timeout=LIMIT, service="http"))
        polled, link = self.poll()
        link.received(refusal(link.sent[0], 2))
        words = "does not tell of the service http (status 2)"
        self.assertEqual(self.refused(polled), words)
        self.assert_clean()

    def test_strange(self) -> None:
        """What answers nothing is passed over, and told when nothing better comes."""
        polled, link = self.poll()
        good = answer(link.sent[0], (3, 1))
        wrong = bytes([good[0], good[1], good[2] ^ 1]) + good[3:]
        for reply in (wrong, good[:20], b"", link.sent[0]):
            link.received(reply)
        self.assertNoResult(polled)
        self.clock.pump([1.0] * 4)
        self.assertEqual(
            self.refused(polled),
            "no answer in 4 s but 4 strange replies, the last a reply with status 0",
        )

    def test_strange_then_good(self) -> None:
        """The answer counts whatever came before it."""
        polled, link = self.poll()
        link.received(b"rubbish")
        link.received(answer(link.sent[0], (3, 1)))
        self.assertEqual(self.reported(polled).load, 3)

    def test_flood(self) -> None:
        """A flood ends the poll."""
        polled, link = self.poll()
        for _ in range(MAX_STRANGE):
            link.received(b"rubbish")
        self.assertIn("replies that answer nothing", self.refused(polled))
        self.assert_clean()

    def test_no_way(self) -> None:
        """Without a way to the member the poll fails."""
        self.network.refusal = OSError(101, "Network is unreachable")
        words = "can't send: Network is unreachable"
        self.assertEqual(self.refused(self.poller.poll()), words)
        self.assert_clean()

    def test_cancel(self) -> None:
        """A poll that is given up leaves nothing behind."""
        polled, _ = self.poll()
        polled.cancel()
        self.failureResultOf(polled, CancelledError)
        self.assert_clean()
