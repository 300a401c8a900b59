"""The `prometheus` feed: a metric of any exporter, as it is or as a rate."""

from twisted.internet.defer import Deferred

from dinamed.clock import Clock
from dinamed.config.feeds import PrometheusFeed
from dinamed.load.fetch import Fetcher
from dinamed.load.poller import FeedError, LoadReactor, ProbeTarget
from dinamed.load.prometheus_text import BadPage, MetricSamples, Selector
from dinamed.load.rates import CounterRate
from dinamed.pools.report import Report, make_report

BODY_LIMIT = 4 * 2**20  # octets
ACCEPT = "text/plain;version=0.0.4, text/plain;q=0.5"


class PrometheusSource:
    """Asks members by a `prometheus` feed.

    @raise OSError: the file of authorities can't be read.
    @raise ValueError: it holds no certificate, or a broken one.
    """

    def __init__(
        self, reactor: LoadReactor, feed: PrometheusFeed, wall: Clock | None = None
    ) -> None:
        self.steady = reactor.seconds
        self.wall = wall or reactor.seconds
        self.feed = feed
        self.fetcher = Fetcher(reactor, feed, ACCEPT, BODY_LIMIT)
        self.selector = Selector(feed.metric, feed.labels)

    def poller(self, target: ProbeTarget) -> "PrometheusPoller":
        """See L{Source}."""
        return PrometheusPoller(self, target)


class PrometheusPoller:
    """Asks one member, and remembers the samples that its rate is made of."""

    def __init__(self, source: PrometheusSource, target: ProbeTarget) -> None:
        feed = source.feed
        self._source = source
        self._target = target
        self._rate = None
        if feed.rate is not None:
            self._rate = CounterRate(feed.rate, longest_gap=feed.stale)

    def poll(self) -> "Deferred[Report | None]":
        """See L{Poller}."""
        return self._source.fetcher.fetch(self._target).addCallback(self._read)

    def _read(self, page: bytes) -> Report | None:
        now = self._source.wall()
        try:
            return self._report(self._source.selector.select(page), now)
        except (BadPage, ValueError) as error:
            raise FeedError(str(error)) from None

    def _report(self, samples: MetricSamples, now: float) -> Report | None:
        feed = self._source.feed
        load = samples.total
        if self._rate is not None:
            at = self._source.steady() if samples.at is None else samples.at
            rate = self._rate.add(at, samples.values)
            if rate is None:
                return None
            load = rate
        return make_report(load * feed.scale, now=now, source=feed.kind, at=samples.at)
