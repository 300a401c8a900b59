"""The `lbcd` feed: asks the daemon of that name, in version 3 or else in version 2."""

import random
from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from dinamed.clock import Clock
from dinamed.config.feeds import DEFAULT_SERVICE, LbcdFeed
from dinamed.load.datagrams import Datagrams
from dinamed.load.lbcd_wire import (
    STATUS_VERSION,
    V2,
    V3,
    BadReply,
    Reply,
    Request,
    parse_reply,
)
from dinamed.load.poller import (
    FeedError,
    FeedShortageError,
    LoadReactor,
    ProbeTarget,
    feed_error,
)
from dinamed.one_shot import OneShot
from dinamed.pools.report import Report, make_report, out_report

TRY_V3_AGAIN = 30
"""Of a member that speaks version 2, every so many polls begin with version 3."""

FORGET_AFTER = 3
"""Polls in a row without an answer after which its version is forgotten."""

MAX_STRANGE = 32
"""Datagrams that are no answer to our request until a poll ends."""


class Link(Protocol):
    """A connected socket."""

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        ...

    def close(self) -> None:
        """Send and receive nothing any more."""
        ...


OpenLink = Callable[
    [LoadReactor, str, int, Callable[[bytes], None], Callable[[FeedError], None]], Link
]


class LbcdSource:
    """Asks members by an `lbcd` feed.

    Ids of requests come from `rng`, which should be one that can't be foretold.
    """

    def __init__(
        self,
        reactor: LoadReactor,
        feed: LbcdFeed,
        rng: random.Random,
        open_link: OpenLink = Datagrams,
        wall: Clock | None = None,
    ) -> None:
        self.reactor = reactor
        self.feed = feed
        self.rng = rng
        self.open_link = open_link
        self.wall = wall or reactor.seconds
        named = feed.service != DEFAULT_SERVICE
        self.service = feed.service.encode("ascii") if named else None

    def poller(self, target: ProbeTarget) -> "LbcdPoller":
        """See L{Source}."""
        return LbcdPoller(self, target)


class LbcdPoller:
    """Asks one member, and remembers which version it speaks."""

    def __init__(self, source: LbcdSource, target: ProbeTarget) -> None:
        self.source = source
        self.target = target
        self.version: int | None = None
        self._silent = 0
        self._since_v3 = 0

    def poll(self) -> "Deferred[Report | None]":
        """See L{Poller}."""
        return _Exchange(self, self._versions()).begin()

    def answered(self, version: int) -> None:
        """Remember the version in which an answer came."""
        self._silent = 0
        if version != self.version:
            self.version = version
            self._since_v3 = 0

    def silent(self) -> None:
        """Remember that no answer came."""
        self._silent += 1
        if self._silent >= FORGET_AFTER:
            self.version = None

    def _versions(self) -> tuple[int, ...]:
        """In which versions to ask, one after the other until there is an answer.

        Version 2 knows no services, so one that was asked for is never asked in it:
        the load of the wrong service is worse than none.  One lost datagram must not
        take a member for one that speaks version 2 only.
        """
        if self.source.service is not None or self.version == V3:
            return (V3, V3, V3)
        if self.version is None:
            return (V3, V3, V2)
        self._since_v3 += 1
        if self._since_v3 % TRY_V3_AGAIN == 0:
            return (V3, V2, V2)
        return (V2, V2, V2)


class _Exchange(OneShot[Report | None]):
    """One poll: its requests, and the answers to any of them."""

    def __init__(self, poller: LbcdPoller, versions: tuple[int, ...]) -> None:
        self._poller = poller
        self._source = poller.source
        super().__init__(self._source.reactor, self._source.feed.limit)
        self._versions = list(versions)
        self._asked: dict[int, Request] = {}
        self._strange = 0
        self._why = ""
        self._link: Link | None = None
        self._next: IDelayedCall | None = None

    def begin(self) -> "Deferred[Report | None]":
        """Ask for the first time."""
        source, reactor = self._source, self._source.reactor
        try:
            self._link = source.open_link(
                reactor,
                self._poller.target.address,
                source.feed.port,
                self._received,
                self._broken,
            )
        except OSError as error:
            words = f"can't send: {error.strerror or error}"
            self.fail(feed_error(error, words, self._poller.target.address))
            return self.result
        self.start_clock()
        self._ask()
        return self.result

    def _ask(self) -> None:
        """Ask; again after a quarter of the time, so that the last has half of it."""
        self._next = None
        version = self._versions.pop(0)
        request = self._asked.get(version)
        if request is None:
            request = self._request(version)
            self._asked[version] = request
        if self._link is not None:
            self._link.send(request.encode())
        if self._versions and not self._over:
            pause = self._source.feed.limit / 4
            self._next = self._source.reactor.callLater(pause, self._ask)

    def _request(self, version: int) -> Request:
        """A request whose id no other of this poll has."""
        identity = self._source.rng.getrandbits(16)
        while any(other.id == identity for other in self._asked.values()):
            identity = self._source.rng.getrandbits(16)
        return Request(version, identity, self._source.service)

    def _received(self, data: bytes) -> None:
        if self._over:
            return
        # One to nobody's request is compared with the first, which tells what is wrong.
        by_id = {request.id: request for request in self._asked.values()}
        first = next(iter(self._asked.values()))
        request = by_id.get(int.from_bytes(data[2:4], "big"), first)
        try:
            reply = parse_reply(data, request)
        except BadReply as error:
            if error.status is not None:
                self._refused(request, error)
                return
            self._why = str(error)
        else:
            self._poller.answered(request.version)
            self._succeed(reply)
            return
        self._strange += 1
        if self._strange == MAX_STRANGE:
            self._fail(f"{MAX_STRANGE} replies that answer nothing: {self._why}")

    def _refused(self, request: Request, error: BadReply) -> None:
        """The member has answered, but not with its load."""
        wrong_version = error.status == STATUS_VERSION and request.version == V3
        if not wrong_version:
            self._fail(str(error))
        elif self._source.service is not None:
            self._fail(f"{error}, and older ones know no services")
        elif V2 not in self._asked:
            if self._next is not None:
                self._next.cancel()
            self._versions = [V2, V2]
            self._ask()

    def _broken(self, error: FeedError) -> None:
        if not self._over:
            if not isinstance(error, FeedShortageError):
                self._poller.silent()
            self.fail(error)

    def expired(self) -> None:
        """See L{OneShot.expired}."""
        self._poller.silent()
        words = f"no answer in {self._source.feed.limit:g} s"
        if self._strange:
            words += f" but {self._strange} strange replies, the last {self._why}"
        self._fail(words)

    def _succeed(self, reply: Reply) -> None:
        now, kind = self._source.wall(), self._source.feed.kind
        if reply.out:
            report = out_report(now=now, source=kind)
        else:
            report = make_report(
                reply.weight, now=now, source=kind, increment=reply.increment
            )
        self.end(report)

    def _fail(self, reason: str) -> None:
        self.fail(FeedError(reason))

    def release(self) -> None:
        """See L{OneShot.release}."""
        if self._next is not None and self._next.active():
            self._next.cancel()
        self._next = None
        if self._link is not None:
            self._link.close()
            self._link = None
