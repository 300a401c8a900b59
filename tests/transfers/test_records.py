"""Records on the wire, as we and dnspython write and read them."""

import struct

import dns.message
import dns.rdatatype
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.transfers.records import Record, RecordReader, RecordWriter
from dinamed.wire.names import from_text, to_text
from dinamed.wire.question import FormatError

TEXTS = [
    ("example.org.", "SOA", "ns1.example.org. hostmaster.example.org. 1 2 3 4 5"),
    ("example.org.", "NS", "ns1.example.org."),
    ("a.example.org.", "MX", "10 mail.example.org."),
    ("b.a.example.org.", "A", "192.0.2.1"),
    ("b.a.example.org.", "AAAA", "2001:db8::1"),
    ("c.example.org.", "CNAME", "b.a.example.org."),
    ("_x._tcp.example.org.", "SRV", "1 2 3 b.a.example.org."),
    ("t.example.org.", "TXT", '"one" "two"'),
    ("rp.example.org.", "RP", "a.example.org. t.example.org."),
    ("n.example.org.", "NAPTR", '1 2 "u" "s" "" b.a.example.org.'),
    ("h.example.org.", "HTTPS", "1 . alpn=h2"),
    ("d.example.org.", "DNAME", "example.net."),
    ("u.example.org.", "TYPE65280", "\\# 3 010203"),
    ("k.example.org.", "CAA", '0 issue "ca.example.net"'),
]
HEAD = b"\0\7\x84\0" + bytes(8)


def by_dnspython() -> dns.message.Message:
    """A message of dnspython with compressed names."""
    message = dns.message.Message(id=7)
    for owner, rrtype, text in TEXTS:
        rrset = dns.rrset.from_text(owner, 300, "IN", rrtype, text)
        message.answer.append(rrset)
    return message


class ReadingTests(SynchronousTestCase):
    """`RecordReader`."""

    def test_all_types(self) -> None:
        """Names are decompressed where they may be compressed."""
        message = by_dnspython()
        reader = RecordReader(message.to_wire())
        found = list(reader.records(reader.counts.answers))
        expected = [
            Record(
                from_text(rrset.name.to_text()),
                int(rrset.rdtype),
                300,
                rrset[0].to_wire() or b"",
            )
            for rrset in message.answer
        ]
        self.assertEqual(found, expected)

    @settings(max_examples=400, deadline=None)
    @given(st.data())
    def test_damaged(self, data: st.DataObject) -> None:
        """Damage is either not seen or a `FormatError`, and ends soon."""
        wire = bytearray(by_dnspython().to_wire())
        for _ in range(data.draw(st.integers(1, 8))):
            wire[data.draw(st.integers(12, len(wire) - 1))] = data.draw(
                st.integers(0, 255)
            )
        cut = bytes(wire[: data.draw(st.integers(12, len(wire)))])
        try:
            reader = RecordReader(cut)
            found = list(reader.any_records(reader.counts.answers))
        except FormatError:
            return
        self.assertEqual(len(found), len(TEXTS))

    def read_one(self, rrtype: int, rdata: bytes) -> tuple[Record, list[str]]:
        """One record of a message, and what is told of it."""
        wire = HEAD[:6] + b"\0\1" + HEAD[8:] + from_text("a.example.")
        wire += struct.pack("!HHIH", rrtype, 1, 60, len(rdata)) + rdata
        reader = RecordReader(wire)
        (record,) = reader.records(1)
        return record, reader.odd

    def test_odd_data(self) -> None:
        """Data that their type's reader refuses are octets like others (RFC 3597)."""
        for rrtype, rdata, told in (
            (52, b"\3\1\1\xaa", "TLSA: certificate association data length"),
            (44, b"\1\1\x12", "SSHFP: fingerprint length"),
            (43, b"\0\1\x0d\2\xaa", "DS: digest length"),
            (63, b"\0\0\0\1\1\1\xaa", "ZONEMD: digest"),
            (65, b"\0\1\0\0\5\0\5\0\1\2\3\4", "HTTPS: invalid ECHConfigList"),
            (256, b"\0\1\0\1", "URI: URI target"),
            (29, b"\0\1\2", "LOC: "),
            (27, b"\1x\1y\1z", "GPOS: "),
            (16, b"", "TXT: no strings"),
        ):
            record, odd = self.read_one(rrtype, rdata)
            self.assertEqual(record.rdata, rdata)
            self.assertEqual(len(odd), 1)
            self.assertTrue(odd[0].startswith(f"a.example. {told}"), odd)

    def test_names_in_odd_data(self) -> None:
        """Not where a name may be compressed: a copy would point to nowhere."""
        for rrtype, rdata, told in (
            (65, b"\0\1\xc0\x0c\0\5\0\1x", "HTTPS: label type"),
            (35, b"\0\1\0\1\1s", "NAPTR: "),
            (47, b"\xc0\xff\0\1\1", "NSEC: label type"),
            (15, b"\0", "MX: "),
            (1, b"\1\2\3", "A: an address of the wrong length"),
        ):
            error = self.assertRaises(FormatError, self.read_one, rrtype, rdata)
            self.assertIn(f"a.example. {told}", str(error))

    def test_loops(self) -> None:
        """A pointer must point back."""
        for name in (b"\xc0\x0c", b"\x01a\xc0\x0c", b"\xc0\xff"):
            wire = HEAD[:6] + b"\0\1" + HEAD[8:] + name + bytes(10)
            reader = RecordReader(wire)
            with self.assertRaises(FormatError):
                list(reader.records(1))


class WritingTests(SynchronousTestCase):
    """`RecordWriter`."""

    def test_dnspython_reads_the_same(self) -> None:
        """Owners are compressed, also behind the question."""
        origin = from_text("example.org.")
        head = b"\0\7\x84\0\0\1" + bytes(6) + origin + b"\0\xfc\0\1"
        writer = RecordWriter(head, origin, 4096)
        message = by_dnspython()
        for rrset in message.answer:
            rdata = rrset[0].to_wire() or b""
            owner = from_text(rrset.name.to_text())
            self.assertTrue(writer.add(owner, rrset.rdtype, 300, rdata))
        wire = writer.finish()
        read = dns.message.from_wire(wire, one_rr_per_rrset=True)
        self.assertEqual(
            [rrset.to_text() for rrset in read.answer],
            [rrset.to_text() for rrset in message.answer],
        )
        self.assertEqual(wire.count(b"\x07example"), 11)  # one owner, ten in data

    def test_limit(self) -> None:
        """What does not fit is left for the next message, but for a first record."""
        writer = RecordWriter(HEAD, None, 60)
        name = from_text("a.example.org.")
        self.assertTrue(writer.add(name, 16, 60, bytes(100)))
        self.assertFalse(writer.add(name, 1, 60, bytes(4)))
        self.assertEqual(RecordReader(writer.finish()).counts.answers, 1)
        self.assertEqual(to_text(name), "a.example.org.")
