"""The service that keeps pools at the members that their sources tell of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.discovery import ApiDiscovery, Discovery, FileDiscovery
from dinamed.config.settings import MemberSettings, PoolSettings
from dinamed.discovery.belief import objection
from dinamed.discovery.places import in_place
from dinamed.discovery.sources import MemberSource, SourceError, make_member_source
from dinamed.discovery.targets import BadMembersError, MemberReader, Members
from dinamed.signals import Signal

FAR_TOO_MANY = 4
"""A list with so many times `max_members` is not even read, by no order."""
FILE_INTERVAL = 1.0
"""Seconds between two looks whether a file has changed."""


class Keeper(Protocol):
    """Whoever serves pools with the members that are found."""

    def take_members(
        self, pool: str, members: Members, leaving: frozenset[str]
    ) -> None:
        """Serve a pool with these beside those of the config; some are about to go."""


class MemberStore(Protocol):
    """What outlasts a restart."""

    def read(self, pool: str) -> Members | None:
        """The last list, if there is a good one."""

    def write(self, pool: str, members: Members) -> "Deferred[None]":
        """Keep a list."""


@dataclass(slots=True)
class _Watched:
    """One pool with a source."""

    name: str
    rules: Discovery
    reader: MemberReader
    source: MemberSource | None
    members: Members = ()
    served: Members = ()
    """Those that the pool has, in the order in which it has them."""
    leaving: dict[str, tuple[MemberSettings, float]] = field(default_factory=dict)
    """Members that have left, and the reactor's time at which they are gone."""
    known: bool = False
    """Whether the source has told anything since the start."""
    believe: bool = False
    """Whether the next list is believed whatever it says."""
    trouble: str = ""
    timer: IDelayedCall | None = None
    gone: IDelayedCall | None = None
    asking: "Deferred[Any] | None" = None

    @property
    def all(self) -> Members:
        """Those that are there, and those that are about to go."""
        return self.members + tuple(member for member, _ in self.leaving.values())


@dataclass(frozen=True, slots=True)
class DiscoveryStatus:
    """How it goes with a pool's source."""

    type: str
    members: int
    leaving: int
    trouble: str


class DiscoveryService(Service):
    """Asks the sources of all pools that have one, and passes on what they tell.

    A list is taken as a whole or not at all; what speaks against it is logged once.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        keeper: Keeper,
        store: MemberStore,
        pools: Iterable[PoolSettings],
        make: Callable[..., MemberSource | None] = make_member_source,
    ) -> None:
        self._reactor = reactor
        self._keeper = keeper
        self._store = store
        self._make = make
        self._watched: dict[str, _Watched] = {}
        self.given: Signal[[str]] = Signal(self._not_heard)
        """Is emitted with the pool of which a list was given here and is served."""
        self.reconfigure(tuple(pools))

    def startService(self) -> None:
        """Begin to ask."""
        super().startService()
        for watched in self._watched.values():
            self._begin(watched)

    def stopService(self) -> None:
        """Ask no more."""
        super().stopService()
        for watched in self._watched.values():
            self._end(watched)

    def found(self) -> Mapping[str, Members]:
        """The members of all pools that have a source, as known by now."""
        return {name: watched.all for name, watched in self._watched.items()}

    def status(self) -> dict[str, DiscoveryStatus]:
        """How it goes, by pool."""
        return {
            name: DiscoveryStatus(
                one.rules.kind, len(one.members), len(one.leaving), one.trouble
            )
            for name, one in self._watched.items()
        }

    def reconfigure(self, pools: Sequence[PoolSettings]) -> None:
        """Take on these pools; a source that stays goes on as it is."""
        wanted = {
            pool.name: pool.discover for pool in pools if pool.discover is not None
        }
        for name in [*self._watched]:
            if wanted.get(name) != self._watched[name].rules:
                self._end(self._watched[name])
                if name not in wanted:
                    del self._watched[name]
        for name, rules in wanted.items():
            old = self._watched.get(name)
            if old is not None and old.rules == rules:
                continue
            most = FAR_TOO_MANY * rules.max_members
            reader = MemberReader(rules.template.told(), most)
            source = self._make(self._reactor, rules, reader)
            watched = self._watched[name] = _Watched(name, rules, reader, source)
            if old is not None:
                watched.members, watched.leaving = old.members, old.leaving
                watched.served = old.served
            else:
                watched.members = self._store.read(name) or ()
            if self.running:
                self._begin(watched)

    def rules(self, pool: str) -> Discovery | None:
        """Where a pool's members come from; None: from its config alone."""
        watched = self._watched.get(pool)
        return None if watched is None else watched.rules

    def members(self, pool: str) -> Members:
        """What its source has told last of a pool that has one."""
        return self._watched[pool].members

    def read(self, pool: str, tables: Iterable[object], more: bool = False) -> Members:
        """Members of a pool from their tables: all, or some `more` beside the others.

        Raises `BadMembersError`.
        """
        reader = self._watched[pool].reader
        return reader.more(tables) if more else reader.tables(tables)

    def believe(self, pool: str) -> None:
        """Ask a pool's source now, and believe what it says."""
        watched = self._watched[pool]
        watched.believe = True
        # One that has told its list already would only say that nothing is new.
        watched.source = self._make(self._reactor, watched.rules, watched.reader)
        self._ask(watched)

    def put(self, pool: str, members: Members) -> "Deferred[None]":
        """Have a pool of type `api` have these members: once they are saved.

        Raises `BadMembersError` for too many or too few.
        """
        watched = self._watched[pool]
        why = objection(watched.rules, watched.members, members)
        if why:
            raise BadMembersError(why)
        saved = self._store.write(pool, members)
        return saved.addCallback(lambda _: self._take(watched, members))

    def give(self, pool: str, members: Members) -> "Deferred[None]":
        """As `put`, by somebody who has asked this server for it."""
        putting = self.put(pool, members)
        return putting.addCallback(lambda _: self.given.emit(pool))

    def lists(self) -> dict[str, Members]:
        """The members of all pools of type `api`, as they are now."""
        return {
            name: watched.members
            for name, watched in self._watched.items()
            if isinstance(watched.rules, ApiDiscovery)
        }

    def _begin(self, watched: _Watched) -> None:
        """Serve what is known, and ask for news."""
        if watched.all:
            self._pass_on(watched)
        self._ask(watched)

    def _end(self, watched: _Watched) -> None:
        for timer in (watched.timer, watched.gone):
            if timer is not None and timer.active():
                timer.cancel()
        watched.timer = watched.gone = None
        asking, watched.asking = watched.asking, None
        if asking is not None:
            asking.cancel()

    def _ask(self, watched: _Watched) -> None:
        if watched.timer is not None and watched.timer.active():
            watched.timer.cancel()
        watched.timer = None
        if watched.source is None:
            return
        interval = watched.rules.interval
        if isinstance(watched.rules, FileDiscovery):
            interval = min(interval, FILE_INTERVAL)
        watched.timer = self._reactor.callLater(interval, self._ask, watched)
        if watched.asking is not None:
            return
        try:
            asking = watched.source.ask()
        except Exception:
            self._not_told(Failure(), watched)
            return
        watched.asking = asking
        asking.addCallbacks(
            self._told, self._not_told, callbackArgs=(watched,), errbackArgs=(watched,)
        )
        asking.addErrback(self._not_taken)

    def _told(self, members: Members | None, watched: _Watched) -> None:
        watched.asking = None
        if members is None:
            return
        believed, watched.believe = watched.believe, False
        why = "" if believed else objection(watched.rules, watched.members, members)
        if why:
            self._complain(watched, f"{why}; the list before stays")
            return
        if watched.trouble:
            watched.trouble = ""
            self.log.info("members of {pool} are found again", pool=watched.name)
        watched.known = True
        if members != watched.members:
            self._take(watched, members)
            self._store.write(watched.name, members).addErrback(self._not_saved)

    def _not_told(self, failure: Failure, watched: _Watched) -> None:
        watched.asking = None
        if failure.check(CancelledError):
            return
        if not failure.check(SourceError, BadMembersError):
            self.log.failure("asking for members of {pool}", failure, pool=watched.name)
        words = failure.getErrorMessage()
        if not watched.rules.keep and watched.members:
            self._take(watched, ())
            words += "; nobody of its list is kept"
        self._complain(watched, words)

    def _complain(self, watched: _Watched, why: str) -> None:
        if why != watched.trouble:
            watched.trouble = why
            self.log.warn(
                "members of {pool} ({type}): {why}",
                pool=watched.name,
                type=watched.rules.kind,
                why=why,
            )

    def _take(self, watched: _Watched, members: Members) -> None:
        """Have the pool have these members, now or once others have drained."""
        there = {member.name for member in members}
        now = self._reactor.seconds()
        if watched.rules.linger:
            for member in watched.members:
                if member.name not in there:
                    end = now + watched.rules.linger
                    watched.leaving.setdefault(member.name, (member, end))
        for name in there & watched.leaving.keys():
            del watched.leaving[name]
        watched.members = members
        self._pass_on(watched)

    def _pass_on(self, watched: _Watched) -> None:
        """Serve what there is, and plan when the next one is gone for good."""
        if watched.gone is not None and watched.gone.active():
            watched.gone.cancel()
        watched.gone = None
        if watched.leaving and self.running:
            first = min(end for _, end in watched.leaving.values())
            wait = max(0.0, first - self._reactor.seconds())
            watched.gone = self._reactor.callLater(wait, self._drained, watched)
        watched.served = in_place(watched.served, watched.all)
        leaving = frozenset(watched.leaving)
        self._keeper.take_members(watched.name, watched.served, leaving)

    def _drained(self, watched: _Watched) -> None:
        now = self._reactor.seconds()
        watched.leaving = {
            name: (member, end)
            for name, (member, end) in watched.leaving.items()
            if end > now
        }
        self._pass_on(watched)

    def _not_taken(self, failure: Failure) -> None:
        self.log.failure("members were not taken", failure)

    def _not_heard(self, error: Exception) -> None:
        self.log.failure("telling of members that were given", Failure(error))

    def _not_saved(self, failure: Failure) -> None:
        self.log.error(
            "members could not be saved: {why}", why=failure.getErrorMessage()
        )
