"""Lists of members that were set over HTTP at one server, for all of them.

The store's list holds.  A list that was set here while the store could not be had is
told later; if another one was set there meanwhile that one holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.settings import MemberSettings
from dinamed.discovery.targets import BadMembersError
from dinamed.discovery.texts import StoredMemberTexts
from dinamed.fleet.records import BadRecordError, Codec, MemberTables
from dinamed.fleet.store import StaleError, Store, StoreError

Members = tuple[MemberSettings, ...]


class ApiLists(Protocol):
    """The lists that are set over HTTP, see `dinamed.discovery.service`."""

    def lists(self) -> Mapping[str, Members]:
        """All of them, by pool."""

    def read(self, pool: str, tables: list[object]) -> Members:
        """Members of a pool from their tables.  Raises `BadMembersError`."""

    def put(self, pool: str, members: Members) -> "Deferred[None]":
        """Have a pool have these members.  Raises `BadMembersError`."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A list that the store does not know of, and the revision it is based on."""

    based_on: int
    number: int


class MemberRole:
    """Tells the fleet of lists that were set here, and follows those of others."""

    name = "members"
    _log = Logger()

    def __init__(self, lists: ApiLists, wall: Callable[[], float]) -> None:
        self._lists = lists
        self._wall = wall
        self._codec = Codec(MemberTables)
        self._texts = StoredMemberTexts()
        self._number = 0
        self._waiting: dict[str, _Waiting] = {}
        self.begin()

    def begin(self) -> None:
        """Nothing is known of the store yet."""
        self._standing: dict[str, tuple[int, MemberTables]] = {}
        self._followed: dict[str, int] = {}
        self._telling: set[str] = set()
        self._caught_up = False
        for pool in self._waiting:
            self._wait(pool, 0)

    def given(self, pool: str) -> None:
        """A list was set here."""
        before = self._waiting.get(pool)
        self._wait(pool, self._revision(pool) if before is None else before.based_on)

    def _wait(self, pool: str, based_on: int) -> None:
        self._number += 1
        self._waiting[pool] = _Waiting(based_on, self._number)

    def _revision(self, pool: str) -> int:
        return self._standing[pool][0] if pool in self._standing else 0

    def hear(self, key: str, value: bytes | None, revision: int) -> None:
        """Follow what was set, here or elsewhere."""
        pool = key.partition("/")[2]
        if value is None:
            self._standing.pop(pool, None)
            return
        if revision <= self._revision(pool):
            return
        self._standing[pool] = revision, self._codec.read(value)
        if pool in self._waiting and pool not in self._telling:
            del self._waiting[pool]
            self._log.warn(
                "the members of {pool} that were set here are overruled by the fleet",
                pool=pool,
            )
        self._follow(pool)

    def _follow(self, pool: str) -> None:
        """Have a pool have the members of the fleet.  Raises `BadRecordError`."""
        revision, told = self._standing[pool]
        lists = self._lists.lists()
        if pool not in lists or self._followed.get(pool) == revision:
            return
        if pool in self._waiting:
            return
        self._followed[pool] = revision
        try:
            tables = msgspec.json.decode(told.tables, type=list[object])
            members = self._lists.read(pool, tables)
            if members != lists[pool]:
                self._lists.put(pool, members).addErrback(self._not_kept, pool)
        except (BadMembersError, msgspec.DecodeError, RecursionError) as error:
            raise BadRecordError(f"members of {pool}: {error}") from None

    def _not_kept(self, failure: Failure, pool: str) -> None:
        why = failure.getErrorMessage()
        self._log.error("the members of {pool}: {why}", pool=pool, why=why)

    def caught_up(self) -> None:
        """From now on it is known which lists there are."""
        self._caught_up = True

    def tick(self) -> None:
        """Follow lists of pools that the config has only now."""
        for pool in self._standing:
            try:
                self._follow(pool)
            except BadRecordError as error:
                self._log.warn("{error}", error=str(error))

    def see_to(self, store: Store) -> None:
        """Tell the store what waits, and what it has none of."""
        if not self._caught_up:
            return
        lists = self._lists.lists()
        for pool, members in lists.items():
            if members and not {pool} & (self._standing.keys() | self._waiting.keys()):
                self._wait(pool, 0)
        for pool, waiting in tuple(self._waiting.items()):
            if pool not in lists:
                del self._waiting[pool]
            elif pool not in self._telling:
                self._tell(store, pool, lists[pool], waiting)

    def _tell(
        self, store: Store, pool: str, members: Members, waiting: _Waiting
    ) -> None:
        tables = self._texts.array(pool, members)
        told = MemberTables(now=self._wall(), tables=tables)
        key = f"{self.name}/{pool}"
        self._telling.add(pool)

        def taken(revision: int) -> None:
            self._telling.discard(pool)
            self._standing[pool] = revision, told
            self._followed[pool] = revision
            if self._waiting.get(pool) == waiting:
                del self._waiting[pool]
            elif pool in self._waiting:
                self._wait(pool, revision)

        def refused(failure: Failure) -> None:
            self._telling.discard(pool)
            failure.trap(StoreError)
            if isinstance(failure.value, StaleError):
                self.hear(key, failure.value.value, failure.value.revision)

        giving = store.give(key, self._codec.pack(told), waiting.based_on)
        giving.addCallbacks(taken, refused)
        giving.addErrback(lambda failure: failure.trap(BadRecordError))
