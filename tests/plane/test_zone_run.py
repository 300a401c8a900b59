"""Zones without an object each in the plane: what it says of names that are missing."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone, pack
from tests.plane.support import Pair

CLIENT = bytes((198, 51, 100, 9))
_NAMES = (
    *("ns1.example.org.", "a.b.Example.ORG.", "example.org.", "org.", ".", "b.net."),
    *("ns.sub.example.org.", "sub.example.org.", "a.b.example.org.", "x.example.net."),
    *("xexample.org.", "mgmt.example.org.", "*.example.org.", "B.NET.", "a.b.net."),
)


def zone(origin: str, mname: str, rname: str, minimum: int = 300) -> PackedZone:
    """A zone with this SOA, an address at its apex, and one at `www`."""
    soa = from_text(mname) + from_text(rname) + bytes(16) + minimum.to_bytes(4)
    address = RRset(int(Type.A), 60, (b"\xc0\x00\x02\x01",))
    rrsets = [
        (b"", RRset(int(Type.SOA), 3600, (soa,))),
        (b"", address),
        (b"\3www", address),
    ]
    return PackedZone(pack(from_text(origin), rrsets, {}))


def query(name: str, rrtype: int = Type.A) -> bytes:
    """A question without EDNS."""
    head = bytes(5) + b"\1" + bytes(6)
    return head + from_text(name) + rrtype.to_bytes(2) + b"\0\1"


class ZoneRunTests(SynchronousTestCase):
    """Made in C, the same as Python makes."""

    @settings(max_examples=25, deadline=None)
    @given(
        st.sampled_from(("example.org.", "org.", "sub.example.org.")),
        st.sampled_from(_NAMES),
        st.sampled_from(_NAMES),
        st.sampled_from((0, 300, 2**31 - 1)),
    )
    def test_negatives(self, origin: str, mname: str, rname: str, minimum: int) -> None:
        """NXDOMAIN and NODATA have the engine's octets, however names are shared."""
        pair = Pair(served=([zone(origin, mname, rname, minimum)], []))
        tables = pair.tables()
        self.assertEqual((tables.run and tables.run.count, len(tables.zones)), (1, 0))
        for left in ("", "www.", "nix.", "NS1.", "a.b.", "sub.", "x.ns.", "a.mgmt."):
            for rrtype in (Type.A, Type.MX, Type.TXT):
                data = query(left + origin, rrtype)
                told = pair.ask_plane(data, CLIENT)
                if told is not None:
                    self.assertEqual(told, pair.ask_engine(data, CLIENT), left)

    def test_left(self) -> None:
        """The root, pools and signatures stand apart."""
        pair = Pair()
        tables = pair.tables()
        self.assertEqual(tables.run and tables.run.left, [0, 1])
        self.assertEqual(len(tables.zones), 2)
        pair = Pair(served=([zone(".", ".", "."), zone("a.", "a.", "b.")], []))
        tables = pair.tables()
        self.assertEqual(tables.run and tables.run.left, [0])

    def test_counts(self) -> None:
        """Replies are counted by zone, type and rcode, and taken once."""
        served = [zone("a.example.", ".", "."), zone("b.example.", ".", ".")]
        pair = Pair(served=(served, []))
        for name in (
            "www.a.example.",
            "www.a.example.",
            "nix.b.example.",
            "c.example.",
        ):
            pair.ask_plane(query(name), CLIENT)
        assert pair.plane.tables is not None
        self.assertCountEqual(
            pair.plane.tables.take_replies(),
            [
                (from_text("a.example."), 1, 0, False, 2),
                (from_text("b.example."), 1, 3, False, 1),
                (None, 1, 5, False, 1),
            ],
        )
        self.assertEqual(pair.plane.tables.take_replies(), [])
