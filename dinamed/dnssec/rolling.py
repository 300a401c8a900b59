"""From one key of a zone to the next, by time and by what the parent shows.

A roll goes through four stages (RFC 6781 section 4.1.2, with one key for all):

1. `ANNOUNCED`: the new key is published and signs the keys beside the old one.
2. `SIGNING`, once caches have the new key: it alone signs data, and CDS and CDNSKEY ask
   the parent for its DS.
3. `TRUSTED`, once all servers of the parent show the new DS and not the old one.
4. Done, once no cache has the old DS or the old signatures: the old key is gone.

Where the new key is of another algorithm, all data must have signatures of each
algorithm that any cached DNSKEY RRset or DS names (RFC 6781 section 4.1.4, RFC 6840
section 5.11).  So before the first stage is `PRESIGNING`, in which both keys sign data
and the new one is not published yet, and both sign data until the end of one more
stage, `RETIRING`, in which the old key is not published any more.

No stage is left before what the next one needs has reached every cache, so that no
validator ever fails.  The state is a value, and so is each change of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from dinamed.dnssec.cosigners import CosignerKey, followed
from dinamed.dnssec.keys import Key
from dinamed.dnssec.keyset import DNSKEY_TTL, KeySet

MARGIN = 3600.0
"""Seconds beyond each TTL: for transfers to secondaries, and for clocks."""
STATE_VERSION = 1
NO_TTL = 86400
"""The TTL of a DS that nobody has shown, in seconds."""

Stage = Literal["presigning", "announced", "signing", "trusted", "retiring"]


class Roll(msgspec.Struct, frozen=True):
    """A change of keys that is under way; times are Unix time."""

    new: str
    """The label of the key that is to be the only one."""
    stage: Stage
    since: float
    """When this stage began."""
    signing_since: float | None = None
    both: bool = False
    """Whether both keys sign data throughout, for they are of two algorithms."""


class ParentView(msgspec.Struct, frozen=True):
    """What the servers of the parent zone were last seen to have as DS.

    `servers` has for each address the tags that it showed, None where it gave no
    answer; with `by_hand` an operator has told it.
    """

    at: float
    servers: dict[str, tuple[int, ...] | None] = {}
    ttl: int = NO_TTL
    by_hand: bool = False
    false: tuple[int, ...] = ()
    """The tags of those that have a digest of no key of ours: nobody can validate."""

    @property
    def tags(self) -> frozenset[int]:
        """All tags that any server shows."""
        return frozenset(tag for tags in self.servers.values() for tag in tags or ())

    @property
    def complete(self) -> bool:
        """Whether every server has answered, and there is one."""
        return bool(self.servers) and None not in self.servers.values()


class ServersView(msgspec.Struct, frozen=True):
    """The tags of the keys that each name server of the zone was last seen to have,
    by its address; None where it gave no answer."""

    at: float
    servers: dict[str, tuple[int, ...] | None] = {}


class ZoneState(msgspec.Struct, frozen=True):
    """What is kept of the signing of one zone, beside its keys."""

    version: int = STATE_VERSION
    active: tuple[str, ...] = ()
    """The labels of the keys in use; but for a roll, all that are published."""
    since: float = 0.0
    """When they began to sign."""
    highest_ttl: int = 0
    """The highest TTL of the zone since then, in seconds."""
    roll: Roll | None = None
    off_since: float | None = None
    """When the parent was first asked to remove its DS."""
    gone_since: float | None = None
    """When no server of the parent had a DS any more, after that."""
    parent: ParentView | None = None
    trusted: bool = False
    """Whether the parent has ever had a DS of a key of ours."""
    serial: int | None = None
    """The highest serial that was given out."""
    others: tuple[CosignerKey, ...] = ()
    """Keys of other signers that are published."""


class Waiting(msgspec.Struct, frozen=True):
    """What a zone waits for: in words, since when, and until when if that is known."""

    what: str
    since: float
    until: float | None = None


class RollFault(ValueError):  # noqa: N818
    """An order that does not fit the state; the message says why."""


def keyset_of(state: ZoneState, keys: Mapping[str, Key], now: float) -> KeySet:
    """Which keys are out at this moment.  Raises `KeyError` for a key that is lost."""
    active = tuple(keys[label] for label in state.active)
    entries = tuple(key for key in active if key.secure_entry) or active
    data = tuple(key for key in active if not key.secure_entry) or active
    roll = state.roll
    removing = state.off_since is not None
    if roll is None:
        wanted = entries if now >= announced_at(state) else None
        return KeySet(active, entries, data, wanted, removing)
    new = keys[roll.new]
    signers = (*data, new) if roll.both else (new,)
    if roll.stage == "retiring":
        return KeySet((new,), (new,), signers, (new,), removing)
    if roll.stage in ("signing", "trusted"):
        return KeySet((*active, new), (*entries, new), signers, (new,), removing)
    wanted = entries if now >= announced_at(state) else None
    if roll.stage == "presigning":
        return KeySet(active, entries, signers, wanted, removing)
    signers = signers if roll.both else data
    return KeySet((*active, new), (*entries, new), signers, wanted, removing)


def announced_at(state: ZoneState) -> float:
    """When CDS and CDNSKEY may be out: no cache has anything from before the keys."""
    return state.since + max(DNSKEY_TTL, state.highest_ttl) + MARGIN


def wanted_keys(state: ZoneState) -> tuple[str, ...]:
    """The labels of the keys that the parent is to have a DS of by now.

    Before caches know of a new key its DS would leave them with none that fits.
    """
    roll = state.roll
    if roll is None or roll.stage in ("presigning", "announced"):
        return state.active
    return (roll.new,)


def with_others(state: ZoneState, found: Iterable[bytes], now: float) -> ZoneState:
    """The state where the zone's data have these keys of other signers."""
    trusted = frozenset() if state.parent is None else state.parent.tags
    hold = max(DNSKEY_TTL, state.highest_ttl) + MARGIN
    others = followed(state.others, found, now, hold, trusted)
    return msgspec.structs.replace(state, others=others)


def begin(state: ZoneState, new: str, now: float) -> ZoneState:
    """Begin a roll to a key.  Raises `RollFault`."""
    if state.roll is not None:
        raise RollFault("a roll is under way already")
    if state.off_since is not None:
        raise RollFault("the zone is on its way to be unsigned")
    if not state.active:
        raise RollFault("the zone has no key yet")
    both = any(_algorithm(one) != _algorithm(new) for one in state.active)
    roll = Roll(new, "presigning" if both else "announced", now, both=both)
    return msgspec.structs.replace(state, roll=roll)


def _algorithm(label: str) -> str:
    """The algorithm that a key's label tells: see `Key.label`."""
    return label.split("+")[1]


def advanced(
    state: ZoneState, keys: Mapping[str, Key], now: float, highest_ttl: int
) -> ZoneState:
    """The state after all that time and the parent's DS have brought about."""
    highest = max(state.highest_ttl, highest_ttl)
    state = msgspec.structs.replace(state, highest_ttl=highest)
    if state.off_since is not None:
        state = _leaving(state, now)
    roll = state.roll
    if roll is None:
        return state
    if now < _next_at(state, roll):
        return state
    if roll.stage == "signing" and not _trusted(state, keys, roll):
        return state
    following = _FOLLOWING[roll.both].get(roll.stage)
    if following is None:
        since = roll.signing_since or now
        return msgspec.structs.replace(
            state, active=(roll.new,), since=since, roll=None, highest_ttl=highest_ttl
        )
    signing_since = now if following == "signing" else roll.signing_since
    roll = Roll(roll.new, following, now, signing_since, roll.both)
    return msgspec.structs.replace(state, roll=roll)


_FOLLOWING: Mapping[bool, Mapping[Stage, Stage]] = {
    False: {"announced": "signing", "signing": "trusted"},
    True: {
        "presigning": "announced",
        "announced": "signing",
        "signing": "trusted",
        "trusted": "retiring",
    },
}
"""The stage after each but the last, by whether both keys sign data."""


def _leaving(state: ZoneState, now: float) -> ZoneState:
    parent = state.parent
    if parent is None or not parent.complete or parent.at < (state.off_since or 0.0):
        return state
    if parent.tags or parent.false:
        return msgspec.structs.replace(state, gone_since=None)
    if state.gone_since is None:
        return msgspec.structs.replace(state, gone_since=now)
    return state


def _trusted(state: ZoneState, keys: Mapping[str, Key], roll: Roll) -> bool:
    """Whether all servers of the parent have the new DS, and none the old one."""
    parent = state.parent
    if parent is None or not parent.complete or parent.at < roll.since:
        return False
    if parent.by_hand:
        return True
    if parent.false:
        return False
    new = keys[roll.new].tag
    old = {keys[label].tag for label in state.active}
    return all(
        new in (tags or ()) and old.isdisjoint(tags or ())
        for tags in parent.servers.values()
    )


def _next_at(state: ZoneState, roll: Roll) -> float:
    """When time allows for the end of the stage."""
    if roll.stage == "signing":
        return roll.since
    if roll.stage == "presigning":
        return roll.since + state.highest_ttl + MARGIN
    if roll.stage != "trusted":
        return roll.since + DNSKEY_TTL + MARGIN
    ttl = NO_TTL if state.parent is None else state.parent.ttl
    signatures = (roll.signing_since or roll.since) + state.highest_ttl
    return max(roll.since + ttl, signatures) + MARGIN


def removable_at(state: ZoneState) -> float | None:
    """When `dnssec` may leave the config without harm; None: the DS is still there."""
    if state.off_since is None or state.gone_since is None:
        return None
    ttl = NO_TTL if state.parent is None else state.parent.ttl
    return state.gone_since + ttl + MARGIN


def waiting(state: ZoneState, keys: Mapping[str, Key], now: float) -> list[Waiting]:
    """What the roll of the zone's keys waits for."""
    found = []
    roll = state.roll
    if state.off_since is not None:
        found.append(_waiting_off(state, now))
    elif roll is None and now < announced_at(state):
        until = announced_at(state)
        what = "caches to forget what they have from before the keys; then CDS is out"
        found.append(Waiting(what, state.since, until))
    elif roll is None and not _ds_fits(state, keys):
        tags = ", ".join(str(keys[label].tag) for label in state.active)
        what = f"the parent to have a DS of key {tags}"
        found.append(Waiting(what, announced_at(state)))
    if roll is not None:
        found.append(_waiting_roll(state, roll, keys))
    return found


def _ds_fits(state: ZoneState, keys: Mapping[str, Key]) -> bool:
    parent = state.parent
    if parent is None:
        return False
    tags = {keys[label].tag for label in state.active if keys[label].secure_entry}
    return bool(parent.tags & tags)


def _waiting_off(state: ZoneState, now: float) -> Waiting:
    until = removable_at(state)
    since = state.off_since or 0.0
    if until is None:
        return Waiting("the parent to remove its DS (CDS asks it to)", since)
    gone = state.gone_since or since
    if now < until:
        return Waiting("caches to forget the DS", gone, until)
    return Waiting("`dnssec` to be taken out of the config: that is safe now", until)


def _waiting_roll(state: ZoneState, roll: Roll, keys: Mapping[str, Key]) -> Waiting:
    if roll.stage == "signing":
        return Waiting(_parent_words(state, roll, keys), roll.since)
    what = _CACHES[roll.stage].format(new=keys[roll.new].tag)
    return Waiting(what, roll.since, _next_at(state, roll))


_CACHES: Mapping[Stage, str] = {
    "presigning": "caches to forget data without signatures of the new key {new}",
    "announced": "caches to learn of the new key {new}",
    "trusted": "caches to forget the old DS and the old signatures",
    "retiring": "caches to forget the old key",
}


def _parent_words(state: ZoneState, roll: Roll, keys: Mapping[str, Key]) -> str:
    """Which of the parent's servers hold a roll up, and why."""
    new = keys[roll.new].tag
    old = [keys[label].tag for label in state.active]
    what = f"the parent to have the DS of key {new}, and no more of {_listed(old)}"
    parent = state.parent
    if parent is None:
        return f"{what}; its servers were not asked yet"
    late = []
    for server, tags in sorted(parent.servers.items()):
        if tags is None:
            late.append(f"{server} does not answer")
        elif new not in tags:
            late.append(f"{server} has not the new one")
        elif set(old) & set(tags):
            late.append(f"{server} still has the old one")
    return f"{what}; {', '.join(late)}" if late else what


def _listed(tags: Sequence[int]) -> str:
    return ", ".join(map(str, tags))


def lost_keys(state: ZoneState, keys: Collection[str]) -> list[str]:
    """The labels of keys that the state needs and nobody has."""
    needed = [*state.active, *([state.roll.new] if state.roll is not None else [])]
    return [label for label in needed if label not in keys]
