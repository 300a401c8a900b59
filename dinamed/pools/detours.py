"""How many clients of a pool are sent past their nearest member, and how much farther.

Only answers that were picked by cost count, by the clients that each brings over the
horizon as they are foreseen.
"""

SHORTEST = 0.5
"""Milliseconds beyond the nearest that are a detour."""


class Detours:
    """Sums since the start: all `clients`, those `spilled`, and their ways.

    `ms` is the sum over all clients of the milliseconds beyond their nearest member.
    """

    __slots__ = ("clients", "ms", "spilled")

    def __init__(self) -> None:
        self.clients = 0.0
        self.spilled = 0.0
        self.ms = 0.0

    def sent(self, clients: float, farther: float) -> None:
        """So many clients were sent so many milliseconds farther than the nearest."""
        self.clients += clients
        if farther >= SHORTEST:
            self.spilled += clients
            self.ms += clients * farther

    def add(self, clients: float, spilled: float, ms: float) -> None:
        """Another engine has counted so many."""
        self.clients += clients
        self.spilled += spilled
        self.ms += ms
