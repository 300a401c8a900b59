"""Zones that are changed without being packed anew."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.transfers.rebuild import rebuilt
from dinamed.wire.constants import Type
from dinamed.zones import patch as patching
from dinamed.zones.layout import HEADER
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.patch import Children, patched
from tests.zones.strategies import (
    ADDRESS,
    DNAME,
    LABELS,
    NS,
    ORIGIN,
    SOA,
    absolute,
    key,
    make_zone,
)

TEXT = RRset(Type.TXT, 60, (b"\x05hello",))
OWNERS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
CONTENTS = st.sampled_from([[], [ADDRESS], [TEXT], [ADDRESS, TEXT]])
CHANGES = st.dictionaries(OWNERS, CONTENTS, max_size=4)


def soa(serial: int) -> RRset:
    """The SOA with another serial."""
    rdata = SOA.rdatas[0]
    new = rdata[:-20] + serial.to_bytes(4, "big") + rdata[-16:]
    return SOA._replace(rdatas=(new,))


def content(zone: PackedZone) -> dict[bytes, tuple[object, ...]]:
    """All names with what they hold."""
    return {
        name: (node.flags, node.pool, dict(node.rrsets)) for name, node in zone.nodes()
    }


class PatchTests(SynchronousTestCase):
    """Beside zones that are built anew from the same changes."""

    def same(self, one: PackedZone, other: PackedZone) -> None:
        """Both hold the same, and find the same."""
        self.assertEqual(content(one), content(other))
        for what in ("names", "rrsets", "records", "serial", "pools", "negative"):
            self.assertEqual(getattr(one, what), getattr(other, what), what)
        self.assertGreaterEqual(one.depth, other.depth)
        self.assertEqual(
            {name: node.pool for name, node in one.bound()},
            {name: node.pool for name, node in other.bound()},
        )
        self.assertEqual(next(one.nodes())[0], b"")
        for owner in ("a", "b.a", "*.a", "c.b.a", "ab", "ab.ab.ab", "a.*", "b.*.c"):
            mine, theirs = one.find(absolute(owner)), other.find(absolute(owner))
            self.assertEqual(mine[:2], theirs[:2])
            self.assertEqual(dict(mine.node.rrsets), dict(theirs.node.rrsets))

    @given(
        st.dictionaries(OWNERS, CONTENTS, max_size=8),
        st.dictionaries(OWNERS, st.sampled_from(["p", "q"]), max_size=3),
        st.sampled_from([None, ("ab", NS), ("c.a", NS), ("b", DNAME)]),
        st.lists(CHANGES, min_size=1, max_size=5),
    )
    def test_as_rebuilt(
        self,
        owners: dict[str, list[RRset]],
        pools: dict[str, str],
        above: tuple[str, RRset] | None,
        steps: list[dict[str, list[RRset]]],
    ) -> None:
        """Step by step, with delegations, wildcards, pools and empty names."""
        if above is not None:
            owners = {**owners, above[0]: [above[1]]}
        self.patch(patching, "MOST_DEAD", 100)
        filling = {f"z{number}": [ADDRESS] for number in range(30)}
        zone = make_zone({**filling, **owners}, pools)
        children = Children(zone)
        for serial, step in enumerate(steps, 8):
            changes = {key(owner): list(sets) for owner, sets in step.items()}
            changes[b""] = [soa(serial), NS]
            expected = rebuilt(zone, changes)
            found = patched(zone, changes, children)
            if found is None:
                room = HEADER.unpack_from(zone.buffer)[11] * 2 - zone.names * 3
                self.assertTrue(above or room < 3 * 16, (zone.names, room))
                found, children = expected, Children(expected)
            self.same(found, expected)
            self.assertEqual(
                {name: children.of(name) for name, _ in found.nodes()},
                {name: Children(found).of(name) for name, _ in found.nodes()},
            )
            zone = found

    def test_apex(self) -> None:
        """The apex may grow; what reaches beyond the names themselves is refused."""
        zone = make_zone({"a": [ADDRESS], "b": [TEXT], "c": [TEXT]})
        grown = patched(zone, {b"": [soa(9), NS, ADDRESS]}, Children(zone))
        assert grown is not None
        self.assertEqual(grown.serial, 9)
        self.assertEqual(grown.apex.rrsets[Type.A], ADDRESS)
        self.assertEqual(next(name for name, _ in grown.nodes()), b"")
        self.assertEqual(PackedZone(grown.buffer).records, zone.records + 1)
        for changes in (
            {b"": [NS]},
            {key("a"): [DNAME]},
            {key("a"): [NS]},
            {key("a"): [RRset(Type.RRSIG, 1, (bytes(20),))]},
        ):
            self.assertIs(patched(zone, changes, Children(zone)), None)

    def test_time_to_rebuild(self) -> None:
        """What is dead does not pile up, nor does the index fill."""
        zone = make_zone({f"n{number}": [ADDRESS] for number in range(40)})
        children = Children(zone)
        for serial in range(8, 1000):
            found = patched(zone, {b"": [soa(serial), NS], key("n1"): [TEXT]}, children)
            if found is None:
                break
            zone = found
        else:
            self.fail("it was never time to rebuild")
        self.assertGreater(zone.dead, 100)
        full = make_zone({f"n{number}": [ADDRESS] for number in range(40)})
        slots = HEADER.unpack_from(full.buffer)[11]
        more = {key(f"m{number}"): [ADDRESS] for number in range(slots)}
        self.assertIs(patched(full, more, Children(full)), None)

    def test_old_zone_stays(self) -> None:
        """The zone that was patched is as it was."""
        zone = make_zone({"b.a": [ADDRESS]}, {"p": "pool"})
        before = bytes(zone.buffer)
        patched(zone, {key("b.a"): [], key("x.y"): [TEXT]}, Children(zone))
        self.assertEqual(bytes(zone.buffer), before)
        self.assertEqual(zone.origin, ORIGIN)
