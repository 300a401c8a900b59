"""Tests for the data of SVCB records."""

import dns.rdata
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.names import from_text
from dinamed.wire.svcb import BadService, serves_itself, target, with_hints

OWNER = from_text("ftp.example.org.")
ADDRESS = bytes([192, 0, 2, 1])
SIX = bytes(15) + b"\1"


def rdata(text: str) -> bytes:
    """Data from its text form."""
    return dns.rdata.from_text("IN", "HTTPS", text).to_wire() or b""


def text(data: bytes) -> str:
    """The text form of data."""
    parsed = dns.rdata.from_wire("IN", "HTTPS", data, 0, len(data))
    return parsed.to_text()


class HintTests(SynchronousTestCase):
    """Reading targets, writing hints."""

    def test_target(self) -> None:
        """The name behind the priority."""
        self.assertEqual(target(rdata("1 . alpn=h2")), b"\0")
        self.assertEqual(target(rdata("1 ftp.example.org.")), OWNER)
        for data in (b"", b"\0\1", b"\0\1\3ab", b"\0\1\3abc"):
            with self.assertRaises(BadService):
                target(data)

    def test_serves_itself(self) -> None:
        """ServiceMode with the owner as the target, by its name or by a dot."""
        for one, expected in (
            ("1 .", True),
            ("16 FTP.example.org. port=8443", True),
            ("1 other.example.org.", False),
            ("0 .", False),
            ("0 ftp.example.org.", False),
        ):
            self.assertEqual(serves_itself(rdata(one), OWNER), expected, one)
        self.assertFalse(serves_itself(b"\0\1\3ab", OWNER))

    def test_hints(self) -> None:
        """They are put in their place, replaced, or taken away."""
        both = {4: [ADDRESS], 6: [SIX]}
        for before, hints, after in (
            ("1 .", both, '1 . ipv4hint="192.0.2.1" ipv6hint="::1"'),
            (
                "1 . alpn=h2 ipv4hint=203.0.113.9 key65000=x",
                both,
                '1 . alpn="h2" ipv4hint="192.0.2.1" ipv6hint="::1" key65000="x"',
            ),
            ("1 . ipv4hint=203.0.113.9 ipv6hint=::2", {4: [], 6: []}, "1 ."),
            (
                "1 . port=1",
                {4: [ADDRESS] * 2},
                '1 . port="1" ipv4hint="192.0.2.1,192.0.2.1"',
            ),
            (
                "1 . mandatory=alpn,ipv4hint alpn=h2 ipv4hint=203.0.113.9",
                {4: [], 6: [SIX]},
                '1 . mandatory="alpn" alpn="h2" ipv6hint="::1"',
            ),
            (
                "1 . mandatory=ipv4hint ipv4hint=203.0.113.9",
                {4: [], 6: []},
                "1 .",
            ),
        ):
            self.assertEqual(text(with_hints(rdata(before), hints)), after)

    @given(st.binary(max_size=60))
    def test_any_data(self, data: bytes) -> None:
        """Whatever the data, it is read or refused."""
        serves_itself(data, OWNER)
        try:
            found = with_hints(data, {4: [ADDRESS], 6: []})
        except BadService:
            return
        self.assertIn(b"\0\4\0\4" + ADDRESS, found)
