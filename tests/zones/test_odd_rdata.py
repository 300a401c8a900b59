"""Record data that dnspython refuses, or reads too widely, and what becomes of it."""

import calendar

import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.names import from_text
from dinamed.zones.lines import EntryError
from dinamed.zones.rdata import RdataReader

ORIGIN = from_text("example.org.")
HERE = "076578616d706c65036f726700"


class OddDataTests(SynchronousTestCase):
    """`RdataReader.convert`."""

    def setUp(self) -> None:
        self.reader = RdataReader(ORIGIN)

    def convert(self, rrtype: str, text: str) -> str:
        """The data in hexadecimal digits."""
        return self.reader.convert(dns.rdatatype.from_text(rrtype), text).hex()

    def test_types_out_of_use(self) -> None:
        """MB, MG, MR, MD, MF and MINFO by name (RFC 1035 section 3.3)."""
        for rrtype in ("MB", "MG", "MR", "MD", "MF"):
            self.assertEqual(self.convert(rrtype, "a"), "0161" + HERE)
            self.assertEqual(self.convert(rrtype, "a."), "016100")
            self.assertEqual(self.convert(rrtype, "\\# 3 016100"), "016100")
        self.assertEqual(self.convert("MINFO", "@ b."), HERE + "016200")

    def test_times_wrap(self) -> None:
        """Times of RRSIG beyond 2106 are taken modulo 2**32 (RFC 4034 3.1.5)."""
        text = "A 13 2 300 21370101000000 21360229235960 1 example. AAAA"
        self.assertRaises(EntryError, self.convert, "RRSIG", text)
        text = text.replace("235960", "235959")
        wire = self.convert("RRSIG", text)
        ends = calendar.timegm((2137, 1, 1, 0, 0, 0)) % 2**32
        begins = calendar.timegm((2136, 2, 29, 23, 59, 59)) % 2**32
        self.assertEqual(wire[16:32], f"{ends:08x}{begins:08x}")
        self.assertIn("076578616d706c6500000000", wire)
        for bad in ("4294967296", "20201301000000", "x", "2020010100000"):
            text = f"A 13 2 300 {bad} 1 1 example. AAAA"
            self.assertRaises(EntryError, self.convert, "RRSIG", text)

    def test_reserved_values(self) -> None:
        """Values without a meaning yet are data; what is known has its length."""
        for rrtype, text, wire in (
            ("DS", "1 13 0 AAAA", "00010d00aaaa"),
            ("CDS", "0 0 0 00", "0000000000"),
            ("DS", "1 ECDSAP256SHA256 200 aa bb", "00010dc8aabb"),
            ("ZONEMD", "7 0 0 AAAA", "000000070000aaaa"),
            ("ZONEMD", "7 240 241 AA", "00000007f0f1aa"),
            ("TLSA", "3 1 1 aa", "030101aa"),
            ("URI", '10 1 ""', "000a0001"),
        ):
            self.assertEqual(self.convert(rrtype, text), wire)
        for rrtype, text in (
            ("DS", "1 13 2 AAAA"),
            ("DS", "1 13 0"),
            ("DS", "1 13 0 AAA"),
            ("ZONEMD", "7 1 1 AAAA"),
            ("SSHFP", "1 1 12"),
            ("TLSA", "3 1 1"),
        ):
            self.assertRaises(EntryError, self.convert, rrtype, text)

    def test_services(self) -> None:
        """Quoted parameters, and `ech` as it stands there (RFC 9460)."""
        for text, wire in (
            ('1 . alpn="h2,h3"', "000100" + "00010006" + "026832026833"),
            ('1 . ech="AAECAwQ="', "000100" + "00050005" + "0001020304"),
            (
                "1 . alpn=h2 ech=AAECAwQ= ipv4hint=192.0.2.1",
                "000100" + "00010003026832" + "00040004c0000201" + "000500050001020304",
            ),
            ("1 . mandatory=ech ech=AA==", "000100" + "000000020005" + "0005000100"),
            ("1 . alpn=h2 ohttp", "000100" + "00010003026832" + "00080000"),
            ("1 . tls-supported-groups=29,23", "000100" + "00090004001d0017"),
            ('1 . key667="hello\\210qoo"', "000100029b000968656c6c6fd2716f6f"),
        ):
            self.assertEqual(self.convert("HTTPS", text), wire)
        for bad in ("1 . ech=", "1 . ech=zz!", "1 . alpn= h2", '1 . alpn= "h2"', "1"):
            self.assertRaises(EntryError, self.convert, "SVCB", bad)

    def test_generic(self) -> None:
        """The generic form of a known type is held to its form (RFC 3597 5)."""
        for rrtype in ("A", "TXT", "DHCID", "MINFO", "MB", "SPF", "CERT"):
            self.assertRaises(EntryError, self.convert, rrtype, "\\# 0")
        self.assertRaises(EntryError, self.convert, "MB", "\\# 2 0161")
        self.assertEqual(self.convert("APL", "\\# 0"), "")
        self.assertEqual(self.convert("TYPE65280", "\\# 0"), "")

    def test_messages(self) -> None:
        """They say what is expected."""
        for rrtype, text, message in (
            ("MB", "a b", "one name is expected"),
            ("MINFO", "a", "two names are expected"),
            ("DHCID", "\\# 0", "this type has data"),
        ):
            error = self.assertRaises(EntryError, self.convert, rrtype, text)
            self.assertEqual(str(error), message)
