"""Tests of `dinamed.simulator.fleet`: several servers that share."""

from statistics import fmean

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from dinamed.simulator.figures import Figures, figures
from dinamed.simulator.model import simulate
from dinamed.simulator.policies import BUILT_IN
from dinamed.simulator.scenario import Cut, Scenario

EIGHT = Scenario(servers=8, share=5.0, warm_up=2400.0, measure=1800.0)


def run(scenario: Scenario, policy: str = "predictive") -> Figures:
    """The figures of one run."""
    return figures(simulate(scenario, BUILT_IN[policy]))


class SharingTests(SynchronousTestCase):
    """What sharing brings, and what is left of it while servers are cut off."""

    def test_eight_servers(self) -> None:
        """They balance nearly as one does; alone they can't with an adaptive TTL."""
        for policy in ("predictive", "predictive+ttl"):
            self.assertGreater(run(EIGHT, policy).under90, 0.95)
        alone = run(replace(EIGHT, share=0.0), "predictive+ttl")
        self.assertLess(alone.under90, 0.9)

    def test_cut_off(self) -> None:
        """While no server hears of the others it is not worse than never to share.

        That is so on average: one run alone says little, for where a few resolvers
        carry the most chance moves either figure by a tenth.
        """
        cut = Cut(start=2400.0, end=4200.0)
        scenarios = [replace(EIGHT, servers=4, seed=seed) for seed in (1, 2, 3)]
        apart = fmean(run(replace(one, cuts=(cut,))).under90 for one in scenarios)
        alone = fmean(run(replace(one, share=0.0)).under90 for one in scenarios)
        self.assertGreater(apart, alone - 0.01)

    def test_some_are_cut_off(self) -> None:
        """A cut of one server leaves the others together."""
        cut = Cut(start=2400.0, end=4200.0, servers=(1,))
        whole = run(replace(EIGHT, cuts=(cut,)), "predictive+ttl")
        alone = run(replace(EIGHT, share=0.0), "predictive+ttl")
        self.assertGreater(whole.under90, alone.under90)

    def test_one_server(self) -> None:
        """There is nobody to share with."""
        one = Scenario(warm_up=300.0, measure=300.0)
        self.assertEqual(run(one), run(replace(one, share=5.0)))
