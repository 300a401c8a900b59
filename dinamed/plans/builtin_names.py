"""The built-in names under every zone, and those of class CH."""

import json
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from dinamed import __version__
from dinamed.geo.place import Place
from dinamed.plans.plan import REFUSED, Plan, Synthesized, Topic
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, from_text, is_within, labels
from dinamed.wire.question import Question
from dinamed.zones.virtual import COUNTRY, MANAGEMENT, STATUS

TOPICS: dict[bytes, Topic] = {
    MANAGEMENT: Topic.MANAGEMENT,
    STATUS: Topic.STATUS,
    COUNTRY: Topic.COUNTRY,
}
"""What the names next to a zone's origin tell."""
STATUS_TTL = 1  # seconds

_VERSION_NAMES = frozenset(map(from_text, ("version.bind.", "version.server.")))
_IDENTITY_NAMES = frozenset(map(from_text, ("id.server.", "hostname.bind.")))


@dataclass(frozen=True, slots=True)
class Vitals:
    """Figures of the server itself at one moment."""

    started: float
    """Unix time."""
    now: float
    questions: int


def pool_asked_for(
    name: WireName, origin: WireName, pool_named: Callable[[str], str | None]
) -> str | None:
    """The pool whose members a name below `mgmt` of a zone is to tell, if it is one."""
    if not is_within(name, MANAGEMENT + origin):
        return None
    asked = name[: len(name) - len(origin) - len(MANAGEMENT)] + b"\0"
    return pool_named(b".".join(labels(asked)).decode("latin-1"))


def chaos_plan(question: Question) -> Plan:
    """Class CH: who answers, and which version (RFC 4892)."""
    if question.type != Type.TXT:
        return REFUSED
    if question.key in _VERSION_NAMES:
        return Synthesized(Topic.CHAOS_VERSION, REFUSED)
    if question.key in _IDENTITY_NAMES:
        return Synthesized(Topic.CHAOS_IDENTITY, REFUSED)
    return REFUSED


def ttl_of(topic: Topic) -> int:
    """Seconds that what a name tells may be cached."""
    return STATUS_TTL if topic in (Topic.STATUS, Topic.COUNTRY) else 0


class Texts(Protocol):
    """Texts of a known number, which may be made as they are asked for."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...


def synthesize(
    told: Synthesized, snapshot: Snapshot, vitals: Vitals, place: Place
) -> Texts:
    """The strings of the reply, one TXT record each; `place` is the client's."""
    match told.topic:
        case Topic.MANAGEMENT:
            return management_texts(snapshot, vitals)
        case Topic.MEMBERS:
            return MemberTexts(snapshot.pools[told.pool], vitals.now)
        case Topic.COUNTRY:
            return [json.dumps(place.known(), separators=(",", ":"))]
        case Topic.STATUS:
            return [status_text(snapshot, vitals)]
        case Topic.CHAOS_VERSION:
            return [__version__]
        case Topic.CHAOS_IDENTITY:
            return [snapshot.identity]


def management_texts(snapshot: Snapshot, vitals: Vitals) -> list[str]:
    """The five lines of `mgmt.ZONE`, as dinamed has given them since 2001."""
    return [
        f"dinamed/{__version__}",
        f"Host: {snapshot.identity}",
        f"Started: {time.ctime(vitals.started)}",
        f"Now:     {time.ctime(vitals.now)}",
        f"Questions: {vitals.questions}",
    ]


def status_text(snapshot: Snapshot, vitals: Vitals) -> str:
    """The JSON of `_status.ZONE`."""
    status = {
        "up": int(vitals.now - vitals.started),
        "id": snapshot.identity,
        "qs": vitals.questions,
        "v": __version__,
    }
    return json.dumps(status, separators=(",", ":"))


class MemberTexts:
    """`STATE WEIGHT LOAD HANDOUTS NAME` of each member, best first."""

    def __init__(self, pool: PoolView, now: float) -> None:
        self._pool = pool
        self._now = now

    def __len__(self) -> int:
        return len(self._pool.members)

    def __iter__(self) -> Iterator[str]:
        pool, now = self._pool, self._now
        return (_member_text(pool, one, now) for one in pool.ranked(now))


def within(
    room: int, texts: Texts, record: Callable[[str], bytes], cut: bool
) -> list[bytes]:
    """The records of as many texts as `room` octets hold.

    If not all fit, and they may be `cut`, the last record says how many more there are;
    else they are too many octets, so that whoever assembles the reply sets TC.
    """
    if not cut and len(texts) * len(record("")) > room:
        return [record("")] * len(texts)  # too many, were they ever so short
    records: list[bytes] = []
    ends: list[int] = []
    used = 0
    for text in texts:
        records.append(record(text))
        used += len(records[-1])
        if used > room:
            break
        ends.append(used)
    else:
        return records
    if not cut:
        return records
    room -= len(record(_more(len(texts))))
    kept = bisect_right(ends, room)
    return [*records[:kept], record(_more(len(texts) - kept))]


def _more(count: int) -> str:
    return f"... {count} more"


def _member_text(pool: PoolView, member: Member, now: float) -> str:
    load = pool.load_of(member, now)
    said = "-" if load is None else f"{load:g}"
    hand_outs = pool.accounting.account(member.name).total
    return f"{pool.state(member)} {member.weight:g} {said} {hand_outs} {member.name}"
