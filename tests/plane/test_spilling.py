"""`spill` in the plane and in the engine: many members, and where nothing is known."""

from collections import Counter
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings
from tests.plane.support import Pair, need_plane
from tests.plane.test_loads import Both, pool, question, read
from tests.plans.support import make_zone

SPILL = StageSettings("spill", {"flow": 0.0137, "price": 300.0})
MANY = 48


class SpillingTests(SynchronousTestCase):
    """The same questions to both."""

    def setUp(self) -> None:
        need_plane()

    def test_many_members(self) -> None:
        """The nearest of those that report, and the least used of all."""
        # The last eight never report: they go by a weight that is next to nothing.
        both = Both(pool(SPILL, weights=[5.0] * (MANY - 8) + [1e-9] * 8))
        rng = Random(3)
        for network in range(8):
            both.measure(network, *(rng.uniform(10.0, 300.0) for _ in range(MANY)))
        picked: Counter[str] = Counter()
        for number in range(120):
            if number % 4 == 0:
                full = rng.uniform(2.0, 6.0)
                both.report(*(rng.uniform(0.7, 1.0) * full for _ in range(MANY - 8)))
            source = bytes((198, 51, rng.randrange(8), rng.randrange(3)))
            told, expected = both.ask(source, rng.choice(["A", "AAAA"]))
            self.assertEqual(told, expected)
            picked.update(told[0])
            both.wait(rng.uniform(0.3, 2.0))
        self.assertEqual(both.plane.left, 0)
        self.assertGreater(len(picked), 8)

    def test_far_away_when_all_near_are_full(self) -> None:
        """The one with room is found beyond the nearest, if it is the least used."""
        both = Both(pool(SPILL, weights=[5.0] * MANY))
        both.measure(0, *(10.0 + number for number in range(MANY)))
        loads = [30.0] * MANY
        loads[MANY - 1] = 0.5
        both.report(*loads)
        told, expected = both.ask(bytes((198, 51, 0, 1)))
        self.assertEqual(told, expected)
        self.assertEqual(told[0], [str(MANY)])

    def test_detours(self) -> None:
        """Both count the same clients who go past their nearest member."""
        for many in (4, MANY):
            both = Both(pool(SPILL, weights=[5.0] * many))
            rng = Random(4)
            for network in range(4):
                both.measure(network, *(rng.uniform(10.0, 90.0) for _ in range(many)))
            for number in range(40):
                if number % 5 == 0:
                    both.report(*(rng.uniform(1.0, 6.0) for _ in range(many)))
                told, expected = both.ask(bytes((198, 51, rng.randrange(4), 1)))
                self.assertEqual(told, expected)
                both.wait(rng.uniform(1.0, 9.0))
            ours, theirs = (
                pair.bench.manager.view("p").accounting.detours
                for pair in (both.plane, both.engine)
            )
            self.assertGreater(theirs.spilled, 0.0)
            self.assertLess(theirs.spilled, theirs.clients)
            for name in ("clients", "spilled", "ms"):
                left, right = getattr(ours, name), getattr(theirs, name)
                self.assertLess(abs(left - right), 1e-3 * right)

    def test_several_of_many(self) -> None:
        """Four at once, the same for both families."""
        both = Both(pool(SPILL, weights=[5.0] * MANY, answers=4))
        both.measure(0, *(10.0 + 5.0 * number for number in range(MANY)))
        both.report(*[1.0] * MANY)
        client = bytes((198, 51, 0, 1))
        told, expected = both.ask(client)
        self.assertEqual(sorted(told[0]), sorted(expected[0]))
        self.assertEqual(sorted(told[0]), ["1", "2", "3", "4"])
        again, same = both.ask(client, "AAAA")
        self.assertEqual(sorted(again[0]), sorted(told[0]))
        self.assertEqual(sorted(same[0]), sorted(told[0]))

    def test_no_load_known(self) -> None:
        """Without reports both go by weight, however near a member is."""
        both = Both(pool(SPILL))
        both.measure(0, 10.0, 200.0, 200.0, 200.0)
        found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for number in range(1700):
            client = bytes((198, 51, 0, number & 255))
            for counts, answer in zip(found, both.ask(client), strict=True):
                counts.update(answer[0])
            both.wait(61.0)
        for counts in found:
            for number, weight in enumerate((7, 5, 3, 2), 1):
                self.assertLess(abs(counts[str(number)] - 100 * weight), 100)

    def test_no_place_known(self) -> None:
        """Without any cost both take the least used."""
        both = Both(pool(SPILL))
        both.report(6.0, 4.0, 0.3, 1.9)
        told, expected = both.ask()
        self.assertEqual((told[0], expected[0]), (["3"], ["3"]))

    def test_pools_of_pools(self) -> None:
        """A pool that spills inside another one, and among pools."""
        outer = PoolSettings(
            name="outer",
            members=(
                MemberSettings(name="in", pool="p", weight=1.0),
                MemberSettings(name="none", addresses=("192.0.2.99",), weight=0.0),
            ),
            select=(StageSettings("weighted"),),
        )
        zone = make_zone("example.org.", "", {"o": "outer"})
        both = Both(pool(SPILL))
        both.plane, both.engine = (
            Pair(served=([zone], [pool(SPILL), outer])) for _ in range(2)
        )
        both.measure(0, 100.0, 20.0, 50.0, 60.0)
        both.measure(1, 10.0, 20.0, 50.0, 60.0)
        rng = Random(1)
        for number in range(60):
            if number % 5 == 0:
                both.report(*(rng.uniform(0.5, 7.0) for _ in range(4)))
            client = bytes((198, 51, rng.randrange(3), 1 + number % 2))
            data = question("o")
            told = both.plane.ask_plane(data, client)
            assert told is not None
            both.plane.take_counts()
            expected = both.engine.ask_engine(data, client)
            self.assertEqual(read(told), read(expected))
            both.wait(rng.uniform(0.3, 4.0))
        self.assertEqual(both.plane.left, 0)
