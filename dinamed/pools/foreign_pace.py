"""How much other servers hand out, and how late one hears of it."""

from math import exp

MEMORY = 60.0
"""Seconds over which the pace is taken."""

LAG_SMOOTHING = 0.05


class ForeignPace:
    """The pace at which others send clients, as far as they have told.

    Clients count as what they come to over the horizon, see `dinamed.pools.leases`.
    """

    __slots__ = ("_clients", "_lag", "_time")

    def __init__(self) -> None:
        self._clients = 0.0
        self._lag = 0.0
        self._time = 0.0

    def hear(self, clients: float, lag: float, time: float) -> None:
        """Others have sent so many, on average `lag` seconds before that time."""
        self._clients = self._left(time) + clients
        self._time = time
        self._lag += LAG_SMOOTHING * (lag - self._lag)

    def unheard(self, time: float) -> float:
        """How many were sent of late that one has not heard of yet, at most.

        On average it is half as many: those since a server has told the last time, and
        those that it has told of but that are still on the way.
        """
        return 2.0 * self._left(time) / MEMORY * self._lag

    def _left(self, time: float) -> float:
        return self._clients * exp(min(0.0, self._time - time) / MEMORY)
