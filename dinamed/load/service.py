"""The service that asks members for their load and tells the pool manager."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from twisted.application.service import Service
from twisted.logger import Logger

from dinamed.clock import Clock
from dinamed.config.feeds import Feed
from dinamed.load.poller import LoadReactor, LoadSource, ProbeTarget
from dinamed.load.sources import make_source
from dinamed.load.watch import LoadWatch, MemberRef
from dinamed.pools.report import Report
from dinamed.pools.sink import PoolSink
from dinamed.shortage import Shortages

MakeSource = Callable[[LoadReactor, Feed, random.Random], LoadSource | None]


class PolledMember(Protocol):
    """The settings of a member that feeds need."""

    @property
    def name(self) -> str:
        """Its name in the pool."""
        ...

    @property
    def addresses(self) -> Sequence[str]:
        """Its addresses; the first is asked, and without any nobody."""
        ...


class PolledPool(Protocol):
    """The settings of a pool that feeds need."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def load(self) -> Feed | None:
        """How its members are asked; None: not at all."""
        ...

    @property
    def members(self) -> Sequence[PolledMember]:
        """Its members."""
        ...


class PollKey(NamedTuple):
    """What one poll serves, however many pools need it: a feed and a target."""

    feed: Feed
    target: ProbeTarget


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How asking for the load of a member goes; see L{LoadWatch}."""

    feed: str
    address: str
    last: Report | None
    reason: str
    polls: int
    failures: int
    in_row: int
    skipped: int


class LoadService(Service):
    """Asks the members of all pools that have a load feed.

    The first round is spread over the interval by `rng`, which also makes the ids of
    requests and so should be one that can't be foretold.  A new place of a target
    that is asked already gets the last report at once, while it is fresh.  `wall` is
    the clock whose time reports have, if not the reactor's.
    """

    name = "load"
    _log = Logger()

    def __init__(
        self,
        reactor: LoadReactor,
        sink: PoolSink,
        pools: Iterable[PolledPool],
        rng: random.Random,
        make: MakeSource = make_source,
        wall: Clock | None = None,
    ) -> None:
        self._reactor = reactor
        self._wall = wall or reactor.seconds
        self._sink = sink
        self._rng = rng
        self._make = make
        self._sources: dict[Feed, LoadSource | None] = {}
        self._watches: dict[PollKey, LoadWatch] = {}
        self.shortages = Shortages()
        """Polls that came to nothing for what this host lacks."""
        self.reconfigure(pools)

    def startService(self) -> None:
        """Begin to ask."""
        super().startService()
        for key, watch in self._watches.items():
            watch.start(self._rng.random() * key.feed.interval)

    def stopService(self) -> None:
        """Ask no more; what is running is given up at once."""
        super().stopService()
        for watch in self._watches.values():
            watch.stop()

    def reconfigure(self, pools: Iterable[PolledPool]) -> None:
        """Replace the pools whose members are asked.

        Targets that stay go on in their own time and keep what they remember.
        """
        wanted = _poll_targets(pools)
        for key in self._watches.keys() - wanted.keys():
            self._watches.pop(key).stop()
        feeds = {key.feed for key in wanted}
        for feed in self._sources.keys() - feeds:
            del self._sources[feed]
        for key, members in wanted.items():
            watch = self._watches.get(key) or self._new(key)
            if watch is not None:
                self._assign(key, watch, members)

    def status(self) -> dict[MemberRef, FeedStatus]:
        """How it goes, for every member that is asked."""
        return {
            member: FeedStatus(
                feed=key.feed.kind,
                address=key.target.address,
                last=watch.last,
                reason=watch.reason,
                polls=watch.polls,
                failures=watch.failures,
                in_row=watch.in_row,
                skipped=watch.skipped,
            )
            for key, watch in self._watches.items()
            for member in watch.members
        }

    def _new(self, key: PollKey) -> LoadWatch | None:
        if key.feed not in self._sources:
            self._sources[key.feed] = self._make(self._reactor, key.feed, self._rng)
        source = self._sources[key.feed]
        if source is None:
            return None
        label = f"{key.target.name or key.target.address} ({key.feed.kind})"
        poller = source.poller(key.target)
        watch = LoadWatch(
            self._reactor,
            poller,
            key.feed.interval,
            key.feed.stale,
            label,
            self._told,
            self._lacked,
        )
        self._watches[key] = watch
        if self.running:
            watch.start(self._rng.random() * key.feed.interval)
        return watch

    def _assign(
        self, key: PollKey, watch: LoadWatch, members: tuple[MemberRef, ...]
    ) -> None:
        """Set whom a watch is about, and tell those who are new what is known."""
        new = [member for member in members if member not in watch.members]
        watch.serve(members)
        if watch.last is None:
            return
        if self._wall() - watch.last.at < key.feed.stale:
            for pool, member in new:
                self._tell(pool, member, watch.last)

    def _lacked(self, reason: str) -> None:
        if self.shortages.note(reason, self._reactor.seconds()):
            self._log.error(
                "load can't be asked for: {reason}; the last reports stay",
                reason=reason,
            )

    def _told(self, watch: LoadWatch, what: Report | str) -> None:
        for pool, member in watch.members:
            self._tell(pool, member, what)

    def _tell(self, pool: str, member: str, what: Report | str) -> None:
        now = self._wall()
        try:
            if isinstance(what, str):
                self._sink.feed_failed(pool, member, what, now=now)
            else:
                self._sink.report(pool, member, what, now=now)
        except LookupError:
            pass  # gone meanwhile; a reconfiguration is on its way
        except Exception:
            self._log.failure("telling the load of {member}", member=member)


def _poll_targets(pools: Iterable[PolledPool]) -> dict[PollKey, tuple[MemberRef, ...]]:
    """The targets to poll, each with the members that need its reports."""
    found: dict[PollKey, list[MemberRef]] = {}
    for pool in pools:
        feed = pool.load
        if feed is None:
            continue
        by_name = names_member(feed)
        for member in pool.members:
            if member.addresses:
                name = member.name if by_name else ""
                key = PollKey(feed, ProbeTarget(member.addresses[0], name))
                found.setdefault(key, []).append((pool.name, member.name))
    return {key: tuple(members) for key, members in found.items()}


def names_member(feed: Feed) -> bool:
    """Whether what a feed asks depends on the member's name, not just its address."""
    return any(_names(getattr(feed, field)) for field in feed.__struct_fields__)


def _names(value: object) -> bool:
    if isinstance(value, str):
        return "{name}" in value
    return isinstance(value, tuple) and any(map(_names, value))
