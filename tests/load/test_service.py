"""Tests of L{dinamed.load.service} and L{dinamed.load.watch}."""

import errno
import random
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.feeds import ExecFeed, Feed, JsonFeed, LbcdFeed, PushFeed
from dinamed.config.settings import MemberSettings
from dinamed.load.poller import (
    FeedError,
    FeedShortageError,
    LoadReactor,
    LoadSource,
    ProbeTarget,
)
from dinamed.load.service import LoadService, names_member
from dinamed.load.sources import BrokenSource, make_source
from dinamed.load.watch import LoadWatch
from dinamed.pools.manager import UnknownPoolError
from dinamed.pools.report import Report, make_report
from tests.load.fakes import load_reactor

LBCD = LbcdFeed(interval=10.0)


@dataclass
class Pool:
    """A pool, as far as load goes."""

    name: str
    load: Feed | None
    members: list[MemberSettings]


@dataclass
class FakeSource:
    """A source whose polls the test ends; also its only kind of poller."""

    made: list[ProbeTarget] = field(default_factory=list)
    polled: list[tuple[float, ProbeTarget]] = field(default_factory=list)
    running: list["Deferred[Report | None]"] = field(default_factory=list)
    cancelled: int = 0
    clock: Clock = field(default_factory=Clock)

    def poller(self, target: ProbeTarget) -> "FakePoller":
        """Make a poller."""
        self.made.append(target)
        return FakePoller(self, target)


class FakePoller:
    """Writes down when it is asked."""

    def __init__(self, source: FakeSource, target: ProbeTarget) -> None:
        self.source = source
        self.target = target

    def poll(self) -> "Deferred[Report | None]":
        """Begin something that the test ends."""
        source = self.source
        source.polled.append((source.clock.seconds(), self.target))
        polled: Deferred[Report | None] = Deferred(self._cancel)
        source.running.append(polled)
        return polled

    def _cancel(self, polled: "Deferred[Report | None]") -> None:
        self.source.cancelled += 1
        self.source.running.remove(polled)


class Sink:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str, float]] = []
        self.failures: list[tuple[str, str, str]] = []
        self.trouble: Exception | None = None

    def report(self, pool: str, member: str, report: Report, *, now: float) -> bool:
        """Keep a report."""
        if self.trouble is not None:
            raise self.trouble
        self.reports.append((pool, member, report.load))
        return True

    def feed_failed(self, pool: str, member: str, reason: str, *, now: float) -> None:
        """Keep a failure."""
        self.failures.append((pool, member, reason))


def member(name: str, *addresses: str) -> MemberSettings:
    """A member."""
    return MemberSettings(name=name, addresses=addresses)


A = member("a", "192.0.2.1")
B = member("b", "192.0.2.2")


class LoadServiceTests(SynchronousTestCase):
    """The service over sources in the hand of the test."""

    def setUp(self) -> None:
        """Make the clock and the sink."""
        self.clock = Clock()
        self.sink = Sink()
        self.source = FakeSource(clock=self.clock)
        self.feeds: list[Feed] = []

    def make(
        self, reactor: LoadReactor, feed: Feed, rng: random.Random
    ) -> LoadSource | None:
        """Give every feed the same source, but nothing for pushed reports."""
        self.feeds.append(feed)
        return None if isinstance(feed, PushFeed) else self.source

    def service(self, *pools: Pool, start: bool = True) -> LoadService:
        """A service, stopped at the end of the test."""
        reactor = load_reactor(self.clock)
        service = LoadService(reactor, self.sink, pools, random.Random(3), self.make)
        if start:
            service.startService()
            self.addCleanup(service.stopService)
        return service

    def advance(self, seconds: float) -> None:
        """Let time pass in steps of a tenth of a second."""
        self.clock.pump([0.1] * round(seconds * 10))

    def end(self, load: float) -> None:
        """End the oldest poll with a report."""
        report = make_report(load, now=self.clock.seconds(), source="lbcd")
        self.source.running.pop(0).callback(report)

    def end_badly(self, error: Exception) -> None:
        """End the oldest poll without a report."""
        self.source.running.pop(0).errback(error)

    def test_report(self) -> None:
        """Reports go to the pool and member they are about."""
        self.service(Pool("p", LBCD, [A]))
        self.advance(10)
        self.assertEqual(self.source.made, [ProbeTarget("192.0.2.1", "")])
        self.end(3)
        self.assertEqual(self.sink.reports, [("p", "a", 3)])

    def test_quiet_before(self) -> None:
        """Nobody is asked before the service starts, nor after it has ended."""
        service = self.service(Pool("p", LBCD, [A, B]), start=False)
        self.advance(20)
        self.assertEqual(self.source.polled, [])
        service.startService()
        self.advance(10)
        self.assertEqual(len(self.source.running), 2)
        service.stopService()
        self.assertEqual(self.source.cancelled, 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual((self.sink.failures, self.sink.reports), ([], []))

    def test_spread(self) -> None:
        """The first round fills the interval, and so does every other."""
        members = [member(f"m{n}", f"192.0.2.{n}") for n in range(100)]
        self.service(Pool("p", LBCD, members))
        for _ in range(200):
            self.advance(0.1)
            while self.source.running:
                self.end(1)
        for start in range(0, 20, 2):
            count = sum(start <= at < start + 2 for at, _ in self.source.polled)
            self.assertTrue(8 <= count <= 32, (start, count))
        first, second = self.source.polled[:100], self.source.polled[100:]
        self.assertEqual([it for _, it in first], [it for _, it in second])

    def test_shared(self) -> None:
        """What is the same for several pools is asked once."""
        twin = member("twin", "192.0.2.1")
        self.service(Pool("p", LBCD, [A, B]), Pool("q", LBCD, [twin]))
        self.advance(10)
        self.assertEqual(len(self.source.made), 2)
        self.end(1)
        self.end(1)
        told = {(pool, name) for pool, name, _ in self.sink.reports}
        self.assertEqual(told, {("p", "a"), ("p", "b"), ("q", "twin")})
        self.assertEqual(len(self.feeds), 1)

    def test_not_shared(self) -> None:
        """Other settings, or the member's name in them, make it another target."""
        feed = JsonFeed(url="http://192.0.2.9/{name}", path="a")
        twin = member("twin", "192.0.2.1")
        self.service(
            Pool("p", LBCD, [A]),
            Pool("q", LbcdFeed(service="http"), [A]),
            Pool("r", feed, [A, twin]),
        )
        self.advance(10)
        self.assertEqual(len(self.source.made), 4)
        self.assertTrue(names_member(feed))
        self.assertTrue(names_member(ExecFeed(command=("load", "of-{name}"))))
        self.assertFalse(names_member(LBCD))

    def test_nobody(self) -> None:
        """Inner pools, pools without a feed and pushed reports ask nobody."""
        inner = MemberSettings(name="inner", pool="p")
        self.service(
            Pool("p", None, [A]), Pool("q", LBCD, [inner]), Pool("r", PushFeed(), [A])
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_at_a_time(self) -> None:
        """A target that has not answered yet is not asked again."""
        service = self.service(Pool("p", LBCD, [A]))
        self.advance(35)
        self.assertEqual(len(self.source.polled), 1)
        self.assertEqual(service.status()["p", "a"].skipped, 3)
        self.end(1)
        self.advance(10)
        self.assertEqual(len(self.source.polled), 2)

    def test_failure(self) -> None:
        """Failures are counted and told with their reason; a report ends them."""
        service = self.service(Pool("p", LBCD, [A]))
        for _ in range(2):
            self.advance(10)
            self.end_badly(FeedError("port unreachable"))
        self.assertEqual(self.sink.failures, [("p", "a", "port unreachable")] * 2)
        status = service.status()["p", "a"]
        self.assertEqual(
            (status.reason, status.polls, status.failures, status.in_row),
            ("port unreachable", 2, 2, 2),
        )
        self.assertEqual((status.feed, status.address), ("lbcd", "192.0.2.1"))
        self.advance(10)
        self.end(4)
        status = service.status()["p", "a"]
        self.assertEqual((status.reason, status.failures, status.in_row), ("", 2, 0))
        assert status.last is not None
        self.assertEqual(status.last.load, 4)

    def test_own_lack(self) -> None:
        """What this host lacks is no failure: the last report stays, and ages."""
        service = self.service(Pool("p", LBCD, [A]))
        self.advance(10)
        self.end(4)
        for error in (FeedShortageError("files"), OSError(errno.EMFILE, "files")):
            self.advance(10)
            self.end_badly(error)
        status = service.status()["p", "a"]
        self.assertEqual((self.sink.failures, status.failures), ([], 0))
        self.assertEqual(service.shortages.count, 2)
        assert status.last is not None
        self.assertEqual(status.last.load, 4)

    def test_nothing_yet(self) -> None:
        """A poll without a report tells nothing, and is no failure."""
        service = self.service(Pool("p", LBCD, [A]))
        self.advance(10)
        self.source.running.pop().callback(None)
        self.assertEqual((self.sink.reports, self.sink.failures), ([], []))
        self.assertEqual(service.status()["p", "a"].polls, 1)

    def test_fault(self) -> None:
        """An error of our own is logged, and the asking goes on."""
        self.service(Pool("p", LBCD, [A]))
        self.advance(10)
        self.end_badly(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.sink.failures, [("p", "a", "failed: ZeroDivisionError")])
        self.advance(10)
        self.end(1)
        self.assertEqual(len(self.sink.reports), 1)

    def test_sink(self) -> None:
        """A sink that raises disturbs nothing; one that lacks the pool is normal."""
        self.service(Pool("p", LBCD, [A]))
        for trouble, logged in ((UnknownPoolError("p"), 0), (KeyboardError(), 1)):
            self.sink.trouble = trouble
            self.advance(10)
            self.end(1)
            self.assertEqual(len(self.flushLoggedErrors(KeyboardError)), logged)
        self.sink.trouble = None
        self.advance(10)
        self.end(2)
        self.assertEqual(self.sink.reports, [("p", "a", 2)])

    def test_reconfigure(self) -> None:
        """What stays keeps its turn; what goes is given up; what is new begins."""
        service = self.service(Pool("p", LBCD, [A, B]))
        self.advance(10)
        (when,) = (
            at for at, target in self.source.polled if target == ("192.0.2.1", "")
        )
        c = member("c", "192.0.2.3")
        service.reconfigure([Pool("p", LBCD, [A, c])])
        self.assertEqual(self.source.cancelled, 1)
        self.assertEqual(len(self.source.made), 3)
        while self.source.running:
            self.source.running.pop().callback(None)
        self.advance(10)
        turns = [at for at, target in self.source.polled if target[0] == "192.0.2.1"]
        self.assertEqual(len(turns), 2)
        self.assertAlmostEqual(turns[1], when + 10, delta=0.2)
        self.assertEqual(set(service.status()), {("p", "a"), ("p", "c")})

    def test_newcomer(self) -> None:
        """A pool that comes to know of a target gets its report, while it is fresh."""
        service = self.service(Pool("p", LBCD, [A]))
        self.advance(10)
        self.end(5)
        both = [Pool("p", LBCD, [A]), Pool("q", LBCD, [A])]
        service.reconfigure(both)
        self.assertEqual(self.sink.reports, [("p", "a", 5), ("q", "a", 5)])
        service.reconfigure(both[:1])
        self.advance(40)
        service.reconfigure(both)
        self.assertEqual(len(self.sink.reports), 2)

    def test_clock_set(self) -> None:
        """A jump of the clock makes one poll, not all those that were left out."""
        self.service(Pool("p", LBCD, [A]))
        self.advance(10)
        self.end(1)
        self.clock.advance(3600)
        self.end(1)
        self.assertEqual(len(self.source.polled), 2)
        self.advance(10.5)
        self.assertEqual(len(self.source.polled), 3)


class KeyboardError(Exception):
    """An error that nobody expects."""


class SourceTests(SynchronousTestCase):
    """What is made of the settings of a feed."""

    def test_broken(self) -> None:
        """A feed that can't be made fails whenever it is asked, with the reason."""
        feed = JsonFeed(url="https://{address}/", path="a", ca="/nonexistent")
        source = make_source(load_reactor(Clock()), feed, random.Random(1))
        assert isinstance(source, BrokenSource)
        polled = source.poller(ProbeTarget("192.0.2.1", "")).poll()
        error = self.failureResultOf(polled, FeedError).value
        self.assertIn("the feed can't be made: ", str(error))
        self.assertIn("/nonexistent", str(error))

    def test_push(self) -> None:
        """Nobody is asked for pushed reports."""
        made = make_source(load_reactor(Clock()), PushFeed(), random.Random(1))
        self.assertIs(made, None)


class OldReportTests(SynchronousTestCase):
    """Reports that are old when they come."""

    def test_old(self) -> None:
        """One that is too old to count is a failure, and says so; others are not."""
        clock = Clock()
        told: list[Report | str] = []
        ages = iter([5.0, 59.0, 60.0, 86400.0 * 3, 1.0])

        class Old:
            def poll(self) -> "Deferred[Report | None]":
                at = 1e9 - next(ages)
                return succeed(make_report(1.5, now=1e9, source="x", at=at))

        watch = LoadWatch(
            clock,
            Old(),
            10.0,
            30.0,
            "m",
            lambda _, what: told.append(what),
            told.append,
        )
        watch.start(0.0)
        clock.pump([0.0, 10.0, 10.0, 10.0, 10.0])
        watch.stop()
        kinds = [isinstance(one, Report) for one in told]
        self.assertEqual(kinds, [True, True, False, False, True])
        self.assertEqual(told[2], "the report is 60 s old, so it does not count")
        self.assertEqual(told[3], "the report is 3 d old, so it does not count")
        self.assertEqual((watch.polls, watch.failures, watch.in_row), (5, 2, 0))
