"""The loop closed: whole stages with clients behind caches, and all that goes wrong."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.pools.manager import PoolManager
from dinamed.pools.saved import Saved
from dinamed.pools.stages.registry import builtin_stages
from tests.pools.crowd import Crowd


def predictive(**argument: float) -> settings.StageSettings:
    """The stage."""
    return settings.StageSettings("predictive", argument or None)


def mean(values: list[float]) -> float:
    """The mean."""
    return sum(values) / len(values)


class BalanceTests(SynchronousTestCase):
    """How evenly the load spreads."""

    def test_predictive(self) -> None:
        """The busiest stays under 90 %, where by weight alone it does not."""
        for seed in (1, 2, 3):
            figures = Crowd(predictive(), seed=seed).figures()
            self.assertGreaterEqual(figures.under90, 0.99)
            self.assertLess(figures.mean, 0.78)
        by_weight = Crowd(settings.StageSettings("weighted"), seed=2).figures()
        self.assertLess(by_weight.under90, 0.9)

    def test_wrong_by_two(self) -> None:
        """Transfers twice as big or long, or half, do little harm."""
        for argument in (
            {"flow": 0.02},
            {"flow": 0.005},
            {"duration": 600.0},
            {"duration": 150.0},
            {"flow": 0.02, "duration": 150.0},
        ):
            figures = Crowd(predictive(**argument), seed=2).figures()
            self.assertGreaterEqual(figures.under90, 0.95, argument)

    def test_half_of_the_reports_lost(self) -> None:
        """That does little harm either."""
        figures = Crowd(predictive(), seed=2, lost=0.5).figures()
        self.assertGreaterEqual(figures.under90, 0.99)

    def test_adaptive(self) -> None:
        """Adaptive TTLs do better still, for no more questions."""
        fixed = Crowd(predictive(), seed=2)
        adaptive = Crowd(predictive(), seed=2, ttl=(20, 200))
        self.assertGreaterEqual(adaptive.figures().under90, 0.99)
        self.assertGreaterEqual(fixed.figures().under90, 0.99)
        self.assertLess(adaptive.queries, 1.05 * fixed.queries)

    def test_a_mirror_goes_and_comes_back(self) -> None:
        """The rest takes its load, and it takes its share again without overshoot."""
        crowd = Crowd(predictive(), seed=3)
        crowd.run(1200)

        def outage(time: int) -> None:
            now = crowd.start + time
            if time == 1200:
                crowd.manager.health("p", "m3", False, "dead", now=now)
                crowd.transfers[2] = 0.0
            if time == 2100:
                crowd.manager.health("p", "m3", True, now=now)

        without = crowd.run(900, outage)
        self.assertLess(max(without), 0.97)
        after = crowd.run(900, outage)
        self.assertLess(max(after[60:]), 0.9)
        self.assertGreater(crowd.transfers[2] * 0.01 / 4.0, 0.6)


class FailingTests(SynchronousTestCase):
    """What happens when the loop is broken."""

    def shares(self, crowd: Crowd, seconds: int = 900) -> list[float]:
        """The hand-outs of each mirror in the time to come, as shares."""
        view = crowd.manager.view("p")
        before = list(view.accounting.totals.values())
        crowd.run(seconds)
        after = list(crowd.manager.view("p").accounting.totals.values())
        counts = [new - old for new, old in zip(after, before, strict=True)]
        return [count / sum(counts) for count in counts]

    def test_all_reports_lost(self) -> None:
        """Answers go on, by weight."""
        crowd = Crowd(predictive(), seed=4)
        crowd.run(900)
        crowd.lost = 1.0
        crowd.run(120)
        for share, weight in zip(self.shares(crowd), (10, 10, 4, 1), strict=True):
            self.assertLess(abs(share - weight / 25), 0.05)

    def test_one_feed_stuck(self) -> None:
        """Its mirror gets its share by weight, the others are balanced."""
        crowd = Crowd(predictive(), seed=5)
        report = crowd.manager.report

        def stuck(pool: str, member: str, *rest: object, now: float) -> bool:
            if member == "m1":
                return False
            return report(pool, member, *rest, now=now)  # type: ignore[arg-type]

        self.patch(crowd.manager, "report", stuck)
        crowd.run(300)
        share = self.shares(crowd, 1800)[0]
        self.assertLess(abs(share - 0.4), 0.06)

    def test_time_set_back(self) -> None:
        """By an hour: the balance stays."""
        crowd = Crowd(predictive(), seed=2)
        crowd.run(1200)
        crowd.offset = -3600.0
        self.assertLess(max(crowd.run(900)), 0.95)

    def test_time_set_forward(self) -> None:
        """By an hour: all leases seem to be over, and the balance comes back soon."""
        crowd = Crowd(predictive(), seed=2)
        crowd.run(1200)
        crowd.offset = 3600.0
        after = crowd.run(1200)
        self.assertLess(max(after[600:]), 0.95)

    def test_a_jump_to_and_fro(self) -> None:
        """Set forward by a day for a minute, then back."""
        crowd = Crowd(predictive(), seed=2)
        crowd.run(1200)
        crowd.offset = 86400.0
        crowd.run(60)
        crowd.offset = 0.0
        after = crowd.run(1200)
        self.assertLess(max(after[600:]), 0.95)

    def test_a_restart_in_the_middle(self) -> None:
        """It knows the reports, and learns the resolvers anew."""
        # The largest resolver, unknown anew, may by chance get the smallest member.
        crowd = Crowd(predictive(), seed=3)
        crowd.run(1200)
        saved: Saved = crowd.manager.saved()
        tables = [view.settings for view in crowd.manager.views.values()]
        now = crowd.start + 1200
        crowd.manager = PoolManager(tables, now, builtin_stages())
        crowd.manager.restore(saved, now)
        after = crowd.run(1200)
        self.assertLess(max(after), 1.05)
        self.assertLess(max(after[600:]), 0.95)

    def test_all_down(self) -> None:
        """All are handed out then, as when_down has it; nothing is ever empty."""
        crowd = Crowd(predictive(), seed=2)
        crowd.run(600)
        for number in range(1, 5):
            crowd.manager.health("p", f"m{number}", False, "dead", now=crowd.start)
        view = crowd.manager.view("p")
        self.assertTrue(view.down)
        self.assertLess(max(crowd.run(600)), 0.97)
