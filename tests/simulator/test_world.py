"""Worlds: places, round trips, and demand that follows the sun."""

from importlib.util import find_spec
from random import Random

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from dinamed.simulator import scenario_file
from dinamed.simulator.demand import arrivals, measured
from dinamed.simulator.figures import figures
from dinamed.simulator.model import simulate
from dinamed.simulator.optimum import as_known, optimum, worked_out
from dinamed.simulator.policies import chosen
from dinamed.simulator.scenario import Scenario
from dinamed.simulator.world import World, network_of_line, networks
from tests.daemon.harness import need

SMALL = """
capacities = [4, 4]
resolvers = 2
offered = 0.3
warm_up = 600
measure = 1200
policies = ["predictive", "spill"]
[world]
day = 3600
swing = 0.5
mirrors = ["DE", "US"]
phases = { US = 0.5 }
resolvers = ["DE 600000 20 100", "US 400000 110 30"]
"""


def parsed(text: str = SMALL) -> Scenario:
    """A scenario from its text."""
    return scenario_file.parse("small.toml", text)


def world(scenario: Scenario) -> World:
    """The world of a scenario that has one."""
    assert scenario.world is not None
    return scenario.world


class LineTests(SynchronousTestCase):
    """The lines of resolvers."""

    def test_line(self) -> None:
        """Country, share, and a round trip to each mirror."""
        net = network_of_line("DE 250000 20.5 100", world(parsed()))
        self.assertEqual((net.share, net.phase), (0.25, 0.0))
        self.assertEqual(net.round_trips, (20.5, 100.0))
        self.assertEqual((net.place.country, net.place.continent), ("DE", "europe"))

    def test_problems(self) -> None:
        """Each line that is wrong is told of, with its place."""
        for line, said in (
            ("XX 600000 20 100", '"XX" is not a country'),
            ("DE 600000 20", "expected 2 round trips"),
            ("DE many 20 100", "expected COUNTRY SHARE MS MS"),
            ("DE 600000 20 -1", "must be above 0"),
            ("", '"" is not a country'),
        ):
            with self.assertRaises(scenario_file.BadScenarioError) as caught:
                parsed(SMALL.replace("DE 600000 20 100", line))
            (problem,) = caught.exception.problems
            self.assertEqual(problem.key, "world.resolvers[0]")
            self.assertIn(said, problem.message)

    def test_numbers(self) -> None:
        """As many places as mirrors, as many lines as resolvers."""
        text = SMALL.replace("[4, 4]", "[4, 4, 4]").replace(
            "resolvers = 2", "resolvers = 3"
        )
        with self.assertRaises(scenario_file.BadScenarioError) as caught:
            parsed(text)
        said = [one.message for one in caught.exception.problems]
        self.assertEqual(said, ["2 places for 3 mirrors", "2 lines for 3 resolvers"])


class DemandTests(SynchronousTestCase):
    """Demand that follows the sun."""

    def test_swing(self) -> None:
        """Above the mean at one time, below it half a day later; the mean stays."""
        here = world(parsed())
        net = networks(here)[0]
        self.assertAlmostEqual(net.demand(here, 900.0), 0.9)
        self.assertAlmostEqual(net.demand(here, 2700.0), 0.3)
        american = networks(here)[1]
        self.assertAlmostEqual(american.demand(here, 2700.0), 0.6)

    def test_arrivals(self) -> None:
        """As many arrivals as the demand says, by resolver and time of day."""
        scenario = replace(parsed(), warm_up=0.0, measure=3600.0 * 20)
        counts = {(resolver, half): 0 for resolver in (0, 1) for half in (0, 1)}
        for one in arrivals(scenario, Random(1)):
            counts[one.resolver, int(one.at % 3600 // 1800)] += 1
        whole = scenario.arrival_rate * scenario.measure
        # The mean of a sine over its positive half is 2/pi.
        swing = 0.5 * 2 / 3.14159
        wanted = {
            (0, 0): 0.3 * (1 + swing),
            (0, 1): 0.3 * (1 - swing),
            (1, 0): 0.2 * (1 - swing),
            (1, 1): 0.2 * (1 + swing),
        }
        for key, share in wanted.items():
            expected = share * whole
            self.assertLess(abs(counts[key] - expected), 5 * expected**0.5, key)


class RoundTripTests(SynchronousTestCase):
    """What is told of round trips."""

    def test_spill_sends_near(self) -> None:
        """With room for all, everybody is sent to the nearest mirror."""
        scenario = parsed()
        near = 0.6 * 20 + 0.4 * 30
        rows = {
            policy.name: figures(simulate(scenario, policy))
            for policy in chosen(scenario)
        }
        assert rows["spill"].rtt is not None and rows["predictive"].rtt is not None
        self.assertLess(rows["spill"].rtt, 1.1 * near)
        self.assertGreater(rows["predictive"].rtt, 1.5 * near)

    def test_ways(self) -> None:
        """Each second's round trips add up to those of all."""
        scenario = replace(parsed(), warm_up=0.0)
        trace = simulate(scenario, chosen(scenario)[1])
        begun, waited = trace.ways
        self.assertEqual(len(begun), len(trace.alive))
        assert trace.rtt is not None
        self.assertAlmostEqual(sum(waited) / sum(begun), trace.rtt, places=1)

    def test_without_world(self) -> None:
        """A scenario without places has no round trips."""
        scenario = replace(Scenario(), warm_up=10.0, measure=10.0, resolvers=5)
        (policy, *_) = chosen(scenario)
        self.assertIsNone(figures(simulate(scenario, policy)).rtt)
        self.assertIsNone(optimum(scenario))


class OptimumTests(SynchronousTestCase):
    """The linear programme."""

    def setUp(self) -> None:
        need(find_spec("scipy") is not None, "scipy is not installed")

    def test_continents(self) -> None:
        """What stands in the file of `continents` is what is worked out."""
        scenario = scenario_file.load("continents")
        told = optimum(scenario)
        assert told is not None
        self.assertLess(abs(worked_out(scenario) - told), 0.01)

    def test_small(self) -> None:
        """With room for all it is the mean of the nearest."""
        self.assertAlmostEqual(worked_out(parsed()), 0.6 * 20 + 0.4 * 30, places=1)

    def test_factor(self) -> None:
        """Longer ways lengthen what stands in the file as well."""
        scenario = scenario_file.load("continents")
        longer = optimum(replace(scenario, rtt_factor=10.0))
        assert longer is not None
        self.assertAlmostEqual(longer, 375.6, places=3)

    def test_as_known(self) -> None:
        """Who knows half of the round trips can do no better than who knows all."""
        text = SMALL.replace("resolvers = 2", "resolvers = 4").replace(
            "offered = 0.3", "offered = 0.3\nrtt_known = 0.5"
        )
        lines = '"US 400000 110 30", "DE 300000 80 60", "US 100000 50 90"'
        text = text.replace('"US 400000 110 30"', lines)
        found = [
            (as_known(one), worked_out(one), sum(measured(one)))
            for one in (replace(parsed(text), seed=seed) for seed in range(1, 9))
        ]
        for known, best, told in found:
            self.assertGreaterEqual(known, best - 1e-6)
            if told == 4:
                self.assertAlmostEqual(known, best)
        self.assertTrue(any(known > best + 1.0 for known, best, _ in found))
