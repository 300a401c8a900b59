"""How many members of each pool are over their capacity, counted a slice at a time."""

from collections.abc import Iterator, Mapping
from itertools import islice

from dinamed.pools.pool import PoolView
from dinamed.web.member_metrics import forecasts
from dinamed.web.trouble import kind_of

MOST_AT_ONCE = 2000
"""Members that one look takes in: some milliseconds."""


class OverloadCounts:
    """Goes through the pools again and again; a figure is from the last time."""

    def __init__(self) -> None:
        self._over: dict[str, int] = {}
        self._rest: Iterator[None] = iter(())

    def look(self, views: Mapping[str, PoolView], now: float) -> None:
        """Go on for `MOST_AT_ONCE` members; after the last pool begin anew."""
        left = MOST_AT_ONCE - sum(1 for _ in islice(self._rest, MOST_AT_ONCE))
        if left:
            self._rest = self._walk(views, now)
            for _ in islice(self._rest, left):
                pass

    def over(self, view: PoolView) -> int:
        """Members of the pool that are over, as far as they were looked at."""
        return self._over.get(view.name, 0)

    def _walk(self, views: Mapping[str, PoolView], now: float) -> Iterator[None]:
        """One step for each member."""
        for name in self._over.keys() - views.keys():
            del self._over[name]
        for name, view in sorted(views.items()):
            foreseen, over = forecasts(view, now), 0
            for member in view.members:
                over += kind_of(view, member, foreseen, now) == "over"
                yield
            self._over[name] = over
