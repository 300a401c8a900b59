"""Tests of L{dinamed.load.json_feed}."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.feed_forms import split_path
from dinamed.config.feeds import JsonFeed
from dinamed.load.json_feed import JsonSource, find
from dinamed.load.poller import ProbeTarget
from dinamed.pools.report import make_report
from tests.load.web import WebTestCase

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=2)),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner)
    ),
    max_leaves=6,
)


class FindTests(SynchronousTestCase):
    """Values within documents."""

    def test_found(self) -> None:
        """Keys and indices, one after the other."""
        document = {"a": {"b": [{"c": 7}, 8]}, "x.y": 9}
        for path, value in (("a.b[0].c", 7), ("a.b[1]", 8), ('"x.y"', 9)):
            self.assertEqual(find(document, split_path(path)), value)
        self.assertEqual(find([[1, 2]], split_path("[0][1]")), 2)

    def test_not_found(self) -> None:
        """The message tells how far the path goes."""
        for path, words in (
            ("a.x.c", "the JSON has nothing at a.x"),
            ("a.b[2].c", "the JSON has nothing at a.b[2]"),
            ("[0]", "the JSON has nothing at [0]"),
            ("a.b.c", "the JSON has nothing at a.b.c"),
            ("a.n", "the JSON has null at a.n"),
        ):
            document = {"a": {"b": [1], "n": None}}
            error = self.assertRaises(ValueError, find, document, split_path(path))
            self.assertEqual(str(error), words)

    @given(JSON, st.sampled_from(["a", "a.b", "[0]", "a[1].b", "b[0][0]"]))
    def test_anything(self, document: object, path: str) -> None:
        """Whatever the document, something is found or a ValueError raised."""
        try:
            found = find(document, split_path(path))
        except ValueError as error:
            self.assertIn("the JSON has n", str(error))
        else:
            self.assertIsNot(found, None)


class JsonTests(WebTestCase):
    """One member, and texts that it might give."""

    def setUp(self) -> None:
        """Make a poller."""
        super().setUp()
        feed = JsonFeed(
            url="http://{address}/load",
            path="load[0]",
            capacity="max",
            increment="step",
            at="time",
        )
        source = JsonSource(self.reactor, feed)
        self.poller = source.poller(ProbeTarget("192.0.2.1", ""))

    def test_all(self) -> None:
        """All four numbers."""
        report = self.brought(
            self.poller.poll(), b'{"load": [3.5], "max": 10, "step": 1, "time": 998}'
        )
        self.assertEqual(
            report,
            make_report(
                3.5, now=1000.0, source="json", at=998, capacity=10, increment=1
            ),
        )

    def test_refused(self) -> None:
        """What is no JSON, or not the JSON wanted, is refused with its reason."""
        good = b'{"load": [1], "max": 1, "step": 1, "time": 1}'
        for body, words in (
            (b"", "not JSON: "),
            (b"{", "not JSON: "),
            (b"[" * 100_000, "nested too deeply"),
            (b"\xff", "not JSON: "),
            (good.replace(b"[1]", b"[NaN]"), "not JSON: "),
            (good.replace(b"[1]", b'["1"]'), 'load is not a number: "1"'),
            (good.replace(b"[1]", b"[true]"), "load is not a number: true"),
            (good.replace(b"[1]", b"[-1]"), "load is negative: -1"),
            (good.replace(b"[1]", b"[1e400]"), ""),
            (good.replace(b"[1]", b"[" + b"9" * 400 + b"]"), ""),
            (good.replace(b"[1]", b"[]"), "the JSON has nothing at load[0]"),
            (good.replace(b'"max": 1', b'"max": 0'), "capacity is 0"),
            (good.replace(b'"time": 1', b'"time": 2000'), "1000 s in the future"),
            (b"[]", "the JSON has nothing at load"),
        ):
            polled = self.poller.poll()
            self.respond(body)
            self.assertIn(words, self.refused(polled))
