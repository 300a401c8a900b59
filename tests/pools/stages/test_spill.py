"""`spill`: the arithmetic, who is picked, and what is said of it."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.config.feeds import PushFeed
from dinamed.config.stages import STAGES
from dinamed.geo.place import NOWHERE
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.manager import PoolManager
from dinamed.pools.members import Family
from dinamed.pools.recorder import ListRecorder, Picked
from dinamed.pools.report import make_report
from dinamed.pools.stages.spill import Tariff, offer

NEAR, FAR = "near", "far"
CLIENT = Client.at(bytes((198, 51, 100, 7)))
NETWORK = CLIENT.address[:3]


class TariffTests(SynchronousTestCase):
    """Prices."""

    def test_price(self) -> None:
        """Milliseconds as they are, or times the spread; never nothing."""
        self.assertEqual(Tariff(300.0, 0.7).ms(50.0), 300.0)
        self.assertEqual(Tariff("2x", 0.7).ms(50.0), 100.0)
        self.assertEqual(Tariff("2x", 0.7).ms(0.0), 1.0)

    def test_argument(self) -> None:
        """What `select` may say."""
        check = STAGES["spill"].argument
        assert check is not None
        self.assertEqual(check({}), {})
        self.assertEqual(
            check({"price": "1.5x", "start": 0.6, "flow": 0.1, "duration": 30}),
            {"price": "1.5x", "start": 0.6, "flow": 0.1, "duration": 30.0},
        )
        self.assertEqual(check({"price": 300}), {"price": 300.0})
        for bad in (
            {"price": "2"},
            {"price": "x"},
            {"price": "0x"},
            {"price": "-2x"},
            {"price": 0},
            {"price": True},
            {"start": 1.0},
            {"start": -0.1},
            {"start": "0.5"},
            {"cost": 1},
            "2x",
            300,
        ):
            self.assertRaises(ValueError, check, bad)


class OfferTests(SynchronousTestCase):
    """Cost and price of one member."""

    def test_below_start(self) -> None:
        """Where there is room, only the cost counts."""
        made = offer(20.0, 5.0, 10.0, 0.0, 300.0, 0.75)
        self.assertEqual((made.total, made.price, made.used), (20.0, 0.0, 0.5))

    def test_above_start(self) -> None:
        """At the full capacity the price is whole."""
        made = offer(20.0, 10.0, 10.0, 0.0, 300.0, 0.75)
        self.assertEqual((made.total, made.chance), (320.0, 0.0))

    def test_chance(self) -> None:
        """The margin is the standard deviation of the number of transfers."""
        made = offer(0.0, 0.8, 1.0, 0.02, 300.0, 0.75)
        self.assertAlmostEqual(made.chance, (0.8 * 0.02) ** 0.5)
        self.assertAlmostEqual(made.price, 300 * (0.05 + made.chance) / 0.25)

    @given(st.floats(0, 100), st.floats(0.1, 100), st.floats(0, 1), st.floats(0, 0.9))
    def test_more_load_is_dearer(
        self, load: float, capacity: float, flow: float, start: float
    ) -> None:
        """The price never falls with the load."""
        less = offer(0.0, load, capacity, flow, 100.0, start)
        more = offer(0.0, load + 1.0, capacity, flow, 100.0, start)
        self.assertLessEqual(less.price, more.price)


class SpillTests(SynchronousTestCase):
    """Two members: one near, one far."""

    def setUp(self) -> None:
        self.now = 1000.0
        self.manager = self.make()

    def make(self, answers: int = 1) -> PoolManager:
        """A manager of one pool."""
        members = tuple(
            settings.MemberSettings(
                name=name,
                addresses=(f"192.0.2.{number}", f"2001:db8::{number}"),
                capacity=10.0,
            )
            for number, name in enumerate((NEAR, FAR), 1)
        )
        pool = settings.PoolSettings(
            name="p",
            answers=answers,
            select=(settings.StageSettings("spill", {"flow": 0.02, "price": 300.0}),),
            members=members,
            load=PushFeed(interval=10.0),
        )
        return PoolManager([pool], self.now)

    def measure(self, near: float = 20.0, far: float = 80.0) -> None:
        """Round trips of the client."""
        table = self.manager.round_trips
        for name, ms in ((NEAR, near), (FAR, far)):
            table.add(("p", name), NETWORK, ms, 1, self.now, NOWHERE)

    def report(self, near: float, far: float) -> None:
        """Loads of both."""
        for name, load in ((NEAR, near), (FAR, far)):
            report = make_report(load, now=self.now, source="test")
            self.manager.report("p", name, report, now=self.now)

    def choose(self, family: Family = 4) -> tuple[list[str], int]:
        """The members chosen, and the scope."""
        context = DrawContext(CLIENT, family, self.now, Random(1))
        choice = self.manager.views["p"].choose(context)
        return [member.name for member in choice.members], choice.scope

    def test_nearest(self) -> None:
        """With room everywhere, the nearest."""
        self.measure()
        self.report(5.0, 0.0)
        self.assertEqual(self.choose(), ([NEAR], 32))

    def test_spills(self) -> None:
        """The nearest is nearly full: the far one is worth the way."""
        self.measure()
        self.report(9.5, 1.0)
        self.assertEqual(self.choose()[0], [FAR])

    def test_not_worth_it(self) -> None:
        """Full as it is, it is cheaper than so long a way."""
        self.measure(far=900.0)
        self.report(9.5, 1.0)
        self.assertEqual(self.choose()[0], [NEAR])

    def test_no_cost(self) -> None:
        """Nothing is known of the client: by load alone."""
        self.report(5.0, 4.0)
        self.assertEqual(self.choose()[0], [FAR])

    def test_no_load(self) -> None:
        """No load is known: by weight, so that both get their share."""
        self.measure()
        counts = {NEAR: 0, FAR: 0}
        rng = Random(5)
        for number in range(400):
            client = Client.at(bytes((203, 0, number & 255, number >> 8)))
            context = DrawContext(client, 4, self.now, rng)
            (member,) = self.manager.views["p"].choose(context).members
            counts[member.name] += 1
        self.assertLess(abs(counts[NEAR] - 200), 60)

    def test_both_families(self) -> None:
        """The question for the other family gets the same member."""
        self.measure()
        self.report(7.4, 7.4)
        first = self.choose(4)
        self.report(9.9, 0.0)
        self.assertEqual(self.choose(6)[0], first[0])

    def test_several(self) -> None:
        """More than one answer: the cheapest, then the next."""
        self.manager = self.make(answers=2)
        self.measure()
        self.report(1.0, 1.0)
        self.assertEqual(self.choose()[0], [NEAR, FAR])

    def test_explained(self) -> None:
        """A line for each member with its cost and price, and what the choice costs."""
        self.measure()
        self.report(9.5, 1.0)
        recorder = ListRecorder()
        context = DrawContext(
            CLIENT, 4, self.now, Random(1), count=False, recorder=recorder
        )
        self.manager.views["p"].choose(context)
        (picked,) = (one for one in recorder.events if isinstance(one, Picked))
        self.assertTrue(picked.listed)
        self.assertRegex(
            picked.scores[0],
            r"^\d+ ms \+ \d+ ms \(foreseen \d+ % \+ \d+ % for chance\) = \d+$",
        )
        self.assertRegex(picked.scores[1], r"^\d+ ms \+ 0 \(\d+ %\) = \d+$")
        self.assertRegex(picked.remark, r"^\d+ ms farther than the nearest$")
