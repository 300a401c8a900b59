"""Tests for EDNS and the client subnet option."""

import ipaddress

import dns.edns
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import EdnsOption, ExtendedError
from dinamed.wire.edns import (
    Edns,
    extended_error,
    keepalive_option,
    opt_record,
    option,
)
from dinamed.wire.query import Query, Rejected, read_query
from dinamed.wire.question import FormatError
from dinamed.wire.subnet import ClientSubnet, read_subnet
from tests.wire.support import QUESTION, edns_query, header, opt
from tests.wire.support import option as client_option

SUBNET = b"\0\1\x18\0\xc6\x33\x64"  # 198.51.100.0/24


def edns_of(data: bytes) -> Edns | None:
    """The EDNS part of a query that must be good."""
    query = read_query(data)
    assert isinstance(query, Query), query
    return query.edns


def is_formerr(data: bytes) -> bool:
    """Whether a message is refused as malformed."""
    outcome = read_query(data)
    return (
        isinstance(outcome, Rejected)
        and outcome.reply is not None
        and outcome.reply[3] & 0xF == 1
    )


class OptTests(SynchronousTestCase):
    """The OPT record of a query (RFC 6891)."""

    def test_fields(self) -> None:
        """Size, DO, NSID and client subnet."""
        options = client_option(3, b"") + client_option(8, SUBNET)
        edns = edns_of(edns_query(options, size=4000, flags=0x8000))
        subnet = ClientSubnet(1, 24, b"\xc6\x33\x64")
        self.assertEqual(edns, Edns(4000, 0, True, True, subnet))

    def test_unknown_options_and_flags_are_ignored(self) -> None:
        """RFC 6891 sections 6.1.2 and 6.1.4."""
        options = client_option(100, b"x") + client_option(65001, b"")
        edns = edns_of(edns_query(options, flags=0x0040))
        self.assertEqual(edns, Edns(1232, 0, False))

    def test_nsid_with_data(self) -> None:
        """Data in the NSID of a query is passed over (RFC 5001 section 2.2)."""
        edns = edns_of(edns_query(client_option(3, b"data")))
        assert edns is not None
        self.assertTrue(edns.nsid)

    def test_cookie(self) -> None:
        """8 octets or from 16 to 40; of several the first counts (RFC 7873)."""
        for size in range(50):
            query = edns_query(client_option(10, b"x" * size))
            if size == 8 or 16 <= size <= 40:
                edns = edns_of(query)
                assert edns is not None
                self.assertEqual(edns.cookie, b"x" * size)
            else:
                self.assertTrue(is_formerr(query), size)
        two = client_option(10, b"1" * 8) + client_option(10, b"2" * 16)
        edns = edns_of(edns_query(two))
        assert edns is not None
        self.assertEqual(edns.cookie, b"1" * 8)

    def test_keepalive(self) -> None:
        """A client asks by an empty option; a reply tells tenths of seconds."""
        edns = edns_of(edns_query(client_option(11, b"")))
        assert edns is not None
        self.assertTrue(edns.keepalive)
        self.assertEqual(keepalive_option(30), b"\0\x0b\0\2\1\x2c")
        self.assertEqual(keepalive_option(1e6), b"\0\x0b\0\2\xff\xff")

    def test_other_records_beside(self) -> None:
        """OPT may stand among other additional records, as a TSIG."""
        record = b"\1k\0\0\xfa\0\xff\0\0\0\0\0\2xx"
        data = header(additionals=3) + QUESTION + record + opt() + record
        self.assertEqual(edns_of(data), Edns(1232, 0, False))

    def test_malformed(self) -> None:
        """Two OPTs, a named OPT, one in another section, options cut off."""
        two = header(additionals=2) + QUESTION + opt() * 2
        named = header(additionals=1) + QUESTION + b"\1a" + opt()
        moved = header(authorities=1) + QUESTION + opt()
        for data in (two, named, moved):
            self.assertTrue(is_formerr(data), data)
        for options in (b"\0", b"\0\3\0", b"\0\3\0\1", b"\0\3\0\0\0"):
            self.assertTrue(is_formerr(edns_query(options)), options)

    def test_two_subnets(self) -> None:
        """A client is in one network only."""
        self.assertTrue(is_formerr(edns_query(client_option(8, SUBNET) * 2)))

    def test_other_versions_are_not_judged(self) -> None:
        """What looks malformed in version 1 is still BADVERS, not FORMERR."""
        outcome = read_query(edns_query(b"\0", version=1))
        assert isinstance(outcome, Rejected) and outcome.reply is not None
        self.assertEqual(outcome.reply[3] & 0xF, 0)

    def test_reply_record(self) -> None:
        """Size 1232, version 0, the upper bits of the rcode, DO, and options."""
        record = opt_record(0xFF6, True, b"\0\3\0\0")
        self.assertEqual(record, b"\0\0\x29\x04\xd0\xff\0\x80\0\0\4\0\3\0\0")
        self.assertEqual(opt_record(5, False), b"\0\0\x29\x04\xd0\0\0\0\0\0\0")

    def test_options(self) -> None:
        """Options of the reply are code, length, data."""
        self.assertEqual(option(EdnsOption.NSID, b"ns1"), b"\0\3\0\3ns1")
        self.assertEqual(extended_error(ExtendedError.PROHIBITED), b"\0\x0f\0\2\0\x12")


class SubnetTests(SynchronousTestCase):
    """EDNS client subnet (RFC 7871)."""

    @given(st.ip_addresses(), st.integers(0, 128))
    def test_like_dnspython(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, source: int
    ) -> None:
        """What dnspython writes is read, and written back with a scope."""
        source = min(source, address.max_prefixlen)
        sent = dns.edns.ECSOption(str(address), source, 0)
        subnet = read_subnet(sent.to_wire() or b"")
        network = ipaddress.ip_network((address, source), strict=False)
        self.assertEqual(subnet.packed, network.network_address.packed)
        self.assertEqual(str(subnet), str(network))
        back = dns.edns.ECSOption(str(network.network_address), source, source // 2)
        self.assertEqual(
            subnet.reply_option(source // 2), client_option(8, back.to_wire() or b"")
        )

    def test_malformed(self) -> None:
        """Each rule of section 6 of its own."""
        for data, why in (
            (b"\0\1\x18", "cut off"),
            (b"\0\3\x18\0\1\2\3", "unknown family"),
            (b"\0\0\0\0", "unknown family"),
            (b"\0\1\x21\0\1\2\3\4\0", "impossible prefix"),
            (b"\0\2\x81\0" + bytes(17), "impossible prefix"),
            (b"\0\1\x18\x18\1\2\3", "impossible prefix"),
            (b"\0\1\x18\0\1\2", "wrong number"),
            (b"\0\1\x18\0\1\2\3\0", "wrong number"),
            (b"\0\1\x17\0\1\2\3", "bits beyond"),
            (b"\0\1\1\0\x40", "bits beyond"),
        ):
            with self.assertRaises(FormatError) as caught:
                read_subnet(data)
            self.assertIn(why, str(caught.exception))
            self.assertTrue(is_formerr(edns_query(client_option(8, data))))

    def test_whole_addresses(self) -> None:
        """Prefixes of 0, of all bits, and those that end within an octet."""
        self.assertEqual(str(read_subnet(b"\0\1\0\0")), "0.0.0.0/0")
        self.assertEqual(str(read_subnet(b"\0\2\0\0")), "::/0")
        self.assertEqual(str(read_subnet(b"\0\1\x20\0\1\2\3\4")), "1.2.3.4/32")
        self.assertEqual(str(read_subnet(b"\0\1\x15\0\1\2\xf8")), "1.2.248.0/21")
