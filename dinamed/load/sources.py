"""From the settings of a feed to what asks by them."""

import random

from twisted.internet.defer import Deferred, fail

from dinamed.config import feeds
from dinamed.load.exec import ExecSource
from dinamed.load.json_feed import JsonSource
from dinamed.load.lbcd import LbcdSource
from dinamed.load.poller import FeedError, LoadReactor, Poller, Source, Target
from dinamed.pools.report import Report


def make_source(
    reactor: LoadReactor, feed: feeds.Feed, rng: random.Random
) -> Source | None:
    """What asks by that feed; None where nobody is asked (`push`).

    If it can't be made (its authorities can't be read, its parser is not installed)
    every poll fails, with the reason.
    """
    try:
        match feed:
            case feeds.LbcdFeed():
                return LbcdSource(reactor, feed, rng)
            case feeds.PrometheusFeed():
                # Its parser is needed by those alone who have such a feed.
                from dinamed.load.prometheus import PrometheusSource

                return PrometheusSource(reactor, feed)
            case feeds.JsonFeed():
                return JsonSource(reactor, feed)
            case feeds.ExecFeed():
                return ExecSource(reactor, feed)
            case feeds.PushFeed():
                return None
    except (OSError, ValueError, ImportError) as error:
        return BrokenSource(f"the feed can't be made: {error}")
    return BrokenSource("no such type of feed")


class BrokenSource:
    """A feed of which every poll fails."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def poller(self, target: Target) -> Poller:
        """See L{Source}."""
        return self

    def poll(self) -> "Deferred[Report | None]":
        """See L{Poller}."""
        return fail(FeedError(self._reason))
