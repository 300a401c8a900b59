"""Tests of the reader of lbnamed's files."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dinamed.formats.findings import Findings
from dinamed.formats.lbnamed import LbFile, Shape, read_lbnamed
from dinamed.wire.names import from_text
from tests.formats.support import FormatsTestCase, words

WORDS = st.sampled_from(
    words(
        "base 10 1000 8 host tree1.stanford.edu 192.0.2.1 999.1.1.1 sweet ftp.gb.cpan "
        "transfer(.1) ( .1 ) x..y # \n \n \n"
    )
)


class LbnamedTests(FormatsTestCase):
    """What the four shapes say."""

    def read(self, text: str) -> LbFile:
        """A file that must be good."""
        found = read_lbnamed(self.write("x.lb", text), self.findings)
        self.nothing_found()
        assert found is not None
        return found

    def shares(self, found: LbFile) -> dict[str, dict[str, float]]:
        """The groups by name."""
        return {group.name: group.shares for group in found.groups.values()}

    def test_lb1(self) -> None:
        """Weight, host, address, groups; a host's groups add up."""
        found = self.read(
            " 1000 ftp.linux.hr.  161.53.40.27  ftp.cpan ftp.hr.cpan \n# x\n\n"
            "base ddns.example.org.\n439 b 192.0.2.2 ftp.cpan\n"
            "1000 ftp.linux.hr. 161.53.40.27 more\n"
        )
        self.assertIs(found.shape, Shape.LB1)
        self.assertEqual(found.base, from_text("ddns.example.org."))
        self.assertEqual(
            {name: host.load for name, host in found.hosts.items()},
            {"ftp.linux.hr.": 1000, "b": 439},
        )
        self.assertEqual(
            self.shares(found),
            {
                "ftp.cpan": {"ftp.linux.hr.": 1, "b": 1},
                "ftp.hr.cpan": {"ftp.linux.hr.": 1},
                "more": {"ftp.linux.hr.": 1},
            },
        )

    def test_lb2(self) -> None:
        """Weight, server factor, host, address, groups with shares; and groups."""
        found = self.read(
            "3000 10 tree1.stanford.edu 192.0.2.1 tree sweet(.5)\n"
            "100 0 tree2 192.0.2.2 tree ( .1 )\n"
            "tree 6 3 mail.stanford.edu\nsweet 5\n"
        )
        self.assertIs(found.shape, Shape.LB2)
        self.assertEqual(
            [(h.load, h.factor) for h in found.hosts.values()], [(3000, 10), (100, 0)]
        )
        tree = found.groups[b"\x04tree"]
        self.assertEqual(tree.shares, {"tree1.stanford.edu": 1.0, "tree2": 0.1})
        self.assertEqual(
            (tree.ttl, tree.top_slice, tree.mx),
            (6, 3, from_text("mail.stanford.edu.")),
        )
        self.assertEqual(found.groups[b"\x05sweet"].ttl, 5)

    def test_human1(self) -> None:
        """Host, a number that means nothing, groups."""
        found = self.read("# host x\nrs1 1 rs rs6000\nelaine1 1 elaine rs\n")
        self.assertIs(found.shape, Shape.HUMAN1)
        self.assertEqual(self.shares(found)["rs"], {"rs1": 1, "elaine1": 1})
        self.assertIsNone(found.hosts["rs1"].address)

    def test_human2(self) -> None:
        """Host, server factor, groups with shares; then groups, without a dot."""
        found = self.read(
            "tree1.stanford.edu 8 tree sweet\ntransfer2.stanford.edu 10 tree (.1)\n"
            "tree 6 0 mail.stanford.edu\nsweet 5\n"
        )
        self.assertIs(found.shape, Shape.HUMAN2)
        self.assertEqual(found.hosts["tree1.stanford.edu"].factor, 8)
        self.assertEqual(
            self.shares(found)["tree"],
            {"tree1.stanford.edu": 1.0, "transfer2.stanford.edu": 0.1},
        )
        self.assertEqual(found.groups[b"\x05sweet"].ttl, 5)

    def test_warnings(self) -> None:
        """A host with another load, a group without hosts."""
        path = self.write("x.lb", "9 1 h 192.0.2.1 g\n7 1 h 192.0.2.2 g\nempty 6\n")
        found = read_lbnamed(path, self.findings)
        assert found is not None
        self.assertEqual(found.hosts["h"].load, 7)
        self.assertEqual(
            self.warnings(),
            [
                "2: h: stands here again; load and address now count",
                "3: empty: no host is in this group, left out",
            ],
        )

    def test_wrong(self) -> None:
        """Every mistake, with its line."""
        table = [
            ("", ["None: lbnamed: there is no host"]),
            (
                "1 h 192.0.2.1 g\n1 h\n",
                ["2: 1: expected 3 columns and at least one group"],
            ),
            (
                "1 h 192.0.2.1 g\n1 i 192.0.2.300 g\nx j 192.0.2.2 g\n",
                [
                    "2: 1: 192.0.2.300 is not an address",
                    "3: x: expected a whole number",
                ],
            ),
            ("1 h 192.0.2.1 g..h\n", ["1: 1: group g..h: empty label"]),
            (
                "1 1 h 192.0.2.1 g(x)\n",
                ["1: 1: g(x): expected a number in the parentheses"],
            ),
            ("1 1 h 192.0.2.1 g((1)\n", ["1: 1: g((1) is no group"]),
            (
                "1 11 h 192.0.2.1 g\n",
                ["1: 1: expected a server factor from 0 to 10, got 11"],
            ),
            (
                "1 1 h 192.0.2.1 g\ng 1 2 m. x\n",
                ["2: g: expected a group, its TTL, its top slice and its MX"],
            ),
            ("1 1 h 192.0.2.1 g\ng x\n", ["2: g: expected a whole number"]),
        ]
        for text, problems in table:
            self.findings = Findings()
            found = read_lbnamed(self.write("x.lb", text), self.findings)
            self.assertIsNone(found)
            self.assertEqual(self.problems(), problems, text)

    @settings(deadline=None)
    @given(st.lists(WORDS).map(" ".join))
    def test_junk(self, text: str) -> None:
        """Any words raise nothing."""
        findings = Findings()
        found = read_lbnamed(self.write("x.lb", text), findings)
        self.assertEqual(found is None, bool(findings.problems))
