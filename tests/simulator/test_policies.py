"""Tests of the policies."""

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import StageSettings
from dinamed.config.values import Ttl
from dinamed.simulator.policies import BUILT_IN, adaptive_around
from dinamed.simulator.scenario import Scenario
from dinamed.simulator.servers import pool


class PolicyTests(SynchronousTestCase):
    """What the pool is told."""

    def test_adaptive(self) -> None:
        """A range around the TTL, its geometric mean; none where there is no room."""
        for ttl, low, high in ((60, 5, 720), (300, 25, 3600), (10, 5, 20), (4, 4, 4)):
            with self.subTest(ttl=ttl):
                self.assertEqual(adaptive_around(ttl), Ttl(low, high))
        self.assertEqual(adaptive_around(0), Ttl(0, 0))

    def test_given_range(self) -> None:
        """A range that was given is for all."""
        scenario = Scenario(ttl=Ttl(30, 300))
        ttls = {pool(scenario, policy).ttl for policy in BUILT_IN.values()}
        self.assertEqual(ttls, {Ttl(30, 300)})

    def test_told(self) -> None:
        """`predictive` is told the duration, and the flow if that is asked for."""
        scenario = Scenario(duration=100.0, duration_factor=2.0)
        predictive = BUILT_IN["predictive"]
        self.assertEqual(
            predictive.select(scenario),
            (StageSettings("predictive", {"duration": 200.0}),),
        )
        scenario = replace(scenario, flow_factor=0.5)
        self.assertEqual(
            predictive.select(scenario),
            (StageSettings("predictive", {"duration": 200.0, "flow": 0.01}),),
        )

    def test_increment(self) -> None:
        """`least` is told what a hand-out brings: a client and those of its lease."""
        scenario = Scenario(resolvers=1, duration=100.0)
        (stage,) = BUILT_IN["least"].select(scenario)
        clients = 1 + scenario.arrival_rate * 60
        self.assertEqual(stage.name, "least")
        assert isinstance(stage.argument, dict)
        self.assertApproximates(stage.argument["increment"], 0.02 * clients, 1e-9)

    def test_pool(self) -> None:
        """Members have the weight of their capacity; reports fade with their rhythm."""
        made = pool(Scenario(report_interval=60.0), BUILT_IN["weighted"])
        self.assertEqual([m.weight for m in made.members], [10] * 4 + [4] * 2 + [1] * 2)
        self.assertEqual([m.capacity for m in made.members[-2:]], [1.0, 1.0])
        assert made.load is not None
        self.assertEqual(made.load.stale, 180.0)
