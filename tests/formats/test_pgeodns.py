"""Tests of the reader of pgeodns's config."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dinamed.formats.findings import Findings
from dinamed.formats.labels import LabelZone
from dinamed.formats.pgeodns import read_pgeodns
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from tests.formats.support import ORIGIN, FormatsTestCase, words

WORDS = st.sampled_from(
    words(
        "ns base ttl serial primary_ns max_hosts include __END__ # 10 1003 example.org "
        "h.example. 192.0.2.1 2001:db8::1 999.1.1.1 ftp.cpan @ x..y \n \n \n"
    )
)


class PgeodnsTests(FormatsTestCase):
    """What a config says."""

    def zone(self, text: str) -> LabelZone:
        """The zone example.org of a config that must be good."""
        zones = read_pgeodns(self.write("p.conf", text), self.findings)
        self.nothing_found()
        return zones[ORIGIN]

    def told(self, text: str) -> list[str]:
        """The problems of a config."""
        self.findings = Findings()
        read_pgeodns(self.write("p.conf", text), self.findings)
        return self.problems()

    def test_text(self) -> None:
        """Keywords before the first base hold for all, later ones for theirs."""
        zone = self.zone(
            "ttl 300\nns ns1.example.net  # default\nprimary_ns ns0.example.net\n"
            "base example.org\nserial 17\nmax_hosts 3\n"
            "  1003 host1. 192.0.2.1 ftp.cpan ftp.cpan.gb\n"
            "host2 2001:db8::2 ftp.cpan @\n__END__\nthis is nothing\n"
        )
        self.assertEqual((zone.ttl, zone.serial, zone.max_hosts), (300, 17, 3))
        self.assertEqual(zone.primary, from_text("ns0.example.net."))
        self.assertEqual(zone.soa.minimum, 300)
        cpan = zone.labels[b"\x03ftp\x04cpan"]
        self.assertEqual(
            [(e.host, e.weight) for e in cpan.records[Type.A]], [("host1.", 1)]
        )
        self.assertEqual([e.host for e in cpan.records[Type.AAAA]], ["host2"])
        self.assertIn(b"\x03ftp\x04cpan\x02gb", zone.labels)
        apex = zone.labels[b""]
        self.assertEqual(
            [e.rdata for e in apex.records[Type.NS]], [from_text("ns1.example.net.")]
        )
        self.assertEqual(len(apex.records[Type.AAAA]), 1)

    def test_defaults(self) -> None:
        """What is left out."""
        zone = self.zone("base Example.ORG.\n")
        self.assertEqual((zone.ttl, zone.max_hosts), (180, 2))
        self.assertEqual(zone.kinds, ("country", "continent", "@"))
        self.assertEqual(zone.primary, from_text("ns.example.org."))

    def test_json(self) -> None:
        """A base may have its data in relaxed JSON; `ns` in the text replaces its."""
        self.write(
            "z.json",
            '{ # data\n"serial": 5, "ttl": "600", "max_hosts": 1, "data": {\n'
            '"": {"ns": {"old.example.net": null}},\n'
            '"foo": {"a": [["192.0.2.1", 10],], "ttl": 601},\n'
            '"b": {"alias": "foo"}, "www": {"cname": "x"},}, }',
        )
        zone = self.zone("base example.org z.json\nns ns1.example.org 192.0.2.53\n")
        self.assertEqual((zone.serial, zone.ttl, zone.max_hosts), (5, 600, 1))
        self.assertEqual(
            [e.rdata for e in zone.labels[b""].records[Type.NS]],
            [from_text("ns1.example.org.")],
        )
        self.assertEqual(zone.labels[b"\x03foo"].records[Type.A][0].weight, 10)
        self.assertEqual(zone.labels[b"\x01b"].alias, b"\x03foo")
        self.assertEqual(
            zone.labels[b"\x03www"].records[Type.CNAME][0].rdata, from_text("x.")
        )
        glue = zone.labels[b"\x03ns1"]
        self.assertEqual((glue.ttl, len(glue.records[Type.A])), (86400, 1))

    def test_include(self) -> None:
        """Files may be included, the same one twice, and zones go on in them."""
        self.write("hosts", "h 192.0.2.1 www\n")
        zone = self.zone("base example.org\ninclude hosts\ninclude hosts\n")
        self.assertEqual(len(zone.labels[b"\x03www"].records[Type.A]), 1)
        self.assertEqual(len(self.findings.files), 2)

    def test_wrong(self) -> None:
        """Every mistake, with its line."""
        table = [
            ("include p.conf\n", ["1: include: p.conf includes itself"]),
            ("max_hosts 2\n", ["1: max_hosts: stands before any base"]),
            ("h 192.0.2.1 www\n", ["1: h: a host stands before any base"]),
            (
                "base a.example\nbase A.example.\n",
                ["2: base: a.example. stands in FILE:1 already"],
            ),
            (
                "base a.example\n\nh 192.0.2.300 www\n",
                ["3: h: 192.0.2.300 is not an address"],
            ),
            ("base a.example\n10 h 192.0.2.1 x..y\n", ["2: 10: empty label"]),
            (
                "tttl 5\n",
                ["1: tttl: neither a keyword nor a host with its address and groups"],
            ),
            ("ttl x\n", ["1: ttl: expected a whole number"]),
            ("ttl\n", ["1: ttl: expected one argument, got 0"]),
            ("ns\n", ["1: ns: expected the name of a server"]),
            ("ns ns1. 192.0.2.999\n", ["1: ns: not an address"]),
            ("base\n", ["1: base: expected a zone, and perhaps a file"]),
            (
                "base a.example none.json\n",
                ["None: base: can't read: No such file or directory"],
            ),
        ]
        for text, problems in table:
            told = [p.replace(f"{self.folder}/p.conf", "FILE") for p in self.told(text)]
            self.assertEqual(told, problems, text)

    def test_wrong_json(self) -> None:
        """Problems of JSON files are told in these."""
        for text, problem in (
            ("[]", "1: zone: expected an object, got a list"),
            ("{\n", "2: JSON: expected a key in double quotes"),
        ):
            self.write("z.json", text)
            self.assertEqual(self.told("base example.org z.json"), [problem])

    @settings(deadline=None)
    @given(st.lists(WORDS).map(" ".join))
    def test_junk(self, text: str) -> None:
        """Any words raise nothing."""
        findings = Findings()
        for zone in read_pgeodns(self.write("p.conf", text), findings).values():
            self.assertIsInstance(zone, LabelZone)
