"""Tests of what is served, but was most likely not meant: in zones."""

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from dinamed.zones.build import BuiltZone, build_zone
from dinamed.zones.master import read_master
from dinamed.zones.masterdata import MAX_PROBLEMS, RAW
from tests.zones.strategies import ORIGIN, absolute

_APEX = """$TTL 1h
@ SOA ns1 hostmaster 1 7200 3600 86400 300
@ NS ns1
ns1 A 192.0.2.1
"""


def build(text: str, **names: str) -> BuiltZone:
    """Build a zone from its apex and a text; keyword names are bound to pools."""
    bound = {absolute(name): pool for name, pool in names.items()}
    with TemporaryDirectory() as folder:
        path = Path(folder, "zone")
        path.write_text(_APEX + text)
        return build_zone(ORIGIN, str(path), bound)


class AdviceTests(SynchronousTestCase):
    """Each warning, and what is close to it and right; lines count from 5."""

    def warned(self, text: str, *parts: str, line: int = 5, **names: str) -> None:
        """The text is served, and just these warnings (parts of them) are told."""
        built = build(text, **names)
        self.assertEqual(built.problems, [])
        self.assertTrue(built.packed)
        found = [str(one) for one in built.warnings]
        self.assertEqual(len(found), len(parts), found)
        for one, part in zip(found, parts, strict=True):
            self.assertIn(part, one)
            self.assertIn(f":{line}: warning: ", one)

    def test_good(self) -> None:
        """Targets elsewhere, of pools, by wildcards, in and below cuts, none at all."""
        self.warned(
            "a MX 0 .\nb MX 10 mail.example.net.\nc MX 10 pool\nd MX 10 x.wild\n"
            "*.wild A 192.0.2.4\ne CNAME x.sub\nsub NS ns.example.net.\n"
            "f SRV 0 0 80 ns1\ng HTTPS 1 . alpn=h2\nh HTTPS 0 ns1\ni CNAME e\n"
            "j MX 10 d.ns\nd.ns AAAA 2001:db8::1\nk TXT x\nk A 192.0.2.1\n",
            pool="mirrors",
        )

    def test_without_dot(self) -> None:
        """A target that is doubled, or is missing and has several labels."""
        for record in (
            "MX 10 mail.example.org",
            "CNAME mail.example.org",
            "SRV 0 0 80 mail.example.org",
            "PTR mail.example.org",
            "HTTPS 1 mail.example.org",
            "AFSDB 1 mail.example.org",
        ):
            self.warned(
                f"a {record}\n",
                f"a.example.org. {record.split()[0]}: mail.example.org.example.org. "
                "does not exist; was mail.example.org. meant",
            )
        self.warned("a MX 10 mail.example.net\n", "a name without a dot at its end")
        self.warned("a MX 10 mail\n", "mail.example.org. does not exist")

    def test_doubled_owner(self) -> None:
        """An owner that ends in the zone's name twice."""
        self.warned(
            "www.example.org A 192.0.2.1\n",
            "the zone's name stands here twice; was www.example.org. meant?",
        )
        self.warned("wwwexample.org A 192.0.2.1\n")

    def test_aliases(self) -> None:
        """Mail goes to no alias, and to a name with an address."""
        self.warned("al CNAME ns1\na MX 10 al\n", "is an alias", line=6)
        self.warned("al CNAME ns1\na SRV 0 0 80 al\n", "is an alias", line=6)
        self.warned("al CNAME ns1\na CNAME al\nb HTTPS 1 al\n")
        self.warned("t TXT x\na MX 10 t\n", "t.example.org. has no address", line=6)

    def test_no_hosts(self) -> None:
        """Addresses and URLs in the place of names, relative and absolute."""
        for target in ("192.0.2.1", "192.0.2.1.", "2001:db8::1", "2001:db8::1."):
            for record in ("MX 10", "CNAME", "PTR"):
                self.warned(f"a {record} {target}\n", "is an address")
        for target in ("https://example.net/", "example.net:80."):
            self.warned(f"a CNAME {target}\n", "a URL can't stand here")

    def test_below_a_cut(self) -> None:
        """What is never served is not looked at."""
        self.warned("sub NS ns.example.net.\nx.sub MX 10 none\n")

    def test_ttls(self) -> None:
        """The lowest TTL of a set holds for all of it."""
        message = "the TTLs of these records differ; 60 is taken for all"
        self.warned("a 60 A 192.0.2.1\na 300 A 192.0.2.2\n", message, line=6)
        self.warned("a 300 SRV 0 0 1 .\na 60 SRV 0 0 2 .\n", message, line=6)
        self.warned("a 60 A 192.0.2.1\na 300 AAAA 2001:db8::1\n")

    def test_long_strings(self) -> None:
        """A string over 255 octets is served in pieces, whatever its type."""
        for rrtype in ("TXT", "SPF"):
            built = build(f'a {rrtype} "{"x" * 300}" y\n')
            self.assertEqual(built.problems, [])
            (warning,) = built.warnings
            self.assertIn("a string of more than 255 octets", warning.message)
            octets = b"\xff" + b"x" * 255 + b"\x2d" + b"x" * 45 + b"\1y"
            self.assertIn(octets, bytes(built.packed))
        self.assertEqual(build(f'a TXT "{"x" * 255}"\n').warnings, ())
        (problem,) = build(f'a HINFO "{"x" * 256}" y\n').problems
        self.assertIn("HINFO", problem.key)

    def test_outside(self) -> None:
        """Records outside the zone are left out, with those that repeat the owner."""
        for line in (
            "a.example.net. A 192.0.2.1\n  A 192.0.2.2\n",
            "$GENERATE 1-3 h$.example.net. 60 A 192.0.2.$\n",
        ):
            self.warned(line, "is outside example.org.: ignored")
        self.warned("$ORIGIN net.\na A 192.0.2.1\n", "a.net. is outside", line=6)

    def test_many(self) -> None:
        """There is a limit to warnings."""
        text = "".join(f"a{number} CNAME none\n" for number in range(MAX_PROBLEMS + 9))
        self.assertEqual(len(build(text).warnings), MAX_PROBLEMS)

    def test_pure(self) -> None:
        """The same without the extension."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "zone")
            path.write_text(_APEX + f'a TXT "{"x" * 300}"\nb.net. A 192.0.2.1\n')
            for pure in (False, True):
                data = read_master(ORIGIN, str(path), pure)
                self.assertEqual([one.line for one in data.warnings], [5, 6])
                self.assertEqual(len(data.records[b"\1a"]), RAW.size + 302)
