"""Tests of record data that are read without dnspython: as it reads them."""

import dns.name
import dns.rdata
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.lines import EntryError
from dinamed.zones.rdata import RdataReader

ORIGIN = "example.org."


class SoaTests(SynchronousTestCase):
    """The quick way of SOA records, and what it leaves to the other."""

    def check(self, text: str) -> None:
        """Both make the same of it."""
        expected = dns.rdata.from_text(
            "IN", "SOA", text, dns.name.from_text(ORIGIN), relativize=False
        )
        reader = RdataReader(from_text(ORIGIN))
        self.assertEqual(reader.convert(Type.SOA, text), expected.to_wire())

    def test_plain(self) -> None:
        """Names relative and absolute, numbers up to the highest."""
        self.check("ns1 hostmaster 1 7200 3600 1209600 300")
        self.check("ns1.example.net. h.example.net. 4294967295 1 2 2147483647 0")
        self.check("Ns1 Host.Master 007 7200 3600 1209600 300")

    def test_others(self) -> None:
        """Units of time, `@` and escapes are none of its business."""
        self.check("ns1 hostmaster 1 2h 30m 2w 1d")
        self.check("@ host\\.master 1 7200 3600 1209600 300")

    def test_too_large(self) -> None:
        """Numbers that do not fit are refused as they were."""
        reader = RdataReader(from_text(ORIGIN))
        for numbers in (
            "4294967296 1 2 3 4",
            "1 1 2 3 9999999999",
        ):
            with self.assertRaises(EntryError):
                reader.convert(Type.SOA, f"ns1 h {numbers}")
