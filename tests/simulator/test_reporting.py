"""What the name servers hear of loads: late, smoothed, or not at all."""

from random import Random

from msgspec.structs import replace
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.simulator.demand import farms, shares
from dinamed.simulator.figures import figures
from dinamed.simulator.mirrors import Mirror
from dinamed.simulator.model import simulate
from dinamed.simulator.policies import BUILT_IN
from dinamed.simulator.reporting import Reporting
from dinamed.simulator.scenario import Farms, Scenario
from dinamed.simulator.servers import NameServer


class Heard(NameServer):
    """A server that takes down what it is told."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, BUILT_IN["predictive"], Random(1))
        self.reports: list[tuple[float, float, float]] = []

    def report(
        self, mirror: int, load: float, at: float, measured: float | None = None
    ) -> None:
        """Take down when a report came, when it was measured, and the load."""
        self.reports.append((at, at if measured is None else measured, load))


class ReportingTests(SynchronousTestCase):
    """One mirror whose load begins at ten seconds."""

    def hear(self, **keys: float) -> list[tuple[float, float, float]]:
        """The reports of the first minute: when, measured when, and the load."""
        scenario = replace(
            Scenario(), capacities=(10.0,), flow=1.0, warm_up=0.0, measure=61.0, **keys
        )
        clock = Clock()
        server, mirror = Heard(scenario), Mirror(10.0, 1.0)

        def put(at: float, do: object) -> None:
            assert callable(do)
            clock.callLater(at - clock.seconds(), do, at)

        Reporting(scenario, [mirror], [server], Random(1), put)
        clock.callLater(9.5, mirror.begin, 1000.0, 0)
        for _ in range(130):
            clock.advance(0.5)
        return server.reports

    def test_at_once(self) -> None:
        """Every ten seconds, the load at that time."""
        heard = self.hear()
        self.assertEqual([at for at, _, _ in heard], [0, 10, 20, 30, 40, 50, 60])
        self.assertEqual([load for *_, load in heard], [0, 1, 1, 1, 1, 1, 1])

    def test_late(self) -> None:
        """A delay, which reports own up to."""
        (first, second, *_) = self.hear(report_delay=3.0)
        self.assertEqual((first, second), ((3.0, 0.0, 0.0), (13.0, 10.0, 1.0)))

    def test_unstamped(self) -> None:
        """A delay that nobody tells."""
        (_, second, *_) = self.hear(report_delay=3.0, report_stamped=False)
        self.assertEqual(second, (13.0, 13.0, 1.0))

    def test_average(self) -> None:
        """The mean of the time before."""
        loads = [load for *_, load in self.hear(report_average=20.0)]
        self.assertEqual(loads[0], 0.0)
        self.assertLess(abs(loads[2] - 0.5), 0.11)
        self.assertEqual(loads[-1], 1.0)


class FarmTests(SynchronousTestCase):
    """Addresses that stand for several caches."""

    def test_largest(self) -> None:
        """The largest resolvers, up to that share of the demand."""
        scenario = replace(Scenario(), farms=Farms(share=0.4, caches=8))
        sizes = farms(scenario)
        number = sizes.count(8)
        self.assertEqual(sizes[:number], [8] * number)
        reached = sum(shares(1000, 1.0)[:number])
        self.assertGreaterEqual(reached, 0.4)
        self.assertLess(reached - shares(1000, 1.0)[number - 1], 0.4)

    def test_more_queries(self) -> None:
        """Each of the caches asks by itself."""
        short = replace(Scenario(), warm_up=300.0, measure=600.0)
        policy = BUILT_IN["weighted"]
        one = figures(simulate(short, policy)).qps
        farm = replace(short, farms=Farms(share=0.4, caches=8))
        self.assertGreater(figures(simulate(farm, policy)).qps, 1.15 * one)


class ModelTests(SynchronousTestCase):
    """Floors and true capacities."""

    def test_floor(self) -> None:
        """Whatever the TTL, a resolver asks no more often than that."""
        short = replace(Scenario(), warm_up=300.0, measure=600.0)
        policy = BUILT_IN["weighted"]
        before = figures(simulate(short, policy)).qps
        after = figures(simulate(replace(short, floor=300.0), policy)).qps
        self.assertLess(after, 0.7 * before)

    def test_real_capacities(self) -> None:
        """Use is counted by what a mirror really bears."""
        short = replace(Scenario(), warm_up=300.0, measure=600.0)
        half = tuple(one / 2 for one in short.capacities)
        policy = BUILT_IN["weighted"]
        told = figures(simulate(short, policy)).mean
        real = figures(simulate(replace(short, real_capacities=half), policy)).mean
        self.assertAlmostEqual(real, 2 * told, places=6)
