"""The last things that have happened, each with a number."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from dinamed.pools.saved import SavedMember
from dinamed.signals import Signal

MOST_EVENTS = 1000

Kind = Literal["order", "verdict", "reload", "replace", "fleet"]


class Happening(msgspec.Struct, frozen=True):
    """One thing that has happened."""

    id: int
    """Counts from 1, over restarts too where there is a journal."""
    at: float
    """Unix time."""
    kind: Kind
    subject: str
    """What it happened to: `POOL/MEMBER`, a pool, or nothing for the server."""
    text: str
    by: str = ""
    """Who did it, if anybody did."""
    reason: str = ""


class EventLog:
    """The last events, at most `most` of them."""

    def __init__(
        self, clock: Callable[[], float] = time.time, most: int = MOST_EVENTS
    ) -> None:
        self._clock = clock
        self._events: deque[Happening] = deque(maxlen=most)
        self.last = 0
        """Number of the last event."""
        self.noted: Signal[[Happening, SavedMember | None]] = Signal()
        """There is one more; and the state of the member that it is about, since."""

    def now(self) -> float:
        """The Unix time, by the clock that events go by."""
        return self._clock()

    def note(
        self,
        kind: Kind,
        subject: str,
        text: str,
        by: str = "",
        reason: str = "",
        state: SavedMember | None = None,
    ) -> None:
        """Something has happened; `state` is what is true of the member since then."""
        self.last += 1
        event = Happening(self.last, self._clock(), kind, subject, text, by, reason)
        self._events.append(event)
        self.noted.emit(event, state)

    def resume(self, events: Iterable[Happening]) -> None:
        """Go on behind events of the process before; nobody is told of them.

        Each keeps its number, unless that is taken here.
        """
        for event in events:
            if event.id <= self.last:
                event = msgspec.structs.replace(event, id=self.last + 1)
            self.last = event.id
            self._events.append(event)

    def since(self, number: int) -> tuple[Happening, ...]:
        """Those that came after that number, as far as they are remembered."""
        if number >= self.last:
            return ()
        return tuple(event for event in self._events if event.id > number)
