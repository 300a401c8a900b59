"""Who was out, and why, at a time of the past, by what the journal tells."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import msgspec

from dinamed.journal.events import MOST_EVENTS, Happening
from dinamed.journal.lines import JournalLine
from dinamed.pools.report import out_report
from dinamed.pools.saved import Saved, SavedMember
from dinamed.pools.states import MemberState, Order

MOST_RECENT = 10
"""Events before the time that a `Past` tells of."""


class JournalReader(Protocol):
    """Reads the journal's files."""

    def paths(self) -> list[str]:
        """The files, the newest first."""

    def lines(self, path: str) -> Iterator[JournalLine]:
        """The lines of one."""


class NotKnownError(LookupError):
    """The journal does not reach back so far; the message says how far it does."""


@dataclass
class Past:
    """What the journal knows of a time.

    `since` is when each member that is not simply up came to be so; those of which that
    is not known are older than the journal's file.
    """

    at: float
    pools: dict[str, dict[str, SavedMember]] = field(default_factory=dict)
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    recent: deque[Happening] = field(default_factory=lambda: deque(maxlen=MOST_RECENT))

    def take(self, line: JournalLine) -> None:
        """Go on to the next line."""
        if line.pools is not None:
            self._begin(line.pools)
        if line.event is None:
            return
        self.recent.append(line.event)
        pool, slash, member = line.event.subject.partition("/")
        if line.state is not None and slash:
            self._put(pool, member, line.state, line.at)

    def _begin(self, pools: dict[str, dict[str, SavedMember]]) -> None:
        """All that is known of members is this."""
        self.since = {
            (pool, member): at
            for (pool, member), at in self.since.items()
            if pools.get(pool, {}).get(member) == self.pools[pool][member]
        }
        self.pools = pools

    def _put(self, pool: str, member: str, state: SavedMember, at: float) -> None:
        if state == self.pools.get(pool, {}).get(member, SavedMember()):
            return
        if state == SavedMember():
            self.pools[pool].pop(member)
            self.since.pop((pool, member), None)
        else:
            self.pools.setdefault(pool, {})[member] = state
            self.since[pool, member] = at

    def saved(self) -> Saved:
        """The states as a pool manager restores them; reports count as of that time."""
        said_out = out_report(now=self.at, source="journal")
        return Saved(
            {
                pool: {
                    name: state
                    if state.report is None
                    else msgspec.structs.replace(state, report=said_out)
                    for name, state in members.items()
                }
                for pool, members in self.pools.items()
            }
        )

    def out(self) -> Iterator[tuple[str, str, str]]:
        """Pool, member, and why it was not handed out, or with what other weight."""
        for pool, members in sorted(self.pools.items()):
            for name, known in sorted(members.items()):
                words = _words(known, self.at)
                if words:
                    yield pool, name, words


def past_at(journal: JournalReader, at: float) -> Past:
    """What was known at a Unix time.  Raises `NotKnownError`, `OSError`."""
    oldest = None
    for path in journal.paths():
        first = next(journal.lines(path), None)
        if first is None:
            continue
        oldest = first.at
        if first.at > at:
            continue
        past = Past(at)
        for line in journal.lines(path):
            if line.at <= at:
                past.take(line)
        return past
    if oldest is None:
        raise NotKnownError("the journal is empty")
    raise NotKnownError(f"the journal begins at {utc(oldest)}")


def utc(at: float) -> str:
    """A Unix time as `2026-11-27 03:12:00Z`."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at))


def events_between(
    journal: JournalReader, after: float, before: float, most: int = MOST_EVENTS
) -> tuple[Happening, ...]:
    """The first events from one Unix time on and before another.  Raises `OSError`."""
    found = (
        line.event
        for path in reversed(journal.paths())
        for line in journal.lines(path)
        if line.event is not None and after <= line.at < before
    )
    return tuple(islice(found, most))


def last_events(journal: JournalReader) -> tuple[Happening, ...]:
    """The last ones.  Raises `OSError`."""
    found: deque[Happening] = deque(maxlen=MOST_EVENTS)
    for path in reversed(journal.paths()[:2]):
        found.extend(line.event for line in journal.lines(path) if line.event)
    return tuple(found)


def _words(known: SavedMember, at: float) -> str:
    state = MemberState(
        known.order,
        known.until,
        known.healthy,
        known.reason,
        known.report is not None,
        known.failing,
        known.by,
        known.order_reason,
    )
    words = [state.why_out(at)]
    if known.order is Order.UP:
        words.append("up by order" + (f" of {known.by}" if known.by else ""))
    words += [f"an address fails: {why}" for _, why in known.failing[:1]]
    if known.weight is not None:
        words.append(f"weight {known.weight:g} by order")
    return "; ".join(word for word in words if word)
