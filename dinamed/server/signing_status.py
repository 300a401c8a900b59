"""What is told of the signing of a zone: keys, what is waited for, what others show."""

import msgspec

from dinamed.dnssec.keys import Key, ds_text
from dinamed.dnssec.keyset import KeySet
from dinamed.dnssec.rolling import ParentView, ServersView, Waiting, waiting
from dinamed.server.zone_keys import ZoneKeys
from dinamed.wire.constants import Type
from dinamed.wire.names import to_text


class KeyStatus(msgspec.Struct, frozen=True):
    """One key of a zone; `created` is Unix time."""

    tag: int
    algorithm: str
    kind: str
    """CSK, KSK or ZSK."""
    created: float
    published: bool
    signs: tuple[str, ...]
    """What it signs now: keys, data, both or nothing."""
    wanted: bool
    """Whether the parent is asked to have its DS."""
    ds: str
    """Its DS, as master files have it."""


class SigningStatus(msgspec.Struct, frozen=True):
    """The signing of one zone; times are Unix time."""

    zone: str
    signed: bool
    problem: str
    """Why it is not signed, or what is wrong although it is; empty: nothing is."""
    stage: str
    """Of a roll, see `Stage`; leaving on the way to unsigned."""
    keys: tuple[KeyStatus, ...]
    waiting: tuple[Waiting, ...]
    parent: ParentView | None
    servers: ServersView | None
    """The keys that the zone's name servers have."""
    expires: float | None
    """When the first of the signatures that are given out now is good no more."""
    signatures: int
    """Signatures that were made since the start."""
    ahead: int
    """Signatures that were made ahead, and are kept in a file."""
    serial: int | None


def status_of(keys: ZoneKeys, now: float) -> SigningStatus:
    """What there is to tell of a zone at a moment."""
    state = keys.state
    keyset = keys.keyset(now)
    stage = ""
    if state is not None and state.off_since is not None:
        stage = "leaving"
    elif state is not None and state.roll is not None:
        stage = state.roll.stage
    return SigningStatus(
        zone=to_text(keys.zone),
        signed=keyset is not None,
        problem=keys.problem,
        stage=stage,
        keys=tuple(
            _key_status(key, keys.held.created[label], keyset)
            for label, key in sorted(keys.held.keys.items())
        ),
        waiting=() if state is None else tuple(waiting(state, keys.held.keys, now)),
        parent=None if state is None else state.parent,
        servers=keys.servers,
        expires=None if keyset is None else soonest_expiry(keys, now),
        signatures=keys.signatures.made,
        ahead=keys.signatures.ahead,
        serial=None if state is None else state.serial,
    )


def soonest_expiry(keys: ZoneKeys, now: float) -> float:
    """When the first signature that is given out now expires, to the hour.

    Slots are spread over a period, so with many RRsets one is about to be renewed;
    what is given out then is still good for the reserve.
    """
    slot = keys.grid.slot(keys.zone, int(Type.DNSKEY), now)
    _, expiration = keys.grid.times(slot)
    return float(min(expiration, keys.grid.next_change(now) + keys.grid.reserve))


def _key_status(key: Key, created: float, keyset: KeySet | None) -> KeyStatus:
    published = keyset is not None and key in keyset.published
    signs = []
    if keyset is not None and key in keyset.sign_keys:
        signs.append("keys")
    if keyset is not None and key in keyset.sign_data:
        signs.append("data")
    kind = "CSK" if key.secure_entry else "ZSK"
    if key.secure_entry and keyset is not None:
        others = (one for one in keyset.published if not one.secure_entry)
        kind = "KSK" if any(others) and key not in keyset.sign_data else "CSK"
    return KeyStatus(
        tag=key.tag,
        algorithm=key.algorithm.name,
        kind=kind,
        created=created,
        published=published,
        signs=tuple(signs),
        wanted=keyset is not None and key in (keyset.wanted or ()),
        ds=ds_text(key.zone, key.ds),
    )
