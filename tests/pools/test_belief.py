"""Tests of `dinamed.pools.belief`."""

from math import exp
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.belief import SETTLED, Belief, kept_share

DURATION = 300.0
FLOW = 0.02


def steady(belief: Belief, load: float, lapse: float, clients: float) -> float:
    """What is believed after many reports of one load, a lapse apart."""
    for _ in range(1000):
        belief.reported(load, clients, lapse, DURATION)
    return belief.at_report(FLOW)


class BeliefTests(SynchronousTestCase):
    """The load of a member at its last report."""

    def test_first_report(self) -> None:
        """It is believed as it is."""
        belief = Belief()
        belief.reported(5.0, 100.0, 10.0, DURATION)
        self.assertEqual(belief.at_report(FLOW), 5.0)

    def test_no_surprise(self) -> None:
        """What was foreseen and is reported is believed."""
        belief = Belief()
        load = 5.0
        belief.reported(load, 0.0, 0.0, DURATION)
        for _ in range(20):
            load = load * exp(-10.0 / DURATION) + FLOW * 8.0
            belief.reported(load, 8.0, 10.0, DURATION)
            self.assertAlmostEqual(belief.at_report(FLOW), load)

    @given(st.floats(0.1, 1000.0), st.floats(0.0, 100.0))
    def test_a_part_of_each_surprise(self, lapse: float, surprise: float) -> None:
        """The more the longer ago the last report is."""
        belief = Belief()
        belief.reported(5.0, 0.0, 0.0, DURATION)
        foreseen = 5.0 * exp(-lapse / DURATION)
        belief.reported(foreseen + surprise, 0.0, lapse, DURATION)
        part = 1.0 - exp(-lapse / SETTLED)
        self.assertAlmostEqual(belief.at_report(FLOW), foreseen + part * surprise)

    def test_short_transfers(self) -> None:
        """What is foreseen of them is believed for a shorter time."""
        long, short = Belief(), Belief()
        for one, duration in ((long, 300.0), (short, 30.0)):
            one.reported(0.0, 0.0, 0.0, duration)
            one.reported(1.0, 0.0, 10.0, duration)
        self.assertLess(long.at_report(FLOW), 0.3)
        self.assertGreater(short.at_report(FLOW), 0.95)

    def test_noise(self) -> None:
        """It is smoothed along what is foreseen."""
        rng = Random(1)
        belief = Belief()
        arrivals = 5.0 * (1.0 - exp(-10.0 / DURATION)) / FLOW
        wrong = []
        for _ in range(500):
            noisy = 5.0 * rng.lognormvariate(0.0, 0.3)
            belief.reported(noisy, arrivals, 10.0, DURATION)
            wrong.append(abs(belief.at_report(FLOW) - 5.0))
        self.assertLess(sum(wrong[50:]) / 450, 0.5 * 0.3 * 5.0)

    def test_wrong_flow(self) -> None:
        """Reports win: the load of a transfer may be wrong by three times."""
        arrivals = 5.0 * (1.0 - exp(-10.0 / DURATION)) / FLOW
        for wrong in (1.0 / 3.0, 3.0):
            found = steady(Belief(), 5.0, 10.0, wrong * arrivals)
            self.assertLess(abs(found - 5.0), 0.9)

    def test_nothing_said(self) -> None:
        """A report without a load that counts leaves nothing that is known."""
        belief = Belief()
        belief.reported(5.0, 0.0, 0.0, DURATION)
        belief.reported(None, 3.0, 10.0, DURATION)
        self.assertFalse(belief.known)
        belief.reported(2.0, 50.0, 10.0, DURATION)
        self.assertEqual(belief.at_report(FLOW), 2.0)

    def test_share_that_is_kept(self) -> None:
        """Of those who came evenly spread over a time."""
        self.assertEqual(kept_share(0.0, DURATION), 1.0)
        self.assertAlmostEqual(kept_share(DURATION, DURATION), 1.0 - exp(-1.0))
