"""Recorders: a choice reports to them what it does, for `dinamed explain`.

Events name members rather than hold them, so they can be sent as JSON as they are.
"""

from typing import Protocol

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="event"):
    """Something that happened while `pool` chose."""

    pool: str


class Out(Event, frozen=True, tag="out"):
    """A member was out before the first stage."""

    member: str
    reason: str


class Narrowed(Event, frozen=True, tag="narrowed"):
    """A stage narrowed the candidates `before` to those `after`."""

    stage: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    note: str = ""


class Picked(Event, frozen=True, tag="picked"):
    """The last stage picked.

    `odds` are the chances of each candidate to be picked first, or empty where the
    stage has none to tell; `scores` are its words on each candidate, or empty.  With
    `listed` each of those is a line of its own, and `remark` one more, if there is any.
    """

    stage: str
    candidates: tuple[str, ...]
    weights: tuple[float, ...]
    odds: tuple[float, ...]
    picked: tuple[str, ...]
    scores: tuple[str, ...] = ()
    listed: bool = False
    remark: str = ""


class Remark(Event, frozen=True, tag="note"):
    """A remark: the pool is down, another one stands in, ..."""

    text: str


class Recorder(Protocol):
    """Records what happens, in order."""

    def record(self, event: Event) -> None:
        """Record one event."""


class ListRecorder:
    """A recorder that keeps the events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        """Append the event."""
        self.events.append(event)
