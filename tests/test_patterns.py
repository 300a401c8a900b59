"""Patterns: what they find, and how long that can take."""

import re
import warnings

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.health.search import INLINE, MOST_THREADS, Searcher
from dinamed.patterns import Pattern


class PatternTests(SynchronousTestCase):
    """One by one, and beside Python's engine."""

    def test_found(self) -> None:
        """What operators write is found as Python would find it."""
        for text, body, found in (
            ("ok", b"all ok here", True),
            ("^ok$", b"ok", True),
            ("^ok$", b"ok\n", True),
            ("^ok$", b"ok\r\n", False),
            ("^ok$", b"not ok", False),
            (r"ok\Z", b"ok", True),
            (r"\\Z", b"\\Z", True),
            ("(?i)OK", b"ok", True),
            ("(?m)^b$", b"a\nb\nc", True),
            ("(?s)a.b", b"a\nb", True),
            ("a.b", b"a\nb", False),
            (r"\d{3}", b"x200x", True),
            ("ä", "ä".encode(), True),
            ("^.$", b"\xff", True),
            ("", b"", True),
        ):
            self.assertEqual(Pattern(text).found_in(body), found, (text, body))

    @settings(max_examples=200)
    @given(
        st.lists(st.sampled_from("ab.$^|*?+()[]\\n-c"), max_size=8).map("".join),
        st.text("abc\n-", max_size=10),
    )
    def test_as_python(self, text: str, body: str) -> None:
        """What both engines take they find in the same places."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", FutureWarning)
                theirs = re.compile(text.encode())
            ours = Pattern(text)
        except (re.error, ValueError, FutureWarning):
            return
        if "$" in text:  # differs from \Z where another $ comes first
            body = body.rstrip("\n")
        found = theirs.search(body.encode()) is not None
        self.assertEqual(ours.found_in(body.encode()), found, (text, body))

    def test_refused(self) -> None:
        """What can't be looked for in linear time, or is no pattern, says so."""
        for text, words in (
            ("(", "missing"),
            (r"(a)\1", "references to groups"),
            ("(?=a)", "look-around"),
            ("(?<!a)b", "look-around"),
            ("[", "missing"),
            ("a{1001}", "repetition"),
            ("(?:(?:a?){100}){100}", "repetition"),
            ("[a-z]{900}" * 7, "too large"),
        ):
            error = self.assertRaises(ValueError, Pattern, text)
            self.assertIn(words, str(error))

    def test_hostile(self) -> None:
        """What takes Python years is found out at once."""
        for text in (
            r"^(a+)+$",
            r"(a|aa)+$",
            r"(x+x+)+y",
            r"(.*a){12}$",
        ):
            pattern = Pattern(text)
            for body in (b"a" * 28 + b"!", b"a" * 65535 + b"!", b"x" * 65536):
                self.assertFalse(pattern.found_in(body))


class Threads:
    """In place of a reactor and its threads: runs work when it is told to."""

    def __init__(self) -> None:
        self.work: list[object] = []

    def start(self, work: object) -> None:
        """Take work."""
        self.work.append(work)

    def callFromThread(self, function: object, *args: object) -> None:
        """At once."""
        function(*args)  # type: ignore[operator]

    def run(self) -> None:
        """Do the oldest work."""
        self.work.pop(0)()  # type: ignore[operator]


class SearcherTests(SynchronousTestCase):
    """Small searches at once, large ones in a few threads."""

    def setUp(self) -> None:
        """A pattern of many steps."""
        self.threads = Threads()
        self.pattern = Pattern("(?:a?){400}b")
        self.searcher = Searcher(self.threads, self.pattern, self.threads.start)  # type: ignore[arg-type]
        self.large = b"a" * (INLINE // self.pattern.steps + 1)

    def test_small(self) -> None:
        """No thread for what is done at once."""
        self.assertTrue(self.successResultOf(self.searcher.search(b"aab")))
        self.assertFalse(self.successResultOf(self.searcher.search(b"aa")))
        self.assertEqual(self.threads.work, [])

    def test_large(self) -> None:
        """So many at a time; the others wait, and who has gone is passed over."""
        text = self.large + b"b"
        found = [self.searcher.search(text) for _ in range(MOST_THREADS + 2)]
        self.assertEqual(len(self.threads.work), MOST_THREADS)
        found[MOST_THREADS].addErrback(lambda _: None)
        found[MOST_THREADS].cancel()
        self.threads.run()
        self.assertTrue(self.successResultOf(found[0]))
        while self.threads.work:
            self.threads.run()
        self.assertTrue(self.successResultOf(found[-1]))

    def test_no_threads(self) -> None:
        """Without a thread there is no verdict."""

        def start(work: object) -> None:
            raise RuntimeError("can't start new thread")

        searcher = Searcher(self.threads, self.pattern, start)  # type: ignore[arg-type]
        self.failureResultOf(searcher.search(self.large), OSError)
