"""How full members are, in a form that another engine can continue from."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Levels(NamedTuple):
    """The levels of the candidates, in their order.

    A candidate's score is (base + step * n + mine) / room, where n are the clients, or
    hand-outs, that came after; `mine` is what each client of the question itself adds,
    0 where that does not count, and `trust` how much of the rate behind its resolver
    is believed.  It is drawn by its weight as far as it is not
    `fresh`, see `fading`.

    With a `price` in ms, what counts is the cost to the client and the price times what
    the score, with its margin for chance, is above `start`: see `spill`.
    """

    fresh: Sequence[float]
    bases: Sequence[float]
    steps: Sequence[float]
    rooms: Sequence[float]
    mine: float = 0.0
    trust: float = 1.0
    price: float = 0.0
    start: float = 0.0


@runtime_checkable
class Leveled(Protocol):
    """A prepared picking stage that draws the lowest level."""

    def levels(self, time: float) -> Levels:
        """The levels at that time of the steady clock."""
