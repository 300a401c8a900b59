"""`trickle` in the plane: the same shares as in the engine, wherever it stands."""

from collections import Counter
from math import sqrt

import dns.message
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings, Ttl
from tests.plane.support import Pair
from tests.plans.support import make_zone
from tests.pools.support import loaded

CLIENT = bytes((192, 0, 2, 77))
QUESTION = dns.message.make_query("p.example.org.", "A").to_wire()
TEXT = dns.message.make_query("p.example.org.", "TXT").to_wire()
DRAWS = 3000


def pair(select: list[str | StageSettings], ranks: tuple[int, ...]) -> Pair:
    """Both engines with one pool, whose members m0, m1, ... have these ranks."""
    members = tuple(
        MemberSettings(
            name=f"m{n}",
            addresses=(f"192.0.2.{n}",),
            weight=n + 1.0,
            priority=rank,
            country="DE" if n % 3 else "US",
        )
        for n, rank in enumerate(ranks)
    )
    stages = tuple(
        StageSettings(one) if isinstance(one, str) else one for one in select
    )
    pool = PoolSettings(name="p", members=members, select=stages, ttl=Ttl(60, 60))
    zone = make_zone("example.org.", "www A 192.0.2.80\n", {"p": "p"})
    return Pair(served=([zone], [pool]))


def by_rank(ranks: tuple[int, ...], addresses: Counter[str]) -> Counter[int]:
    """How often each rank was drawn."""
    found: Counter[int] = Counter()
    for address, number in addresses.items():
        found[ranks[int(address.rpartition(".")[2])]] += number
    return found


def addresses(replies: list[bytes]) -> Counter[str]:
    """How often each address is in the replies."""
    return Counter(str(dns.message.from_wire(one).answer[0][0]) for one in replies)


class TrickleTests(SynchronousTestCase):
    """The lot between two ranks."""

    def compare(
        self, select: list[str | StageSettings], ranks: tuple[int, ...], share: float
    ) -> None:
        """Draw by both, and look at the share of the next rank and at every member."""
        both = pair(select, ranks)
        for n in range(len(ranks)):
            both.bench.manager.report("p", f"m{n}", loaded(0.1 * n), now=both.bench.now)
        native, python = [], []
        for _ in range(DRAWS):
            reply = both.ask_plane(QUESTION, CLIENT)
            self.assertIsNotNone(reply, select)
            native.append(reply or b"")
            both.take_counts()
            python.append(both.ask_engine(QUESTION, CLIENT))
        told = addresses(native), addresses(python)
        self.assertEqual(both.native, DRAWS)
        for found in told:
            next_rank = by_rank(ranks, found)[sorted(set(ranks))[1]]
            off = 5 * sqrt(DRAWS * share * (1 - share))
            self.assertLess(abs(next_rank - DRAWS * share), off, (select, found))
        self.assertEqual(told[0].keys(), told[1].keys())

    def test_shares(self) -> None:
        """Before and behind stages that go by the client, and with every picker."""
        trickle = StageSettings("trickle", 0.2)
        ranks = (1, 1, 2, 2, 2, 3)
        chains: tuple[list[str | StageSettings], ...] = (
            [trickle, "weighted"],
            [trickle, "round-robin"],
            ["country", trickle, "weighted"],
            [trickle, "country", "weighted"],
            [trickle, "least"],
            ["network", trickle, "least"],
            [trickle, StageSettings("shed", (5.0, 6.0)), "weighted"],
        )
        for select in chains:
            self.compare(select, ranks, 0.2)

    def test_counts(self) -> None:
        """Hand-outs of both ranks are counted; a look at TXT is none."""
        both = pair([StageSettings("trickle", 0.5), "weighted"], (1, 2))
        for _ in range(200):
            both.ask_plane(QUESTION, CLIENT)
            self.assertIsNotNone(both.ask_plane(TEXT, CLIENT))
        counts = {member: n for _, member, n in both.plane.take_counts()}
        self.assertEqual(sum(counts.values()), 200)
        self.assertEqual(set(counts), {"m0", "m1"})

    def test_one_rank(self) -> None:
        """With nobody behind the first rank the lot changes nothing."""
        both = pair([StageSettings("trickle", 0.9), "hash"], (1, 1, 1))
        for _ in range(20):
            reply = both.ask_plane(QUESTION, CLIENT)
            self.assertEqual(reply, both.ask_engine(QUESTION, CLIENT))

    @settings(max_examples=20, deadline=None)
    @given(
        st.lists(st.integers(1, 4), min_size=1, max_size=6),
        st.sampled_from([["country"], ["priority"], ["nearest"], []]),
        st.sampled_from(["hash", "weighted", "all", "best", "spill", "predictive"]),
    )
    def test_any(self, ranks: list[int], before: list[str], picker: str) -> None:
        """Whatever stands around it, only the first two ranks come."""
        both = pair([*before, StageSettings("trickle", 0.5), picker], tuple(ranks))
        expected = addresses([both.ask_engine(QUESTION, CLIENT) for _ in range(40)])
        replies = [both.ask_plane(QUESTION, CLIENT) for _ in range(40)]
        found = addresses([one for one in replies if one])
        most = set(sorted(set(ranks))[:2])
        if before != ["country"]:  # which may leave out a rank
            self.assertLessEqual(set(by_rank(tuple(ranks), found)), most)
        self.assertTrue(expected)
