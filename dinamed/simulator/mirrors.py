"""The mirrors of a simulation, with their transfers."""

from heapq import heappop, heappush


class Mirror:
    """A host with so much capacity, in the unit of loads.

    It takes whatever comes, so its load may go beyond its capacity: what the clients
    would like to have.
    """

    __slots__ = ("_transfers", "capacity", "flow", "up")

    def __init__(self, capacity: float, flow: float) -> None:
        self.capacity = capacity
        self.flow = flow
        self.up = True
        self._transfers: list[tuple[float, int]] = []  # end, resolver

    def begin(self, end: float, resolver: int) -> None:
        """A transfer begins that lasts until `end`."""
        heappush(self._transfers, (end, resolver))

    def load(self, now: float) -> float:
        """The load at `now`, which must not go back."""
        transfers = self._transfers
        while transfers and transfers[0][0] <= now:
            heappop(transfers)
        return len(transfers) * self.flow

    def die(self, now: float) -> list[tuple[float, int]]:
        """Cut all transfers off: the seconds that were left of each, its resolver."""
        self.load(now)
        cut = [(end - now, resolver) for end, resolver in self._transfers]
        self._transfers.clear()
        self.up = False
        return cut

    def rise(self) -> None:
        """Back again, with nothing to do."""
        self.up = True
