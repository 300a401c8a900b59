"""The native reader and packer against those in Python, and dnspython's."""

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from dinamed.zones import build, masterdata
from dinamed.zones.build import BuiltZone, build_zone
from dinamed.zones.master import read_master
from dinamed.zones.masterdata import RAW, MasterData, NativeRecords, RawRecords
from dinamed.zones.packed import PackedZone
from tests.zones.strategies import ORIGIN
from tests.zones.test_like_dnspython import LINE_ENDS, LINES, WORDS, compare_with

HEAD = "@ 300 SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"

# What is plain, and what is nearly so.
_OWNERS = st.sampled_from(
    [
        *("", " ", "@", "www", "WWW", "a.b", "c.a.b", "*", "*.a", "x.*.a", "_s._tcp"),
        *("a", "b", "a.", ".", "..", "a..b", ".a", "a" * 63, "a" * 64, "a*", "-", "1"),
        *("example.org.", "Www.EXAMPLE.org.", "b.a.example.org.", "xexample.org."),
        *("example.org", "example.net.", "org.", "in", "A", "300", ";", "a;b", "$x"),
        *(".".join(["a" * 49] * size) for size in (4, 5)),
        *(".".join(["a" * 48] * 4 + ["b" * size]) for size in (40, 44, 45, 46, 47, 48)),
        *(r"\097", "a\x00b", "\u00fc", '"a"', "(a)"),
    ]
)
_MIDDLES = st.sampled_from(
    [
        *("", "300", "IN", "in", "300 IN", "iN\t300", "IN IN", "1 2", "1 IN 2", "CH"),
        *("0", "007", "1h", "1h30m", "1m1h", "1H", "1h30", "h", "1w2d3h4m5s", "0s"),
        *("2147483647", "2147483648", "4294967296", "999999999", "9999999w", "3551w"),
    ]
)
_TYPES = st.sampled_from(
    [
        *("A", "a", "AAAA", "aaaa", "Aaaa", "NS", "ns", "CNAME", "PTR", "MX", "TXT"),
        *("txt", "SRV", "DNAME", "SOA", "TYPE1", "IN", "A;", "HINFO", "A\t"),
    ]
)
_DATA = st.sampled_from(
    [
        *("192.0.2.1", "192.0.2.2", "0.0.0.0", "255.255.255.255", "256.1.1.1"),
        *("01.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.4.", "1..2.3", "1.2.3.4 5", ""),
        *("::", "2001:DB8::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", ":::", "1::2::3"),
        *("www", "WWW", "a.b", "@", ".", "x.", "ns.example.net.", "a..b", "*", "a b"),
        *("10 www", "10  WWW", "010 a", "65536 a", "65535 a", "000001 a", "10 .", "10"),
        *("10 \twww ; x", "0 5 80 www", "0 5 80 WWW.", "0 5 65536 w", "0 5 80 @"),
        *("0 5 80 .", "1 2 3 4", "one", '"one two"', '""', '"a;b"', '"a" "b"', "a b"),
        *(
            '"a\tb"',
            '"a',
            'a"b"',
            '"a"b',
            r'"a\"b"',
            r"a\b",
            "v=spf1",
            "(a)",
            "( a",
            "a )",
        ),
        *('"' + "x" * size + '"' for size in (255, 256)),
        *("x" * 255, "x" * 256, "\u00fc", '"\u00fc"', "\x01", '"\x01"', "\x7f", "a,b"),
        *("a" * 63 + ".", "a" * 64, ".".join(["a" * 49] * 5), "\\# 4 01020304"),
        *(".".join(["a" * 48] * 4 + ["b" * size]) for size in (44, 45, 46, 56, 57, 58)),
    ]
)
_TAILS = st.sampled_from(["", "", "", " ", "\t ; x", ";x", " ;\u00fc", ' ; "(', " x"])


@st.composite
def _records(draw: st.DrawFn) -> str:
    head = f"{draw(_OWNERS)} {draw(_MIDDLES)} {draw(_TYPES)}"
    return f"{head} {draw(_DATA)}{draw(_TAILS)}"


_TEXTS = st.lists(
    st.tuples(st.one_of(_records(), _records(), LINES), LINE_ENDS), max_size=12
).map(lambda lines: "".join(line + end for line, end in lines))


def data_of(data: MasterData) -> tuple[object, ...]:
    """All that is in it, in order."""
    return (
        [(key, bytes(raw)) for key, raw in data.records.items()],
        data.problems,
        data.suppressed,
        data.ns_owners,
        data.dname_owners,
        data.nsec_owners,
        data.nsec3_owners,
    )


def built(path: str, names: dict[bytes, str], pure: bool) -> BuiltZone:
    """The zone of a file, made in one way throughout."""
    if not pure:
        return build_zone(ORIGIN, path, names)

    def read(origin: bytes, path: str) -> MasterData:
        return read_master(origin, path, pure=True)

    with (
        mock.patch.object(build, "read_master", read),
        mock.patch("dinamed.zones.packer.native", None),
    ):
        return build_zone(ORIGIN, path, names)


class NativeTests(SynchronousTestCase):
    """The same data, the same problems, the same octets."""

    def setUp(self) -> None:
        if masterdata.native is None:
            raise SkipTest("the extension is not built")

    def compare(self, text: str | bytes, names: dict[bytes, str]) -> BuiltZone:
        """Read and pack a text in both ways."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "zone")
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            data = read_master(ORIGIN, str(path))
            self.assertIsInstance(data.records, NativeRecords)
            pure = read_master(ORIGIN, str(path), pure=True)
            self.assertIsInstance(pure.records, RawRecords)
            self.assertEqual(data_of(data), data_of(pure), text)
            ours = built(str(path), names, pure=False)
            theirs = built(str(path), names, pure=True)
        self.assertEqual(ours.problems, theirs.problems, text)
        self.assertEqual(bytes(ours.packed), bytes(theirs.packed), text)
        return ours

    @settings(max_examples=1000, deadline=None)
    @given(_TEXTS, st.booleans())
    def test_lines(self, text: str, with_ttl: bool) -> None:
        """Records in all spellings, right and wrong."""
        self.compare(("$TTL 60\n" if with_ttl else "") + text, {})

    @settings(max_examples=300, deadline=None)
    @given(st.lists(WORDS, max_size=12), st.sampled_from(["", " "]))
    def test_soup(self, words: list[str], space: str) -> None:
        """Words in any order."""
        self.compare(f"{HEAD}{space.join(words)}\nb A 192.0.2.2\n", {})

    @settings(max_examples=300, deadline=None)
    @given(st.lists(_records(), max_size=4))
    def test_like_dnspython(self, lines: list[str]) -> None:
        """dnspython takes the same, and makes the same of it."""
        compare_with(self, "$TTL 60\n" + "\n".join(lines) + "\n")

    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.lists(st.sampled_from("abAB*"), min_size=1, max_size=4).map(
                    ".".join
                ),
                st.sampled_from(["", "1", "2"]),
                st.sampled_from(
                    [
                        *("A 192.0.2.1", "A 192.0.2.2", "AAAA ::1", "TXT a", "TXT A"),
                        *("NS ns1", "NS NS1", "PTR a", "PTR A", "MX 65 b", "MX 65 B"),
                        *("MX 97 b", "CNAME a", "DNAME x.", "HINFO a b", "SRV 1 2 3 a"),
                    ]
                ),
            ),
            max_size=30,
        ),
        st.dictionaries(
            st.sampled_from(["a", "b.a", "c", "*.b"]), st.sampled_from(["p", "q"])
        ),
    )
    def test_trees(
        self, records: list[tuple[str, str, str]], bound: dict[str, str]
    ) -> None:
        """Cuts, DNAMEs, wildcards, pools, empty names, and sets of records."""
        text = HEAD + "".join(" ".join(record) + "\n" for record in records)
        names = {
            b"".join(bytes((len(part),)) + part.encode() for part in name.split("."))
            + ORIGIN: pool
            for name, pool in bound.items()
        }
        self.compare(text, names)

    def test_equal_records(self) -> None:
        """Names compare without case; numbers and texts, octets as well, with it."""
        text = (
            "a MX 65 b\na MX 97 b\na MX 65 B\na TXT a\na TXT A\na TXT a\na A 65.1.1.1\n"
            "a A 97.1.1.1\na A 65.1.1.1\na PTR x\na PTR X\na 9 PTR y\n"
            "b NS x.\nb NS X.\n"
        )
        zone = PackedZone(self.compare(HEAD + text, {}).packed)
        self.assertEqual(zone.records, 3 + 2 + 2 + 2 + 2 + 1)

    def test_many_at_a_name(self) -> None:
        """More records than are merged natively, and more than fit into a message."""
        for count in (63, 64, 65, 300, 4100):
            lines = (f"a A 10.0.{n >> 8}.{n & 255}\n" for n in range(count))
            self.compare(HEAD + "".join(lines), {})

    def test_large(self) -> None:
        """Over many blocks, with lines between that are not plain."""
        lines = []
        for number in range(60_000):
            lines.append(f"h{number} 300 IN A 10.0.{number >> 8}.{number & 255}\n")
            if number % 10_000 == 0:
                lines.append(f"t{number} TXT ( one\n two ) ; {'x' * 90_000}\n")
        zone = self.compare(HEAD + "".join(lines), {})
        self.assertEqual(zone.problems, [])
        self.assertGreater(len(zone.packed), 60_000 * 30)

    def test_places(self) -> None:
        """Problems after plain lines have the right lines, also in included files."""
        with TemporaryDirectory() as folder:
            text = "a A 192.0.2.1\n\n; x\nb A 192.0.2\nc A 192.0.2.3\n"
            Path(folder, "more").write_text(text)
            path = Path(folder, "zone")
            path.write_text(HEAD + "x A 192.0.2.9\n$INCLUDE more sub\ny A 1.2\n")
            found = [
                [
                    (Path(problem.file).name, problem.line)
                    for problem in read_master(ORIGIN, str(path), pure).problems
                ]
                for pure in (False, True)
            ]
        self.assertEqual(found[0], found[1])
        self.assertEqual(found[0], [("more", 4), ("zone", 6)])


class TableTests(SynchronousTestCase):
    """The table as a mapping."""

    def setUp(self) -> None:
        if masterdata.native is None:
            raise SkipTest("the extension is not built")

    def test_like_a_dict(self) -> None:
        """Owners and records in their order, however many."""
        table, plain = NativeRecords(), RawRecords()
        for number in range(20_000):
            key = b"\x05%05d" % (number * 7919 % 9000)
            raw = RAW.pack(16, number, number << 30, 3) + b"\x02%02d" % (number % 100)
            table.add(key, raw)
            plain.add(key, raw)
        self.assertEqual(len(table), 9000)
        self.assertEqual(list(table.items()), [(k, bytes(r)) for k, r in plain.items()])
        self.assertIn(b"\x0500007", table)
        self.assertNotIn(b"", table)
        self.assertRaises(KeyError, table.__getitem__, b"\x01x")

    def test_no_record(self) -> None:
        """What is no record is refused."""
        for key, raw in (
            (b"", b""),
            (b"", RAW.pack(1, 1, 1, 5) + b"1234"),
            (b"", RAW.pack(1, 1, 1, 3) + b"1234"),
            (b"x" * 256, RAW.pack(1, 1, 1, 0)),
        ):
            self.assertRaises(ValueError, NativeRecords().add, key, raw)
