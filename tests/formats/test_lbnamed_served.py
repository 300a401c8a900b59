"""Files of lbnamed, the first dinamed and pgeodns, as they are served."""

from dinamed.config.feeds import LbcdFeed
from dinamed.formats.importers import addresses_of, import_lbnamed
from tests.formats.served import ServedTestCase, ask, ask_often
from tests.formats.support import ORIGIN

LB1 = """
300 a 192.0.2.1 sweet one
500 b 192.0.2.2 sweet
"""
DINAMED = """
base example.org.
 1000 de.example.net. 192.0.2.1 ftp.cpan ftp.de.cpan ftp.europe.cpan
 1000 us.example.net. 192.0.2.2 ftp.cpan ftp.us.cpan ftp.north-america.cpan
 1000 jp.example.net. 192.0.2.3 ftp.cpan ftp.cpan.jp www.cpan
"""
CONFIG = '[zones."example.org"]\nlbnamed = "x.lb"\n'
NOWHERE, DE, SE, US, JP = (
    "100.64.0.0/24",
    "192.0.2.0/25",
    "192.0.2.128/25",
    "198.51.100.0/24",
    "203.0.113.0/24",
)


class LbnamedTests(ServedTestCase):
    """lbnamed's groups are names of the zone."""

    def addresses(self, name: str, count: int) -> list[str]:
        """The last octets of the addresses of so many answers in turn."""
        found = []
        for _ in range(count):
            (one,) = ask(self.engine, f"{name}.example.org.", "A").data
            found.append(one.rpartition(".")[2])
        return found

    def test_lower_is_better(self) -> None:
        """The lowest load is given, each answer adds 200 to it."""
        self.engine = self.serve({"x.lb": LB1}, CONFIG)
        # 300, 500: the first; 500, 500: either; then in turn.
        found = self.addresses("sweet", 21)
        self.assertEqual(found[0], "1")
        self.assertEqual(found.count("1"), 11)
        answer = ask(self.engine, "one.example.org.", "A")
        self.assertEqual((answer.ttl, answer.data), (0, frozenset({"192.0.2.1"})))

    def test_factor_and_share(self) -> None:
        """The server factor makes the step, the share divides the load."""
        self.engine = self.serve(
            {
                "x.lb": "100 10 a.x 192.0.2.1 tree\n100 0 b.x 192.0.2.2 tree(.1)\n"
                "tree 6 0 mail.example.org\n"
            },
            CONFIG,
        )
        # A step of 30 from 100 to the 1000 that 100 / .1 makes.
        found = self.addresses("tree", 30)
        self.assertEqual(found, ["1"] * 30)
        self.assertIn("2", self.addresses("tree", 2))
        answer = ask(self.engine, "tree.example.org.", "MX")
        self.assertEqual(
            (answer.ttl, answer.data), (3600, frozenset({"10 mail.example.org."}))
        )
        self.assertEqual(ask(self.engine, "tree.example.org.", "A").ttl, 6)
        self.assertEqual(ask(self.engine, "none.example.org.", "A").rcode, "NXDOMAIN")

    def test_top_slice(self) -> None:
        """One of the best two is given by chance, of two hosts too."""
        self.engine = self.serve(
            {
                "x.lb": "9 10 a 192.0.2.1 g\n9 10 b 192.0.2.2 g h\n"
                "9999 10 c 192.0.2.3 g h\ng 0 2\nh 0 2\n"
            },
            CONFIG,
        )
        self.assertEqual(set(self.addresses("g", 40)), {"1", "2"})
        self.assertEqual(set(self.addresses("h", 40)), {"2", "3"})

    def test_people(self) -> None:
        """Hosts without addresses are looked up, and asked for their load by lbcd."""
        known = {"rs1": [b"\xc0\0\2\1"], "rs2": [b"\xc0\0\2\2", bytes(15) + b"\1"]}
        path = self.write("c", "rs1 1 rs\nrs2 1 rs\nrs3 1 rs aix\n")
        made = import_lbnamed(path, ORIGIN, lambda host: known.get(host, []))
        self.assertEqual(made.problems, ())
        self.assertEqual(
            [warning.message for warning in made.warnings],
            [
                "the zone has no name servers at its apex",
                "no address is known of this host, left out",
            ],
        )
        (pool,) = made.pools
        self.assertEqual(pool.load, LbcdFeed())
        self.assertEqual(
            {member.name: member.addresses for member in pool.members},
            {"rs1": ("192.0.2.1",), "rs2": ("192.0.2.2", "::1")},
        )

    def test_nobody(self) -> None:
        """If no host has an address there is nothing to serve."""
        made = import_lbnamed(self.write("c", "rs1 1 rs\n"), ORIGIN, lambda host: [])
        self.assertEqual(
            [problem.message for problem in made.problems],
            ["no address is known of any of them"],
        )

    def test_the_system_knows(self) -> None:
        """Names are looked up by the system; what is no name has no address."""
        self.assertIn(b"\x7f\0\0\1", addresses_of("127.0.0.1"))
        self.assertEqual(addresses_of("x" * 300), [])


class DinamedTests(ServedTestCase):
    """Groups by region: country, continent, North America, the world."""

    def setUp(self) -> None:
        """Serve the file."""
        super().setUp()
        self.engine = self.serve({"x.lb": DINAMED}, CONFIG)

    def test_questions(self) -> None:
        """Each client has the group of its region; regions can be asked for."""
        one, two, three = "192.0.2.1", "192.0.2.2", "192.0.2.3"
        for name, client, data in (
            ("ftp.cpan", DE, {one}),
            ("ftp.cpan", SE, {one}),
            ("ftp.cpan", US, {two}),
            ("ftp.cpan", JP, {three}),
            # Whoever is nowhere is in North America, as in 2001.
            ("ftp.cpan", NOWHERE, {two}),
            ("www.cpan", DE, {three}),
            # Both orders of the region can be asked for.
            ("ftp.de.cpan", JP, {one}),
            ("ftp.cpan.de", JP, {one}),
            ("ftp.cpan.jp", DE, {three}),
        ):
            answer = ask_often(self.engine, f"{name}.example.org.", "A", client)
            self.assertEqual(answer.data, data, (name, client))
            self.assertEqual(answer.ttl, 300)


class PgeodnsTests(ServedTestCase):
    """pgeodns: country, continent, the label itself."""

    def test_questions(self) -> None:
        """Weights are not read in the text; two hosts make an answer."""
        engine = self.serve(
            {
                "p.conf": "ns ns1.example.net\nbase example.org z.json\n"
                "10 a 192.0.2.1 www\n1000 b 192.0.2.2 www\nc 192.0.2.3 www\n"
                "d 192.0.2.4 www.europe\nd 2001:db8::4 www.europe\n",
                "z.json": '{"data": {"b": {"alias": "www"}, # comment\n'
                '"c": {"cname": "x.example.net."}, }}',
            },
            '[zones."example.org"]\npgeodns = "p.conf"\n',
        )
        everywhere = {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
        for name, rrtype, client, data in (
            ("www", "A", NOWHERE, everywhere),
            ("www", "A", DE, {"192.0.2.4"}),
            ("www", "AAAA", DE, {"2001:db8::4"}),
            ("b", "A", JP, everywhere),
            ("c", "A", JP, {"x.example.net."}),
        ):
            answer = ask_often(engine, f"{name}.example.org.", rrtype, client)
            self.assertEqual(answer.data, data, (name, client))
        self.assertEqual(len(ask(engine, "www.example.org.", "A", JP).data), 2)

    def test_wrong(self) -> None:
        """A base that is not in the file is a problem; so is a clash of names."""
        self.assertEqual(
            self.refused(
                {"p.conf": "base a.example\n"},
                '[zones."example.org"]\npgeodns = "p.conf"\n',
            ),
            [
                "p.conf: base: there is no base example.org. in this file, "
                "but a.example."
            ],
        )
        self.assertEqual(
            self.refused(
                {"p.conf": "base example.org\nh 192.0.2.1 www\n"},
                '[zones."example.org"]\npgeodns = "p.conf"\nnames.www = "p"\n'
                '[pools.p]\nmembers = [{name = "m", addresses = ["192.0.2.1"]}]\n',
            ),
            [
                "p.conf: www.example.org.: bound to pool p in the config, "
                "and has addresses in this file"
            ],
        )
