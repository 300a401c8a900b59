"""Tests of L{dinamed.load.prometheus}."""

from dinamed.config.feeds import PrometheusFeed
from dinamed.load.poller import ProbeTarget
from dinamed.load.prometheus import PrometheusPoller, PrometheusSource
from dinamed.pools.report import make_report
from tests.load.web import WebTestCase

URL = "http://{address}:9100/metrics"


class PrometheusTests(WebTestCase):
    """One member, and pages that it might give."""

    def poller(self, rate: float | None = None, scale: float = 1.0) -> PrometheusPoller:
        """What asks for the metric `m`."""
        feed = PrometheusFeed(url=URL, metric="m", rate=rate, scale=scale)
        return PrometheusSource(self.reactor, feed).poller(ProbeTarget("192.0.2.1", ""))

    def test_gauge(self) -> None:
        """The sum of a gauge's series, scaled."""
        polled = self.poller(scale=8).poll()
        request = self.respond(b'm{a="1"} 2\nm{a="2"} 3.5\n')
        self.assertIn(b"Accept: text/plain;version=0.0.4", request)
        expected = make_report(44, now=1000.0, source="prometheus")
        self.assertEqual(self.reported(polled), expected)

    def test_rate(self) -> None:
        """Two samples make a rate, and one is no failure."""
        poller = self.poller(rate=0.0, scale=8)
        polled = poller.poll()
        self.respond(b"m 1000\n")
        self.assertIs(self.successResultOf(polled), None)
        self.memory.advance(10)
        self.assertEqual(self.brought(poller.poll(), b"m 2000\n").load, 800)

    def test_failure_between(self) -> None:
        """A poll that fails costs no more than itself."""
        poller = self.poller(rate=0.0)
        polled = poller.poll()
        self.respond(b"m 0\n")
        self.successResultOf(polled)
        self.memory.advance(10)
        polled = poller.poll()
        self.respond(b"", b"500 Oops")
        self.assertEqual(self.refused(polled), "status 500")
        self.memory.advance(10)
        self.assertEqual(self.brought(poller.poll(), b"m 200\n").load, 10)

    def test_time(self) -> None:
        """The time that a sample brings is that of the report, and of the rate."""
        report = self.brought(self.poller().poll(), b"m 5 990000\n")
        self.assertEqual((report.at, report.received), (990, 1000))
        poller = self.poller(rate=0.0)
        polled = poller.poll()
        self.respond(b"m 5 990000\n")
        self.successResultOf(polled)
        self.assertEqual(self.brought(poller.poll(), b"m 9 994000\n").load, 1)

    def test_packed(self) -> None:
        """A body that is packed, though nobody asked for that."""
        polled = self.poller().poll()
        self.respond(b"\x1f\x8b", more=b"Content-Encoding: gzip\r\n")
        words = "the body is packed by gzip, which was not asked for"
        self.assertEqual(self.refused(polled), words)

    def test_refused(self) -> None:
        """What is no load is refused, with its reason."""
        for page, words in (
            (b"", "no series m"),
            (b"m -1\n", "load is negative: -1"),
            (b"m 1e30\n", "load is absurdly high: 1e+30"),
            (b"m NaN\n", "m is not a number: nan"),
            (b"m 1 1e9999\n", "at is absurdly high: inf"),
            (b"m 1 1700000000000\n", "at is 1.7e+09 s in the future"),
            (b"<html></html>", "no series m"),
        ):
            polled = self.poller().poll()
            self.respond(page)
            self.assertEqual(self.refused(polled), words)
