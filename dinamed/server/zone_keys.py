"""The keys of one zone that is signed here, and how far a change of them is."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from dinamed.config.dnssec import Dnssec
from dinamed.dnssec.cosigners import CosignerKey
from dinamed.dnssec.grid import Grid
from dinamed.dnssec.keys import Key, KeyFault, make_key
from dinamed.dnssec.keyset import KeySet
from dinamed.dnssec.rolling import (
    ParentView,
    RollFault,
    ServersView,
    ZoneState,
    advanced,
    begin,
    keyset_of,
    lost_keys,
    removable_at,
    with_others,
)
from dinamed.dnssec.signatures import Signatures
from dinamed.server.key_folder import HeldKeys, KeyFolder
from dinamed.server.signing_child import read_ready
from dinamed.transfers.serial import following, newer
from dinamed.wire.names import WireName, to_text

_NOT_WRITTEN = ", so it can't be written"
_STRANGE = "which is not here"
_FALSE = "but not the digest of that key"
_GONE = "is not in the zone's data any more"
_OTHERS = ", and none of ours"
SLOW_CLOCK = 300.0
"""Seconds by which a clock may be behind the one that dated a key."""


class OrderFault(Exception):  # noqa: N818
    """An order that could not be carried out; the message says why."""


def _listed(tags: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(tags)))


class ZoneKeys:
    """What is signed with, on disk and in memory; all changes are on disk first.

    `problem` says why the zone is not signed, or what is wrong although it is; empty:
    nothing is.
    """

    def __init__(self, zone: WireName, settings: Dnssec, folder: KeyFolder) -> None:
        self.zone = zone
        self.settings = settings
        self.folder = folder
        self.signatures = Signatures()
        self.problem = ""
        self._saved = 0
        """How many signatures had been made when they were saved."""
        self.held = HeldKeys()
        self.servers: ServersView | None = None
        """The keys that the zone's name servers were last seen to have."""
        self._state: ZoneState | None = None
        self._refused = False

    @property
    def state(self) -> ZoneState | None:
        """How far things are; None while there is no key."""
        return self._state

    @property
    def grid(self) -> Grid:
        """When signatures begin and end."""
        return Grid(self.settings.validity)

    @property
    def dnskeys(self) -> list[bytes]:
        """All keys that a DS of the parent may be of: ours, and those of others."""
        others = () if self._state is None else self._state.others
        ours = [key.dnskey for key in self.held.keys.values()]
        return [*ours, *(other.dnskey for other in others)]

    def look(self) -> None:
        """Read what there is, and change nothing."""
        self.held = held = self.folder.read(aside=False)
        self.problem = "; ".join(f"{path}: {why}" for path, why in held.problems)
        state = held.state
        if state is None and held.keys:
            state = ZoneState(active=tuple(held.keys))
        usable = state is not None and not lost_keys(state, held.keys)
        self._state = state if usable and state is not None and state.active else None

    def open(self, now: float, may_make: bool) -> None:
        """Read what there is; make a key if there is none, and if that may be."""
        self.held = held = self.folder.read()
        self._state = None
        self.problem = "; ".join(f"{path}: {why}" for path, why in held.problems)
        young = [label for label, at in held.created.items() if at > now + SLOW_CLOCK]
        if young:
            self._refuse(f"the clock is before the key {young[0]} was made")
        elif held.state is not None:
            self._go_on(held.state)
        elif held.keys:
            self._begin_timely(now)
        elif held.problems:
            self._refuse(self.problem)
        elif may_make:
            self.make(now)
        else:
            name = to_text(self.zone).removesuffix(".")
            self._refuse(
                "no key yet, and another server may have one: "
                f"`dinamed dnssec import {name}`, or `dinamed dnssec make {name}` here"
            )

    def _go_on(self, state: ZoneState) -> None:
        lost = lost_keys(state, self.held.keys)
        if lost:
            self._refuse(f"the key {lost[0]} is gone from {self.folder.keys}")
        elif state.active:
            self._state = state
        elif self.held.keys:
            self._begin_with(tuple(self.held.keys), state.since)

    def _begin_timely(self, now: float) -> None:
        """Begin with the keys that may be used now by the times in their files.

        That others are there is a problem.  Later the state tells, whatever the files.
        """
        good, bad = [], []
        for label, times in self.held.times.items():
            over = [one for one in ("Inactive", "Delete") if times.get(one, now) < now]
            early = times.get("Activate", now) > now + SLOW_CLOCK
            if over or early:
                when = f"is over ({over[0]})" if over else "has not come (Activate)"
                tag = self.held.keys[label].tag
                bad.append(f"the time of key {tag} {when}, as its file says")
            else:
                good.append(label)
        self.problem = "; ".join(bad) or self.problem
        if good:
            self._begin_with(tuple(good), now)
        else:
            self._refuse(self.problem)

    def _begin_with(self, labels: tuple[str, ...], now: float) -> None:
        before = self.held.state or ZoneState()
        self._save(msgspec.structs.replace(before, active=labels, since=now))

    def _refuse(self, why: str) -> None:
        self.problem = why
        self._state = None

    def make(self, now: float) -> None:
        """Make a key and sign with it; what keeps us from that is a problem.

        Raises `OrderFault` if there is a key.
        """
        if self._state is not None:
            raise OrderFault("the zone has a key already; `roll` changes it")
        self.problem = ""
        try:
            self._begin_with((self._new_key(now),), now)
        except (OSError, KeyFault) as error:
            self._refuse(f"no key could be made in {self.folder.keys}: {error}")

    def _new_key(self, now: float) -> str:
        tags = [key.tag for key in self.held.keys.values()]
        key = make_key(self.zone, self.settings.number, tags)
        return self.take(key, now)

    def take(self, key: Key, now: float) -> str:
        """Keep a key; its label.  Raises `OSError`."""
        self.folder.add(key, now)
        self.held.keys[key.label] = key
        self.held.created[key.label] = now
        return key.label

    def adopt(self, labels: Sequence[str], state: ZoneState | None, now: float) -> None:
        """Go on with keys that were brought here.  Raises `OrderFault`.

        In a zone without keys they are in use from now on, as far as `state` tells from
        when they are; where there are some, a roll to the one that was brought begins.
        """
        if self._state is None:
            fresh = state or ZoneState(active=tuple(labels), since=now)
            self._save(msgspec.structs.replace(fresh, serial=None), strict=True)
            return
        new = [label for label in labels if label not in self._state.active]
        if not new:
            return
        if len(new) > 1 or not self.held.keys[new[0]].secure_entry:
            raise OrderFault("a roll leads to one key, which a DS can point to")
        try:
            self._save(begin(self._state, new[0], now), strict=True)
        except RollFault as fault:
            raise OrderFault(str(fault)) from None

    def roll(self, now: float, emergency: bool = False) -> None:
        """Begin to change the key.  Raises `OrderFault`.

        In an emergency the new key is the only one at once: until caches have
        forgotten the old one, and the parent has the new DS, validators fail.
        """
        state = self._needed()
        try:
            label = self._new_key(now)
            if emergency:
                changed = msgspec.structs.replace(
                    state, active=(label,), since=now, roll=None, highest_ttl=0
                )
            else:
                changed = begin(state, label, now)
        except (OSError, RollFault, KeyFault) as error:
            raise OrderFault(str(error)) from None
        self._save(changed, strict=True)

    def off(self, now: float) -> None:
        """Begin to go unsigned.  Raises `OrderFault`."""
        state = self._needed()
        if state.off_since is None:
            changed = msgspec.structs.replace(state, off_since=now, gone_since=None)
            self._save(changed, strict=True)

    def ds_seen(self, now: float) -> None:
        """Take the operator's word that the parent has what was asked for."""
        state = self._needed()
        out = keyset_of(state, self.held.keys, now)
        wanted: Sequence[int] = ()
        if state.off_since is None:
            # Before CDS is out the DS has come by another way, of the keys in use.
            entries = [key for key in out.published if key.secure_entry]
            wanted = [key.tag for key in out.wanted or entries[:1]]
        ttl = ParentView(now).ttl if state.parent is None else state.parent.ttl
        view = ParentView(now, {"operator": tuple(wanted)}, ttl, by_hand=True)
        self._save(msgspec.structs.replace(state, parent=view), strict=True)

    def parent_shows(self, view: ParentView) -> None:
        """Record the DS records that the parent's servers have."""
        state = self._state
        if state is None:
            return
        before = state.parent
        if before is not None and before.by_hand and not view.complete:
            return
        ours = {key.tag for key in self.held.keys.values()}
        known = ours | {other.tag for other in state.others}
        trusted = state.trusted or bool(view.tags & ours)
        self._save(msgspec.structs.replace(state, parent=view, trusted=trusted))
        good = bool(view.tags & known)
        strange = bool(view.tags or view.false) and not good
        # A parent that had our DS before may lie, or somebody in its place: what is
        # signed stays signed.  Before that, signatures would make the zone bogus.
        self._refused = strange and not trusted
        if view.false:
            self.problem = (
                f"the parent has a DS with the tag {_listed(view.false)}, {_FALSE}: "
                "have it replaced by what `dinamed dnssec ds` prints"
            )
        elif strange:
            self.problem = (
                f"the parent has a DS of key {_listed(view.tags)}, {_STRANGE}: import "
                "that key, or have its DS removed"
            )
        elif _STRANGE in self.problem or _FALSE in self.problem:
            self.problem = ""

    def take_others(self, found: Sequence[bytes], now: float) -> Sequence[CosignerKey]:
        """The keys of other signers to publish, where the zone's data have these."""
        if self._state is None:
            return ()
        changed = with_others(self._state, found, now)
        if changed != self._state:
            self._save(changed)
        others = self._state.others
        gone = [other.tag for other in others if other.gone_since is not None]
        if gone:
            self.problem = (
                f"key {_listed(gone)} of another signer {_GONE}: it stays published "
                "while caches may need it, and as long as the parent has its DS"
            )
        elif _GONE in self.problem:
            self.problem = ""
        return others

    def servers_show(self, view: ServersView) -> None:
        """Take note of the keys that the name servers of the zone have."""
        self.servers = view
        out = self.keyset(view.at)
        if out is None:
            return
        ours = {key.tag for key in out.published}
        strange = [
            f"{server} has {'key ' + _listed(tags) if tags else 'no key'}"
            for server, tags in sorted(view.servers.items())
            if tags is not None and not ours & set(tags)
        ]
        if strange:
            self.problem = (
                f"{', '.join(strange)}{_OTHERS}: validators that ask there fail, once "
                "the parent has the DS"
            )
        elif _OTHERS in self.problem:
            self.problem = ""

    def advance(self, now: float, highest_ttl: int) -> bool:
        """Go as far as time and the parent allow; whether anything has changed."""
        state = self._state
        if state is None:
            return False
        changed = advanced(state, self.held.keys, now, highest_ttl)
        if changed != state:
            self._save(changed)
        lifetime = self.settings.lifetime
        if (
            not isinstance(lifetime, str)
            and changed.roll is None
            and changed.off_since is None
            and now > changed.since + lifetime
        ):
            self.roll(now)
        return self._state != state

    def keyset(self, now: float) -> KeySet | None:
        """The keys that are out now; None while the zone is not signed."""
        if self._state is None or self._refused:
            return None
        return keyset_of(self._state, self.held.keys, now)

    def must_stay(self, now: float) -> bool:
        """Whether validators would fail if the zone were not signed any more."""
        state = self._state
        if state is None or state.parent is None:
            return False
        removable = removable_at(state)
        if removable is not None:
            return now < removable
        return bool(state.parent.tags or state.parent.false)

    def next_serial(self, base: int, version: int, changed: bool) -> int:
        """The serial to give out, which is never behind one that was.

        It is that of the data and the number of the version of the signed zone, so
        that all servers tell the same.  With `changed` something else is new too.
        """
        wanted = (base + version) & 0xFFFFFFFF
        last = None if self._state is None else self._state.serial
        if last is None or newer(wanted, last):
            serial = wanted
        else:
            serial = following(last) if changed else last
        if self._state is not None and serial != last:
            self._save(msgspec.structs.replace(self._state, serial=serial))
        return serial

    def recall(self) -> None:
        """Know the signatures that were saved."""
        self.signatures.restore(self.folder.read_signatures())
        self.take_ahead()

    def take_ahead(self) -> None:
        """Know the signatures that were made ahead."""
        ahead = read_ready(self.folder.ahead_path)
        if ahead is not None:
            self.signatures.take_ahead(ahead)

    def remember(self) -> None:
        """Save signatures, if there are new ones; what can't be saved is made anew."""
        made = self.signatures.made
        if made != self._saved:
            with suppress(OSError):
                self.folder.save_signatures(self.signatures.entries())
                self._saved = made

    def _needed(self) -> ZoneState:
        if self._state is None:
            raise OrderFault(self.problem or "the zone has no key")
        return self._state

    def _save(self, state: ZoneState, strict: bool = False) -> None:
        """Keep a state on disk, then in memory: what is not kept does not happen."""
        try:
            self.folder.save(state)
        except OSError as error:
            why = f"{self.folder.state_path}: {error}{_NOT_WRITTEN}"
            if strict:
                raise OrderFault(why) from None
            self.problem = why
            return
        if self.problem.endswith(_NOT_WRITTEN):
            self.problem = ""
        self._state = state
