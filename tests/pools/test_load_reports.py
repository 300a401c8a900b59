"""Tests of `dinamed.pools.load_reports`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.clock import SteadyClock
from dinamed.pools.load_reports import LoadReports, MemberReport
from tests.pools.support import loaded, said_out


class BoardTests(SynchronousTestCase):
    """Reports, and how they age."""

    def setUp(self) -> None:
        """Reports that count for half a minute, at time 1000."""
        self.clock = SteadyClock(1000.0)
        self.reports = LoadReports(self.clock, 30.0)

    def freshness(self, now: float) -> float:
        """That of member a."""
        return self.reports.freshness("a", self.clock.read(now))

    def test_fading(self) -> None:
        """In full, then in a straight line to nothing at twice the age."""
        self.reports.post("a", loaded(5.0, 1000.0), 1000.0)
        for age, fresh in ((0, 1), (30, 1), (36, 0.8), (45, 0.5), (60, 0), (1e6, 0)):
            self.assertAlmostEqual(self.freshness(1000.0 + age), fresh)
        self.assertIsNone(self.reports.load("a", 1000.0))

    def test_load(self) -> None:
        """The load is told as long as it counts at all."""
        self.assertIsNone(self.reports.load("a", 1000.0))
        self.reports.post("a", loaded(5.0, 1000.0), 1000.0)
        self.assertEqual(self.reports.load("a", 1059.0), 5.0)
        self.assertIsNone(self.reports.load("a", 1060.0))

    def test_age_counts_from_the_measurement(self) -> None:
        """A report that was long on its way is old when it comes."""
        self.reports.post("a", loaded(5.0, 950.0), 1000.0)
        self.assertAlmostEqual(self.freshness(1000.0), 1 / 3)

    def test_from_the_future(self) -> None:
        """A time ahead of ours is now."""
        self.reports.post("a", loaded(5.0, 5000.0), 1000.0)
        self.assertEqual(self.freshness(1060.0), 0.0)

    def test_older_ones_are_left_aside(self) -> None:
        """Reports that overtake each other do not undo each other."""
        self.assertTrue(self.reports.post("a", loaded(5.0, 1000.0), 1001.0))
        self.assertFalse(self.reports.post("a", loaded(7.0, 999.0), 1002.0))
        self.assertEqual(self.reports.load("a", 1002.0), 5.0)
        self.assertTrue(self.reports.post("a", loaded(6.0, 1000.0), 1003.0))
        self.assertEqual(self.reports.load("a", 1003.0), 6.0)

    def test_time_set_back(self) -> None:
        """Old reports do not grow young, and new ones are taken."""
        self.reports.post("a", loaded(5.0, 1000.0), 1000.0)
        self.assertEqual(self.freshness(1045.0), 0.5)
        self.assertEqual(self.freshness(0.0), 0.5)
        self.assertEqual(self.freshness(15.0), 0.0)
        self.assertTrue(self.reports.post("a", loaded(6.0, 15.0), 15.0))
        self.assertEqual(self.reports.load("a", 15.0), 6.0)

    def test_failure(self) -> None:
        """It is remembered beside the last report, until the next one."""
        self.reports.fail("a", "no answer", 1000.0)
        self.assertEqual(
            self.reports.posted["a"], MemberReport(None, 0.0, "no answer", 1000.0)
        )
        self.assertEqual(self.freshness(1000.0), 0.0)
        report = loaded(5.0, 1001.0)
        self.reports.post("a", report, 1001.0)
        self.assertEqual(self.reports.posted["a"].failure, "")
        self.reports.fail("a", "garbage", 1002.0)
        posted = self.reports.posted["a"]
        self.assertEqual((posted.report, posted.failure), (report, "garbage"))
        self.assertEqual(self.freshness(1002.0), 1.0)

    def test_out(self) -> None:
        """Its load says nothing; "out" lapses with the age of the report."""
        self.reports.post("a", said_out(1000.0), 1000.0)
        self.assertEqual(self.freshness(1000.0), 0.0)
        self.assertIsNone(self.reports.load("a", 1000.0))
        self.assertTrue(self.reports.says_out("a", self.clock.read(1059.0)))
        self.assertFalse(self.reports.says_out("a", self.clock.read(1060.0)))
        self.assertFalse(self.reports.says_out("b", self.clock.read(1060.0)))

    def test_keep(self) -> None:
        """Those who have left are forgotten."""
        self.reports.post("a", loaded(1.0, 1000.0), 1000.0)
        self.reports.post("b", loaded(1.0, 1000.0), 1000.0)
        self.reports.keep(["b", "c"])
        self.assertEqual(list(self.reports.posted), ["b"])
