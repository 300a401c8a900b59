"""Pools that go by load: the plane chooses as the stages in Python do."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import dns.message
import dns.rdatatype
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings, Ttl
from dinamed.geo.place import NOWHERE
from dinamed.plane import table_compiler
from dinamed.plane.shared_resolvers import PoolLoads, SharedResolvers, habits
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.choice import Choice
from dinamed.pools.context import DrawContext
from dinamed.pools.resolvers import (
    HALF_STEP,
    MOST_CACHES,
    ClientResolver,
    ClientResolvers,
)
from tests.plane.support import Pair, need_plane
from tests.plans.support import make_zone
from tests.pools.crowd import CAPACITIES, Crowd
from tests.pools.support import loaded

SOURCE = bytes((192, 0, 2, 77))
KINDS = ("A", "AAAA", "TXT", "HTTPS")


def question(name: str, kind: str = "A") -> bytes:
    """A plain query."""
    return dns.message.make_query(f"{name}.example.org.", kind).to_wire()


def pool(
    *select: str | StageSettings,
    weights: Sequence[float] = (7.0, 5.0, 3.0, 2.0),
    answers: int = 1,
    ttl: tuple[int, int] = (60, 60),
) -> PoolSettings:
    """A pool of members m1, m2, ... with both families."""
    return PoolSettings(
        name="p",
        members=tuple(
            MemberSettings(
                name=f"m{n}",
                addresses=(f"192.0.2.{n}", f"2001:db8::{n}"),
                weight=weight,
                priority=1 + n // 3,
            )
            for n, weight in enumerate(weights, 1)
        ),
        select=tuple(
            StageSettings(one) if isinstance(one, str) else one for one in select
        ),
        answers=answers,
        ttl=Ttl(*ttl),
    )


class Both:
    """The same pool twice: one asked through the plane, one through the engine."""

    def __init__(self, table: PoolSettings) -> None:
        self.plane, self.engine = (
            Pair(
                served=(
                    [make_zone("example.org.", "p IN HTTPS 1 . alpn=h2\n", {"p": "p"})],
                    [table],
                )
            )
            for _ in range(2)
        )

    def report(self, *loads: float) -> None:
        """Reports of the members, in turn."""
        for pair in (self.plane, self.engine):
            bench = pair.bench
            for number, load in enumerate(loads, 1):
                told = loaded(load, bench.now)
                bench.manager.report("p", f"m{number}", told, now=bench.now)
        self.plane.take_counts()

    def measure(self, number: int, *round_trips: float) -> None:
        """Round trips between a client's network and the members, in turn."""
        for pair in (self.plane, self.engine):
            table = pair.bench.manager.round_trips
            network = bytes((198, 51, number))
            for member, ms in enumerate(round_trips, 1):
                table.add(("p", f"m{member}"), network, ms, 1, pair.bench.now, NOWHERE)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        for pair in (self.plane, self.engine):
            pair.bench.now += seconds
        # As though a report had come: what Python works out at once is published.
        self.plane.bench.manager.view("p").accounting.edition += 1
        self.plane.take_counts()

    def ask(self, source: bytes = SOURCE, kind: str = "A") -> tuple[Any, Any]:
        """What the plane answers, and what the engine does."""
        data = question("p", kind)
        told = self.plane.ask_plane(data, source)
        assert told is not None
        self.plane.take_counts()
        return read(told), read(self.engine.ask_engine(data, source))


def read(reply: bytes) -> tuple[list[str], int]:
    """The last part of the addresses, or of the names in TXT, and the TTL."""
    (rrset,) = dns.message.from_wire(reply).answer
    if rrset.rdtype == dns.rdatatype.TXT:
        return [item.strings[0].decode().split(" m")[1] for item in rrset], rrset.ttl
    if rrset.rdtype == dns.rdatatype.HTTPS:
        hints = rrset[0].params[4].addresses
        return [hint.rpartition(".")[2] for hint in hints], rrset.ttl
    return [item.address.replace(":", ".").split(".")[-1] for item in rrset], rrset.ttl


class ChoiceTests(SynchronousTestCase):
    """The same questions and reports to both."""

    def setUp(self) -> None:
        need_plane()

    def compare(self, both: Both, seed: int, questions: int = 300) -> None:
        """Ask both the same for a while."""
        rng = Random(seed)
        for number in range(questions):
            if number % 5 == 0:
                both.report(*(rng.uniform(0.1, 5.0) for _ in range(4)))
            source = bytes((192, 0, 2, rng.randrange(12)))
            told, expected = both.ask(source, rng.choice(KINDS))
            self.assertEqual(told, expected)
            both.wait(rng.uniform(0.3, 4.0))
        self.assertEqual(both.plane.left, 0)

    def test_predictive(self) -> None:
        """Members and TTLs are the same, A and AAAA in any order."""
        self.compare(Both(pool(StageSettings("predictive", {"flow": 0.0137}))), 1)

    def test_several(self) -> None:
        """Two at once."""
        stage = StageSettings("predictive", {"flow": 0.0137})
        self.compare(Both(pool(stage, answers=2)), 2)

    def test_learned_flow(self) -> None:
        """What a transfer is learns from what threads have handed out."""
        both = Both(pool("predictive"))
        self.compare(both, 3)
        flows = [
            pair.bench.manager.view("p").accounting.flow.value(17.0)
            for pair in (both.plane, both.engine)
        ]
        self.assertLess(abs(flows[0] - flows[1]), 0.05 * flows[1])

    def test_least(self) -> None:
        """The lowest load, hand-outs included."""
        self.compare(Both(pool(StageSettings("least", {"increment": 0.313}))), 4)

    def compare_spill(self, both: Both, seed: int, known: int = 12) -> None:
        """Ask both for clients of twelve networks, so many of them measured."""
        rng = Random(seed)
        for network in range(known):
            both.measure(network, *(rng.uniform(10.0, 300.0) for _ in range(4)))
        picked: Counter[str] = Counter()
        loads = [1.0] * 4
        for number in range(300):
            if number % 50 == 0:
                loads = [rng.uniform(0.1, 1.1) * full for full in (7, 5, 3, 2)]
            if number % 5 == 0:
                both.report(*loads)
            source = bytes((198, 51, rng.randrange(12), rng.randrange(3)))
            told, expected = both.ask(source, rng.choice(KINDS))
            self.assertEqual(told, expected)
            picked.update(told[0])
            both.wait(rng.uniform(0.3, 4.0))
        self.assertEqual(both.plane.left, 0)
        self.assertEqual(len(picked), 4)

    def test_spill(self) -> None:
        """The nearest that has room, for each client network."""
        stage = StageSettings("spill", {"flow": 0.0137, "price": 300.0})
        self.compare_spill(Both(pool(stage)), 5)

    def test_spill_some_unknown(self) -> None:
        """Clients of which nothing is known go by load alone."""
        stage = StageSettings("spill", {"flow": 0.0137, "price": 300.0})
        self.compare_spill(Both(pool(stage)), 6, known=6)

    def test_spill_several(self) -> None:
        """Two at once, with an adaptive TTL."""
        stage = StageSettings("spill", {"flow": 0.0137, "price": 300.0, "start": 0.5})
        self.compare_spill(Both(pool(stage, answers=2, ttl=(30, 300))), 7)

    def test_spill_behind_another_stage(self) -> None:
        """Among those that are left by ranks."""
        stage = StageSettings("spill", {"flow": 0.0137, "price": 300.0})
        both = Both(pool("priority", stage))
        both.measure(0, 100.0, 20.0, 5.0, 5.0)
        both.report(1.0, 1.0, 1.0, 1.0)
        told, expected = both.ask(bytes((198, 51, 0, 1)))
        self.assertEqual((told[0], expected[0]), (["2"], ["2"]))

    def test_news_of_costs(self) -> None:
        """What has been measured since is known once clients are asked about anew."""
        both = Both(pool(StageSettings("spill", {"flow": 0.0137, "price": 300.0})))
        both.measure(0, 100.0, 20.0, 50.0, 50.0)
        both.report(1.0, 1.0, 0.5, 0.5)
        client = bytes((198, 51, 0, 1))
        self.assertEqual(both.ask(client)[0][0], ["2"])
        for _ in range(8):
            both.measure(0, 5.0, 200.0, 50.0, 50.0)
        both.wait(100.0)
        both.report(1.0, 1.0, 0.5, 0.5)
        self.assertEqual(both.ask(client)[0][0], ["2"])
        both.plane.plane.forget_clients()
        both.wait(100.0)
        both.report(1.0, 1.0, 0.5, 0.5)
        self.assertEqual(both.ask(client)[0][0], ["1"])

    def test_without_reports(self) -> None:
        """By weight."""
        both = Both(pool("least"))
        found = Counter(both.ask()[0][0][0] for _ in range(1700))
        for number, weight in enumerate((7, 5, 3, 2), 1):
            self.assertLess(abs(found[str(number)] - 100 * weight), 100)

    def test_adaptive(self) -> None:
        """TTLs are within the bounds, and longer for those with few clients."""
        both = Both(pool("predictive", ttl=(30, 300)))
        both.report(1.0, 1.0, 1.0, 1.0)
        ttls: dict[int, int] = {}
        for turn in range(12):
            for client in (1, 2):
                ttls[client] = both.ask(bytes((192, 0, 2, client)))[0][1]
            both.wait(ttls[1] + 1)
            for _ in range(3 if turn else 0):
                both.ask(bytes((192, 0, 2, 1)))
                both.wait(100)
        self.assertTrue(all(30 <= ttl <= 300 for ttl in ttls.values()), ttls)

    def test_the_engine_knows(self) -> None:
        """What was learned by the plane is what the engine goes by."""
        both = Both(pool("predictive"))
        both.report(1.0, 1.5, 1.0, 1.0)
        for _ in range(5):
            both.ask()
            both.wait(61.0)
        ours, theirs = (
            pair.bench.manager.view("p").accounting.resolvers.get(SOURCE)
            for pair in (both.plane, both.engine)
        )
        assert ours is not None and theirs is not None
        self.assertAlmostEqual(ours.rate, theirs.rate)
        self.assertAlmostEqual(ours.rate, 1 / 1.5, places=3)
        both.report(1.0, 1.5, 1.0, 1.0)
        told, expected = both.ask()
        data = question("p", "AAAA")
        self.assertEqual(read(both.plane.ask_engine(data, SOURCE)), told)
        self.assertEqual(told, expected)


class ShedTests(SynchronousTestCase):
    """Shedding before each way to pick."""

    def test_full(self) -> None:
        """Who is full is not drawn, by whatever picks among the rest."""
        need_plane()
        for picks in ("weighted", "hash", "round-robin", "all", "least", "predictive"):
            both = Both(pool(StageSettings("shed", [0.5, 0.9]), picks))
            both.report(7.0, 5.0, 0.3, 0.2)
            found: Counter[str] = Counter()
            for number in range(60):
                kind = "TXT" if number % 3 == 2 else "A"
                told, expected = both.ask(bytes((10, 0, number, 1)), kind)
                self.assertEqual(len(told[0]), len(expected[0]))
                found.update(told[0])
            self.assertEqual(set(found), {"3", "4"}, picks)
            self.assertEqual(both.plane.left, 0)

    def test_all_full(self) -> None:
        """Then all are left."""
        both = Both(pool(StageSettings("shed", [0.5, 0.9]), "priority", "weighted"))
        both.report(7.0, 5.0, 3.0, 2.0)
        found = {both.ask()[0][0][0] for _ in range(60)}
        self.assertEqual(found, {"1", "2"})

    def test_by_chance(self) -> None:
        """Half way between the marks half of the draws are shed."""
        both = Both(pool(StageSettings("shed", [0.4, 0.6]), "priority", "hash"))
        both.report(0.0, 2.5, 0.0, 0.0)
        found: Counter[str] = Counter()
        for number in range(200):
            source = bytes((10, 0, number, 1))
            for _ in range(10):
                found[both.ask(source)[0][0][0]] += 1
        whole = Both(pool("priority", "hash"))
        second = sum(
            whole.ask(bytes((10, 0, number, 1)))[0][0][0] == "2"
            for number in range(200)
        )
        self.assertLess(abs(found["2"] - 5 * second), 130)


class _Through:
    """A view, and a manager, whose choices go through the plane."""

    def __init__(self, crowd: Crowd) -> None:
        table = crowd.manager.view("p").settings
        served = [make_zone("example.org.", "", {"p": "p"})], [table]
        self.pair = Pair(served=served)
        self.manager = self.pair.bench.manager
        self.report = self.manager.report

    def view(self, name: str) -> "_Through":
        """The pool."""
        self.pair.take_counts()
        return self

    def choose(self, context: DrawContext) -> Choice:
        """Ask."""
        self.pair.bench.now = context.now
        reply = self.pair.ask_plane(question("p"), context.client.address)
        assert reply is not None
        (place,), ttl = read(reply)
        member = self.manager.view("p").members[int(place) - 1]
        return Choice((member,), ttl, 0, False)


class ClosedLoopTests(SynchronousTestCase):
    """Clients behind caches, through the plane."""

    def run_crowd(self, ttl: int | tuple[int, int] = 60) -> None:
        """The busiest of the mirrors stays under 90 %."""
        crowd = Crowd(StageSettings("predictive"), seed=2, ttl=ttl)
        crowd.manager = through = _Through(crowd)  # type: ignore[assignment]
        figures = crowd.figures(900, 1200)
        self.assertGreaterEqual(figures.under90, 0.99)
        self.assertLess(figures.mean, 0.8)
        self.assertEqual(through.pair.left, 0)
        self.assertEqual(len(CAPACITIES), 4)

    def test_fixed(self) -> None:
        """With one TTL."""
        need_plane()
        self.run_crowd()

    def test_adaptive(self) -> None:
        """And with one that adapts."""
        need_plane()
        self.run_crowd((20, 200))


class AskersTests(SynchronousTestCase):
    """The resolvers in the extension's memory."""

    def setUp(self) -> None:
        need_plane()

    def shared(self) -> SharedResolvers:
        """The resolvers of a pool with one member."""
        loads = PoolLoads(PoolAccounting(["a"]), 1, Random(1))
        loads.settle(["a"], 60, 60)
        return SharedResolvers(loads, Random(1))

    def test_habits(self) -> None:
        """The constants are those of Python."""
        self.assertEqual(table_compiler.native.MOST_LEASES, MOST_CACHES)
        self.assertEqual(len(habits(HALF_STEP)), 11)

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.floats(0.0, 200.0), max_size=60), st.floats(1.0, 90.0))
    def test_rates(self, pauses: list[float], ttl: float) -> None:
        """At the same times the same is learned."""
        ours, theirs = self.shared(), ClientResolvers()
        time = 1000.0
        for pause in pauses:
            time += pause if pause > 100 else pause / 30
            for one in (ours, theirs):
                known = one.asks(b"1234", one.get(b"1234"), time, 60.0)
                known.expires = time + ttl
                known.families = 1
                one.keep(b"1234", known)
            left, right = ours.get(b"1234"), theirs.get(b"1234")
            assert left is not None and right is not None
            for name in ("rate", "gap", "pace", "expires", "known", "families"):
                self.assertAlmostEqual(getattr(left, name), getattr(right, name))
            self.assertEqual(left.others or None, right.others or None)
            self.assertAlmostEqual(ours.mean_rate, theirs.mean_rate)

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(20, 90)), max_size=40),
        st.floats(0.0, 90.0),
    )
    def test_floors(self, steps: list[tuple[float, int]], floor: float) -> None:
        """The same floors, whatever the TTLs are."""
        ours, theirs = self.shared(), ClientResolvers()
        time, ttl = 1000.0, 0.0
        for pause, next_ttl in steps:
            time += max(ttl, floor) + pause
            ttl = float(next_ttl)
            for one in (ours, theirs):
                known = one.asks(b"1234", one.get(b"1234"), time, 60.0)
                known.expires, known.ttl = time + ttl, ttl
                one.keep(b"1234", known)
            left, right = ours.get(b"1234"), theirs.get(b"1234")
            assert left is not None and right is not None
            self.assertAlmostEqual(left.floor.seconds, right.floor.seconds)
            for name in ("rate", "gap", "ttl"):
                self.assertAlmostEqual(getattr(left, name), getattr(right, name))

    def test_a_floor_of_all(self) -> None:
        """Both find one, and both forget it when a question comes sooner."""
        for one in (self.shared(), ClientResolvers()):
            time = 0.0
            for _ in range(20):
                known = one.asks(b"1234", one.get(b"1234"), time, 60.0)
                known.expires, known.ttl = time + 30.0, 30.0
                one.keep(b"1234", known)
                time += 120.5
            found = one.get(b"1234")
            assert found is not None
            self.assertEqual(found.keeps(30.0), 120.5)
            self.assertEqual(found.gap, 0.0)
            sooner = one.asks(b"1234", found, time - 80.0, 60.0)
            self.assertAlmostEqual(sooner.keeps(30.0), 40.5)

    def test_what_other_servers_are_told(self) -> None:
        """The heaviest first, each answer once, and the same as Python tells."""
        ours, theirs = self.shared(), ClientResolvers()
        theirs.note()
        for one in (ours, theirs):
            for number in range(20):
                key = bytes((10, 0, 0, number))
                known = one.asks(key, None, 0.0, 60.0)
                known.expires, known.families = 60.0, 1
                one.keep(key, known)
                known = one.asks(key, one.get(key), 61.0 + number, 60.0)
                known.expires = 130.0 + number
                one.keep(key, known)
        told = [
            [(key, one.rate, one.expires, one.gap) for key, one in found]
            for found in (ours.heaviest(5, 90.0), theirs.heaviest(5, 90.0))
        ]
        self.assertEqual(len(told[0]), 5)
        for left, right in zip(*told, strict=True):
            self.assertEqual(left[0], right[0])
            for mine, other in zip(left[1:], right[1:], strict=True):
                self.assertAlmostEqual(mine, other)
        self.assertNotIn(told[0][0][0], dict(ours.heaviest(20, 90.0)))
        self.assertEqual(ours.heaviest(20, 1000.0), [])

    def test_hearing_of_a_resolver(self) -> None:
        """Both learn the same, and neither tells it again."""
        for one in (self.shared(), ClientResolvers()):
            one.note()
            told = ClientResolver(0.25)
            told.gap, told.expires, told.families = 3.5, 150.0, 2
            one.hear(b"1234", told, 100.0, 60.0)
            found = one.get(b"1234")
            assert found is not None
            learned = (found.rate, found.gap, found.expires, found.families)
            self.assertEqual(learned, (0.25, 3.5, 150.0, 2))
            self.assertTrue(found.known)
            self.assertAlmostEqual(one.mean_rate, 0.25)
            told.rate, told.expires = 0.5, 120.0
            one.hear(b"1234", told, 100.0, 60.0)
            again = one.get(b"1234")
            assert again is not None
            self.assertEqual(again.expires, 150.0)
            self.assertEqual(one.heaviest(5, 100.0), [])

    def test_flood(self) -> None:
        """Whoever asks once pushes out nobody who has come back."""
        shared = self.shared()
        table = table_compiler.native.ResolverTable(1, 64, 5, habits(HALF_STEP))
        loads = table_compiler.native.Loads(1, 1, 60.0, 60.0, table)
        shared._loads.native = loads
        regular = [number.to_bytes(4) for number in range(100)]
        for time in (1000.0, 1100.0):
            for key in regular:
                known = shared.asks(key, shared.get(key), time, 60.0)
                known.expires = time + 60
                shared.keep(key, known)
        rng = Random(3)
        for _ in range(20_000):
            shared.asks(rng.randbytes(8), None, 1200.0, 60.0)
        self.assertLessEqual(len(shared), table.capacity)
        left = [key for key in regular if shared.get(key) is not None]
        self.assertEqual(len(left), 100)

    def test_growth(self) -> None:
        """A table grows with those who ask, and knows them all afterwards."""
        pair = Both(pool("predictive")).plane
        pair.ask_plane(question("p"), SOURCE)
        first = pair.bench.manager.view("p").accounting.resolvers
        for number in range(3000):
            source = bytes((10, number >> 8, number & 255, 1))
            pair.ask_plane(question("p"), source)
            if number % 16 == 0:
                pair.take_counts()
        self.assertGreater(len(first), 2900)
        first.limit(1024)
        self.assertIsNotNone(first.get(bytes((10, 0, 200, 1))))
