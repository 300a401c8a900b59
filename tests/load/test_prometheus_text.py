"""Tests of L{dinamed.load.prometheus_text}."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.load.prometheus_text import (
    MAX_LINE,
    MAX_PLACES,
    MAX_SERIES,
    BadPage,
    MetricSamples,
    Selector,
)

PAGE = b"""\
# HELP node_load1 1m load average.
# TYPE node_load1 gauge
node_load1 0.37
node_load15 9
# TYPE sent_total counter
sent_total{device="eth0"} 1.5e+06
  sent_total{device="lo",x="a b"} 7
sent_total{device="lo2"} 9 1000500
sent_total_extra{device="eth0"} 3
odd{path="a\\\\b\\"c\\nd"} 4
bad{path="unfinished} 4
infinite +Inf
"""


class SelectorTests(SynchronousTestCase):
    """Which samples are found."""

    def total(self, metric: str, page: bytes = PAGE, **labels: str) -> float:
        """The sum over the series with these labels."""
        return Selector(metric, tuple(labels.items())).select(page).total

    def refused(self, metric: str, page: bytes = PAGE, **labels: str) -> str:
        """The reason for which a page is no good."""
        error = self.assertRaises(BadPage, self.total, metric, page, **labels)
        return str(error)

    def test_plain(self) -> None:
        """A metric without labels, and not another of which it is the beginning."""
        self.assertEqual(self.total("node_load1"), 0.37)
        self.assertEqual(self.total("node_load15"), 9)

    def test_edges(self) -> None:
        """Only the beginning of a line is a metric's name; the last may be unended."""
        self.assertEqual(self.total("m", b"m 1"), 1)
        self.assertEqual(self.total("m", b'o{m="m "} 5\n m\t2\nmm 3\n# m 4\n'), 2)

    def test_labels(self) -> None:
        """Labels choose, and without them all series are summed."""
        self.assertEqual(self.total("sent_total", device="eth0"), 1.5e6)
        self.assertEqual(self.total("sent_total", device="lo", x="a b"), 7)
        self.assertEqual(self.total("sent_total"), 1_500_016)

    def test_absent_label(self) -> None:
        """An empty value is that of a series without the label."""
        self.assertEqual(self.total("sent_total", x=""), 1_500_009)

    def test_escapes(self) -> None:
        """Values are compared as they are meant."""
        self.assertEqual(self.total("odd", path='a\\b"c\nd'), 4)

    def test_series(self) -> None:
        """Each series has its own value; the oldest time counts."""
        page = b'm{b="1",a="2"} 5 3000\nm 6 2000\n'
        self.assertEqual(
            Selector("m").select(page),
            MetricSamples({(("a", "2"), ("b", "1")): 5.0, (): 6.0}, at=2.0),
        )

    def test_none(self) -> None:
        """No series is not a load of zero."""
        self.assertEqual(self.refused("nothing"), "no series nothing")
        self.assertEqual(
            self.refused("sent_total", device="eth1"),
            'no series sent_total{device="eth1"}',
        )
        self.assertEqual(self.refused("m", b""), "no series m")

    def test_bad(self) -> None:
        """What is malformed or no finite number is refused, if it is asked for."""
        self.assertIn("a malformed line of bad", self.refused("bad"))
        self.assertEqual(self.refused("infinite"), "infinite is not a number: inf")
        self.assertIn("is not a number", self.refused("m", b"m NaN\n"))
        self.assertIn("malformed", self.refused("m", b"m x\n"))
        self.assertIn("malformed", self.refused("m", b'm{a="\xff"} 1\n'))
        self.assertIn("twice", self.refused("m", b"m 1\nm 2\n"))

    def test_exemplars(self) -> None:
        """What OpenMetrics adds behind a sample is none of it; labels may look so."""
        for line, value, at in (
            (b'm 12 # {trace_id="a"} 1.0\n', 12, None),
            (b'm 12 # {trace_id="a"} 1.0 1700000001.0\n', 12, None),
            (b'm{a="x"} 12 1700000000000 # {b="} # "} 1.0 5\n', 12, 1.7e9),
            (b'm{a="# } # ",b="\\"}#"} 12\n', 12, None),
            (b"m 3 1700000000.5\n", 3, 1700000000.5),
            (b"m 3 1700000000\n", 3, 1.7e9),
            (b"m 3 1700000000500\n", 3, 1700000000.5),
        ):
            found = Selector("m").select(line)
            self.assertEqual((found.total, found.at), (value, at), line)

    def test_many(self) -> None:
        """A page can't make us parse without end; labels help before that."""
        page = b"".join(b'm{a="%d"} 1\n' % n for n in range(MAX_SERIES + 1))
        self.assertEqual(self.refused("m", page), f"more than {MAX_SERIES} series m")
        self.assertEqual(self.total("m", page, a="7"), 1)

    def test_long(self) -> None:
        """Nor by long lines, many of them, or a name that stands everywhere."""
        long = b'm{a="' + b"x" * MAX_LINE + b'"} 1\n'
        self.assertIn("a line of m has over", self.refused("m", long))
        self.assertEqual(self.total("m", b"n" + long + b"m 1\n"), 1)
        lines = (b'm{a="%d",b="%s"} 1\n' % (n, b"x" * 990) for n in range(200))
        self.assertIn("too long in all", self.refused("m", b"".join(lines)))
        everywhere = b"xm\n" * (MAX_PLACES + 1)
        self.assertIn("in more than", self.refused("m", everywhere))

    @given(st.binary(max_size=60), st.booleans())
    def test_anything(self, rest: bytes, labelled: bool) -> None:
        """Whatever comes makes samples or a L{BadPage}."""
        page = (b"m{" if labelled else b"m ") + rest
        try:
            samples = Selector("m").select(page)
        except BadPage as error:
            self.assertTrue(str(error))
        else:
            self.assertTrue(samples.values)
