"""Tests of which label stands for a name, for a client."""

import ipaddress
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE, Place
from dinamed.plans.target_search import draw
from dinamed.plans.targets import TargetTable
from dinamed.pools.context import Client
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone, pack
from dinamed.zones.targeting import KINDS, Sample, Targeting

ORIGIN = from_text("example.org.")
SOA = RRset(Type.SOA, 60, (b"\0\0" + bytes(20),))
A = RRset(Type.A, 60, (bytes((192, 0, 2, 1)),))
CALIFORNIA = Place("US", "north-america", "us-ca", None, None, 64500)

# Few networks close to each other, so that they meet.
HOSTS = st.integers(0, 1023).map(lambda low: 0xC0000000 | low)
NETWORKS = st.builds(
    lambda host, wide: ((host >> 8 << 8), 24) if wide else (host | 1, 32),
    HOSTS,
    st.booleans(),
)


def key(*parts: str) -> bytes:
    """A relative key."""
    return b"".join(bytes((len(part),)) + part.encode() for part in parts)


def zone(*keys: bytes) -> PackedZone:
    """A zone with an address at each of these."""
    return PackedZone(pack(ORIGIN, [(b"", SOA), *((one, A) for one in keys)], {}))


def networked(networks: set[tuple[int, int]]) -> TargetTable:
    """A table with targets for these networks."""
    named = {
        f"{ipaddress.ip_address(start)}/{length}": key(f"n{start}-{length}")
        for start, length in networks
    }
    return TargetTable(zone(), Targeting(ORIGIN, ("ip", "@"), networks=named))


def never(pool: str, rrtype: int) -> bool:
    """No pool has anything."""
    return False


class TargetsTests(SynchronousTestCase):
    """The targets of clients."""

    def test_order(self) -> None:
        """From the narrowest to the widest, in the order of the kinds."""
        table = TargetTable(zone(), Targeting(ORIGIN, KINDS))
        client = Client.at(bytes((198, 51, 100, 1)))
        words = ("as64500", "us-ca", "us-west", "us", "north-america")
        self.assertEqual(
            table.targets(client, CALIFORNIA), ((*map(key, words), b""), 0)
        )
        self.assertEqual(table.targets(client, NOWHERE), ((b"",), 0))

    def test_everybody(self) -> None:
        """A word that is no kind is a target of everybody."""
        table = TargetTable(zone(), Targeting(ORIGIN, ("country", "north-america")))
        client = Client.at(bytes(4))
        self.assertEqual(table.targets(client, NOWHERE)[0], (key("north-america"),))

    def test_unknown_bits(self) -> None:
        """A client of whom fewer bits are known than a target has is not in it."""
        table = networked({(0xC0000000, 24)})
        packed = bytes((192, 0, 0, 0))
        self.assertEqual(table.targets(Client(packed, 20, True), NOWHERE), ((b"",), 20))
        found, scope = table.targets(Client(packed, 24, True), NOWHERE)
        self.assertEqual((found[-1], len(found), scope), (b"", 2, 24))

    @settings(deadline=None)
    @given(st.sets(NETWORKS, max_size=6), HOSTS, HOSTS)
    def test_scope(
        self, networks: set[tuple[int, int]], first: int, second: int
    ) -> None:
        """All clients within an announced scope have the same targets."""
        table = networked(networks)
        client = Client(first.to_bytes(4), 32, True)
        found, scope = table.targets(client, NOWHERE)
        other = first >> (32 - scope) << (32 - scope) | second & ((1 << 32 - scope) - 1)
        again, _ = table.targets(Client(other.to_bytes(4), 32, True), NOWHERE)
        self.assertEqual(again, found)


class SearchTests(SynchronousTestCase):
    """Labels in order."""

    def test_first_that_has_anything(self) -> None:
        """A target without the type is passed over."""
        www = key("www")
        table = TargetTable(
            zone(www, www + key("de")), Targeting(ORIGIN, KINDS, frozenset({www}))
        )
        targets = (key("se"), key("de"), b"")
        leaf = table.search(www, Type.A, targets, never)
        assert leaf is not None
        self.assertEqual(leaf.key, www + key("de"))
        self.assertIsNone(table.search(www, Type.AAAA, targets, never))

    def test_loops(self) -> None:
        """Aliases may lead in loops, and do not take longer the more there are."""
        labels = [key(f"l{number}") for number in range(60)]
        aliases = {}
        for at, label in enumerate(labels):
            aliases[label] = labels[(at + 1) % 60]
            aliases[label + key("de")] = labels[(at + 2) % 60]
        table = TargetTable(zone(), Targeting(ORIGIN, KINDS, aliases=aliases))
        leaf = table.search(labels[0], Type.A, (key("de"), b""), never)
        self.assertIsNone(leaf)

    def test_tailored(self) -> None:
        """A label depends on the client if it, or what it stands for, has targets."""
        a, b, c, d = map(key, "abcd")
        table = TargetTable(
            zone(),
            Targeting(ORIGIN, KINDS, frozenset({c}), aliases={a: b, b: c, d: d}),
        )
        self.assertEqual(
            [table.tailored(one) for one in (a, b, c, d)], [True, True, True, False]
        )

    def test_for_everybody(self) -> None:
        """SOA and NS are not targeted."""
        table = TargetTable(zone(), Targeting(ORIGIN, KINDS, frozenset({b""})))
        self.assertEqual(
            [table.speaks_of(b"", kind) for kind in (Type.A, Type.NS, Type.SOA)],
            [True, False, False],
        )


class DrawTests(SynchronousTestCase):
    """Drawing records."""

    def test_shares(self) -> None:
        """Records come by their weights, each once."""
        rrset = RRset(Type.TXT, 60, (b"\1a", b"\1b", b"\1c"))
        rng = Random(3)
        first = [
            draw(rrset, Sample((1.0, 2.0, 1.0), 1), rng).rdatas[0] for _ in range(4000)
        ]
        # 2000 are expected, with a standard deviation of 32.
        self.assertTrue(1870 < first.count(b"\1b") < 2130)
        both = draw(rrset, Sample((1.0, 2.0, 1.0), 2), rng).rdatas
        self.assertEqual(len(set(both)), 2)
