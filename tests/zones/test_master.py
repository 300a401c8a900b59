"""Tests for the master file reader."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.names import from_text
from dinamed.zones.lines import MAX_ENTRY
from dinamed.zones.master import read_master
from dinamed.zones.masterdata import MAX_PROBLEMS
from dinamed.zones.merge import raw_records
from tests.zones.strategies import ORIGIN, read


class ReaderTests(SynchronousTestCase):
    """What the reader does beyond, or on purpose unlike, dnspython's."""

    def _problems(self, text: str | bytes) -> list[tuple[int | None, str]]:
        data = read(text)
        return [(problem.line, problem.message) for problem in data.problems]

    def test_all_problems(self) -> None:
        """No problem hides another; lines and keys are those of the entries."""
        data = read(
            "$TTL 1h\n"
            "a A 1.2.3\n"
            "b ( TXT\n"
            "  x )\n"
            "c FOO x\n"
            "  MX mail\n"
            "d.example.net. A 192.0.2.1\n"
            "  A 192.0.2.1\n"
            "e CH A 192.0.2.1\n"
            "$BAD\n"
            "f A 192.0.2.1\n"
        )
        self.assertEqual(
            [(problem.line, problem.key) for problem in data.problems],
            [
                (2, "a.example.org. A"),
                (5, "c.example.org."),
                (6, "c.example.org. MX"),
                (9, "e.example.org."),
                (10, "$BAD"),
            ],
        )
        self.assertEqual([one.line for one in data.warnings], [7])
        self.assertEqual(list(data.records), [b"\x01b", b"\x01f"])

    def test_quoted_owner(self) -> None:
        """A quoted string is no name."""
        self.assertEqual(
            self._problems('$TTL 1\n"a" A 192.0.2.1\n'),
            [(2, 'unexpected quoted string "a"')],
        )

    def test_many_problems_are_counted(self) -> None:
        """Beyond the limit problems are counted, not kept."""
        data = read("x FOO\n" * (MAX_PROBLEMS + 7))
        self.assertEqual(len(data.problems), MAX_PROBLEMS)
        self.assertEqual(list(data.suppressed.values()), [7])

    def test_names_too_long(self) -> None:
        """Labels of 64 octets and names of 256 are refused, in owners and data."""
        long_label = "a" * 64
        long_name = ".".join(["a" * 60] * 4) + "." + "b" * 9
        for name in (long_label, long_name):
            for line in (f"{name} 60 A 192.0.2.1", f"x 60 NS {name}"):
                self.assertEqual(len(self._problems(line)), 1, line)

    def test_longest_name(self) -> None:
        """A name of 255 octets is taken."""
        owner = ".".join(["a" * 60] * 3) + "." + "b" * 57
        data = read(f"{owner} 60 A 192.0.2.1")
        self.assertEqual(data.problems, [])
        (key,) = data.records
        self.assertEqual(len(key + ORIGIN), 254)
        self.assertEqual(self._problems(f"b{owner} 60 A 192.0.2.1"), [])
        self.assertEqual(len(self._problems(f"bb{owner} 60 A 192.0.2.1")), 1)

    def test_unbalanced_parentheses(self) -> None:
        """What an open parenthesis swallowed is read all the same."""
        data = read("a 60 TXT ( x\nb 60 A 192.0.2.1\nc 60 A bad\n")
        self.assertEqual(
            next((problem.line, problem.message) for problem in data.problems),
            (1, "unbalanced parentheses"),
        )
        self.assertEqual([problem.line for problem in data.problems], [1, 3])
        self.assertIn(b"\x01b", data.records)
        self.assertEqual(
            self._problems("a 60 A 192.0.2.1 )\n"), [(1, "unbalanced parentheses")]
        )

    def test_many_open_parentheses(self) -> None:
        """A file of open parentheses is read in bounded time, each line once more."""
        messages = self._problems("a 60 TXT (\n" * 3000)
        self.assertTrue(0 < len(messages) <= MAX_PROBLEMS)

    def test_unterminated_quote(self) -> None:
        """A quoted string ends on its line."""
        self.assertEqual(
            self._problems('a 60 TXT "x\nb 60 TXT "y"\n'),
            [(1, "unterminated quoted string")],
        )

    def test_huge_line(self) -> None:
        """A line of a megabyte is one problem; the lines after it are read."""
        for junk in ("x" * (1 << 20), "x " * (1 << 19), 'x TXT "' + "y" * (1 << 20)):
            data = read(f"{junk}\nb 60 A 192.0.2.1\n")
            self.assertEqual(
                [(problem.line, problem.message) for problem in data.problems],
                [(1, f"line is longer than {MAX_ENTRY} octets")],
            )
            self.assertEqual(list(data.records), [b"\x01b"])

    def test_not_utf8(self) -> None:
        """Other encodings are named, line by line."""
        self.assertEqual(
            self._problems(b"a 60 TXT gr\xfcn\nb 60 A 192.0.2.1 ; gr\xfcn\n"),
            [(1, "not UTF-8"), (2, "not UTF-8")],
        )

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=300))
    def test_junk(self, junk: bytes) -> None:
        """Any bytes are read without an exception."""
        data = read(junk)
        records = [list(raw_records(raw)) for raw in data.records.values()]
        self.assertTrue(all(records))

    def test_line_ends(self) -> None:
        """LF, CRLF and CR end lines; the last needs none; a BOM is skipped."""
        plain = b"a 60 A 192.0.2.1|b 60 TXT ( x|y )|c 60 A 192.0.2.1|"
        expected = read(plain.replace(b"|", b"\n")).records
        self.assertEqual(len(expected), 3)
        for end in (b"\r\n", b"\r"):
            self.assertEqual(read(plain.replace(b"|", end)).records, expected)
        text = plain.replace(b"|", b"\n")
        self.assertEqual(read(text[:-1]).records, expected)
        self.assertEqual(read(b"\xef\xbb\xbf" + text).records, expected)

    def test_refused_owner_is_not_repeated(self) -> None:
        """Records without an owner do not go to the name before a refused one."""
        data = read("a 60 A 192.0.2.1\nb..c A 192.0.2.2\n  60 A 192.0.2.3\n")
        self.assertEqual([problem.line for problem in data.problems], [2])
        self.assertEqual(len(list(raw_records(data.records[b"\x01a"]))), 1)

    def test_bad_rdata(self) -> None:
        """Data that its type does not allow is one problem with owner and type."""
        for data in (
            "A 192.0.2.256",
            "A 192.0.2.1 192.0.2.2",
            "A",
            "AAAA 192.0.2.1",
            "AAAA 1::2::3",
            "MX mail",
            "MX 99999 mail",
            "NS",
            "NS a..b",
            "TXT",
            "SRV 1 2 3",
            "A \\# 3 abcdef",
            "TYPE65280 \\# 4 abcdef",
        ):
            (problem,) = read(f"x 60 {data}\n").problems
            self.assertEqual(problem.key, f"x.example.org. {data.split()[0]}")
            self.assertEqual(problem.line, 1)

    def test_high_ttl(self) -> None:
        """TTLs of 32 bits are refused (RFC 2181 section 8)."""
        self.assertEqual(len(self._problems("a 2147483648 A 192.0.2.1\n")), 1)
        self.assertEqual(self._problems("a 2147483647 A 192.0.2.1\n"), [])

    def test_meta_types(self) -> None:
        """Types that only questions have are refused."""
        for rrtype in ("ANY", "OPT", "TYPE0", "AXFR", "TSIG", "TYPE128"):
            self.assertEqual(len(self._problems(f"a 60 {rrtype} \\# 0\n")), 1, rrtype)

    def test_soa_below_apex(self) -> None:
        """An SOA stands at the apex."""
        self.assertEqual(
            self._problems("a 60 SOA ns1 host 1 1 1 1 1\n"),
            [(1, "SOA below the apex")],
        )


class IncludeTests(SynchronousTestCase):
    """$INCLUDE (RFC 1035 section 5.1)."""

    def _write(self, **files: str) -> Path:
        folder = Path(self.mktemp())
        (folder / "parts").mkdir(parents=True)
        for name, text in files.items():
            (folder / name.replace("__", "/")).write_text(text)
        return folder

    def test_scope(self) -> None:
        """Origin, TTL and last owner of the outer file come back after it."""
        folder = self._write(
            zone="$TTL 60\na A 192.0.2.1\n$INCLUDE parts/one sub\n  A 192.0.2.2\n"
            '$INCLUDE "parts/two"\nb A 192.0.2.3\n',
            parts__one="$TTL 90\nx A 192.0.2.4\n$INCLUDE two deep\n",
            parts__two="y A 192.0.2.5\n$ORIGIN z\nq A 192.0.2.6\n",
        )
        data = read_master(ORIGIN, str(folder / "zone"))
        self.assertEqual(data.problems, [])
        found = {
            key: [record.ttl for record in raw_records(raw)]
            for key, raw in data.records.items()
        }
        names = {
            "a": [60, 60],
            "x.sub": [90],
            "y.deep.sub": [90],
            "q.z.deep.sub": [90],
            "y": [60],
            "q.z": [60],
            "b": [60],
        }
        expected = {from_text(name + ".")[:-1]: ttls for name, ttls in names.items()}
        self.assertEqual(found, expected)
        self.assertEqual(
            [Path(file).name for file in data.files], ["zone", "one", "two", "two"]
        )

    def test_places(self) -> None:
        """A problem in an included file has that file and its line."""
        folder = self._write(
            zone="$INCLUDE parts/one\nb 60 FOO\n", parts__one="\nx 60 FOO\n"
        )
        data = read_master(ORIGIN, str(folder / "zone"))
        places = [(Path(p.file).name, p.line) for p in data.problems]
        self.assertEqual(places, [("one", 2), ("zone", 2)])

    def test_loop(self) -> None:
        """A file that includes itself, at once or through another, is refused."""
        folder = self._write(
            zone="$INCLUDE parts/one\na 60 A 192.0.2.1\n",
            parts__one="$INCLUDE ../parts/one\n$INCLUDE ../zone\n",
        )
        data = read_master(ORIGIN, str(folder / "zone"))
        self.assertEqual(len(data.problems), 2)
        for problem in data.problems:
            self.assertIn("includes itself", problem.message)
        self.assertEqual(list(data.records), [b"\x01a"])

    def test_depth(self) -> None:
        """A chain of files ends somewhere."""
        chain = {f"f{number}": f"$INCLUDE f{number + 1}\n" for number in range(40)}
        folder = self._write(**chain)
        data = read_master(ORIGIN, str(folder / "f0"))
        (problem,) = data.problems
        self.assertIn("16 files deep", problem.message)

    def test_unreadable(self) -> None:
        """Missing files, folders and bad names are problems of the $INCLUDE line."""
        folder = self._write(zone="$INCLUDE none\n$INCLUDE parts\n$INCLUDE\n")
        data = read_master(ORIGIN, str(folder / "zone"))
        self.assertEqual([p.line for p in data.problems], [1, 2, 3])
        self.assertEqual({p.key for p in data.problems}, {"$INCLUDE"})
