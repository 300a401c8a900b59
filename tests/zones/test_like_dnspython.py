"""The master file reader against dnspython's."""

import dns.exception
import dns.name
import dns.zone
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.zones.layout import decode_rrset
from dinamed.zones.merge import Merger
from tests.zones.strategies import ORIGIN, read

Contents = dict[bytes, dict[int, tuple[int, frozenset[bytes]]]]

# What the module's docstring says is refused here and not there.
_STRICTER = (
    "is outside",
    "only one record of this type",
    "cannot be in a zone",
    "is above",
    "is not ASCII",
    "CNAME beside other data",  # RRSIG counts by what it covers there
)


def ours(text: str) -> tuple[Contents, list[str]]:
    """What our reader makes of a text: the data, the messages."""
    data = read(text)
    merger = Merger(data)
    contents: Contents = {}
    for key, raw in data.records.items():
        count, _, encoded = merger.encode(key, raw)
        sets = contents.setdefault(key + ORIGIN, {})
        offset = 0
        for _ in range(count):
            rrset, offset = decode_rrset(encoded, offset)
            sets[rrset.type] = rrset.ttl, frozenset(rrset.rdatas)
    return contents, [problem.message for problem in data.problems]


def theirs(text: str) -> Contents | None:
    """What dnspython makes of it; None if it refuses."""
    try:
        zone = dns.zone.from_text(
            text,
            dns.name.from_text("example.org."),
            relativize=False,
            check_origin=False,
        )
    except (dns.exception.DNSException, ValueError, AssertionError, KeyError):
        return None
    contents: Contents = {}
    for name, node in zone.nodes.items():
        sets = contents.setdefault(name.canonicalize().to_wire() or b"", {})
        for rdataset in node:
            wires = frozenset(rdata.to_wire() or b"" for rdata in rdataset)
            sets[int(rdataset.rdtype)] = rdataset.ttl, wires
    return contents


_OWNERS = st.sampled_from(
    [
        "",
        "",
        "@",
        "www",
        "WWW",
        "a.b",
        "*",
        "*.x",
        "_s._tcp",
        r"a\.b",
        r"\065",
        "1",
        "example.org.",
        "mail.example.org.",
        r"\@",
        "in",
        "a" * 63,
        r"\(x",
    ]
)
_TTLS = st.sampled_from(["", "", "300", "1h", "1d2H", "0", "2147483647", "007"])
_CLASSES = st.sampled_from(["", "", "IN", "in", "CLASS1"])
_DATA = st.sampled_from(
    [
        "A 192.0.2.1",
        "a 192.0.2.2",
        "A 192.0.2.1 ; a remark",
        "AAAA 2001:db8::1",
        "AAAA ::ffff:192.0.2.1",
        "AAAA 1:2:3:4:5:6:7::",
        "NS ns1",
        "NS NS1",
        "NS ns.example.net.",
        "PTR host.b",
        "PTR @",
        "CNAME other",
        "MX 10 mail",
        "MX 010 MAIL",
        "MX 65 b",
        "MX 97 b",
        "MX 10 .",
        "TXT one",
        'TXT "one two"',
        'TXT "one" "two"',
        "TXT one two",
        'TXT ""',
        'TXT "semi;colon" ; remark',
        r'TXT "quo\"te" back\\slash \065',
        'TXT "gr\u00fcn" \u00fc',
        'TXT a"b"c',
        "TXT ( one\n two ; remark ) \n three )",
        "SOA ns1 host 1 2 3 4 5",
        "SOA ns1 host.x. ( 1 1h ; remark\n 3 4 600 )",
        "SRV 0 5 80 www",
        "SRV 0 5 80 WWW",
        "TYPE65280 \\# 3 abcdef",
        "TYPE1 \\# 4 C0000203",
        "A \\# 4 c0 00 02 03",
        "TYPE65280 \\# 0",
        'CAA 0 issue "ca.example.net"',
        "DNAME other.example.net.",
        "HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1",
        "SVCB 0 www",
        'NAPTR 100 50 s http "" www',
        "LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
        "DS 12345 13 2 " + "ab" * 32,
        "SSHFP 1 1 " + "0" * 40,
        "TLSA 3 1 1 " + "ab" * 32,
        'URI 10 1 "https://example.org/"',
        "HINFO pc linux",
    ]
)
_DIRECTIVES = st.sampled_from(
    [
        "$TTL 1h",
        "$ttl 60 ; remark",
        "$ORIGIN sub",
        "$ORIGIN example.org.",
        "",
        "   ",
        "; remark",
        "\t; remark",
        "$GENERATE 1-3 h$ A 192.0.2.$",
        "( )",
        "$GENERATE 0-6/3 ${10,4,x}.h 60 IN PTR p-$$-${-1}.x",
        "$ORIGIN Sub.Example.org.",
        "$GENERATE 1-2 $.g CNAME ${0,5,n}.x.",
        "$ORIGIN @",
    ]
)


@st.composite
def _records(draw: st.DrawFn) -> str:
    ttl, rrclass = draw(_TTLS), draw(_CLASSES)
    middle = draw(st.sampled_from([f"{ttl} {rrclass}", f"{rrclass}\t{ttl}"]))
    return f"{draw(_OWNERS)} {middle} {draw(_DATA)}"


LINES = st.one_of(_records(), _records(), _DIRECTIVES)
LINE_ENDS = st.sampled_from(["\n", "\n", "\r\n", "\n\n", " \n", "\t; x\n"])
WORDS = st.sampled_from(
    [
        "www",
        "@",
        "IN",
        "CH",
        "A",
        "1.2.3.4",
        "300",
        "4294967296",
        "TXT",
        "MX",
        "10",
        "(",
        ")",
        '"',
        ";",
        "\\",
        "\n",
        "\n",
        "\n",
        " ",
        " ",
        "\t",
        "$TTL",
        "$ORIGIN",
        "NS",
        "SOA",
        ".",
        "..",
        "a" * 64,
        "::1",
        "\\#",
        "\\1",
        "\\300",
        "TYPE99999",
        "CNAME",
        "AAAA",
        "1.2.3",
        "01.2.3.4",
        "1.2.3.256",
        "$",
        "$GENERATE",
        "1-3",
        "ANY",
        "OPT",
        "NONE",
        "1h30",
        "99999",
        "\x0b",
        "\x00",
        "$INCLUDE",
        "ü",
        "\\010",
    ]
)


def compare_with(case: SynchronousTestCase, text: str) -> None:
    """Have `case` fail unless both readers make the same of a text."""
    expected = theirs(text)
    contents, messages = ours(text)
    stricter = any(why in message for message in messages for why in _STRICTER)
    if expected is None:
        case.assertTrue(messages, f"taken here, refused there: {text!r}")
    elif not stricter:
        case.assertEqual(messages, [], text)
        case.assertEqual(_folded(contents), _folded(expected), text)


class LikeDnspythonTests(SynchronousTestCase):
    """Both readers take and refuse the same, and find the same data."""

    @settings(max_examples=400, deadline=None)
    @given(st.lists(st.tuples(LINES, LINE_ENDS), max_size=8), st.booleans())
    def test_zones(self, lines: list[tuple[str, str]], final: bool) -> None:
        """Zones of records in all spellings."""
        text = "$TTL 5m\n" + "".join(line + end for line, end in lines)
        compare_with(self, text if final else text.rstrip("\r\n"))

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.tuples(LINES, LINE_ENDS), max_size=5))
    def test_ttls(self, lines: list[tuple[str, str]]) -> None:
        """Without $TTL: the last TTL, else the SOA's minimum, else a problem."""
        compare_with(self, "".join(line + end for line, end in lines))

    @settings(max_examples=400, deadline=None)
    @given(st.lists(WORDS, max_size=12), st.sampled_from(["", " "]))
    def test_soup(self, words: list[str], space: str) -> None:
        """Words in any order, with the records around them."""
        text = space.join(words)
        # Both differ here as the module says.
        if "$INCLUDE" in text or "$GENERATE" in text or "\\\n" in text:
            return
        compare_with(self, f"$TTL 60\nwww A 192.0.2.1\n{text}\nb A 192.0.2.2\n")


def _folded(contents: Contents) -> Contents:
    """Records that differ in case alone are one; which one stays is open."""
    return {
        name: {
            rrtype: (ttl, frozenset(wire.lower() for wire in wires))
            for rrtype, (ttl, wires) in sets.items()
        }
        for name, sets in contents.items()
        if sets
    }
