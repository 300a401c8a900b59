"""Tests for domain names in wire form."""

import dns.name
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.names import (
    MAX_NAME,
    ROOT,
    BadName,
    ancestors,
    from_labels,
    from_text,
    is_within,
    labels,
    parent,
    relative,
    to_text,
)
from tests.strategies import NAMES


class TextTests(SynchronousTestCase):
    """Names in master file form."""

    @given(NAMES)
    def test_round_trip(self, name: bytes) -> None:
        """The text of any name is read back as the name, by dnspython too."""
        text = to_text(name)
        self.assertEqual(from_text(text), name)
        self.assertEqual(dns.name.from_text(text).to_wire(), name)

    @given(NAMES)
    def test_reads_what_dnspython_writes(self, name: bytes) -> None:
        """Other spellings of escapes mean the same."""
        self.assertEqual(from_text(dns.name.from_wire(name, 0)[0].to_text()), name)

    @given(st.text(alphabet="ab.\\019@é", max_size=12))
    def test_text_is_read_or_refused(self, text: str) -> None:
        """Any text is a name within the limits, or a `BadName`."""
        try:
            name = from_text(text, b"\x01z\0")
        except BadName:
            return
        self.assertLessEqual(len(name), MAX_NAME)
        self.assertEqual(from_labels(list(labels(name))), name)

    @given(st.text(alphabet="aZ9_-.", min_size=1, max_size=12))
    def test_plain(self, text: str) -> None:
        """A name of plain letters is the same with the final dot and without it."""
        try:
            name = from_text("x" + text)
        except BadName:
            self.assertRaises(BadName, from_text, f"x{text}.")
            return
        if not text.endswith("."):
            self.assertEqual(name, from_text(f"x{text}."))

    def test_origin(self) -> None:
        """Names without a final dot, and `@`, are completed."""
        origin = from_text("example.org.")
        self.assertEqual(from_text("www", origin), b"\x03www" + origin)
        self.assertEqual(from_text("www\\.a", origin), b"\x05www.a" + origin)
        self.assertEqual(from_text("www.", origin), b"\x03www\0")
        self.assertEqual(from_text("a\\.b.", origin), b"\x03a.b\0")
        self.assertEqual(from_text("@", origin), origin)
        self.assertEqual(from_text("."), ROOT)

    def test_refused(self) -> None:
        """What is no name says why."""
        cases = {
            "": "empty name",
            "a..b": "empty label",
            ".a": "empty label",
            "a\\": "backslash at the end",
            "a\\256": "up to 255",
            "é": "A-label",
            "a" * 64: "63 octets",
            ".".join(["a" * 63] * 4): "255 octets",
        }
        for text, why in cases.items():
            with self.assertRaises(BadName) as caught:
                from_text(text)
            self.assertIn(why, str(caught.exception))

    def test_longest(self) -> None:
        """255 octets are allowed, also with an origin, and one more is not."""
        whole = ".".join(["a" * 63] * 3 + ["b" * 61])
        self.assertEqual(len(from_text(whole + ".")), MAX_NAME)
        self.assertRaises(BadName, from_text, whole + "b.")
        head, _, tail = whole.partition(".")
        origin = from_text(tail + ".")
        self.assertEqual(len(from_text(head, origin)), MAX_NAME)
        self.assertRaises(BadName, from_text, "c." + head, origin)


class RelationTests(SynchronousTestCase):
    """How names stand to each other."""

    def test_ancestors(self) -> None:
        """A name, its parents, and the root, which is its own parent."""
        name = from_text("a.b.")
        self.assertEqual(list(ancestors(name)), [name, from_text("b."), ROOT])
        self.assertEqual(parent(name), from_text("b."))
        self.assertEqual(parent(from_text("b.")), ROOT)
        self.assertEqual(parent(ROOT), ROOT)

    @given(NAMES, NAMES)
    def test_is_within_like_dnspython(self, name: bytes, zone: bytes) -> None:
        """Being at or below means whole labels, not just the same octets at the end."""
        name, zone = name.lower(), zone.lower()
        expected = dns.name.from_wire(name, 0)[0].is_subdomain(
            dns.name.from_wire(zone, 0)[0]
        )
        self.assertEqual(is_within(name, zone), expected)
        if expected:
            self.assertEqual(relative(name, zone) + zone, name)

    def test_same_octets_at_the_end(self) -> None:
        """The octets of a name inside a label are not that name."""
        zone = from_text("org.")
        self.assertFalse(is_within(b"\x05x\x03org\0", zone))
        self.assertTrue(is_within(b"\x01x\x03org\0", zone))
