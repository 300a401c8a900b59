"""Makes the source of a feed from its settings."""

import random
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred, fail

from dinamed.clock import Clock
from dinamed.config import feeds
from dinamed.load.exec import ExecSource
from dinamed.load.json_feed import JsonSource
from dinamed.load.lbcd import LbcdSource
from dinamed.load.poller import (
    FeedError,
    FeedShortageError,
    LoadReactor,
    LoadSource,
    Poller,
    ProbeTarget,
)
from dinamed.pools.report import Report
from dinamed.shortage import shortage


def make_source(
    reactor: LoadReactor,
    feed: feeds.Feed,
    rng: random.Random,
    wall: Clock | None = None,
) -> LoadSource | None:
    """The source of that feed; None where nobody is asked (`push`).

    Reports have the time of `wall`; without one, of the reactor.

    If it can't be made (its authorities can't be read, its parser is not installed)
    every poll fails, with the reason; for a lack of ours it is made later.
    """
    try:
        match feed:
            case feeds.LbcdFeed():
                return LbcdSource(reactor, feed, rng, wall=wall)
            case feeds.PrometheusFeed():
                # Its parser is needed by those alone who have such a feed.
                from dinamed.load.prometheus import PrometheusSource

                return PrometheusSource(reactor, feed, wall)
            case feeds.JsonFeed():
                return JsonSource(reactor, feed, wall)
            case feeds.ExecFeed():
                return ExecSource(reactor, feed, wall)
            case feeds.PushFeed():
                return None
    except (OSError, ValueError, ImportError) as error:
        if shortage(error):
            return LateSource(partial(make_source, reactor, feed, rng, wall))
        return BrokenSource(f"the feed can't be made: {error}")
    return BrokenSource("no such type of feed")


class LateSource:
    """A source that this host could not make yet; it is made when it first can be."""

    def __init__(self, make: Callable[[], LoadSource | None]) -> None:
        self._make = make
        self._made: LoadSource | None = None

    def poller(self, target: ProbeTarget) -> Poller:
        """See L{LoadSource}."""
        return _LatePoller(self, target)

    def made(self) -> LoadSource | None:
        """The source, if it can be made by now."""
        if self._made is None:
            made = self._make()
            self._made = None if isinstance(made, LateSource) else made
        return self._made


class _LatePoller:
    """Asks one target once its source can be made."""

    def __init__(self, source: LateSource, target: ProbeTarget) -> None:
        self._source = source
        self._target = target
        self._poller: Poller | None = None

    def poll(self) -> "Deferred[Report | None]":
        """See L{Poller}."""
        if self._poller is None:
            source = self._source.made()
            if source is None:
                return fail(FeedShortageError("the feed can't be made for now"))
            self._poller = source.poller(self._target)
        return self._poller.poll()


class BrokenSource:
    """A feed of which every poll fails."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def poller(self, target: ProbeTarget) -> Poller:
        """See L{LoadSource}."""
        return self

    def poll(self) -> "Deferred[Report | None]":
        """See L{Poller}."""
        return fail(FeedError(self._reason))
