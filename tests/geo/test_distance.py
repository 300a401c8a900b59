"""Distances on the globe."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.distance import EARTH, Location, great_circle

BERLIN, PARIS, SYDNEY = (52.52, 13.405), (48.8566, 2.3522), (-33.8688, 151.2093)
LOCATIONS = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


class GreatCircleTests(SynchronousTestCase):
    """The great circle."""

    def test_cities(self) -> None:
        """Known distances, to half a percent."""
        self.assertApproximates(great_circle(BERLIN, PARIS), 878, 4)
        self.assertApproximates(great_circle(BERLIN, SYDNEY), 16090, 80)

    def test_over_the_date_line(self) -> None:
        """The short way is taken where the degrees jump."""
        self.assertApproximates(great_circle((0, 179.5), (0, -179.5)), 111.2, 0.1)

    def test_antipodes(self) -> None:
        """The other side of the globe is half a circle away."""
        half = 3.14159265 * EARTH
        self.assertApproximates(great_circle((0, 0), (0, 180)), half, 0.01)
        self.assertApproximates(great_circle((90, 5), (-90, 99)), half, 0.01)

    @settings(deadline=None)
    @given(LOCATIONS, LOCATIONS)
    def test_both_ways(self, here: Location, there: Location) -> None:
        """It is as far back, nothing to oneself, and never over half a circle."""
        there_again = great_circle(there, here)
        self.assertAlmostEqual(great_circle(here, there), there_again, places=6)
        self.assertLessEqual(there_again, 3.1416 * EARTH)
        self.assertEqual(great_circle(here, here), 0)
