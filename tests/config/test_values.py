"""Tests of the forms of single values."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import values
from dinamed.config.values import HostPort, host_port, shown


class HostPortTests(SynchronousTestCase):
    """Addresses and host names with ports."""

    def test_accepted(self) -> None:
        """Each way to write an address, with and without a port."""
        for text, expected in (
            ("192.0.2.53", HostPort("192.0.2.53", None)),
            ("192.0.2.53:5353", HostPort("192.0.2.53", 5353)),
            ("[2001:DB8::53]:5353", HostPort("2001:db8::53", 5353)),
            ("[::]", HostPort("::", None)),
            ("::1", HostPort("::1", None)),
            ("fe80::1%eth0", HostPort("fe80::1%eth0", None)),
            ("ns1.example.org:53", HostPort("ns1.example.org", 53)),
            ("localhost", HostPort("localhost", None)),
            ("0.0.0.0:0", HostPort("0.0.0.0", 0)),
        ):
            self.assertEqual(host_port(text), expected)

    def test_refused(self) -> None:
        """What is neither."""
        for text in (
            *(
                "",
                ":",
                ":53",
                "a:",
                "a:x",
                "a:65536",
                "a:+5",
                "a:\u0665",
                "1.2.3",
                "a..b",
            ),
            *(
                "-a",
                "a-",
                "[a]:53",
                "[1.2.3.4]",
                "[::1",
                "[::1]53",
                "[::1]:",
                "1::2::3",
            ),
            *("a" * 64, "a." * 127 + "a", "http://a", "a/b"),
        ):
            self.assertRaises(ValueError, host_port, text)

    @given(st.text(alphabet="a1.:[]%-*\0ä", max_size=12))
    def test_any(self, text: str) -> None:
        """Any text is read or refused."""
        try:
            self.assertIsInstance(host_port(text), HostPort)
        except ValueError as refusal:
            self.assertTrue(str(refusal))


class ShownTests(SynchronousTestCase):
    """Values in messages."""

    def test_short_ascii(self) -> None:
        """Strings are quoted, cut, and in ASCII on one line."""
        self.assertEqual(shown('a"\n\u00e4'), '"a\\"\\n\\u00e4"')
        self.assertEqual(len(shown("x" * 1000)), 62)

    def test_address_prefixes(self) -> None:
        """A prefix is given its canonical form; one address is a prefix too."""
        self.assertEqual(values.prefix("2001:DB8:0::/48"), "2001:db8::/48")
        self.assertEqual(values.prefix("192.0.2.1"), "192.0.2.1/32")
