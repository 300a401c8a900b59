"""Tests for the order of the names of a zone."""

import dns.name
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.names import from_text
from dinamed.zones.canonical import canonical_key
from dinamed.zones.model import RRset
from dinamed.zones.order import NameOrder
from dinamed.zones.packed import PackedZone, pack
from dinamed.zones.patch import Children, patched

SOA = RRset(6, 300, (b"\0\0" + bytes(20),))
DATA = RRset(1, 300, (b"\xc0\0\2\1", b"\xc0\0\2\2"))
TEXT = RRset(16, 300, (b"\1x",))
_label = st.binary(min_size=1, max_size=4).map(lambda one: one.lower())
_key = st.lists(_label, min_size=1, max_size=4).map(
    lambda labels: b"".join(bytes((len(one),)) + one for one in labels)
)


def zone_of(keys: set[bytes]) -> PackedZone:
    """A zone with these names."""
    rrsets = [(b"", SOA), *((key, DATA) for key in keys)]
    return PackedZone(pack(from_text("example.org."), rrsets, {}))


class NameOrderTests(SynchronousTestCase):
    """In C, in Python, and as dnspython has it."""

    @settings(max_examples=150, deadline=None)
    @given(st.sets(_key, max_size=12), st.sets(_key, max_size=4), _key)
    def test_same(self, keys: set[bytes], further: set[bytes], asked: bytes) -> None:
        """All three agree on the order, and on what comes before a name."""
        zone = zone_of(keys)
        more = further - keys
        order, pure = NameOrder(zone, more), NameOrder(zone, more, pure=True)
        self.assertEqual(order.keys, pure.keys)
        self.assertEqual(order.starts, pure.starts)
        found = [order.key(at) for at in range(len(order))]
        self.assertEqual(found, [pure.key(at) for at in range(len(pure))])
        names = sorted({b"", *keys, *more}, key=_name)
        self.assertEqual(found, names)
        before = [at for at, key in enumerate(names) if _name(key) <= _name(asked)]
        self.assertEqual(order.position(asked), before[-1])

    def test_patched(self) -> None:
        """Names that were changed in a packed zone stand elsewhere, or are gone."""
        keys = {b"\1a", b"\1b", b"\1c", b"\1d"}
        zone = zone_of(keys)
        changes = {b"": [SOA], b"\1b": [], b"\1e": [DATA], b"\1a": [DATA, TEXT]}
        after = patched(zone, changes, Children(zone))
        assert after is not None
        for one in (after, PackedZone(after.buffer)):
            order = NameOrder(one, [b"\1f"])
            found = [order.key(at) for at in range(len(order))]
            self.assertEqual(found, [b"", b"\1a", b"\1c", b"\1d", b"\1e", b"\1f"])

    @settings(max_examples=50, deadline=None)
    @given(
        st.sets(_key, min_size=20, max_size=30),
        st.lists(st.dictionaries(_key, st.booleans(), max_size=4), max_size=4),
        st.data(),
    )
    def test_patched_often(
        self, keys: set[bytes], steps: list[dict[bytes, bool]], data: st.DataObject
    ) -> None:
        """After any changes the orders are those of a zone that was packed anew."""
        zone = zone_of(keys)
        children, now = Children(zone), set(keys)
        for step in steps:
            gone = data.draw(st.sets(st.sampled_from(sorted(now)), max_size=3))
            wanted = {**dict.fromkeys(gone, False), **step}
            changes = {key: [DATA] if there else [] for key, there in wanted.items()}
            after = patched(zone, {b"": [SOA], **changes}, children)
            if after is None:
                return
            now = (now | wanted.keys()) - {
                k for k, there in wanted.items() if not there
            }
            zone = after
            order, pure = NameOrder(zone, ()), NameOrder(zone, (), pure=True)
            anew = NameOrder(zone_of(now), ())
            for one in (order, pure):
                self.assertEqual((one.keys, one.starts), (anew.keys, anew.starts))
            self.assertEqual(order.places, pure.places)
            names = [order.key(at) for at in range(len(order))]
            self.assertEqual(names, sorted({b"", *now}, key=_name))
            if not now:
                return

    def test_kept(self) -> None:
        """The order that one zone was asked for is at hand for the next one too."""
        zone, other = zone_of({b"\1a"}), zone_of({b"\1a", b"\1b"})
        NameOrder(zone, [b"\1f"])
        other.order_like(zone)
        form = (canonical_key(b"\1f"),)
        made = other.in_order(form)
        self.assertIs(other.in_order(form), made)
        self.assertEqual(len(made.places), 4 * 4)
        self.assertEqual(len(other.in_order(()).places), 3 * 4)


def _name(key: bytes) -> dns.name.Name:
    return dns.name.from_wire(key + b"\0", 0)[0]
