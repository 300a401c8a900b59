"""Catalog zones: their records, labels and serials."""

import dns.name
import dns.rdata
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.transfers.catalog import (
    VERSION_KEY,
    ZONES_KEY,
    catalog_zone,
    member_key,
    members_of,
    next_catalog,
)
from dinamed.transfers.serial import newer
from dinamed.transfers.view import View
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.packer import pack

ORIGIN = from_text("cat.example.")
A, B = from_text("a.example."), from_text("b.example.")
SERIALS = st.integers(1, 2**32 - 1)


def texts(zone: PackedZone) -> list[str]:
    """All records, in the form of master files."""
    view = View(zone)
    found = []
    for owner, rrtype, ttl, rdata in [view.soa, *view.records()]:
        name, _ = dns.name.from_wire(owner, 0)
        kind = dns.rdatatype.RdataType(rrtype)
        data = dns.rdata.from_wire("IN", kind, rdata, 0, len(rdata))
        found.append(f"{name} {ttl} {kind.name} {data}")
    return sorted(found)


class CatalogTests(SynchronousTestCase):
    """What a catalog says."""

    def test_records(self) -> None:
        """SOA and NS are invalid., the version is 2, each member has one PTR."""
        label = member_key(A)[1:33].decode()
        self.assertEqual(
            texts(catalog_zone(ORIGIN, [A, A], 7)),
            sorted(
                [
                    "cat.example. 0 SOA invalid. invalid. 7 3600 600 2147483646 0",
                    "cat.example. 0 NS invalid.",
                    'version.cat.example. 0 TXT "2"',
                    f"{label}.zones.cat.example. 0 PTR a.example.",
                ]
            ),
        )

    def test_labels(self) -> None:
        """They go by the name alone, in any case of its letters."""
        self.assertEqual(member_key(from_text("A.Example.")), member_key(A))
        self.assertNotEqual(member_key(A), member_key(B))

    def test_empty(self) -> None:
        """A catalog without zones is whole."""
        self.assertEqual(len(texts(catalog_zone(ORIGIN, [], 1))), 3)

    def test_same_set(self) -> None:
        """It stays as it is while the set is the same, whatever the time."""
        before = catalog_zone(ORIGIN, [A, B], 7)
        self.assertIs(next_catalog(ORIGIN, [B, A], before, 1000), before)

    def test_serials(self) -> None:
        """The Unix time, or one more than before if the clock is behind."""
        first = next_catalog(ORIGIN, [A], None, 1000)
        self.assertEqual(first.serial, 1000)
        second = next_catalog(ORIGIN, [A, B], first, 1000)
        self.assertEqual(second.serial, 1001)
        self.assertEqual(next_catalog(ORIGIN, [B], second, 5).serial, 1002)
        self.assertEqual(next_catalog(ORIGIN, [B], second, 2000).serial, 2000)

    @settings(deadline=None)
    @given(SERIALS, st.integers(0, 2**33))
    def test_never_back(self, serial: int, now: int) -> None:
        """Another set has a newer serial, at any time."""
        before = catalog_zone(ORIGIN, [A], serial)
        self.assertTrue(newer(next_catalog(ORIGIN, [B], before, now).serial, serial))


def made(
    version: tuple[bytes, ...], *members: tuple[str, tuple[bytes, ...]]
) -> PackedZone:
    """A catalog of another server: TXT data, and PTR data by label."""
    rrsets = [(b"", RRset(int(Type.SOA), 0, (bytes(22),)))]
    if version:
        rrsets.append((VERSION_KEY, RRset(int(Type.TXT), 0, version)))
    for label, names in members:
        key = bytes((len(label),)) + label.encode() + ZONES_KEY
        rrsets.append((key, RRset(int(Type.PTR), 0, names)))
        # Properties (RFC 9432 section 4.4), which are passed over.
        rrsets.append((b"\x05group" + key, RRset(int(Type.TXT), 0, (b"\x01g",))))
    return PackedZone(pack(ORIGIN, rrsets, {}))


class MembersTests(SynchronousTestCase):
    """What others' catalogs list."""

    def test_own(self) -> None:
        """What is made here is read here."""
        self.assertEqual(members_of(catalog_zone(ORIGIN, [A, B], 1)), {A, B})

    def test_others(self) -> None:
        """Labels mean nothing, properties are passed over, names are in lower case."""
        zone = made((b"\x012",), ("x", (A,)), ("y", (from_text("B.Example."),)))
        self.assertEqual(members_of(zone), {A, B})
        self.assertEqual(members_of(made((b"\x012",))), frozenset())

    def test_broken(self) -> None:
        """Another version, or several; two zones at a name; a zone twice; no zone."""
        good = (b"\x012",)
        for zone, why in (
            (made((), ("x", (A,))), "version"),
            (made((b"\x011",)), "version"),
            (made((b"\x011", b"\x012")), "version"),
            (made((b"\x012\x00",)), "version"),
            (made(good, ("x", (A, B))), "two PTR"),
            (made(good, ("x", (A,)), ("y", (A,))), "twice"),
            (made(good, ("x", (from_text("*.example."),))), "wildcard"),
        ):
            with self.subTest(why):
                refusal = self.assertRaises(ValueError, members_of, zone)
                self.assertIn(why, str(refusal))
