"""Small zones built by the extension in one go, against `build_zone`."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from dinamed.zones.build import build_zone
from dinamed.zones.masterdata import native
from dinamed.zones.packed import PackedZone
from tests.zones.strategies import ORIGIN

_SOAS = (
    "@ SOA ns1 h 1 2 3 4 5",
    "@ 300 IN SOA ns1 h.example.org. (\n 4294967295 ; serial\n 2h 3m\n 4w 5 )",
    "\tsoa ns.example.net. H.example.NET. ( 1 2 3 4 5 ) ; all",
    "@ SOA @ h 1 2 3 4 5",
    "@ SOA ns1 h\\.x 1 2 3 4 5",
    "@ SOA ns1 h 1 2 3 4",
    "@ SOA ns1 h ( 1 2 3 4 5",
    "www SOA ns1 h 1 2 3 4 5",
)
_LINES = (
    *("$TTL 300", "$TTL 1h ; ours", "$TTL", "$ORIGIN example.org.", "$ORIGIN sub"),
    *("$ORIGIN example.net.", "$INCLUDE nothing", "; remark", "", " ", "\u00fc A ::1"),
    *("@ NS ns1", "@ 300 NS ns.example.net.", "NS1 A 192.0.2.1", "ns1 300 AAAA ::1"),
    *("www A 192.0.2.1", "www 60 A 192.0.2.2", "WWW A 192.0.2.1", " A 192.0.2.3"),
    *("a.b A 192.0.2.1", "c.a.b MX 10 www", "* A 192.0.2.1", "*.x.y TXT one"),
    *("a.*.b A 192.0.2.1", "sub NS ns1", "@ MX 10 mail", "@ MX 10 www", "@ MX 5 nix"),
    *("mail CNAME www", "mail A 192.0.2.9", "m CNAME nix", "m CNAME a.example.net."),
    *("_s._tcp SRV 1 2 3 www", "p PTR www", "p PTR 192.0.2.1", "p MX 1 1.2.3.4."),
    *("www.example.org A 192.0.2.1", "www.example.org. TXT t", "x.org. A 192.0.2.1"),
    *('t TXT "a b"', "t TXT one two", "t TXT (one\n two)", "h HINFO a b", "d DNAME e"),
    *("@ DS 1 8 2 00", "t\tTXT\tone\r", "r RRSIG x", "big 99999999999 A 192.0.2.1"),
)


def packed_by_both(text: str) -> tuple[bytes | None, bytes, int]:
    """By the extension, by `build_zone`, and how much that has to say."""
    if native is None:
        raise SkipTest("there is no extension")
    with TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.zone")
        Path(path).write_bytes(text.encode())
        quick = native.SmallZoneBuilder().build(ORIGIN, os.fsencode(path))
        built = build_zone(ORIGIN, path, {})
    said = len(built.problems) + len(built.warnings)
    return quick, bytes(built.packed), said


class SmallZoneTests(SynchronousTestCase):
    """The same octets, or none."""

    @settings(max_examples=150, deadline=None)
    @given(st.sampled_from(_SOAS), st.lists(st.sampled_from(_LINES), max_size=7))
    def test_anything(self, soa: str, lines: list[str]) -> None:
        """What is built here is what is built there, and nobody is to be told."""
        text = "\n".join(["$TTL 300", soa, "@ NS ns1", "ns1 A 192.0.2.1", *lines])
        quick, built, said = packed_by_both(text)
        if quick is not None:
            self.assertEqual((quick, said), (built, 0))

    def test_usual(self) -> None:
        """A usual zone is built here."""
        text = (
            "$ORIGIN example.org.\n$TTL 1h\n"
            "@ IN SOA ns1 hostmaster (\n  2026010101 ; serial\n"
            "  7200 3600 1209600 300 )\n\tNS ns1\n\tNS ns.example.net.\n"
            "\tMX 10 mail\nns1 A 192.0.2.1\n AAAA 2001:db8::1\nmail A 192.0.2.2\n"
            '_sip._tcp SRV 1 2 5060 mail\n* TXT "what else"\nwww CNAME mail\n'
        )
        quick, built, said = packed_by_both(text)
        self.assertEqual((quick, said), (built, 0))
        assert quick is not None
        self.assertEqual(PackedZone(quick).records, 10)

    def test_something_to_say(self) -> None:
        """Anything that calls for a message leaves the zone to `build_zone`."""
        head = "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"
        for lines in (
            *("@ NS nix", "www CNAME nix", "@ MX 1 nix", "a A 1.2.3", "$TTL x"),
            *("a 1 A 192.0.2.1\na 2 A 192.0.2.2", "a CNAME ns1\na A 192.0.2.1"),
            *("a.example.org A 192.0.2.1", "sub NS sub", "@ MX 1 192.0.2.1", "a A ::"),
            "@ SOA ns1 h 2 2 3 4 5",
        ):
            quick, _, said = packed_by_both(head + lines)
            self.assertIsNone(quick, lines)
            self.assertTrue(said, lines)
        quick, _, said = packed_by_both("ns1 A 192.0.2.1\n")
        self.assertIsNone(quick)

    def test_no_file(self) -> None:
        """What is no file of ours, and what is large, is not built."""
        if native is None:
            raise SkipTest("there is no extension")
        folder = Path(self.mktemp())
        folder.mkdir()
        os.mkfifo(folder / "pipe")
        (folder / "large").write_text("; \n" * 40_000)
        builder = native.SmallZoneBuilder()
        for name in ("", "pipe", "large", "missing"):
            self.assertIsNone(builder.build(ORIGIN, os.fsencode(folder / name)), name)

    def test_states(self) -> None:
        """A state tells files apart, and is zeros for what can't be read."""
        if native is None:
            raise SkipTest("there is no extension")
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "a").write_text("a")
        (folder / "b").write_text("b")
        paths = [os.fsencode(folder / name) for name in ("a", "b", "missing", "")]
        states = native.file_states(paths)
        one, other, missing, directory = (
            states[at : at + 32] for at in (0, 32, 64, 96)
        )
        self.assertNotEqual(one, other)
        self.assertEqual((missing, directory), (bytes(32), bytes(32)))
        self.assertEqual(native.file_states(paths[:1]), one)
