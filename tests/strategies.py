"""Strategies for DNS data that the tests of several rooms share."""

import struct
from typing import NamedTuple

import dns.rdata
import dns.rdataclass
import dns.rdatatype
from hypothesis import strategies as st

from dinamed.wire.constants import Type
from dinamed.wire.names import MAX_NAME, WireName, from_labels

SAMPLES = """\
A 192.0.2.1
NS ns1.Example.org.
CNAME www.example.org.
SOA ns1.example.org. host\\.master.example.org. 1 2 3 4 5
NULL \\# 4 00010203
WKS \\# 6 c00002010600
PTR host.example.org.
HINFO "cpu" "os"
MINFO \\# 6 016100016200
MX 10 mail.example.org.
TXT "one" "two; \\"three\\""
RP mail.example.org. text.example.org.
AFSDB 1 afs.example.org.
X25 "311061700956"
ISDN "150862028003217" "004"
RT 10 relay.example.org.
NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00
PX 10 map822.example.org. mapx400.example.org.
GPOS "-32.6882" "116.8652" "10.0"
AAAA 2001:db8::1
LOC 42 21 54 N 71 6 18 W -24m 30m
SRV 0 5 5060 sip.example.org.
NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@example.org!" .
KX 10 kx.example.org.
CERT 1 1 1 MA==
DNAME example.net.
APL 1:192.168.32.0/21 !1:192.168.38.0/28
DS 12345 13 1 abababababababababababababababababababab
SSHFP 1 1 abababababababababababababababababababab
IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
RRSIG A 13 2 3600 20300101000000 20200101000000 1 example.org. AAAA
NSEC b.example.org. A MX TYPE1234
DNSKEY 256 3 13 AAAA
DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG
NSEC3PARAM 1 0 12 aabbccdd
TLSA 3 1 1 abababababababababababababababababababababababababababababababab
SMIMEA 3 1 1 abababababababababababababababababababababababababababababababab
HIP 2 200100107b1a74df365639cc39f1d578 AwEAAbdx rvs.example.org.
CDS 12345 13 1 abababababababababababababababababababab
CDNSKEY 256 3 13 AAAA
OPENPGPKEY AAAA
CSYNC 66 3 A NS AAAA
ZONEMD 1 1 1 abababababababababababababababababababababababababababababababab\
abababababababababababababababab
SVCB 1 svc.example.org. alpn=h2 port=8443
HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
SPF "v=spf1 -all"
NID 10 0014:4fff:ff20:ee64
L32 10 10.1.2.0
L64 10 2001:0DB8:1140:1000
LP 10 l64.example.org.
EUI48 00-00-5e-00-53-2a
EUI64 00-00-5e-ef-10-00-00-2a
URI 10 1 "https://example.org/"
CAA 0 issue "ca.example.net"
AVC "app"
AMTRELAY 0 0 0 .
RESINFO qnamemin
WALLET "BTC" "1x"
TYPE65400 \\# 3 c00c01
"""
"""One record of every type, as its mnemonic and its data in a master file."""


class Record(NamedTuple):
    """The data of one record, its names uncompressed."""

    type: int
    rdata: bytes


def read_sample(line: str) -> Record:
    """One line of `SAMPLES`."""
    mnemonic, _, text = line.partition(" ")
    rrtype = dns.rdatatype.from_text(mnemonic)
    rdata = dns.rdata.from_text(dns.rdataclass.IN, rrtype, text)
    return Record(int(rrtype), rdata.to_wire() or b"")


def _joined(labels: list[bytes]) -> WireName:
    while sum(len(label) + 1 for label in labels) >= MAX_NAME:
        labels = labels[1:]
    return from_labels(labels)


_LABELS = st.one_of(
    st.sampled_from([b"a", b"A", b"www", b"Example", b"example", b"org", b"*", b"a.b"]),
    st.binary(min_size=1, max_size=63),
)
NAMES: st.SearchStrategy[WireName] = st.lists(_LABELS, max_size=8).map(_joined)
"""Absolute wire names, of which many have ends in common."""

TYPES = st.one_of(
    st.sampled_from([int(rrtype) for rrtype in Type]), st.integers(0, 65535)
)


def _with_name(rrtype: Type, head: int) -> st.SearchStrategy[Record]:
    fixed = st.binary(min_size=head, max_size=head)
    return st.builds(lambda start, name: Record(rrtype, start + name), fixed, NAMES)


RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.sampled_from([read_sample(line) for line in SAMPLES.splitlines()]),
    st.builds(Record, st.just(Type.A), st.binary(min_size=4, max_size=4)),
    st.builds(Record, st.just(Type.AAAA), st.binary(min_size=16, max_size=16)),
    st.builds(Record, st.integers(65280, 65534), st.binary(max_size=400)),
    *(_with_name(rrtype, 0) for rrtype in (Type.NS, Type.CNAME, Type.PTR, Type.DNAME)),
    _with_name(Type.MX, 2),
    _with_name(Type.SRV, 6),
    st.builds(
        lambda mname, rname, serial: Record(
            Type.SOA, mname + rname + struct.pack("!5I", serial, 1, 2, 3, 4)
        ),
        NAMES,
        NAMES,
        st.integers(0, 2**32 - 1),
    ),
)
"""Records of all types; those with compressible names come often."""


@st.composite
def mutated(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """A message with some octets changed, cut out, or put in."""
    data = bytearray(draw(messages))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 3))
        data[at : at + cut] = draw(st.binary(max_size=3))
    return bytes(data)
