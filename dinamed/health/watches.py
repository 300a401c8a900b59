"""Watches: one for each distinct target and check, with the members it concerns."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from dinamed.config.checks import Check, PoolCheck
from dinamed.config.combined import CheckRule
from dinamed.health.aggregate import EVERYWHERE, Finding, HealthVerdict, aggregate
from dinamed.health.hysteresis import Hysteresis
from dinamed.health.results import Probe, ProbeTarget, Result, names_member

MemberKey = tuple[str, str]
"""The names of a pool and of a member of it."""


class WatchedMember(Protocol):
    """The settings of a member that checks need."""

    @property
    def name(self) -> str: ...
    @property
    def addresses(self) -> Sequence[str]: ...


class WatchedPool(Protocol):
    """The settings of a pool that checks need."""

    @property
    def name(self) -> str: ...
    @property
    def members(self) -> Sequence[WatchedMember]: ...
    @property
    def check(self) -> Sequence[Check]: ...
    @property
    def check_rule(self) -> CheckRule | None: ...


class WatchKey(NamedTuple):
    """What makes a watch: pools that have the same share it.

    `name` is the member's where the check depends on it, else empty.
    """

    address: str
    check: Check
    name: str


class SavedCheck(msgspec.Struct, frozen=True, array_like=True):
    """The state of one watch, to be kept over a restart; `check` is a digest."""

    address: str
    check: str
    name: str
    up: bool
    since: float
    reason: str = ""


class HealthWatch:
    """One target under one check: its state, its times, and the members it concerns."""

    __slots__ = (
        "began",
        "checker",
        "due",
        "gone",
        "key",
        "label",
        "members",
        "probe",
        "running",
        "target",
        "then",
        "timer",
    )

    def __init__(self, key: WatchKey, target: ProbeTarget) -> None:
        self.key = key
        self.target = target
        self.label = label_of(key)
        self.checker = Hysteresis(key.check.rise, key.check.fall)
        self.members: list[MemberKey] = []
        self.probe: Probe | None = None
        self.due = 0.0
        self.then = 0.0
        self.began = 0.0
        self.gone = False
        self.timer: IDelayedCall | None = None
        self.running: Deferred[Result] | None = None

    @property
    def check(self) -> Check:
        """The check's settings."""
        return self.key.check

    def stop(self) -> None:
        """End what runs and what is planned."""
        self.gone = True
        timer, self.timer = self.timer, None
        if timer is not None:
            timer.cancel()
        if self.running is not None:
            self.running.cancel()


WatchesByMember = dict[MemberKey, tuple[tuple[HealthWatch, ...], ...]]
"""For each member that is watched its watches, those of one check together."""


class Roster:
    """All watches, and which members they concern; `members` are those of all pools."""

    def __init__(self) -> None:
        self.watches: dict[WatchKey, HealthWatch] = {}
        self.watching: WatchesByMember = {}
        self.members: set[MemberKey] = set()
        self._digests: dict[Check, str] = {}
        self._rules: dict[str, CheckRule | None] = {}
        self._places: dict[str, dict[Check, int]] = {}

    def update(
        self, pools: Iterable[WatchedPool]
    ) -> tuple[list[HealthWatch], list[HealthWatch], list[Check]]:
        """Watch these pools; returns new watches, watches that went, and the checks."""
        pools = list(pools)
        self.members = {(pool.name, one.name) for pool in pools for one in pool.members}
        old, self.watches, self.watching = self.watches, {}, {}
        added: list[HealthWatch] = []
        for present in old.values():
            present.members.clear()
        for key, target, member in _wanted(pools):
            watch = self.watches.get(key) or old.get(key)
            if watch is None:
                watch = HealthWatch(key, target)
                added.append(watch)
            self.watches[key] = watch
            watch.members.append(member)
        gone = [watch for key, watch in old.items() if key not in self.watches]
        self._rules = {pool.name: pool.check_rule for pool in pools}
        self._places = {
            pool.name: {check: place for place, check in enumerate(pool.check)}
            for pool in pools
        }
        self._group()
        checks = list(dict.fromkeys(key.check for key in self.watches))
        self._digests = {check: digest(check) for check in checks}
        return added, gone, checks

    def judge(self, member: MemberKey) -> HealthVerdict:
        """The verdict on a member; nothing on one that is not watched."""
        found: list[list[Finding]] = [[] for _ in self._places.get(member[0], ())]
        for group in self.watching.get(member, ()):
            place = self._places[member[0]][group[0].check]
            found[place] = [
                Finding(watch.label, watch.checker, watch.target.address)
                for watch in group
            ]
        return aggregate(found, self._rules.get(member[0]))

    def saved(self) -> list[SavedCheck]:
        """All states that are known."""
        return [
            SavedCheck(
                key.address,
                self._digests[key.check],
                key.name,
                watch.checker.up,
                watch.checker.since or 0.0,
                watch.checker.reason if not watch.checker.up else "",
            )
            for key, watch in self.watches.items()
            if watch.checker.up is not None
        ]

    def restore(self, saved: Iterable[SavedCheck]) -> None:
        """Give watches without a result the state that was saved of them."""
        known = {(one.address, one.check, one.name): one for one in saved}
        for key, watch in self.watches.items():
            one = known.get((key.address, self._digests[key.check], key.name))
            if one is not None:
                watch.checker.restore(one.up, one.since, one.reason)

    def _group(self) -> None:
        grouped: dict[MemberKey, dict[Check, list[HealthWatch]]] = {}
        for watch in self.watches.values():
            for member in watch.members:
                checks = grouped.setdefault(member, {})
                checks.setdefault(watch.check, []).append(watch)
        self.watching = {
            member: tuple(map(tuple, checks.values()))
            for member, checks in grouped.items()
        }


def _wanted(
    pools: Iterable[WatchedPool],
) -> Iterator[tuple[WatchKey, ProbeTarget, MemberKey]]:
    for pool in pools:
        for check in dict.fromkeys(pool.check):
            named = names_member(check)
            if isinstance(check, PoolCheck):
                key = WatchKey(EVERYWHERE, check, "")
                for member in pool.members:
                    target = ProbeTarget(EVERYWHERE, "")
                    yield key, target, (pool.name, member.name)
                continue
            for member in pool.members:
                for address in dict.fromkeys(member.addresses):
                    key = WatchKey(address, check, member.name if named else "")
                    target = ProbeTarget(address, member.name)
                    yield key, target, (pool.name, member.name)


def label_of(key: WatchKey) -> str:
    """In words what a watch looks at."""
    if isinstance(key.check, PoolCheck):
        return f"pool {key.check.pool}"
    return f"{key.check.__struct_config__.tag} {key.address}"


def digest(check: Check) -> str:
    """A short text that stands for a check's settings."""
    text = msgspec.json.encode(check)
    return hashlib.blake2s(text, digest_size=8).hexdigest()
