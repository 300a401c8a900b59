"""Tests for packed zones and the lookup in them."""

import mmap
import random
from pathlib import Path
from unittest.mock import patch
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.layout import MOST_PROBES, NodeFlag, ZoneFlag
from dinamed.zones.model import RRset
from dinamed.zones.packed import MatchKind, PackedZone, pack
from tests.zones.strategies import (
    ADDRESS,
    DNAME,
    NS,
    ORIGIN,
    OWNERS,
    QUERIES,
    SOA,
    absolute,
    key,
    make_zone,
)

Contents = dict[str, list[RRset]]


def naive_find(owners: Contents, names: set[str], query: str) -> tuple[MatchKind, str]:
    """The lookup written down from the RFCs, over plain dicts."""
    labels = query.split(".") if query else []
    suffixes = [".".join(labels[start:]) for start in range(len(labels), -1, -1)]
    for suffix in suffixes:
        types = {rrset.type for rrset in owners.get(suffix, [])}
        if suffix and Type.NS in types:
            return MatchKind.CUT, suffix
        if Type.DNAME in types and suffix != query:
            return MatchKind.DNAME, suffix
    existing = {""}
    for owner in (*owners, *names):
        parts = owner.split(".")
        existing.update(".".join(parts[start:]) for start in range(len(parts)))
    if query in existing:
        return MatchKind.EXACT, query
    encloser = max((name for name in suffixes if name in existing), key=len)
    wildcard = f"*.{encloser}" if encloser else "*"
    if wildcard in existing:
        return MatchKind.WILDCARD, wildcard
    return MatchKind.MISSING, encloser


class FindTests(SynchronousTestCase):
    """Lookup agrees with the plain reading of the RFCs."""

    @settings(max_examples=300, deadline=None)
    @given(
        st.dictionaries(
            OWNERS,
            st.sampled_from([[ADDRESS], [ADDRESS], [NS], [DNAME], [NS, ADDRESS]]),
            max_size=8,
        ),
        st.sets(OWNERS, max_size=2),
        st.booleans(),
        st.lists(QUERIES, min_size=1, max_size=20),
    )
    def test_like_naive(
        self,
        owners: Contents,
        names: set[str],
        apex_dname: bool,
        queries: list[str],
    ) -> None:
        """Kind, name and records of any query in any zone are the naive ones."""
        if apex_dname:
            owners = {**owners, "": [DNAME]}
        zone = make_zone(owners, dict.fromkeys(names, "pool"))
        for query in [*queries, *owners, *names]:
            kind, name = naive_find(owners, names, query)
            match = zone.find(absolute(query))
            self.assertEqual((match.kind, match.name), (kind, absolute(name)))
            if name:
                expected = {rrset.type: rrset for rrset in owners.get(name, [])}
                self.assertEqual(dict(match.node.rrsets), expected)
                pool = "pool" if name in names else None
                self.assertEqual(match.node.pool, pool)

    def test_cut_and_glue(self) -> None:
        """A cut hides what is below it; the glue can still be reached by key."""
        zone = make_zone({"sub": [NS], "ns.sub": [ADDRESS], "x.ns.sub": [NS]})
        for query in ("sub", "ns.sub", "x.ns.sub", "a.b.c.d.sub"):
            match = zone.find(absolute(query))
            self.assertEqual((match.kind, match.name), (MatchKind.CUT, absolute("sub")))
        glue = zone.node(key("ns.sub"))
        assert glue is not None
        self.assertEqual(glue.get(Type.A), ADDRESS)
        self.assertTrue(glue.flags & NodeFlag.BELOW_CUT)

    def test_dname_covers_only_below(self) -> None:
        """The owner of a DNAME is found itself (RFC 6672 section 2.3)."""
        zone = make_zone({"d": [DNAME, ADDRESS]})
        self.assertIs(zone.find(absolute("d")).kind, MatchKind.EXACT)
        self.assertIs(zone.find(absolute("x.d")).kind, MatchKind.DNAME)

    def test_rfc4592_examples(self) -> None:
        """The examples of RFC 4592 section 2.2.1."""
        zone = make_zone(
            {
                "*": [ADDRESS],
                "sub.*": [ADDRESS],
                "host1": [ADDRESS],
                "_ssh._tcp.host1": [ADDRESS],
                "subdel": [NS],
            }
        )
        expected = {
            "host3": MatchKind.WILDCARD,
            "foo.bar": MatchKind.WILDCARD,
            "host1": MatchKind.EXACT,
            "sub.*": MatchKind.EXACT,
            "_telnet._tcp.host1": MatchKind.MISSING,
            "host.subdel": MatchKind.CUT,
            "ghost.*": MatchKind.MISSING,
        }
        found = {name: zone.find(absolute(name)).kind for name in expected}
        self.assertEqual(found, expected)

    def test_miss_costs_at_most_depth_probes(self) -> None:
        """A long name is not looked for at each of its labels."""
        zone = make_zone({"a.b": [ADDRESS]})
        probes: list[bytes] = []
        probe = zone._probe

        def counting(key: bytes) -> int:
            probes.append(key)
            return probe(key)

        zone._probe = counting  # type: ignore[method-assign]
        match = zone.find(absolute(".".join("x" * 100)))
        self.assertIs(match.kind, MatchKind.MISSING)
        # The first is the name itself, the last is the apex, which needs no index.
        self.assertEqual(len(probes), 1 + zone.depth + 1)
        self.assertEqual(zone.depth, 2)


class CollisionTests(SynchronousTestCase):
    """Names that were made to lie in one place of the index."""

    def test_refused(self) -> None:
        """A zone of them is not packed: each look-up would go through all of them."""
        keys = []
        for number in range(10_000_000):
            key = b"\x07%07x" % number
            if not crc32(key) & 2047:
                keys.append(key)
                if len(keys) == MOST_PROBES + 5:
                    break
        rrsets = [(b"", SOA), *((key, ADDRESS) for key in keys)]
        self.assertRaises(ValueError, pack, ORIGIN, rrsets, {})
        self.assertEqual(
            PackedZone(pack(ORIGIN, rrsets[:-10], {})).names, len(keys) - 9
        )
        with patch("dinamed.zones.packer.native", None):
            self.assertRaises(ValueError, pack, ORIGIN, rrsets, {})


class PackTests(SynchronousTestCase):
    """What goes in comes out."""

    @settings(max_examples=200, deadline=None)
    @given(
        st.dictionaries(
            st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5).map(
                lambda labels: b"".join(
                    bytes((len(label),)) + label.lower() for label in labels
                )
            ),
            st.dictionaries(
                st.integers(1, 65535).filter(lambda rrtype: rrtype not in (2, 6, 39)),
                st.tuples(
                    st.integers(0, 2**31 - 1),
                    st.lists(st.binary(max_size=300), min_size=1, max_size=4),
                ),
                min_size=1,
                max_size=4,
            ),
            max_size=6,
        ),
        st.dictionaries(st.sampled_from([b"\x01*", b"\x01p"]), st.text(max_size=20)),
    )
    def test_round_trip(
        self,
        owners: dict[bytes, dict[int, tuple[int, list[bytes]]]],
        names: dict[bytes, str],
    ) -> None:
        """All RRsets, pools and counts of any zone are kept."""
        owners[b""] = {Type.SOA: (SOA.ttl, list(SOA.rdatas))}
        expected = {
            owner: {
                rrtype: RRset(rrtype, ttl, tuple(rdatas))
                for rrtype, (ttl, rdatas) in sets.items()
            }
            for owner, sets in owners.items()
        }
        zone = PackedZone(
            pack(
                ORIGIN,
                [(k, rrset) for k, sets in expected.items() for rrset in sets.values()],
                names,
            )
        )
        nodes = dict(zone.nodes())
        self.assertEqual(len(nodes), zone.names)
        found = {owner: dict(node.rrsets) for owner, node in nodes.items()}
        self.assertEqual({o: sets for o, sets in found.items() if sets}, expected)
        self.assertEqual({owner: node.pool for owner, node in zone.bound()}, names)
        for owner in owners:
            node = zone.node(owner)
            assert node is not None
            self.assertEqual(dict(node.rrsets), expected[owner])
        sets = [rrset for found in expected.values() for rrset in found.values()]
        self.assertEqual(zone.rrsets, len(sets))
        self.assertEqual(zone.records, sum(len(rrset.rdatas) for rrset in sets))

    def test_apex(self) -> None:
        """The SOA is at hand, its negative form has the lower TTL (RFC 2308)."""
        zone = make_zone({})
        self.assertEqual(zone.origin, ORIGIN)
        self.assertEqual(zone.serial, 7)
        self.assertEqual(zone.soa, SOA)
        self.assertEqual(zone.negative, SOA._replace(ttl=300))
        self.assertEqual(zone.apex.get(Type.NS), NS)

    def test_negative_is_soa_ttl_when_lower(self) -> None:
        """A SOA TTL below the MINIMUM holds."""
        zone = PackedZone(pack(ORIGIN, [(b"", SOA._replace(ttl=60))], {}))
        self.assertEqual(zone.negative.ttl, 60)

    def test_bound_names_make_empty_non_terminals(self) -> None:
        """A pool at `*.cdn` brings the name `cdn` into being."""
        zone = make_zone({}, {"*.cdn": "mirrors", "ftp": "mirrors"})
        match = zone.find(absolute("cdn"))
        self.assertIs(match.kind, MatchKind.EXACT)
        self.assertEqual(match.node.flags, NodeFlag.EMPTY | NodeFlag.HAS_WILDCARD)
        match = zone.find(absolute("x.y.cdn"))
        self.assertEqual((match.kind, match.node.pool), (MatchKind.WILDCARD, "mirrors"))
        self.assertEqual(zone.flags, ZoneFlag.WILDCARDS)

    def test_root_zone(self) -> None:
        """The root can be a zone as any other."""
        zone = PackedZone(pack(b"\0", [(b"", SOA), (key("org"), NS)], {}))
        self.assertIs(zone.find(from_text("example.org.")).kind, MatchKind.CUT)
        self.assertIs(zone.find(from_text("example.net.")).kind, MatchKind.MISSING)

    def test_reads_from_mapped_file(self) -> None:
        """A mapping of a file serves as well as bytes."""
        path = Path(self.mktemp())
        path.write_bytes(pack(ORIGIN, [(b"", SOA), (key("a"), ADDRESS)], {}))
        with path.open("rb") as stream:
            zone = PackedZone(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        self.assertEqual(zone.find(absolute("a")).node.get(Type.A), ADDRESS)

    def test_many_names(self) -> None:
        """A few thousand names are all found, their neighbours are not."""
        chance = random.Random(5)
        numbers = chance.sample(range(100_000), 3000)
        zone = make_zone({f"h{number}": [ADDRESS] for number in numbers})
        present = set(numbers)
        for number in [*numbers, *range(2000)]:
            kind = MatchKind.EXACT if number in present else MatchKind.MISSING
            self.assertIs(zone.find(absolute(f"h{number}")).kind, kind)

    def test_refuses(self) -> None:
        """No SOA, a doubled RRset, and foreign bytes are refused."""
        self.assertRaises(ValueError, pack, ORIGIN, [], {})
        self.assertRaises(ValueError, pack, ORIGIN, [(b"", NS)], {})
        self.assertRaises(ValueError, pack, ORIGIN, [(b"", SOA), (b"", SOA)], {})
        whole = pack(ORIGIN, [(b"", SOA)], {})
        for bad in (b"", b"x" * 100, whole[:-1], whole + b"x"):
            self.assertRaises(ValueError, PackedZone, bad)
