"""Tests for what must hold in a zone, and for building zones from files."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.build import BuiltZone, build_zone
from dinamed.zones.masterdata import MAX_PROBLEMS
from dinamed.zones.packed import MatchKind, PackedZone
from tests.zones.strategies import ORIGIN, absolute, key

_APEX = """$TTL 1h
@ SOA ns1 hostmaster 1 7200 3600 86400 300
@ NS ns1
ns1 A 192.0.2.1
"""


def build(text: str, **names: str) -> BuiltZone:
    """Build a zone from text; keyword names are bound to pools."""
    bound = {absolute(name.replace("_", ".")): pool for name, pool in names.items()}
    with TemporaryDirectory() as folder:
        path = Path(folder, "zone")
        path.write_text(text)
        return build_zone(ORIGIN, str(path), bound)


class RuleTests(SynchronousTestCase):
    """Each rule, kept and broken; lines count from the top of the file."""

    def _assert_problems(
        self, text: str, *expected: tuple[int | None, str, str], **names: str
    ) -> None:
        """Exactly these problems: the line, the key, a part of the message."""
        built = build(_APEX + text, **names)
        found = [(p.line, p.key, p.message) for p in built.problems]
        self.assertEqual(
            [item[:2] for item in found], [item[:2] for item in expected], found
        )
        for (_, _, message), (_, _, part) in zip(found, expected, strict=True):
            self.assertIn(part, message)
        self.assertEqual(built.packed == b"", bool(expected))

    def _assert_warnings(self, text: str, *expected: tuple[int, str, str]) -> None:
        """The zone is served, and exactly these warnings are told."""
        built = build(_APEX + text)
        self.assertEqual(built.problems, [])
        found = [(one.line, one.key) for one in built.warnings]
        self.assertEqual(found, [one[:2] for one in expected], built.warnings)
        for one, (_, _, part) in zip(built.warnings, expected, strict=True):
            self.assertIn(part, one.message)
            self.assertEqual(one.severity, "warning")

    def test_good(self) -> None:
        """A zone with all that is allowed has no problems."""
        self._assert_problems(
            "sub NS ns.sub\nsub NS ns1\nsub NS ns.example.net.\nns.sub A 192.0.2.2\n"
            "other NS ns.sub\nd DNAME example.net.\nd A 192.0.2.3\nc CNAME ns1\n"
            "* A 192.0.2.4\npool MX 10 mail\npool TXT x\nw NS wild.ard\n"
            "c NSEC d A\n",
            pool="mirrors",
        )

    def test_soa_missing(self) -> None:
        """A zone without SOA is refused, and the rest is still checked."""
        built = build("$TTL 60\n@ NS ns1\n")
        self.assertEqual(
            [(p.line, p.key) for p in built.problems],
            [(None, "example.org. SOA"), (2, "example.org. NS")],
        )

    def test_ns_missing(self) -> None:
        """A zone without NS at its apex is refused."""
        built = build("@ 60 SOA ns1 h 1 1 1 1 1\n")
        self.assertEqual(
            [(p.line, p.key) for p in built.problems], [(None, "example.org. NS")]
        )

    def test_second_soa(self) -> None:
        """There is one SOA; the same one twice is one."""
        self._assert_problems("@ SOA ns1 hostmaster 1 7200 3600 86400 300\n")
        self._assert_problems("@ SOA NS1 hostmaster 1 7200 3600 86400 300\n")
        self._assert_problems(
            "@ SOA ns1 hostmaster 2 7200 3600 86400 300\n",
            (5, "example.org. SOA", "only one record"),
        )

    def test_cname(self) -> None:
        """A CNAME stands alone and once (RFC 2181 section 10.1)."""
        self._assert_problems(
            "a CNAME b\na A 192.0.2.1\n",
            (5, "a.example.org. CNAME", "beside other data"),
        )
        self._assert_problems(
            "a CNAME b\na CNAME c\n", (6, "a.example.org. CNAME", "only one record")
        )
        self._assert_problems("a CNAME b\na CNAME B\n")
        self._assert_problems(
            "a CNAME b\na DNAME c\n",
            (5, "a.example.org. CNAME", "beside other data"),
        )

    def test_dname(self) -> None:
        """Nothing lies below a DNAME, it stands once and not beside NS."""
        self._assert_problems(
            "d DNAME example.net.\nx.d A 192.0.2.1\n",
            (6, "x.d.example.org. A", "below the DNAME at d.example.org."),
        )
        self._assert_problems(
            "d DNAME example.net.\nd DNAME example.com.\n",
            (6, "d.example.org. DNAME", "only one record"),
        )
        self._assert_problems(
            "d NS ns1\nd DNAME example.net.\n",
            (6, "d.example.org. DNAME", "beside NS"),
        )
        self._assert_problems("sub NS ns1\nd.sub DNAME x.\nx.d.sub A 192.0.2.1\n")

    def test_name_server_addresses(self) -> None:
        """Name servers within the zone have an address."""
        for line in ("@ NS none", "x.sub NS ns1\nsub A 1.2.3.4\n@ NS x"):
            built = build(f"{_APEX}{line}\n")
            self.assertEqual(len(built.problems), 1, line)
            self.assertIn("does not exist", built.problems[0].message)
        self._assert_warnings(
            "sub NS none\n", (5, "sub.example.org. NS", "does not exist")
        )
        self._assert_warnings(
            "sub NS ns1\nsub NS text\ntext TXT x\n",
            (6, "sub.example.org. NS", "has no address"),
        )
        self._assert_problems(
            "@ NS text\ntext TXT x\n", (5, "example.org. NS", "has no address")
        )
        self._assert_problems("@ NS a.wild\n*.wild AAAA 2001:db8::1\n")
        self._assert_problems("@ NS pool\n", pool="mirrors")

    def test_glue(self) -> None:
        """Glue is needed for the cut's own servers; others may do without."""
        self._assert_warnings(
            "sub NS ns.sub\n", (5, "sub.example.org. NS", "has no glue")
        )
        self._assert_warnings("sub NS sub\n", (5, "sub.example.org. NS", "no glue"))
        self._assert_problems("sub NS sub\nsub AAAA 2001:db8::1\n")
        self._assert_problems("sub NS ns1\nother NS ns.sub\n")
        self._assert_warnings("sub NS ns1\n@ NS ns.sub\n")
        self._assert_problems("sub NS ns1\nx.sub NS ns.x.sub\n")

    def test_name_server_alias(self) -> None:
        """A name server is not an alias (RFC 2181 section 10.3)."""
        alias = "is an alias"
        self._assert_warnings("@ NS a\na CNAME ns1\n", (5, "example.org. NS", alias))
        self._assert_warnings(
            "@ NS x.d\nd DNAME example.net.\n", (5, "example.org. NS", alias)
        )
        self._assert_warnings(
            "@ NS x.w\n*.w CNAME ns1\n", (5, "example.org. NS", alias)
        )

    def test_wildcards(self) -> None:
        """Wildcards own neither NS nor DNAME."""
        self._assert_problems(
            "*.a NS ns1\n*.b DNAME example.net.\n",
            (5, "*.a.example.org. NS", "a wildcard cannot own NS"),
            (6, "*.b.example.org. DNAME", "a wildcard cannot own DNAME"),
        )

    def test_pool_beside_data(self) -> None:
        """A pool's name has no addresses, no alias and no cut of its own."""
        for data in ("A 192.0.2.1", "AAAA 2001:db8::1", "CNAME ns1", "NS ns1"):
            self._assert_problems(
                f"pool {data}\n",
                (5, "pool.example.org.", "bound to pool mirrors"),
                pool="mirrors",
            )

    def test_pool_below(self) -> None:
        """A pool's name is not below a cut or a DNAME."""
        for data in ("NS ns1", "DNAME example.net."):
            self._assert_problems(
                f"sub {data}\n",
                (5, "x.sub.example.org.", "bound to pool mirrors"),
                x_sub="mirrors",
            )
        self._assert_problems("sub DNAME example.net.\n", sub="mirrors")

    def test_pool_at_apex(self) -> None:
        """The apex may be bound; its NS are no cut."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "zone")
            path.write_text(_APEX)
            built = build_zone(ORIGIN, str(path), {ORIGIN: "mirrors"})
        self.assertEqual(built.problems, [])
        self.assertEqual(PackedZone(built.packed).apex.pool, "mirrors")

    def test_large_rrset(self) -> None:
        """An RRset that fits into no message is refused."""
        lines = "".join(f'big TXT "{number:0250}"\n' for number in range(260))
        self._assert_problems(lines, (5, "big.example.org. TXT", "does not fit"))


class BuildTests(SynchronousTestCase):
    """From file to packed zone."""

    def test_packed(self) -> None:
        """Duplicates are one, the lowest TTL holds for the set, case is folded."""
        built = build(
            _APEX + "WWW 300 A 192.0.2.9\nwww 60 A 192.0.2.8\nwww 90 A 192.0.2.9\n"
            "m MX 65 MAIL\nm MX 97 mail\nm MX 65 mail\n",
            ftp="mirrors",
        )
        self.assertEqual(built.problems, [])
        zone = PackedZone(built.packed)
        www = zone.find(absolute("www")).node.rrsets[Type.A]
        self.assertEqual(www.ttl, 60)
        self.assertEqual(www.rdatas, (b"\xc0\0\x02\x09", b"\xc0\0\x02\x08"))
        mail = zone.find(absolute("m")).node.rrsets[Type.MX]
        self.assertEqual(
            mail.rdatas,
            (b"\0\x41" + key("MAIL") + ORIGIN, b"\0\x61" + key("mail") + ORIGIN),
        )
        self.assertEqual(zone.find(absolute("ftp")).node.pool, "mirrors")
        self.assertIs(zone.find(absolute("no")).kind, MatchKind.MISSING)
        self.assertEqual(zone.serial, 1)

    def test_origin_in_capitals(self) -> None:
        """Origins and bound names are folded to lower case."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "zone")
            path.write_text(_APEX)
            name = from_text("FTP.Example.ORG.")
            built = build_zone(from_text("Example.ORG."), str(path), {name: "m"})
        zone = PackedZone(built.packed)
        self.assertEqual(zone.origin, ORIGIN)
        self.assertEqual(zone.find(name.lower()).node.pool, "m")

    def test_bound_name_outside(self) -> None:
        """A bound name lies in the zone."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "zone")
            path.write_text(_APEX)
            built = build_zone(ORIGIN, str(path), {from_text("a.b."): "m"})
        self.assertEqual([p.key for p in built.problems], ["a.b."])
        self.assertEqual(built.packed, b"")

    def test_unreadable(self) -> None:
        """No file, a folder, a pipe, a bad path: one problem each, no exception."""
        folder = Path(self.mktemp())
        folder.mkdir()
        os.mkfifo(folder / "pipe")
        for path in ("none", "pipe", ".", "nul\0", "/dev/zero"):
            built = build_zone(ORIGIN, str(folder / path), {})
            (problem,) = built.problems
            self.assertIsNone(problem.line)
            self.assertIn("cannot read", problem.message)
            self.assertEqual(built.packed, b"")
            self.assertEqual(built.files, (str(folder / path),))

    def test_empty_file(self) -> None:
        """An empty file lacks SOA and NS."""
        built = build("")
        self.assertEqual(len(built.problems), 2)

    def test_last_problem_counts_the_rest(self) -> None:
        """The list of a file ends with the number of what was left out."""
        built = build(_APEX + "x FOO\n" * (MAX_PROBLEMS + 3))
        self.assertEqual(len(built.problems), MAX_PROBLEMS + 1)
        self.assertEqual(built.problems[-1].message, "and 3 more problems")

    def test_files(self) -> None:
        """All files are named, each once, missing ones too."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "zone").write_text(
            _APEX + "$INCLUDE part\n$INCLUDE part\n$INCLUDE none\n"
        )
        (folder / "part").write_text("a A 192.0.2.1\n")
        built = build_zone(ORIGIN, str(folder / "zone"), {})
        self.assertEqual(
            built.files, tuple(str(folder / name) for name in ("zone", "part", "none"))
        )
        self.assertEqual(len(built.problems), 1)
