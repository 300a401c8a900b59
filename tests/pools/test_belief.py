"""Tests of `dinamed.pools.belief`."""

from math import exp

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.belief import Belief, kept_share

DURATION = 300.0
FLOW = 0.02
LEFT = exp(-10.0 / DURATION)


def begun(load: float) -> Belief:
    """After the first report."""
    belief = Belief()
    belief.begin(load)
    return belief


class BeliefTests(SynchronousTestCase):
    """The load of a member at its last report."""

    def test_first_report(self) -> None:
        """It is believed as it is; one without a load leaves nothing."""
        belief = begun(5.0)
        self.assertTrue(belief.known)
        self.assertEqual(belief.at_report(FLOW), 5.0)
        belief.begin(None)
        self.assertFalse(belief.known)

    def test_no_surprise(self) -> None:
        """What was foreseen and is reported is believed, by whatever part."""
        for part in (0.05, 0.5, 1.0):
            belief, load = begun(5.0), 5.0
            for _ in range(20):
                load = load * LEFT + FLOW * 8.0
                belief.reported(load, 8.0, LEFT, part)
                self.assertAlmostEqual(belief.at_report(FLOW), load)

    @given(st.floats(0.0, 1.0), st.floats(0.0, 100.0))
    def test_a_part_of_a_surprise(self, part: float, surprise: float) -> None:
        """It adds so much to what was foreseen."""
        belief = begun(5.0)
        foreseen = 5.0 * LEFT + FLOW * 3.0
        belief.reported(foreseen + surprise, 3.0, LEFT, part)
        self.assertAlmostEqual(belief.at_report(FLOW), foreseen + part * surprise)

    def test_all_of_it(self) -> None:
        """Then it is the report itself, to the last digit."""
        belief = begun(5.0)
        belief.reported(0.1 + 0.2, 70.0, LEFT, 1.0)
        self.assertEqual(belief.at_report(FLOW), 0.1 + 0.2)

    def test_wrong_flow(self) -> None:
        """Reports win: the load of a transfer may be wrong by three times."""
        arrivals = 5.0 * (1.0 - LEFT) / FLOW
        for wrong in (1.0 / 3.0, 3.0):
            belief = begun(5.0)
            for _ in range(1000):
                belief.reported(5.0, wrong * arrivals, LEFT, 0.3)
            self.assertLess(abs(belief.at_report(FLOW) - 5.0), 0.9)

    def test_share_that_is_kept(self) -> None:
        """Of those who came evenly spread over a time."""
        self.assertEqual(kept_share(0.0, DURATION), 1.0)
        self.assertAlmostEqual(kept_share(DURATION, DURATION), 1.0 - exp(-1.0))
