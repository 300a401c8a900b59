"""Reading the settings of load feeds."""

import os
import tomllib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import feeds
from dinamed.config.feed_forms import split_path
from dinamed.config.feed_rules import read_feed
from dinamed.config.reader import Reader
from tests.config.folder import source_of

PROMETHEUS = 'type = "prometheus"\nurl = "http://{address}:9100/metrics"\nmetric = "m"'
JSON = 'type = "json"\nurl = "https://{address}/"\npath = "a"'

KEYS = st.text(st.characters(exclude_characters='"'), min_size=1, max_size=9)


def read(text: str) -> tuple[feeds.Feed | None, list[str]]:
    """The feed in `text`, and the problems without the file's name."""
    reader = Reader(source_of("/etc/x/f", text))
    found = read_feed(reader, tomllib.loads(text)["load"], ("load",))
    return found, [str(one).removeprefix("/etc/x/f:") for one in reader.problems]


class ReadTests(SynchronousTestCase):
    """What is read, and what is refused."""

    def good(self, text: str) -> feeds.Feed:
        """The feed in `text`, which has no problem."""
        found, problems = read(f"[load]\n{text}")
        self.assertEqual(problems, [])
        assert found is not None
        return found

    def bad(self, text: str, *wanted: str) -> None:
        """`text` has just these problems (parts of what is said)."""
        _, problems = read(f"[load]\n{text}")
        self.assertEqual(len(problems), len(wanted), problems)
        for problem, words in zip(problems, wanted, strict=True):
            self.assertIn(words, problem)

    def test_defaults(self) -> None:
        """Every 10 s, for 5 s; after 30 s a report is stale."""
        feed = self.good('type = "lbcd"')
        self.assertEqual(feed, feeds.LbcdFeed(port=4330, service="default"))
        self.assertEqual((feed.kind, feed.interval), ("lbcd", 10.0))
        self.assertEqual((feed.limit, feed.stale), (5.0, 30.0))

    def test_times(self) -> None:
        """Limits follow the interval, or are set."""
        feed = self.good('type = "push"\ninterval = 4')
        self.assertEqual((feed.limit, feed.stale), (2.0, 12.0))
        feed = self.good('type = "push"\ninterval = 4\ntimeout = 3\nstale_after = 60')
        self.assertEqual((feed.limit, feed.stale), (3.0, 60.0))

    def test_every_key(self) -> None:
        """All keys of every type are read."""
        ca = os.path.abspath(__file__)
        for text, expected in (
            (
                'type = "lbcd"\nport = 4331\nservice = "http:8080"',
                feeds.LbcdFeed(port=4331, service="http:8080"),
            ),
            (
                f'{PROMETHEUS}\nlabels = {{ b = "2", a = "1" }}\nrate = 60\nscale = 8\n'
                'host = "x.org"\nheaders = { X-Y = "z" }',
                feeds.PrometheusFeed(
                    url="http://{address}:9100/metrics",
                    metric="m",
                    labels=(("a", "1"), ("b", "2")),
                    rate=60.0,
                    scale=8.0,
                    host="x.org",
                    headers=(("X-Y", "z"),),
                ),
            ),
            (
                f'{JSON}\ncapacity = "b[0]"\nincrement = "c"\nat = "d"\nca = "{ca}"',
                feeds.JsonFeed(
                    url="https://{address}/",
                    path="a",
                    capacity="b[0]",
                    increment="c",
                    at="d",
                    ca=ca,
                ),
            ),
            (f"{JSON}\nverify = false", None),
            (
                'type = "exec"\ncommand = ["sh", "-c", "echo 1"]',
                feeds.ExecFeed(command=("sh", "-c", "echo 1")),
            ),
            ('type = "push"', feeds.PushFeed()),
        ):
            feed = self.good(text)
            if expected is not None:
                self.assertEqual(feed, expected)
            self.assertEqual(hash(feed), hash(self.good(text)))

    def test_rate(self) -> None:
        """A rate is from sample to sample, over a window, or none."""
        for text, rate in (("true", 0.0), ("false", None), ("30", 30.0)):
            feed = self.good(f"{PROMETHEUS}\nrate = {text}")
            assert isinstance(feed, feeds.PrometheusFeed)
            self.assertEqual(feed.rate, rate)

    def test_type(self) -> None:
        """The type must be one of those there are."""
        self.bad("", "load.type: this key is required")
        self.bad(
            "type = 1", "expected one of lbcd, prometheus, json, exec, push, got 1"
        )
        self.bad('type = "promtheus"', 'did you mean "prometheus"?')
        _, problems = read("load = 3")
        self.assertEqual(problems, ["1: load: expected a table, got 3"])

    def test_values(self) -> None:
        """What no value can be, with its line."""
        for text, *wanted in (
            ('type = "lbcd"\nport = 0', "3: load.port: expected a whole number from 1"),
            ('type = "lbcd"\nservice = "cmd"', 'lbcd never gives "cmd" by name'),
            (f'type = "lbcd"\nservice = "{"x" * 32}"', "longer than 31 octets"),
            ('type = "lbcd"\nservice = ""', "empty name"),
            ('type = "lbcd"\nservice = "a b"', "expected visible ASCII"),
            ('type = "lbcd"\nmetric = "m"', "unknown key"),
            ('type = "lbcd"\ninterval = 0.5', "expected a number from 1 to 86400"),
            ('type = "lbcd"\ntimeout = 10', "must be shorter than the interval"),
            ('type = "lbcd"\nstale_after = 9', "reports would count no longer before"),
            ('type = "prometheus"', "load.url: this", "load.metric: this"),
            (PROMETHEUS.replace('"m"', '"a-b"'), "can't be the name of a metric"),
            (f"{PROMETHEUS}\nlabels = 3", "expected a table"),
            (f"{PROMETHEUS}\nlabels = {{ a-b = 'x' }}", "can't be the name of a label"),
            (f"{PROMETHEUS}\nlabels = {{ a = 1 }}", "a: expected text, got 1"),
            (f"{PROMETHEUS}\nrate = 0", "expected true or from 1 to 3600 seconds"),
            (f"{PROMETHEUS}\nrate = 'x'", "expected true or a number of seconds"),
            (f"{PROMETHEUS}\nscale = 0", "expected a number"),
            (f"{PROMETHEUS}\nverify = false", "has no use without https"),
            (f"{PROMETHEUS}\nca = '{__file__}'", "has no use without https"),
            (f"{JSON}\nca = '/nonexistent'", "can't read /nonexistent"),
            (f"{JSON}\nca = 'y'", "can't read /etc/x/y"),
            (f"{JSON}\nat = 'a..b'", "load.at: expected KEY.KEY[INDEX]"),
            (JSON.replace("https:", "ftp:"), "expected http://... or https://..."),
            ('type = "exec"\ncommand = []', "names no program"),
            ('type = "exec"\ncommand = ["/nonexistent"]', "no program"),
        ):
            self.bad(text, *wanted)


class PathTests(SynchronousTestCase):
    """Places in a JSON text."""

    def test_good(self) -> None:
        """Keys, indices, and keys in quotes."""
        for text, steps in (
            ("a", ("a",)),
            ("a.b[0].c", ("a", "b", 0, "c")),
            ("[1][2].x-y z", (1, 2, "x-y z")),
            ('a."b.c"[0]', ("a", "b.c", 0)),
        ):
            self.assertEqual(split_path(text), steps)

    def test_bad(self) -> None:
        """What is no path."""
        for text in ("", ".", "a.", ".a", "a..b", "a[b]", "a[-1]", "a[", "a[0]b", '"a'):
            self.assertRaises(ValueError, split_path, text)
        self.assertRaises(ValueError, split_path, "a" * 1001)

    @given(st.lists(st.integers(0, 10**9 - 1) | KEYS, min_size=1, max_size=9))
    def test_back(self, steps: list[str | int]) -> None:
        """Any keys and indices can be written, and are read as they were."""
        text = "".join(f"[{it}]" if isinstance(it, int) else f'."{it}"' for it in steps)
        self.assertEqual(split_path(text.removeprefix(".")), tuple(steps))

    @given(st.text('ab.[]0"', max_size=12))
    def test_anything(self, text: str) -> None:
        """Any text is a path, or a ValueError in plain words."""
        try:
            steps = split_path(text)
        except ValueError as error:
            self.assertTrue(str(error).isprintable())
        else:
            self.assertTrue(steps)
