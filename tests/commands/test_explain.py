"""`dinamed explain`: text and exit status, against config files."""

import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import main

ZONE = """\
$TTL 3600
@ IN SOA ns1 hostmaster 7 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
www IN A 192.0.2.80
alias IN CNAME ftp
"""

CONFIG = """\
[zones."example.org"]
file = "example.org.zone"
[zones."example.org".names]
ftp = "mirrors"
login = "login"
first = "ranked"
turn = "turn"
many = "many"
outer = "outer"
"*.cdn" = "mirrors"

[pools.mirrors]
members = [
    {name = "big", addresses = ["192.0.2.1", "2001:db8::1"], weight = 3},
    {name = "small", addresses = ["192.0.2.2"], weight = 1},
    {name = "off", addresses = ["192.0.2.3"], weight = 0},
]
[pools.login]
select = ["hash"]
members = [{name = "l1", addresses = ["192.0.2.11"]}]
[pools.ranked]
select = ["priority", "all"]
members = [
    {name = "p1", addresses = ["192.0.2.21"]},
    {name = "p2", addresses = ["192.0.2.22"], priority = 2},
]
[pools.turn]
select = ["round-robin"]
members = [{name = "t1", addresses = ["192.0.2.31"]}]
[pools.many]
answers = 2
select = ["all"]
members = [{name = "m1", addresses = ["192.0.2.41", "192.0.2.42"]}]
[pools.outer]
ttl = 300
members = [{name = "inner", pool = "login"}]
"""


class ExplainTests(SynchronousTestCase):
    """What the command prints, and its exit status."""

    def setUp(self) -> None:
        """Write a config and its zone."""
        self.folder = self.mktemp()
        os.makedirs(self.folder)
        self.config = os.path.join(self.folder, "dinamed.toml")
        for name, text in (("dinamed.toml", CONFIG), ("example.org.zone", ZONE)):
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)

    def explain(self, *arguments: str, status: int = 0) -> str:
        """The output of the command, which must exit with `status`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            got = main(["explain", *arguments, "-c", self.config])
        self.assertEqual(got, status, out.getvalue() + err.getvalue())
        return out.getvalue() + err.getvalue()

    def test_weighted(self) -> None:
        """Who was out and why, the odds of the others, and the answer."""
        text = self.explain("ftp.example.org")
        self.assertIn("ftp.example.org. A for 127.0.0.1\n", text)
        self.assertIn("zone      example.org. serial 7, 5 records", text)
        self.assertIn("out       mirrors/off: weight 0", text)
        self.assertRegex(text, r"weighted  picked \w+ of big 75.0%, small 25.0%")
        self.assertRegex(text, r"NOERROR aa\n  ftp.example.org. 60 IN A 192.0.2.[12]\n")

    def test_family(self) -> None:
        """A member without an address of the family is out, and it says so."""
        text = self.explain("ftp.example.org", "--type", "AAAA")
        self.assertIn("mirrors/small: no IPv6 address", text)
        self.assertIn("IN AAAA 2001:db8::1", text)

    def test_hash_and_scope(self) -> None:
        """A network as the client comes with the scope of the answer."""
        text = self.explain("login.example.org", "--client", "198.51.100.7/28")
        self.assertIn("A for 198.51.100.0/28", text)
        self.assertIn("hash  picked l1", text)
        self.assertIn("NOERROR aa, scope /24", text)

    def test_priority_and_all(self) -> None:
        """A narrowing stage tells whom it kept."""
        text = self.explain("first.example.org")
        self.assertIn("priority  2 -> 1: p1", text)
        self.assertIn("all       picked p1", text)

    def test_round_robin(self) -> None:
        """Round robin explains itself too."""
        self.assertIn("round-robin  picked t1", self.explain("turn.example.org"))

    def test_all_addresses(self) -> None:
        """`all` gives every address."""
        text = self.explain("many.example.org")
        self.assertEqual(len(re.findall("IN A 192.0.2.4[12]", text)), 2)

    def test_nested(self) -> None:
        """An inner pool's choice follows the outer one's; the least TTL counts."""
        text = self.explain("outer.example.org")
        self.assertLess(text.index("picked inner"), text.index("picked l1"))
        self.assertIn("outer.example.org. 60 IN A 192.0.2.11", text)

    def test_alias(self) -> None:
        """An alias into a pool shows both records."""
        text = self.explain("alias.example.org")
        self.assertIn("alias.example.org. 3600 IN CNAME ftp.example.org.", text)
        self.assertIn("alias.example.org. leads to ftp.example.org.", text)
        self.assertIn("mirrors: 3 members, 2 usable", text)

    def test_wildcard(self) -> None:
        """A name below a wildcard says which one."""
        text = self.explain("a.cdn.example.org")
        self.assertIn("matched by the wildcard *.cdn.example.org.", text)

    def test_text(self) -> None:
        """TXT names the member."""
        text = self.explain("login.example.org", "--type", "txt")
        self.assertIn('"serviced by l1"', text)

    def test_static(self) -> None:
        """A static name is the same for everybody."""
        text = self.explain("www.example.org")
        self.assertIn("NOERROR, the same for everybody", text)
        self.assertIn("www.example.org. 3600 IN A 192.0.2.80", text)

    def test_missing(self) -> None:
        """NXDOMAIN is an answer, with its reason."""
        text = self.explain("no.example.org")
        self.assertIn("does not exist below example.org.", text)
        self.assertIn("NXDOMAIN aa\n", text)

    def test_foreign(self) -> None:
        """A name outside our zones is refused."""
        text = self.explain("example.com")
        self.assertIn("none of ours: refused", text)
        self.assertIn("REFUSED\n", text)

    def test_own(self) -> None:
        """A built-in name says so."""
        text = self.explain("mgmt.example.org", "--type", "TXT")
        self.assertIn("answers by itself", text)
        self.assertIn("dinamed/", text)

    def test_bad_question(self) -> None:
        """A bad name, type or address is told, with exit status 2."""
        self.assertIn("empty label", self.explain("a..b", status=2))
        self.explain("a.b", "--type", "NOTYPE", status=2)
        self.explain("a.b", "--client", "nowhere", status=2)

    def test_bad_config(self) -> None:
        """The problems of the config, with exit status 1."""
        with open(self.config, "a") as file:
            file.write("weigth = 1\n")
        text = self.explain("ftp.example.org", status=1)
        self.assertIn("dinamed.toml:", text)
        self.assertIn("weigth", text)
