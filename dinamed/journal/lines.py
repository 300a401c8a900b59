"""The lines of the journal: an event each, or where all members stood at its time."""

from collections.abc import Iterable, Mapping

import msgspec

from dinamed.journal.events import Happening
from dinamed.pools.report import out_report
from dinamed.pools.saved import SavedMember
from dinamed.pools.states import MemberState

Standings = Mapping[str, Mapping[str, SavedMember]]
"""Members by name, by name of the pool; those that are simply up are left out."""


class JournalLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line, in JSON.  There is either an event or there are pools."""

    at: float
    """Unix time."""
    event: Happening | None = None
    state: SavedMember | None = None
    """Of the member that the event is about, as it is since then."""
    pools: dict[str, dict[str, SavedMember]] | None = None
    """Where all members stood; each file and each process begin with such a line."""


_PLAIN = (MemberState(), MemberState(healthy=True))
"""The states of most members, told apart without a look at each part."""

_decoder = msgspec.json.Decoder(JournalLine)


def encoded(line: JournalLine) -> bytes:
    """The octets of a line, with its end."""
    return msgspec.json.encode(line) + b"\n"


def decoded_line(data: bytes) -> JournalLine | None:
    """A line that was read; None if it is none of ours."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return None


def event_line(event: Happening, state: SavedMember | None) -> bytes:
    """The line of an event."""
    return encoded(JournalLine(event.at, event, state))


def standings_line(
    at: float, pools: Iterable[tuple[str, Mapping[str, MemberState]]]
) -> bytes:
    """The line that says where the members of pools stand."""
    told = {}
    for pool, states in pools:
        known = {
            name: standing
            for name, state in states.items()
            if state not in _PLAIN and (standing := standing_of(state)) != SavedMember()
        }
        if known:
            told[pool] = known
    return encoded(JournalLine(at, pools=told))


def standing_of(state: MemberState) -> SavedMember:
    """What is kept of a member's state: all that has to do with hand-outs."""
    return SavedMember(
        state.order,
        state.until,
        False if state.healthy is False else None,
        state.reason if state.healthy is False else "",
        out_report(now=0.0, source="journal") if state.says_out else None,
        state.failing,
        state.by,
        state.order_reason,
        state.weight,
        state.weight_until,
        state.weight_by,
        state.weight_reason,
    )
