"""Tests of `dinamed.pools.stages.hashed`."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Candidates
from dinamed.pools.stages.hashed import (
    Hashed,
    client_key,
    fnv1a,
    hash_stage,
    mix,
    uniform,
)
from tests.pools.support import candidates, chi_square, context, facts

WEIGHTS = [10.0, 10, 10, 10, 4, 4, 1, 1]


def networks(count: int) -> Iterator[Client]:
    """Clients in networks next to each other."""
    for number in range(count):
        yield Client.at(bytes((10, number >> 8, number & 255, 7)))


def winners(members: Candidates, clients: Iterator[Client]) -> list[str]:
    """Who is picked for each client."""
    prepared = Hashed().prepare(members, facts(members))
    return [prepared.draw(context(client=client), 1)[0].name for client in clients]


class FunctionTests(SynchronousTestCase):
    """The hash is the one that is written down."""

    def test_fnv1a(self) -> None:
        """FNV-1a as published."""
        self.assertEqual(fnv1a(b""), 0xCBF29CE484222325)
        self.assertEqual(fnv1a(b"a"), 0xAF63DC4C8601EC8C)
        self.assertEqual(fnv1a(b"foobar"), 0x85944171F73967E8)

    def test_splitmix64(self) -> None:
        """Splitmix64 as published: the first number from seed 0."""
        self.assertEqual(mix(0), 0xE220A8397B1DCDAF)

    @given(st.integers(0, 2**64 - 1))
    def test_uniform(self, x: int) -> None:
        """Never 0, never 1."""
        self.assertGreater(uniform(x), 0.0)
        self.assertLess(uniform(x), 1.0)

    def test_client_key(self) -> None:
        """Bits past the prefix don't count, the others do."""
        one = Client.at(bytes((10, 1, 2, 3)))
        two = Client.at(bytes((10, 1, 7, 9)))
        self.assertEqual(client_key(one, 16), client_key(two, 16))
        self.assertEqual(client_key(one, 21), client_key(two, 21))
        self.assertNotEqual(client_key(one, 22), client_key(two, 22))
        self.assertEqual(client_key(one, 0), fnv1a(b""))


class HashedTests(SynchronousTestCase):
    """The same member for the same client, in shares by weight."""

    def test_shares(self) -> None:
        """Networks next to each other spread by weight (chi-square at 0.1 %)."""
        members = candidates(WEIGHTS)
        seen = Counter(winners(members, networks(20_000)))
        total = sum(WEIGHTS)
        expected = {m.name: m.weight / total for m in members}
        self.assertLess(chi_square(seen, expected), 24.322)

    def test_shares_v6(self) -> None:
        """So do those of IPv6."""
        members = candidates(WEIGHTS)
        clients = (
            Client.at(bytes.fromhex("20010db8") + i.to_bytes(3, "big") + bytes(9))
            for i in range(20_000)
        )
        seen = Counter(winners(members, clients))
        expected = {m.name: m.weight / sum(WEIGHTS) for m in members}
        self.assertLess(chi_square(seen, expected), 24.322)

    def test_second_place(self) -> None:
        """The second of two is, by weight, among those left (0.1 %)."""
        members = candidates([3, 2, 1])
        prepared = Hashed().prepare(members, facts(members))
        seen = Counter(
            tuple(m.name for m in prepared.draw(context(client=client), 2))
            for client in networks(20_000)
        )
        total = 6
        expected: dict[tuple[str, ...], float] = {
            (one.name, two.name): one.weight / total * two.weight / (total - one.weight)
            for one in members
            for two in members
            if one is not two
        }
        self.assertLess(chi_square(seen, expected), 20.515)

    def test_the_first_of_several_is_the_one(self) -> None:
        """Asked for more, the first is who would have come alone."""
        members = candidates(WEIGHTS)
        prepared = Hashed().prepare(members, facts(members))
        for client in networks(100):
            asked = context(client=client)
            several = prepared.draw(asked, 3)
            self.assertEqual(len(set(several)), 3)
            self.assertEqual(several[:1], prepared.draw(asked, 1))

    @given(
        st.lists(st.integers(1, 20), min_size=2, max_size=8),
        st.integers(0, 7),
        st.integers(1, 20),
    )
    def test_least_disruption(
        self, weights: list[float], which: int, weight: float
    ) -> None:
        """A change of one weight moves clients to or from that member alone."""
        which %= len(weights)
        before = candidates(weights)
        after = list(before)
        after[which] = replace(before[which], weight=weight)
        name = before[which].name
        for old, new in zip(
            winners(before, networks(100)),
            winners(tuple(after), networks(100)),
            strict=True,
        ):
            if old != new:
                self.assertEqual(new if weight > weights[which] else old, name)

    def test_least_disruption_on_removal(self) -> None:
        """Without a member only its own clients move."""
        members = candidates(WEIGHTS)
        for old, new in zip(
            winners(members, networks(2000)),
            winners(members[1:], networks(2000)),
            strict=True,
        ):
            self.assertTrue(old in (new, members[0].name))

    def test_chance_and_time_do_not_matter(self) -> None:
        """A client gets the same from another server, at another time."""
        members = candidates(WEIGHTS)
        picks = set()
        for seed in range(5):
            prepared = Hashed().prepare(members, facts(members))
            asked = context(Random(seed), family=6)
            asked.now = seed * 1000.0
            picks.add(prepared.draw(asked, 1))
        self.assertEqual(len(picks), 1)

    def test_scope(self) -> None:
        """The choice tells the prefix it went by, never more than was known."""
        members = candidates([1, 1])
        prepared = Hashed().prepare(members, facts(members))
        for client, scope in (
            (Client(bytes(4), 32), 24),
            (Client(bytes(4), 24, True), 24),
            (Client(bytes(4), 20, True), 20),
            (Client(bytes(4), 0, True), 0),
            (Client(bytes(16), 128), 56),
            (Client(bytes(16), 48, True), 48),
        ):
            for count in (1, 2):
                asked = context(client=client)
                prepared.draw(asked, count)
                self.assertEqual(asked.scope, scope)

    def test_neighbours_in_a_network(self) -> None:
        """The whole /24 goes to one member."""
        members = candidates(WEIGHTS)
        clients = (Client.at(bytes((10, 0, 0, i))) for i in range(256))
        self.assertEqual(len(set(winners(members, clients))), 1)

    def test_odds(self) -> None:
        """The odds say who it is, and leave the scope alone."""
        members = candidates(WEIGHTS)
        prepared = Hashed().prepare(members, facts(members))
        asked = context()
        odds = prepared.odds(asked)
        self.assertEqual(asked.scope, 0)
        (winner,) = prepared.draw(asked, 1)
        self.assertEqual(odds.index(1.0), winner.index)
        self.assertEqual(sum(odds), 1.0)

    def test_by_name(self) -> None:
        """With "name" each question's name has its member, whoever asks."""
        members = candidates([1, 1, 2])
        prepared = hash_stage("name").prepare(members, facts(members))
        shares = {member.name: 0 for member in members}
        for number in range(400):
            name = b"\3n%02d\7example\0" % number
            winners = set()
            for last in (1, 77):
                client = Client.at(bytes((192, 0, last, 1)))
                asked = DrawContext(client, 4, 0.0, Random(number), name=name)
                (winner,) = prepared.draw(asked, 1)
                winners.add(winner.name)
                self.assertEqual(asked.scope, 0)
                self.assertEqual(prepared.odds(asked)[winner.index], 1.0)
            self.assertEqual(len(winners), 1)
            shares[winners.pop()] += 1
        self.assertGreater(min(shares.values()), 60)
        self.assertGreater(shares["c"], 150)

    def test_argument(self) -> None:
        """It takes none but "name"."""
        self.assertRaises(ValueError, hash_stage, "client")
        with self.assertRaisesRegex(ValueError, "hash takes no argument"):
            Hashed([])
