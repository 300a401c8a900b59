"""Questions from a place, for the tests of the stages that look at it."""

from random import Random

from dinamed.geo.place import Place
from dinamed.pools.context import DrawContext
from tests.pools.support import HERE


class PlacedContext(DrawContext):
    """A question at time 0 from a client of whom the place is known."""

    def __init__(self, place: Place) -> None:
        super().__init__(HERE, 4, 0.0, Random(0))
        self._told = place

    @property
    def place(self) -> Place:
        """Where the client is."""
        return self._told
