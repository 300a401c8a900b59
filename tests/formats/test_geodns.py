"""Tests of the reader of geodns's zones."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dinamed.formats.findings import Findings
from dinamed.formats.geodns import read_geodns, read_text
from dinamed.formats.labels import LabelZone
from dinamed.formats.names import character_strings
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from tests.formats.support import ORIGIN, FormatsTestCase, words

NAMES = st.sampled_from(
    words(
        " ttl serial contact max_hosts closest targeting logging data alias health a "
        "aaaa cname mx ns ptr srv txt spf www www.europe ip weight"
    )
)
SCALARS = NAMES | st.sampled_from(
    [None, True, 0, -1, 7, 1.5, 2**40, "\0", "7", "192.0.2.1", "2001:db8::1", "x.ex."]
)
SHAPED = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=10,
)


class GeodnsTestCase(FormatsTestCase):
    """Tests that read one zone."""

    def read(self, text: str) -> LabelZone | None:
        """Read a text as the zone example.org."""
        return read_geodns(self.write("z.json", text), ORIGIN, self.findings)

    def good(self, **keys: Any) -> LabelZone:
        """Read a zone that must be without problems and warnings."""
        zone = self.read(json.dumps(keys))
        self.nothing_found()
        assert zone is not None
        return zone

    def told(self, text: str) -> tuple[list[str], list[str]]:
        """The problems and warnings of a text."""
        self.findings = Findings()
        zone = self.read(text)
        self.assertEqual(zone is None, bool(self.findings.problems))
        return self.problems(), self.warnings()


class ZoneKeyTests(GeodnsTestCase):
    """The keys of the zone."""

    def test_defaults(self) -> None:
        """What is left out is as in geodns."""
        path = self.write("z.json", '{"data": {}}')
        zone = read_geodns(path, ORIGIN, self.findings)
        assert zone is not None
        self.assertEqual(
            (zone.ttl, zone.max_hosts, zone.closest, zone.kinds),
            (120, 2, False, ("country", "continent", "@")),
        )
        self.assertEqual(zone.contact, from_text("hostmaster.example.org."))
        self.assertEqual(zone.primary, from_text("ns.example.org."))
        self.assertGreater(zone.serial, 1_700_000_000)
        self.assertEqual(zone.soa.ttl, 1200)
        self.assertEqual(self.findings.files, {path: None})

    def test_given(self) -> None:
        """What is said counts, numbers in quotes too."""
        zone = self.good(
            ttl="601",
            serial=7,
            max_hosts=3,
            closest=True,
            contact="dns.example.net",
            targeting="ip @ asn region regiongroup",
            data={"": {"ns": ["ns1.example.net", "ns2.example.net."]}},
        )
        self.assertEqual(
            (zone.ttl, zone.serial, zone.max_hosts, zone.closest), (601, 7, 3, True)
        )
        self.assertEqual(zone.kinds, ("ip", "asn", "region", "regiongroup", "@"))
        self.assertEqual(zone.contact, from_text("dns.example.net."))
        self.assertEqual(zone.primary, from_text("ns1.example.net."))
        self.assertEqual(zone.soa.ttl, 3600)

    def test_zero_ttl(self) -> None:
        """With a TTL of 0 the SOA has one of 600."""
        self.assertEqual(self.good(ttl=0, data={}).soa.ttl, 600)

    def test_wrong(self) -> None:
        """Wrong keys and shapes of the zone are told with their line."""
        table: list[tuple[str, list[str], list[str]]] = [
            ("[]", ["1: zone: expected an object, got a list"], []),
            ("{}", ["None: data: the zone has no data"], []),
            (
                '{\n"data": 5}',
                ["2: data: expected an object, got 5"],
                [],
            ),
            (
                '{"data": {},\n"origin": "x",\n"tttl": 1, "logging": {}}',
                [],
                [
                    '2: "origin": unknown key, left out; did you mean "logging"?',
                    '3: "tttl": unknown key, left out; did you mean "ttl"?',
                    "3: logging: has no effect",
                ],
            ),
            (
                '{"data": {}, "ttl": -1, "serial": "x",\n"max_hosts": true}',
                [
                    "1: ttl: expected a whole number, not a negative one",
                    "1: serial: expected a whole number",
                    "2: max_hosts: expected a whole number, got true",
                ],
                [],
            ),
            (
                '{"data": {}, "targeting": "@ county"}',
                ['1: targeting: no target "county"; did you mean "country"?'],
                [],
            ),
            (
                '{"data": {}, "targeting": 3, "closest": "yes", "contact": ".."}',
                [
                    '1: closest: expected true or false, got "yes"',
                    "1: contact: empty label",
                    "1: targeting: expected text, got 3",
                ],
                [],
            ),
            (
                '{"data": {},\n"data": {}}',
                [],
                ['2: "data": stands here again; the last one counts'],
            ),
            ('{"data": \n', ["2: JSON: the text ends too early"], []),
        ]
        for text, problems, warnings in table:
            found = self.told(text)
            self.assertEqual((sorted(found[0]), found[1]), (sorted(problems), warnings))

    def test_no_file(self) -> None:
        """A file that is not there is one problem."""
        path = self.folder + "/none.json"
        self.assertIsNone(read_geodns(path, ORIGIN, self.findings))
        self.assertEqual(
            self.problems(),
            ["None: example.org.: can't read: No such file or directory"],
        )


class LabelTests(GeodnsTestCase):
    """Labels and their records."""

    def test_addresses(self) -> None:
        """All forms of addresses."""
        zone = self.good(
            data={
                "WWW": {
                    "a": [
                        ["192.0.2.1"],
                        ["192.0.2.2", 10],
                        ["192.0.2.3", "11"],
                        {"ip": "192.0.2.4", "weight": 5, "health": "f/k"},
                        {"a": "192.0.2.5"},
                    ],
                    "aaaa": [],
                }
            }
        )
        label = zone.labels[b"\x03www"]
        self.assertEqual(
            [(e.rdata[3], e.weight, e.health) for e in label.records[Type.A]],
            [(1, 0, ""), (2, 10, ""), (3, 11, ""), (4, 5, "f/k"), (5, 0, "")],
        )
        self.assertEqual(label.records[Type.AAAA], ())

    def test_other_types(self) -> None:
        """All forms of the other types, with names completed as geodns does."""
        zone = self.good(
            data={
                "": {
                    "ns": {"ns1.example.net.": None, "ns2.example.net": "x"},
                    "mx": [
                        {"mx": "mx.example.net", "preference": 10, "weight": 3},
                        {"mx": "mx2.example.net."},
                    ],
                },
                "c": {"cname": "x"},
                "d": {"cname": [["x.example.net.", 10], {"cname": "y", "weight": "2"}]},
                "_sip._tcp": {
                    "srv": [{"target": "a.b", "port": 5060, "srv_weight": 7}]
                },
                "t": {"txt": "one", "spf": [{"spf": "v=spf1", "weight": 2}, "two"]},
                "p": {"ptr": [["x.example.net"], {"ptr": "y.example.net."}]},
                "n": {"a": None},
            }
        )

        def datas(key: bytes, rrtype: int) -> list[tuple[bytes, float]]:
            return [(e.rdata, e.weight) for e in zone.labels[key].records[rrtype]]

        self.assertEqual(
            datas(b"", Type.NS),
            [(from_text("ns1.example.net."), 0), (from_text("ns2.example.net."), 0)],
        )
        self.assertEqual(
            datas(b"", Type.MX),
            [
                (b"\0\x0a" + from_text("mx.example.net."), 3),
                (b"\0\0" + from_text("mx2.example.net."), 0),
            ],
        )
        self.assertEqual(
            datas(b"\x01c", Type.CNAME), [(from_text("x.example.org."), 0)]
        )
        self.assertEqual(
            datas(b"\x01d", Type.CNAME),
            [(from_text("x.example.net."), 10), (from_text("y.example.org."), 2)],
        )
        self.assertEqual(
            datas(b"\x04_sip\x04_tcp", Type.SRV),
            [(b"\0\0\0\x07\x13\xc4" + from_text("a.b.example.org."), 0)],
        )
        self.assertEqual(datas(b"\x01t", Type.TXT), [(b"\x03one", 0)])
        self.assertEqual(datas(b"\x01t", 99), [(b"\x06v=spf1", 2), (b"\x03two", 0)])
        self.assertEqual(
            datas(b"\x01p", Type.PTR),
            [(from_text("x.example.net."), 0), (from_text("y.example.net."), 0)],
        )
        self.assertEqual(zone.labels[b"\x01n"].records, {})

    def test_label_keys(self) -> None:
        """What a label says of itself; None is what it leaves to the zone."""
        zone = self.good(
            data={
                "a": {"ttl": "30", "max_hosts": 1, "closest": True, "alias": "B"},
                "b": {"health": {"type": "tcp"}, "ttl": 0},
                "www.[203.0.113.0]": {"a": [["192.0.2.1"]]},
            }
        )
        a, b = zone.labels[b"\x01a"], zone.labels[b"\x01b"]
        self.assertEqual(
            (a.ttl, a.max_hosts, a.closest, a.alias, a.health),
            (30, 1, True, b"\x01b", False),
        )
        self.assertEqual(
            (b.ttl, b.max_hosts, b.closest, b.alias, b.health),
            (None, None, None, None, True),
        )
        self.assertIn(b"\x03www\x04[203\x010\x03113\x020]", zone.labels)

    def test_long_text(self) -> None:
        """Texts longer than a character-string are cut into several."""
        self.assertEqual(character_strings("x" * 256), b"\xff" + b"x" * 255 + b"\x01x")

    def test_wrong(self) -> None:
        """What is wrong in a label is a problem there; what is strange a warning."""
        table: list[tuple[str, list[str], list[str]]] = [
            ("5", ['2: "w": expected an object, got 5'], []),
            (
                '{"a": [["2001:db8::1"], ["x"]], "aaaa": [["192.0.2.1"]]}',
                [
                    '2: "w" a: "2001:db8::1": not an IPv4 address, '
                    "but of the other family",
                    '2: "w" a: "x": not an address',
                    '2: "w" aaaa: "192.0.2.1": not an IPv6 address, '
                    "but of the other family",
                ],
                [],
            ),
            (
                '{"a": "192.0.2.1", "mx": {"mx": "x."}, "srv": 7}',
                [
                    '2: "w" a: expected a list, got "192.0.2.1"',
                    '2: "w" mx: expected a list, got an object',
                    '2: "w" srv: expected a list, got 7',
                ],
                [],
            ),
            (
                '{"a": [["192.0.2.1", 1, 2], 7, [], [7], {"weight": 1},'
                ' ["192.0.2.2", "x"]]}',
                [
                    '2: "w" a: expected at most two elements',
                    '2: "w" a: expected a record, got 7',
                    '2: "w" a: expected a record, got a list',
                    '2: "w" a: expected text for ip, got 7',
                    '2: "w" a: lacks ip',
                    '2: "w" a: "192.0.2.2": expected a whole number',
                ],
                [],
            ),
            (
                '{"a": [["192.0.2.1"], ["192.0.2.1", 9], {"ip": "192.0.2.2", "q": 1}]}',
                [],
                [
                    '2: "w" a: "192.0.2.1" stands here twice; the first one counts',
                    '2: "w" a: unknown key "q", left out',
                ],
            ),
            (
                '{"caa": [], "txt": ["", "x"]}',
                [],
                [
                    '2: "w" "caa": unknown key, left out',
                    '2: "w" txt: an empty string is left out',
                ],
            ),
            (
                '{"cname": "x", "a": [["192.0.2.1"]]}',
                [],
                ['2: "w": other records stand beside a CNAME'],
            ),
            (
                '{"alias": 3, "ttl": "x", "health": true, "closest": 1}',
                [
                    '2: "w" ttl: expected a whole number',
                    '2: "w" health: expected an object, got true',
                    '2: "w" alias: expected text, got 3',
                    '2: "w" closest: expected true or false, got 1',
                ],
                [],
            ),
            (
                '{"mx": [{"mx": "a", "preference": 70000}], "cname": "a..b"}',
                [
                    '2: "w" cname: "a..b": empty label',
                    '2: "w" mx: "a": expected a whole number of at most 65535',
                ],
                [],
            ),
        ]
        for text, problems, warnings in table:
            found = self.told('{"data": {\n"w": ' + text + "}}")
            self.assertEqual((sorted(found[0]), found[1]), (sorted(problems), warnings))

    def test_names(self) -> None:
        """Labels that are no names, and two that are one."""
        self.assertEqual(
            self.told('{"data": {"a..b": {},\n"x.": {}, "Y": {}, "y": {}}}')[0],
            [
                '1: "a..b": empty label',
                '2: "x.": a label is relative to its zone, without a final dot',
                '2: "y": the same label as "Y" on line 2',
            ],
        )

    def test_long_names(self) -> None:
        """What is too long for a name is left out: nobody can ask for it."""
        long_name = ".".join(["x" * 60] * 5)
        for name, why in (("x" * 64, "longer than 63"), (long_name, "longer than 255")):
            problems, warnings = self.told(f'{{"data": {{"{name}": {{}}, "a": {{}}}}}}')
            self.assertEqual(problems, [])
            self.assertEqual(len(warnings), 1)
            self.assertIn(f"{why} octets: left out", warnings[0])

    def test_aliases(self) -> None:
        """Loops are problems; aliases that lead nowhere are warned of."""
        self.assertEqual(
            self.told(
                '{"data": {"a": {"alias": "b"},\n"b": {"alias": "c"},\n'
                '"c": {"alias": "b"},\n"d": {"alias": "d"}, "e": {"alias": "zz"},\n'
                '"f": {"alias": "g"}, "g.europe": {}}}'
            ),
            (
                [
                    '3: "c" alias: a loop of aliases: "b" -> "c" -> "b"',
                    '4: "d" alias: a loop of aliases: "d" -> "d"',
                ],
                ['4: "e" alias: there is no such label'],
            ),
        )

    def test_many_problems(self) -> None:
        """Only so many problems are told one by one."""
        labels = ",\n".join(f'"l{n}": 1' for n in range(150))
        problems, _ = self.told('{"data": {' + labels + "}}")
        self.assertEqual(len(problems), 101)
        self.assertEqual(problems[-1], 'None: "l99": and 50 more problems')


class JunkTests(FormatsTestCase):
    """Whatever stands in a file, reading ends with a zone or with problems."""

    @settings(max_examples=200, deadline=None)
    @given(SHAPED)
    def test_any_shape(self, data: object) -> None:
        """JSON of any shape raises nothing."""
        for shape in (data, {"data": data}, {"data": {"www": data}}):
            findings = Findings()
            zone = read_text(json.dumps(shape), "f", ORIGIN, findings)
            self.assertEqual(zone is None, bool(findings.problems))
