"""Tests for what one process tells the next."""

from random import Random

from twisted.internet.task import Clock as ReactorClock
from twisted.trial.unittest import SynchronousTestCase

from dinamed.journal.events import EventLog
from dinamed.plans.context import packed
from dinamed.pools.report import Report
from dinamed.pools.saved import Saved, SavedMember
from dinamed.pools.states import Order
from dinamed.server.authority import Authority
from dinamed.server.member_of_fleet import member_of_fleet
from dinamed.server.monitoring import MonitoringService
from dinamed.server.services import ListenService, ReloadService
from dinamed.server.stack import stack_of
from dinamed.takeover.server_state import ServerState
from dinamed.takeover.state import TakeoverState, since
from tests.plans.support import STARTED, query
from tests.server.support import QUESTION, Clock, authority_of, load_config

REPORT = Report(3.5, STARTED + 499, "push", STARTED + 500)
DRAW = query("ftp.example.org.", "A").to_wire()


class SinceTests(SynchronousTestCase):
    """What has changed between two times."""

    def test_numbers(self) -> None:
        """Counts are subtracted; what did not grow is left out."""
        before = TakeoverState(
            questions=5, counts=[("z.", 1, 0, False, 3)], plane={"a": 1}
        )
        now = TakeoverState(
            questions=9,
            counts=[("z.", 1, 0, False, 5), ("z.", 28, 0, True, 1)],
            plane={"a": 1, "b": 2},
            handed_out={"p": {"m": 4}},
        )
        self.assertEqual(
            since(now, before),
            TakeoverState(
                questions=4,
                counts=[("z.", 1, 0, False, 2), ("z.", 28, 0, True, 1)],
                plane={"b": 2},
                handed_out={"p": {"m": 4}},
            ),
        )
        self.assertEqual(since(now, now), TakeoverState())

    def test_pools(self) -> None:
        """Members of whom something else is known, or nothing any more."""
        drained = SavedMember(order=Order.DRAIN)
        before = TakeoverState(pools=Saved({"p": {"a": drained, "b": drained}}))
        now = TakeoverState(pools=Saved({"p": {"a": drained, "c": drained}}))
        self.assertEqual(
            since(now, before).pools,
            Saved({"p": {"b": SavedMember(), "c": drained}}),
        )


class Side:
    """One process, as far as it knows something."""

    def __init__(self, case: SynchronousTestCase, clock: Clock) -> None:
        self.authority: Authority = authority_of(load_config(case.mktemp()), clock)
        reactor = ReactorClock()
        stack = stack_of(self.authority.engine)
        self.resolver = stack.resolver
        self.listening = ListenService(reactor, stack, ())
        self.reloading = ReloadService(reactor, self.authority)
        fleet = member_of_fleet(reactor, self.authority)
        self.fleet = fleet
        self.health = MonitoringService(
            reactor, self.authority, Random(1), fleet
        ).health
        self.events = EventLog(clock)
        self.state = ServerState(
            self.authority,
            self.resolver,
            self.listening,
            self.reloading,
            self.health,
            fleet,
            self.events,
        )

    def ask(self, data: bytes, times: int = 1) -> None:
        """Answer some queries."""
        for _ in range(times):
            assert self.resolver.respond(data, packed("127.0.0.1"))

    def handed_out(self) -> int:
        """Of the pool, in all."""
        return sum(self.authority.manager.views["mirrors"].accounting.totals.values())


class CarrierTests(SynchronousTestCase):
    """From one side to the other."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.old = Side(self, self.clock)
        self.clock.now = STARTED + 500
        self.new = Side(self, self.clock)

    def test_all(self) -> None:
        """All is there on the other side, also what comes later, and once."""
        old, new, now = self.old, self.new, self.clock()
        old.ask(QUESTION, 3)
        old.ask(DRAW, 5)
        old.authority.manager.order(
            "mirrors", "a", Order.DRAIN, now=now, until=now + 60
        )
        old.authority.manager.report("mirrors", "b", REPORT, now=now)
        old.reloading.applied = 2
        first = old.state.known()
        new.state.begin(first)
        self.assertEqual(new.state.known(), first)
        self.assertEqual(new.authority.engine.vitals().started, STARTED)
        # Meanwhile both answer, and an order comes to the old one.
        old.ask(DRAW, 7)
        new.ask(DRAW, 2)
        old.authority.manager.order("mirrors", "b", Order.DOWN, now=now)
        new.state.add(since(old.state.known(), first))
        self.assertEqual(new.authority.engine.questions, 17)
        self.assertEqual(new.handed_out(), 14)
        states = new.authority.manager.saved().pools["mirrors"]
        self.assertEqual(
            {name: str(one.order) for name, one in states.items()},
            {"a": "drain", "b": "down"},
        )
        self.assertEqual(states["a"].until, now + 60)

    def test_events(self) -> None:
        """What has happened is known on the other side, also what happens later."""
        old, new = self.old, self.new
        old.events.note("reload", "", "first")
        first = old.state.known()
        new.state.begin(first)
        new.events.note("replace", "", "the new one is here")
        old.events.note("order", "mirrors/a", "late")
        new.state.add(since(old.state.known(), first))
        told = [(event.id, event.text) for event in new.events.since(0)]
        self.assertEqual(told, [(1, "first"), (2, "the new one is here"), (3, "late")])

    def test_cookies(self) -> None:
        """A server cookie of the old process is good with the new one."""
        self.new.state.begin(self.old.state.known())
        old, new = self.old.authority, self.new.authority
        self.assertEqual(old.cookie_secrets, new.cookie_secrets)
        before, after = (
            old.engine.snapshot.defence.cookies,
            new.engine.snapshot.defence.cookies,
        )
        assert before is not None and after is not None
        now = self.clock()
        cookie = before.look(b"12345678", b"\x7f\0\0\1", now).reply
        self.assertTrue(after.look(cookie, b"\x7f\0\0\1", now).valid)

    def test_gone(self) -> None:
        """What the new config does not have is left aside."""
        known = TakeoverState(
            started=1.0,
            handed_out={"gone": {"x": 3}, "mirrors": {"gone": 1}},
            flows={"gone": (1.0, 2.0, 3.0)},
            pools=Saved({"gone": {"x": SavedMember(order=Order.DOWN)}}),
        )
        self.new.state.begin(known)
        self.assertEqual(self.new.handed_out(), 0)
        self.assertEqual(self.new.authority.engine.vitals().started, 1.0)
