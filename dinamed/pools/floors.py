"""The least time for which a resolver keeps answers, whatever their TTL says.

Many resolvers can be told to keep every answer for a minute at least.  With shorter
TTLs they look as though their clients came seldom, and their leases last longer than
it seems.

The time between the end of an answer and the next question, the gap, is exponential
where a cache keeps to the TTL; so the least of `SEEN` gaps is far below their mean.
Where it is not, but more than `PART` of the mean, something else than chance made them
long: the least time from an answer to the next question is taken for the floor, until
a question comes sooner, or the next so many show none.
"""

from math import inf

SEEN = 8
"""Questions after which it is judged."""

PART = 0.5
"""Part of the mean gap beyond which the least one is no chance: by that it would be so
in one of fifty cases."""

LEAST = 2.0
"""Seconds beyond the TTL that are no floor: caches count whole ones."""


class Floor:
    """What is known of the floor of one resolver: `seconds`, 0 if it has none.

    `gap` is the mean gap beyond the floor as it was last seen.
    """

    __slots__ = ("_least", "_longest", "_seen", "_sum", "gap", "seconds")

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.gap = 0.0
        self._seen = 0
        self._least = inf
        self._longest = self._sum = 0.0

    def asked_again(self, after: float, ttl: float) -> bool:
        """A question came so long after an answer of that TTL; whether that tells of
        a floor that was not known."""
        self.seconds = min(self.seconds, after)
        self._least = min(self._least, after)
        self._longest = max(self._longest, ttl)
        self._sum += after
        self._seen += 1
        if self._seen < SEEN:
            return False
        known = self.seconds
        mean, over = self._sum / SEEN, self._least - self._longest
        there = over > LEAST and over > PART * (mean - self._longest)
        self.seconds = self._least if there else 0.0
        self.gap = mean - self._least
        self._begin()
        return there and not known

    def _begin(self) -> None:
        self._seen = 0
        self._least = inf
        self._longest = self._sum = 0.0
