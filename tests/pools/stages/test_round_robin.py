"""Tests of `dinamed.pools.stages.round_robin`."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.stages.protocol import PoolFacts, Prepared
from dinamed.pools.stages.round_robin import RoundRobin
from tests.pools.support import candidates, context, facts

WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def turns(prepared: Prepared, draws: int, rng: Random, count: int = 1) -> list[str]:
    """The names that come up, one after another."""
    asked = context(rng)
    return [member.name for _ in range(draws) for member in prepared.draw(asked, count)]


class RoundRobinTests(SynchronousTestCase):
    """Exact shares, evenly spread."""

    def prepare(self, weights: list[float]) -> tuple[Prepared, PoolFacts]:
        """The stage made ready for members of these weights."""
        members = candidates(weights)
        known = facts(members)
        return RoundRobin().prepare(members, known), known

    @profile(max_examples=50, deadline=None)
    @given(WEIGHTS, st.integers())
    def test_exact_shares(self, weights: list[float], seed: int) -> None:
        """In any run of as many draws as the weights' sum each has its weight."""
        prepared, _ = self.prepare(weights)
        total = int(sum(weights))
        names = turns(prepared, 3 * total, Random(seed))
        want = {chr(97 + i): weight for i, weight in enumerate(weights)}
        for start in range(2 * total):
            self.assertEqual(Counter(names[start : start + total]), want)

    def test_fractions(self) -> None:
        """Weights need not be whole."""
        prepared, _ = self.prepare([0.5, 1.25, 0.25])
        names = turns(prepared, 800, Random(1))
        self.assertEqual(Counter(names), {"a": 200, "b": 500, "c": 100})

    def test_smooth(self) -> None:
        """A heavy member's turns are spread, not bunched."""
        prepared, _ = self.prepare([5, 1, 1])
        names = turns(prepared, 70, Random(2))
        longest = max(len(run) for run in "".join(names).replace("c", "b").split("b"))
        self.assertLessEqual(longest, 4)

    def test_servers_do_not_march_in_step(self) -> None:
        """The start is by chance."""
        starts = {
            turns(self.prepare([1] * 8)[0], 1, Random(seed))[0] for seed in range(40)
        }
        self.assertGreater(len(starts), 4)

    def test_a_look_advances_nothing(self) -> None:
        """Without counting the same member comes again, and is the next one."""
        prepared, _ = self.prepare([3, 2, 1])
        rng = Random(4)
        for _ in range(12):
            looks = {prepared.draw(context(rng, count=False), 1) for _ in range(3)}
            self.assertEqual(looks, {prepared.draw(context(rng), 1)})

    def test_turns_outlast_a_snapshot(self) -> None:
        """Made ready anew with the same accounting it goes on where it was."""
        weights: list[float] = [4, 2, 1]
        prepared, _ = self.prepare(weights)
        straight = turns(prepared, 21, Random(5))
        prepared, known = self.prepare(weights)
        broken: list[str] = []
        rng = Random(5)
        for _ in range(21):
            anew = RoundRobin().prepare(candidates(weights), known)
            broken += turns(anew, 1, rng)
        self.assertEqual(broken, straight)

    def test_smooth_when_candidates_change(self) -> None:
        """A member that is away for long neither owes nor is owed afterwards."""
        members = candidates([2, 1, 1])
        known = facts(members)
        rng = Random(6)
        every = RoundRobin().prepare(members, known)
        fewer = RoundRobin().prepare(members[:2], known)
        turns(every, 10, rng)
        turns(fewer, 1000, rng)
        names = turns(every, 40, rng)
        for name, share in (("a", 20), ("b", 10), ("c", 10)):
            self.assertLessEqual(abs(names.count(name) - share), 2)

    def test_newcomer(self) -> None:
        """One who joins late gets its share from then on, and no more."""
        members = candidates([1, 1, 1])
        known = facts(members)
        known.accounting.credits.update(a=100.0, b=100.5)
        names = turns(RoundRobin().prepare(members, known), 30, Random(7))
        self.assertEqual(Counter(names), {"a": 10, "b": 10, "c": 10})

    def test_credits_stay_bounded(self) -> None:
        """However the candidates vary, no credit runs away."""
        members = candidates([5, 4, 3, 2, 1])
        known = facts(members)
        rng = Random(8)
        for _ in range(5000):
            some = tuple(m for m in members if rng.random() < 0.5) or members
            prepared = RoundRobin().prepare(some, known)
            prepared.draw(context(rng), rng.randint(1, 3))
        self.assertLess(max(map(abs, known.accounting.credits.values())), 45)

    def test_several(self) -> None:
        """Several answers are different members, and all have their turn."""
        prepared, _ = self.prepare([1, 1, 1, 1])
        asked = context(Random(9))
        draws = [prepared.draw(asked, 2) for _ in range(20)]
        self.assertEqual({len(set(drawn)) for drawn in draws}, {2})
        names = Counter(member.name for drawn in draws for member in drawn)
        self.assertEqual(set(names), {"a", "b", "c", "d"})
        self.assertLessEqual(max(names.values()) - min(names.values()), 2)
        self.assertEqual(len(prepared.draw(asked, 9)), 4)

    def test_rank(self) -> None:
        """The next in turn ranks first; nobody's odds are told."""
        prepared, _ = self.prepare([3, 2, 1])
        rng = Random(10)
        for _ in range(12):
            prepared.draw(context(rng), 1)
            best = prepared.rank(0.0)[0]
            self.assertEqual(prepared.draw(context(rng, count=False), 1), (best,))
        self.assertEqual(prepared.odds(context()), ())

    def test_argument(self) -> None:
        """It takes none."""
        with self.assertRaisesRegex(ValueError, "round-robin takes no argument"):
            RoundRobin("x")
