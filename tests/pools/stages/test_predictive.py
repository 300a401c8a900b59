"""Tests of `dinamed.pools.stages.predictive`."""

from collections import Counter
from math import exp
from random import Random

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.pools.choice import Choice
from dinamed.pools.context import Client
from dinamed.pools.manager import PoolManager
from dinamed.pools.recorder import ListRecorder, Picked
from dinamed.pools.stages.prediction import CAME, FIXED, horizon, reference_ttl
from dinamed.pools.stages.predictive import Predictive
from tests.pools.support import (
    chi_square,
    context,
    host,
    loaded,
    manager,
    pool,
)

FLOW = 0.02
DURATION = 300.0


class Literal:
    """The rule to the letter, with every lease on its own."""

    def __init__(self, capacities: dict[str, float], ttl: float) -> None:
        self.capacities = capacities
        self.ttl = ttl
        self.reports = dict.fromkeys(capacities, 0.0)
        self.pending = dict.fromkeys(capacities, 0)
        self.reported = 0.0
        self.leases: list[tuple[str, float, float, float]] = []  # name, times, rate
        self.ends: dict[int, float] = {}
        self.gaps: dict[int, float] = {}

    def report(self, loads: dict[str, float], time: float) -> None:
        """All members report."""
        self.reports.update(loads)
        self.pending = dict.fromkeys(self.capacities, 0)
        self.reported = time

    def learn(self, resolver: int, time: float) -> float:
        """The rate of a resolver that asks."""
        if resolver not in self.ends:
            return 1 / (min(time, 4 * self.ttl) + 0.5)
        gap = time - self.ends[resolver]
        old = self.gaps.get(resolver)
        self.gaps[resolver] = (
            gap if old is None else old + 0.25 * (min(gap, 8 * old + 8) - old)
        )
        return 1 / (self.gaps[resolver] + 0.5)

    def scores(self, rate: float, time: float) -> dict[str, float]:
        """(predicted + mine) / capacity."""
        end, ttl = time + self.ttl, self.ttl
        came = {
            name: sum(
                one * stayed(max(begin, self.reported), min(until, time), time)
                for member, begin, until, one in self.leases
                if member == name and until > self.reported
            )
            for name in self.capacities
        }
        coming = {
            name: sum(
                one * mean(time, min(until, end), time, end)
                for member, _, until, one in self.leases
                if member == name and until > time
            )
            for name in self.capacities
        }
        came, coming = self.shrunk(came, CAME), self.shrunk(coming, FIXED)
        age = time - self.reported
        stay = stayed(time, end, end) / ttl
        mine = FLOW * (stay + FIXED * rate * mean(time, end, time, end))
        scores = {}
        for name, capacity in self.capacities.items():
            spread = stayed(self.reported, time, time) / age if age else 1.0
            here = came[name] + self.pending[name] * spread
            now = self.reports[name] * exp(-age / DURATION) + FLOW * here
            scores[name] = (now * stay + FLOW * coming[name] + mine) / capacity
        return scores

    def shrunk(self, clients: dict[str, float], believed: float) -> dict[str, float]:
        """What is not believed goes by capacity."""
        rest = (1 - believed) * sum(clients.values()) / sum(self.capacities.values())
        return {
            name: believed * clients[name] + rest * capacity
            for name, capacity in self.capacities.items()
        }

    def rounding(self, time: float) -> dict[str, float]:
        """How far scores may be wrong: ends by half a tick, forecasts by their age."""
        wrong = dict.fromkeys(self.capacities, 1e-6)
        for name, capacity in self.capacities.items():
            for member, _, until, rate in self.leases:
                if until > min(self.reported, time) - 1.0:
                    part = 1.0 if member == name else 0.2
                    wrong[name] += 0.75 * part * rate * FLOW / capacity
        return wrong

    def book(self, resolver: int, name: str, rate: float, time: float) -> None:
        """The resolver was given that member."""
        self.pending[name] += 1
        self.leases.append((name, time, time + self.ttl, rate))
        self.ends[resolver] = time + self.ttl


def stayed(begin: float, end: float, then: float) -> float:
    """Of clients that come once a second from begin to end, those that are there."""
    return DURATION * (exp(-(then - end) / DURATION) - exp(-(then - begin) / DURATION))


def mean(begin: float, end: float, first: float, last: float) -> float:
    """The mean number of them in a span of time, in small steps."""
    steps = 40
    width = (last - first) / steps
    total = 0.0
    for step in range(steps):
        then = first + (step + 0.5) * width
        if then > begin:
            total += stayed(begin, min(end, then), then)
    return total / steps


def stage(**argument: float) -> settings.StageSettings:
    """The stage, with that table."""
    return settings.StageSettings("predictive", argument or None)


def resolver(number: int) -> Client:
    """A resolver's whole address."""
    return Client.at((0x0A000000 + number).to_bytes(4))


class PredictiveCase(SynchronousTestCase):
    """Questions to a pool that predicts."""

    pools: PoolManager

    def serve(
        self,
        *members: settings.MemberSettings,
        ttl: int | tuple[int, int] = 60,
        answers: int = 1,
        **argument: float,
    ) -> None:
        """Serve these members, all of which have nothing to do so far."""
        one = stage(**argument)
        self.pools = manager(
            pool("p", *members, select=(one,), ttl=ttl, answers=answers)
        )
        self.rng = Random(3)
        self.report(0.0, **{member.name: 0.0 for member in members})

    def report(self, now: float, **loads: float) -> None:
        """Let members report."""
        for name, load in loads.items():
            self.pools.report("p", name, loaded(load, now), now=now)

    def choose(
        self,
        now: float,
        client: Client | None = None,
        family: int = 4,
        count: bool = True,
    ) -> Choice:
        """One question."""
        asked = context(
            self.rng,
            now=now,
            family=family,  # type: ignore[arg-type]
            client=client or resolver(1),
            count=count,
        )
        return self.pools.view("p").choose(asked)

    def ask(
        self,
        now: float,
        client: Client | None = None,
        family: int = 4,
        count: bool = True,
    ) -> str:
        """The name that one question gives."""
        (member,) = self.choose(now, client, family, count).members
        return member.name


class RuleTests(PredictiveCase):
    """Who is picked."""

    @profile(max_examples=30, deadline=None)
    @given(st.integers(0, 2**32))
    def test_to_the_letter(self, seed: int) -> None:
        """The choice is the best of the rule but for the rounding of time."""
        rng = Random(seed)
        capacities = {"a": 10.0, "b": 10.0, "c": 4.0, "d": 1.0}
        self.serve(
            *(host(name, capacity) for name, capacity in capacities.items()),
            flow=FLOW,
            duration=DURATION,
        )
        model = Literal(capacities, 60.0)
        demand = [rng.expovariate(0.2) for _ in range(60)]
        due = [(rng.expovariate(rate), number) for number, rate in enumerate(demand)]
        reported, loads = 0.0, dict.fromkeys(capacities, 0.0)
        accounting = self.pools.view("p").accounting
        for _ in range(400):
            due.sort()
            time, number = due[0]
            if time > reported + 20 or rng.random() < 0.05:
                reported = time
                name = rng.choice("abcd")
                loads[name] = rng.random() * capacities[name]
                self.report(time, **loads)
                # How much of them is believed has tests of its own.
                beliefs = {n: accounting.account(n).belief for n in loads}
                model.report(
                    {n: one.at_report(FLOW) for n, one in beliefs.items()}, time
                )
            rate = model.learn(number, time)
            scores = model.scores(rate, time)
            name = self.ask(time, resolver(number))
            wrong = model.rounding(time)
            best = min(scores[other] + wrong[other] for other in scores)
            self.assertLessEqual(scores[name] - wrong[name], best)
            model.book(number, name, rate, time)
            due[0] = (time + 60 + rng.expovariate(demand[number]), number)

    def test_ties_by_chance(self) -> None:
        """Equal members come up alike."""
        firsts: Counter[str] = Counter()
        for seed in range(600):
            self.serve(host("a"), host("b"), host("c"), flow=FLOW)
            self.rng = Random(seed)
            firsts[self.ask(1.0)] += 1
        self.assertLess(chi_square(firsts, dict.fromkeys("abc", 1 / 3)), 13.816)

    def test_hand_outs_weigh(self) -> None:
        """A burst of resolvers is spread by capacity before any report shows it."""
        self.serve(host("a", 3), host("b", 1), flow=0.001)
        seen = Counter(self.ask(1.0, resolver(number)) for number in range(400))
        self.assertLess(abs(seen["a"] - 300), 4)

    def test_capacity_of_the_report(self) -> None:
        """What the member says of its capacity comes first."""
        self.serve(host("a"), host("b"), flow=0.001)
        self.pools.report("p", "a", loaded(0.0, 1.0, capacity=9.0), now=1.0)
        seen = Counter(self.ask(1.0, resolver(number)) for number in range(400))
        self.assertLess(abs(seen["a"] - 360), 4)

    def test_a_heavy_resolver_fills_its_member(self) -> None:
        """Where the many clients went nobody else goes for a while."""
        self.serve(host("a"), host("b"), flow=0.001)
        for minute in range(5):
            heavy = self.ask(60.1 * minute, resolver(0))
            self.report(60.1 * minute, a=0.0, b=0.0)
        other = {"a": "b", "b": "a"}[heavy]
        names = {self.ask(241.0, resolver(number)) for number in range(1, 20)}
        self.assertEqual(names, {other})

    def test_several_answers(self) -> None:
        """The best ones, and the clients spread over them."""
        self.serve(*(host(n) for n in "abcd"), answers=2, flow=0.01)
        self.report(0.0, a=0.5, b=0.1, c=0.9, d=0.2)
        names = [m.name for m in self.choose(0.0).members]
        self.assertEqual(names, ["b", "d"])
        accounting = self.pools.view("p").accounting
        self.assertEqual(accounting.account("b").rate, accounting.account("d").rate)
        self.assertEqual(accounting.totals, {"a": 0, "b": 1, "c": 0, "d": 1})
        again = [m.name for m in self.choose(0.0, family=0, count=False).members]
        self.assertEqual(again, names)

    def test_no_report(self) -> None:
        """Members without one get their static share, the rest goes by load."""
        self.pools = manager(
            pool("p", host("a", 2), host("b"), host("c"), select=(stage(flow=FLOW),))
        )
        self.rng = Random(5)
        self.report(0.0, b=0.9, c=0.0)
        seen = Counter(
            self.ask(0.0, resolver(number), count=False) for number in range(3000)
        )
        self.assertLess(abs(seen["a"] / 3000 - 0.5), 0.03)
        self.assertEqual(seen["b"], 0)

    def test_explained(self) -> None:
        """Explain has the predicted loads."""
        self.serve(host("a", 10), host("b", 10), flow=FLOW)
        self.report(0.0, a=5.0, b=2.0)
        asked = context(self.rng, count=False)
        recorder = asked.recorder = ListRecorder()
        view = self.pools.view("p")
        view.choose(asked)
        last = recorder.events[-1]
        assert isinstance(last, Picked)
        self.assertEqual(last.picked, ("b",))
        self.assertEqual(
            last.scores[0], "load 5, 0 handed out, 0 due: 4.53 foreseen, 45%"
        )
        foreseen = view.forecast_of(view.members[1], 0.0)
        assert foreseen is not None
        self.assertAlmostEqual(foreseen, 2 * (1 - exp(-0.2)) / 0.2)
        self.assertEqual([m.name for m in view.ranked(0.0)], ["b", "a"])

    def test_argument(self) -> None:
        """A table of flow and duration, above 0, or nothing."""
        Predictive({"flow": 1})
        for bad in (1, {"x": 1}, {"flow": 0}, {"duration": -1}, {"flow": "1"}):
            with self.assertRaises(ValueError):
                Predictive(bad)


class ClientTests(PredictiveCase):
    """One client, its families, and what is known of it."""

    def setUp(self) -> None:
        """Four members; d has no IPv6 address, e no IPv4 address."""
        self.serve(
            *(host(name, v6=True) for name in "abc"),
            host("d"),
            host("e", v4=False, v6=True),
            flow=1e-4,
        )
        self.report(0.0, a=0.1, b=0.1, c=0.1, d=0.9, e=0.9)

    def test_both_families(self) -> None:
        """They get the same member to the same end, which is one hand-out."""
        for number in range(50):
            now = 1.0 + number
            self.report(now, a=0.1, b=0.1, c=0.1, d=0.9, e=0.9)
            first, second = (4, 6) if number % 2 else (6, 4)
            client = resolver(number)
            one = self.choose(now, client, first)
            other = self.choose(now + 0.5, client, second)
            self.assertEqual(one.members, other.members)
            self.assertEqual((one.ttl, other.ttl), (60, 60))
            later = self.choose(now + 0.5, client, second, count=False)
            self.assertEqual(later.ttl, 60)
        self.assertEqual(sum(self.pools.view("p").accounting.totals.values()), 50)

    def test_the_same_end(self) -> None:
        """Whenever the other family asks, its answer ends with the first one."""
        for after, ttl in ((0.0, 60), (19.5, 41), (59.9, 1)):
            client = resolver(int(after))
            self.choose(1.0, client)
            self.assertEqual(self.choose(1.0 + after, client, 6).ttl, ttl)

    def test_again_and_again(self) -> None:
        """A pair of questions a lease; each pair may have another member."""
        seen = set()
        for number in range(40):
            now = 61.0 * number
            loads = [self.rng.random() for _ in range(3)]
            self.report(now, a=loads[0], b=loads[1], c=loads[2], d=9.0, e=9.0)
            name = self.ask(now)
            self.assertEqual(self.ask(now + 0.1, family=6), name)
            seen.add(name)
        self.assertGreater(len(seen), 1)
        self.assertEqual(sum(self.pools.view("p").accounting.totals.values()), 40)

    def test_a_member_of_one_family(self) -> None:
        """Where the member has no such address the family goes its own way."""
        self.report(1.0, a=0.9, b=0.9, c=0.9, d=0.1, e=0.1)
        self.assertEqual(self.ask(2.0), "d")
        self.assertEqual(self.ask(2.1, family=6), "e")
        for turn in range(1, 6):
            now = 2.0 + 62 * turn
            self.report(now, a=0.9, b=0.9, c=0.9, d=0.1, e=0.1)
            self.assertEqual((self.ask(now), self.ask(now, family=6)), ("d", "e"))
        known = self.pools.view("p").accounting.resolvers.get(resolver(1).address)
        assert known is not None
        self.assertAlmostEqual(known.gap, 2.0)

    def test_the_member_has_gone(self) -> None:
        """The other family does not get one that is down by now."""
        name = self.ask(1.0)
        self.pools.health("p", name, False, now=1.5)
        self.assertNotEqual(self.ask(2.0, family=6), name)

    def test_txt(self) -> None:
        """It tells whom the client was given, and changes nothing."""
        name = self.ask(1.0)
        totals = self.pools.view("p").accounting.totals
        for now in (1.0, 30.0, 60.0):
            choice = self.choose(now, family=0, count=False)
            self.assertEqual(
                ([m.name for m in choice.members], choice.ttl), ([name], 60)
            )
        self.assertEqual(self.pools.view("p").accounting.totals, totals)

    def test_a_look_changes_nothing(self) -> None:
        """Neither for who asks, nor for others."""
        accounting = self.pools.view("p").accounting
        for number in range(20):
            self.ask(1.0, resolver(number), count=False)
        self.assertEqual(
            (len(accounting.resolvers), sum(accounting.totals.values())), (0, 0)
        )

    def test_who_the_client_is(self) -> None:
        """A whole IPv4 address, 64 bits of IPv6, up to 24 or 56 of a subnet."""
        v6 = bytes.fromhex("20010db8000000010000000000000001")
        near = v6[:15] + b"\2"
        for client, same, scope in (
            (resolver(1), resolver(1), 32),
            (Client.at(v6), Client.at(near), 64),
            (Client(v6, 64, True), Client(v6[:7] + b"\5" + v6[8:], 56, True), 56),
            (Client(b"\x0a\1\2\0", 24, True), Client(b"\x0a\1\2\x80", 32, True), 24),
            (Client(b"\x0a\1\0\0", 16, True), Client(b"\x0a\1\0\0", 16, True), 16),
        ):
            name = self.choose(1.0, client)
            self.assertEqual(self.choose(1.0, same, 6).members, name.members)
            self.assertEqual(name.scope, scope)
        before = len(self.pools.view("p").accounting.resolvers)
        for client in (
            resolver(2),
            Client(b"\x0a\1\0\0", 17, True),
            Client(b"\x0a\1\0\0", 15, True),
            Client(b"", 0, True),
        ):
            self.choose(1.0, client)
        self.assertEqual(len(self.pools.view("p").accounting.resolvers), before + 4)


class AdaptiveTests(PredictiveCase):
    """TTLs by the number of clients."""

    def ttls(self, *gaps: float) -> list[int]:
        """Of resolvers with these gaps, in the end."""
        self.serve(host("a"), host("b"), ttl=(30, 300), flow=FLOW)
        ttls = [95] * len(gaps)
        due = [(0.0, number) for number in range(len(gaps))]
        for _ in range(30 * len(gaps)):
            due.sort()
            time, number = due[0]
            ttls[number] = self.choose(time, resolver(number)).ttl
            due[0] = (time + ttls[number] + gaps[number], number)
        return ttls

    def test_by_rate(self) -> None:
        """reference * mean / rate, within the bounds."""
        gaps = (0.0, 0.5, 3.0, 100.0)
        rates = [1 / (gap + 0.5) for gap in gaps]
        mean = sum(rates) / 4
        want = [max(30, min(300, 94.868 * min(20, mean / rate))) for rate in rates]
        for ttl, expected in zip(self.ttls(*gaps), want, strict=True):
            self.assertLess(abs(ttl - expected), 1.5)

    def test_many_caches(self) -> None:
        """Who is known by the rate of its questions alone decides sooner too."""
        self.serve(host("a"), host("b"), ttl=(30, 300), flow=FLOW)
        for time in (0.0, 400.0):
            for number in range(10):
                self.choose(time, resolver(number))
        ttls = [self.choose(401.0 + n / 10, resolver(99)).ttl for n in range(30)]
        self.assertEqual(ttls[0], 95)
        self.assertLess(ttls[-1], 60)

    def test_unknown(self) -> None:
        """Who is not known yet gets the reference."""
        self.assertEqual(self.ttls(5.0)[0], 95)
        self.serve(host("a"), ttl=(30, 300))
        self.assertEqual(self.choose(1000.0).ttl, 95)

    def test_reference(self) -> None:
        """A TTL that is fixed is its own."""
        self.assertEqual(reference_ttl(settings.Ttl(60, 60)), 60.0)
        self.assertEqual(reference_ttl(settings.Ttl(0, 400)), 20.0)
        self.assertEqual(reference_ttl(settings.Ttl(50, 1800)), 300.0)

    def test_horizon(self) -> None:
        """It is longer than the reference where TTLs are, but not than a transfer."""
        self.assertEqual(horizon(settings.Ttl(60, 60), 300.0), 60.0)
        self.assertEqual(horizon(settings.Ttl(30, 120), 300.0), 120.0)
        self.assertEqual(horizon(settings.Ttl(30, 120), 90.0), 90.0)
        self.assertEqual(horizon(settings.Ttl(30, 120), 10.0), 60.0)

    def test_nested(self) -> None:
        """The lowest TTL on the way counts."""
        outer = pool(
            "outer",
            settings.MemberSettings(name="p", pool="p"),
            select=("weighted",),
            ttl=70,
        )
        inner = pool("p", host("a"), select=(stage(),), ttl=(30, 300))
        pools = manager(outer, inner)
        self.assertEqual(pools.view("outer").choose(context()).ttl, 70)
        self.assertEqual(pools.view("p").choose(context(client=resolver(9))).ttl, 95)
